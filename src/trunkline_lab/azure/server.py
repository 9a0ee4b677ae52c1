"""The HTTP server: one thread with an event loop, on loopback only."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable

from aiohttp import web

from trunkline_lab.azure.errors import ArmError, Lost
from trunkline_lab.azure.http import Answer, Call, Hook, Request
from trunkline_lab.azure.routing import Api, Handler

_ADDRESS = "127.0.0.1"
_LOG = logging.getLogger(__name__)
_READ_ONLY = {"GET", "HEAD"}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: close() answers with a reset


class Server:
    """Serves an Api on a port of the kernel's choice.

    Parameters:
        api: Answers the requests.
        changed: Called after each request that may have changed something.
        calls: The log that each request is added to.
        hooks: Asked before and after each request, in this order.
    """

    def __init__(self, api: Api, changed: Callable[[], None], calls: list[Call], hooks: list[Hook]) -> None:
        self._api, self._changed, self._calls, self._hooks = api, changed, calls, hooks
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="azure-face", daemon=True)
        self._runner: web.AppRunner | None = None

    def start(self) -> str:
        """Begin to listen. Returns the endpoint's URL."""
        self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=10)

    async def _listen(self) -> str:
        application = web.Application(client_max_size=8 * 1024**2)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _ADDRESS, 0).start()
        return f"http://{_ADDRESS}:{self._runner.addresses[0][1]}"

    def stop(self) -> None:
        """Stop listening, and end whatever goes on. May be called twice."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
        self._loop.close()

    async def _close(self) -> None:
        await self._api.operations.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, incoming: web.Request) -> web.StreamResponse:
        try:
            answer = await self._answer(incoming)
        except ArmError as refused:
            answer = _refusal(refused)
        except Lost as lost:
            _break_off(incoming, reset=lost.reset)
            answer = Answer(503)  # never sent
        headers = {
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-correlation-request-id": incoming.headers.get("x-ms-client-request-id", str(uuid.uuid4())),
            "cache-control": "no-cache",
            **answer.headers,
        }
        cut = headers.pop("trunkline-cut", None)
        if answer.body is None:
            return web.Response(status=answer.status, headers=headers)
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        headers.setdefault("content-type", "application/json; charset=utf-8")
        if cut is None:
            return web.Response(status=answer.status, headers=headers, body=body)
        headers["content-length"] = str(len(body))
        half = web.Response(status=answer.status, headers=headers, body=body[: len(body) // 2])
        half.force_close()
        return half

    async def _answer(self, incoming: web.Request) -> Answer:
        """Log the request, let the hooks look at it, do it. Raises ArmError and Lost."""
        request = await _read(incoming)
        _authorize(request)
        handler, parts, type_, operation = self._api.route(request.method, request.path)
        call = Call(
            request.method, type_, operation, parts.get("sub", ""), request.path, time.time(), body=request.body
        )
        self._calls.append(call)
        try:
            answer = await self._before(call) or self._do(handler, request, parts)
            for hook in self._hooks:
                answer = await hook.after(call, answer) or answer
        except ArmError as refused:
            answer = _refusal(refused)
        finally:
            call.body = None  # it may hold secrets, and the log is long
        call.status = answer.status
        return answer

    async def _before(self, call: Call) -> Answer | None:
        """What the first hook that answers says."""
        for hook in self._hooks:
            answer = await hook.before(call)
            if answer is not None:
                return answer
        return None

    def _do(self, handler: Handler, request: Request, parts: dict[str, str]) -> Answer:
        """Do what a request asks for; a refusal is an answer too."""
        try:
            self._api.admit(request, parts)
            with self._api.store.lock:
                return handler(self._api, request, parts)
        except ArmError as refused:
            return _refusal(refused)
        except Exception as broken:
            # A fault of the lab's own: told in ARM's shape, and told to whoever runs the lab.
            _LOG.exception("%s %s", request.method, request.path)
            return _refusal(ArmError(500, "InternalServerError", f"{type(broken).__name__}: {broken}"))
        finally:
            if request.method not in _READ_ONLY:
                self._changed()


def _refusal(refused: ArmError) -> Answer:
    headers = {"x-ms-failure-cause": "gateway"}
    if refused.status == 429:
        headers["retry-after-ms"] = "50"
    return Answer(refused.status, refused.body(), headers)


def _break_off(incoming: web.Request, *, reset: bool) -> None:
    """Close the connection without a word, or with a TCP reset."""
    if incoming.transport is None:
        return
    if reset:
        connection = incoming.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    incoming.transport.abort()


def _authorize(request: Request) -> None:
    """Refuse a request without a bearer token; which one does not matter. Raises ArmError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    if scheme.lower() != "bearer" or not token.strip():
        raise ArmError(
            401,
            "AuthenticationFailedInvalidHeader",
            "Authentication failed. The 'Authorization' header is provided in an invalid format.",
        )


async def _read(incoming: web.Request) -> Request:
    """The request as the API reads it. Raises ArmError for a body that is no JSON."""
    raw = await incoming.read()
    try:
        body = json.loads(raw) if raw.strip() else None
    except ValueError as unread:
        raise ArmError(400, "InvalidRequestContent", f"The request content was invalid: {unread}") from None
    return Request(
        incoming.method,
        re.sub(r"/{2,}", "/", incoming.path),
        {name.lower(): value for name, value in incoming.query.items()},
        {name.lower(): value for name, value in incoming.headers.items()},
        body,
        f"http://{incoming.host}",
    )
