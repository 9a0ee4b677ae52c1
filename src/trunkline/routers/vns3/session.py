"""One router's API: the only place where the SDK is called.

The SDK has no effective timeout, repeats a refused request three times, verifies no certificate by itself and puts
whole answers, pre-shared keys included, into its exceptions. Here every call gets a timeout, goes out once, over a
connection whose certificate is the pinned one, and fails as a RouterError that carries no secret.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from trunkline.routers.router import CertificateChanged, Router, RouterError, RouterUnreachable, named
from trunkline.routers.waiting import Deadline, NotYet, until

T = TypeVar("T")

USER = "api"
SECRET_FIELDS = ("password", "secret", "token", "bgp_password", "body")
GATEWAY_STATUSES = (502, 503, 504)
UNREACHABLE_HINT = "is its API (tcp/8000) open for this machine, and does the router run?"
HINTS = {
    401: "it knows neither the generated nor the factory password: was it changed by hand, or the master key replaced?",
    403: "licence and keyset come first: call license and keyset before this",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take: seconds to connect (handshake included), and seconds without an answer."""

    connect: float
    read: float

    def within(self, deadline: Deadline) -> tuple[float, float]:
        """The same, cut to what is left until the deadline; a tuple, for the SDK ignores single numbers but ints."""
        left = max(0.1, deadline.remaining)
        return min(self.connect, left), min(self.read, left)


class Session:
    """The connections to one router, and the credential in use: a minted token, else the generated password.

    Parameters:
        router: Whose API it is.
        pin: The SHA-256 that its certificate must have, 64 hex digits.
        password: Gives the generated password.
        port, limits: Where and how long.
    """

    def __init__(self, router: Router, pin: str, password: Callable[[], str], *, port: int, limits: Limits) -> None:
        self.name, self.address, self.limits = named(router), router["address"], limits
        self.pin, self._port, self._ask = pin, port, password
        self._password = password()
        self._lock = threading.Lock()
        self._token: str | None = None
        self._clients: dict[str | None, Any] = {}  # by token; None is the password's
        self._secrets = {self._password}

    def call(
        self, operation: str, args: tuple[object, ...], body: Mapping[str, object], timeouts: tuple[float, float]
    ) -> Any:
        """Call one SDK function ("routing.get_routes") and return its answer's `response`, as plain data.

        Raises:
            RouterUnreachable, CertificateChanged, RouterError: As their names say.
        """
        token = self._token
        try:
            return self._call(self._client(token), operation, args, body, timeouts)
        except RouterError as error:
            if error.status != 401 or (token is None and not self.renew()):
                raise
        # The token has run out, or somebody revoked it; or another process has rotated the password.
        with self._lock:
            self._token = None if self._token == token else self._token
        return self._call(self._client(None), operation, args, body, timeouts)

    def call_as(self, password: str, operation: str, body: Mapping[str, object], timeouts: tuple[float, float]) -> Any:
        """The same with another password, over a connection of its own: for the factory password."""
        client = self._new_client(password=password)
        try:
            return self._call(client, operation, (), body, timeouts)
        finally:
            client.rest_client.pool_manager.clear()

    def renew(self) -> bool:
        """Ask for the generated password again; whether it is another than the one in use."""
        password = self._ask()
        with self._lock:
            if password == self._password:
                return False
            self._password = password
            self._secrets.add(password)
            former = self._clients.pop(None, None)
        if former is not None:
            former.rest_client.pool_manager.clear()
        return True

    def use_token(self, token: str | None) -> None:
        """Authenticate with this API token from now on; None goes back to the password."""
        with self._lock:
            self._token = token
            if token is not None:
                self._secrets.add(token)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.rest_client.pool_manager.clear()

    def scrubbed(self, text: str, *more: object) -> str:
        """The text without any secret that this session knows, nor `more`."""
        for secret in self._secrets.union(str(value) for value in more if value):
            text = text.replace(secret, "***")
        return text

    def _client(self, token: str | None) -> Any:
        with self._lock:
            if token not in self._clients:
                self._clients[token] = self._new_client(None if token else self._password, token)
            return self._clients[token]

    def _new_client(self, password: str | None = None, token: str | None = None) -> Any:
        from cohesivenet import Configuration, VNS3Client

        configuration = Configuration(
            host=f"{self.address}:{self._port}", username=USER, password=password, api_token=token, verify_ssl=False
        )
        configuration.retries = False
        client = VNS3Client(configuration)
        client.DEF_REQ_TIMEOUT = (self.limits.connect, self.limits.read)
        # The SDK knows authorities only; urllib3 beneath it checks a fingerprint before the first byte is sent.
        client.rest_client.pool_manager.connection_pool_kw["assert_fingerprint"] = self.pin
        return client

    def _call(
        self,
        client: Any,
        operation: str,
        args: tuple[object, ...],
        body: Mapping[str, object],
        timeouts: tuple[float, float],
    ) -> Any:
        from cohesivenet import ApiException
        from cohesivenet.exceptions import ApiMethodUnsupportedError
        from urllib3.exceptions import HTTPError

        failure: RouterError
        try:
            answer = attrgetter(operation)(client)(*args, **body, _request_timeout=timeouts).json()
        except ApiException as error:
            failure = self._refusal(error, body)
        except HTTPError as error:
            failure = RouterUnreachable(self.name, self.address, _transport_reason(error), hint=UNREACHABLE_HINT)
        except (ApiMethodUnsupportedError, UnicodeDecodeError) as error:
            failure = RouterError(self.name, self.address, str(error))
        else:
            if isinstance(answer, dict) and "response" in answer:
                return answer["response"]
            failure = RouterError(
                self.name, self.address, f"{operation}: not an answer of a VNS3 API", hint="is this address a router's?"
            )
        # Not chained: the SDK's exception holds the whole answer, and with it the secrets.
        raise failure from None

    def _refusal(self, error: Any, body: Mapping[str, object]) -> RouterError:
        secrets = [body[field] for field in SECRET_FIELDS if field in body]
        reason = self.scrubbed(_api_message(error), *secrets)
        if error.status in GATEWAY_STATUSES:
            return RouterUnreachable(self.name, self.address, f"HTTP {error.status}", status=error.status)
        if error.status == 0 and "ingerprint" in reason:
            return CertificateChanged(
                self.name,
                self.address,
                "shows another certificate than at first contact; nothing was sent to it",
                hint="is somebody in between? If you renewed the certificate, forget the router, then contact it",
            )
        if error.status == 0:
            return RouterUnreachable(self.name, self.address, reason, hint=UNREACHABLE_HINT)
        return RouterError(self.name, self.address, reason, status=error.status, hint=HINTS.get(error.status))


@dataclass(frozen=True, slots=True)
class Api:
    """What one verb has of a router: its session, until the verb's deadline."""

    session: Session
    deadline: Deadline

    @property
    def who(self) -> str:
        """The router as messages name it."""
        return f"{self.session.name} ({self.session.address})"

    def call(self, operation: str, *args: object, **body: object) -> Any:
        """One request; see Session.call."""
        return self.session.call(operation, args, body, self.session.limits.within(self.deadline))

    def until(self, attempt: Callable[[], T], what: str, *, hint: str | None = None) -> T:
        """Repeat `attempt` while it raises NotYet or the router does not answer; StepTimeout at the deadline."""

        def patient() -> T:
            try:
                return attempt()
            except RouterUnreachable as error:
                raise NotYet(error.reason) from None

        return until(patient, what, self.deadline, hint=hint)

    def error(self, reason: str, *, hint: str | None = None) -> RouterError:
        """An error in this router's name."""
        return RouterError(self.session.name, self.session.address, reason, hint=hint)


def _api_message(error: Any) -> str:
    """The API's own words: `error.message` (or, as some answers have it, `response.message`), else what came."""
    text = error.body or error.reason or ""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    try:
        answer = json.loads(text)
        parts = [part for part in (answer.get("error"), answer.get("response")) if part]
        message = parts[0] if isinstance(parts[0], str) else parts[0]["message"]
    except (ValueError, LookupError, AttributeError, TypeError):
        message = f"HTTP {error.status}: {' '.join(text.split())[:200]}"
    return str(message)


def _transport_reason(error: Exception) -> str:
    """What went wrong below HTTP, without urllib3's objects in the text."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

    if isinstance(error, ReadTimeoutError):
        return "accepted the request and did not answer in time"
    if isinstance(error, NewConnectionError):
        return "connection refused" if "refused" in str(error) else "no connection: " + str(error).rpartition(": ")[2]
    if isinstance(error, ConnectTimeoutError):
        return "no connection in time"
    return f"connection lost ({type(error).__name__})"
