"""The one door to the lab's AWS: every request passes the rules, is answered by its service, and is logged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from trunkline_lab.aws import calls, wire
from trunkline_lab.aws.calls import Answer, Call, Handler, Record, Refused, Rule

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Gateway:
    """A WSGI application that dispatches to services through rules.

    Parameters:
        services: Handlers by signing name.
        default: Answers everything that no handler of `services` does.
        account_of: Gives the account of an access key.
        region: For requests without a signature.

    Attributes:
        services: As given; may be added to at any time.
        rules: Outermost first; may be added to at any time.
        calls: The call log, in the order in which the answers were given.
    """

    def __init__(
        self, services: dict[str, Handler], default: Handler, *, account_of: Callable[[str], str], region: str
    ) -> None:
        self.rules: list[Rule] = []
        self.calls: list[Record] = []
        self.services, self._default = services, default
        self.account_of, self._region = account_of, region

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one WSGI request."""
        given = self.serve(environ)
        start_response(f"{given.status} {HTTPStatus(given.status).phrase}", list(given.headers))
        return [given.body]

    def serve(self, environ: WSGIEnvironment) -> Answer:
        """Answer one WSGI request without a server: for calls from inside the lab."""
        call = calls.read(environ, self.account_of, self._region)
        when, start = calls.now(), time.monotonic()
        given, outcome = self._answer(call)
        seconds = time.monotonic() - start
        self.calls.append(
            Record(
                call.service, call.operation, call.account, call.region, call.via, when, seconds, outcome, call.fault
            )
        )
        return given

    def _answer(self, call: Call) -> tuple[Answer, str]:
        if call.service == "unsigned":
            return Answer(403, (("Content-Length", "0"),), b""), "MissingAuthenticationToken"
        try:
            given = self._handler(call)(call)
        except Refused as error:
            return wire.refusal(call, error), error.code
        except NotImplementedError as error:
            unknown = Refused(
                "InvalidAction", f"The action {call.operation} is not valid for this web service. {error}"
            )
            return wire.refusal(call, unknown), unknown.code
        except Exception as error:
            broken = Refused("InternalError", f"An internal error has occurred: {error!r}", 500)
            return wire.refusal(call, broken), broken.code
        if given.status < 400:
            return given, "ok"
        return given, wire.error_code(given) or str(given.status)

    def _handler(self, call: Call) -> Handler:
        handler = self.services.get(call.service, self._default)
        for rule in reversed(self.rules):
            handler = partial(rule_then, rule, handler)
        return handler


def rule_then(rule: Rule, handler: Handler, call: Call) -> Answer:
    """Apply one rule around the rest of the chain."""
    return rule(call, handler)
