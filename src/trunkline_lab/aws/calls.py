"""One request to the lab's AWS, its answer, and the rules that stand between them."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_RAW = {"query", "ec2"}
_READS = ("Describe", "Get", "List", "Validate", "Estimate", "Detect", "Filter")


class Refused(ServiceException):
    """AWS says no: `code` and `message` in AWS's own words, and the HTTP `status` (400 unless said otherwise)."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, headers in order, and the whole body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Call:
    """One request, as the rules see it.

    Parameters:
        service: The signing name ("ec2", "cloudformation", "sts").
        operation: The API's name of what is asked ("CreateVpc"); "" where a path says it.
        account: The twelve digits of the caller's account.
        region: The region in the request's signature.
        environ: The WSGI environment for whoever answers; its input stream is made afresh by `replay`.
        body: The request's body.
        via: The service on whose behalf the call is made ("cloudformation"), "" for a caller's own.
        fault: What a fault on demand did to it, for the log; "" for nothing.
    """

    service: str
    operation: str
    account: str
    region: str
    environ: WSGIEnvironment = field(repr=False)
    body: bytes = field(repr=False)
    via: str = ""
    fault: str = ""

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a query-protocol request, as sent ("Tag.1.Key": "Name"); {} for other protocols."""
        if "x-www-form-urlencoded" not in self.environ.get("CONTENT_TYPE", ""):
            return {}
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters in the shapes of AWS's service model, as a caller of the SDK wrote them."""
        return parse(self)

    @property
    def reads(self) -> bool:
        """True for calls that change nothing."""
        return self.operation.startswith(_READS)

    def replay(self) -> WSGIEnvironment:
        """The environment with an unread input stream."""
        self.environ["wsgi.input"] = io.BytesIO(self.body)
        self.environ["CONTENT_LENGTH"] = str(len(self.body))
        return self.environ


Handler = Callable[[Call], Answer]
# A rule answers itself, raises Refused, or asks the next one: before and after are what it does around that.
Rule = Callable[[Call, Handler], Answer]


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the call log.

    Parameters:
        service, operation, account, region, via: As in `Call`.
        when: Aware UTC time of arrival.
        seconds: How long the answer took.
        outcome: "ok", or the error's code ("DependencyViolation").
        fault: As in `Call`; the client then saw something else than `outcome`.
    """

    service: str
    operation: str
    account: str
    region: str
    via: str
    when: datetime
    seconds: float
    outcome: str
    fault: str = ""


def read(environ: WSGIEnvironment, account_of: Callable[[str], str], default_region: str) -> Call:
    """Make a `Call` of a WSGI request.

    Parameters:
        environ: The request; its body is read here.
        account_of: Gives the account of an access key.
        default_region: For requests without a signature.
    """
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    service, region, key = (found["service"], found["region"], found["key"]) if found else ("", default_region, "")
    account = environ.get("HTTP_X_MOTO_ACCOUNT_ID") or account_of(key)
    call = Call(service, "", account, region, environ, body, environ.get("trunkline.via", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    call.operation = call.form.get("Action") or target.rpartition(".")[2]
    if not service:
        # Calls that need no credentials (AssumeRoleWithWebIdentity) are the security token service's.
        call.service = "sts" if call.operation else "unsigned"
    return call


def parse(call: Call) -> dict[str, Any]:
    """The parameters of a query, ec2 or json request by the service's model; {} for an unknown operation."""
    model = get_service_model(call.service)
    protocol = determine_request_protocol(model, call.environ.get("CONTENT_TYPE", ""))
    try:
        operation = model.operation_model(call.operation)
    except OperationNotFoundError:
        return {}
    values = dict(parse_qsl(call.body.decode(), keep_blank_values=True)) if protocol in _RAW else {}
    request: Any = {
        "method": call.environ["REQUEST_METHOD"],
        "values": values,
        "headers": {},
        "body": call.body,
        "url_path": call.environ.get("PATH_INFO", "/"),
        "url_params": {},
    }
    parsed = PROTOCOL_PARSERS[protocol](operation).parse(request)
    return parsed if isinstance(parsed, dict) else {}


def now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def request_id() -> str:
    """A fresh AWS request id."""
    return str(uuid.uuid4())
