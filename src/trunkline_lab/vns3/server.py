"""The HTTP side of a controller: credentials, the envelope, errors, the log and the hooks."""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from . import (
    access_api,
    bgp_api,
    config_api,
    firewall_api,
    ipsec_api,
    keyset_api,
    license_api,
    peering_api,
    routes_api,
    status_api,
)
from .arguments import Arguments
from .controller import Call
from .operations import Operation
from .refusals import UNLICENSED, ConnectionDropped, Refusal, bad_argument, not_found, prerequisite, unauthorized

if TYPE_CHECKING:
    import asyncio

    from .controller import Controller, Hook

_GROUPS = (
    config_api.operations,
    license_api.operations,
    keyset_api.operations,
    peering_api.operations,
    ipsec_api.operations,
    bgp_api.operations,
    routes_api.operations,
    firewall_api.operations,
    access_api.operations,
    status_api.operations,
)
_log = logging.getLogger(__name__)

_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def make_protocol(controller: Controller) -> Callable[[], asyncio.BaseProtocol]:
    """What makes the HTTP protocol of each connection to `controller`."""
    application = web.Application(client_max_size=4 * 2**20)
    for operation in (operation for group in _GROUPS for operation in group):
        application.router.add_route(operation.method, "/api" + operation.path, _answer_with(controller, operation))
    application.router.add_route("*", "/{anything:.*}", _answer_with(controller, None))
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    server = runner.server
    assert server is not None
    return server


def _answer_with(controller: Controller, operation: Operation | None) -> _Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        began, client = time.time(), request.remote or ""
        try:
            status, body = await _perform(controller, operation, request, client)
        except ConnectionDropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        name = operation.name if operation else f"{request.method} (unknown)"
        controller.record(began, client, request.method, request.path, name, status)
        return web.json_response(body, status=status)

    return answer


async def _perform(
    controller: Controller, operation: Operation | None, request: web.Request, client: str
) -> tuple[int, object]:
    if not controller.admitted(client):  # the rule went away under a kept connection
        raise ConnectionDropped
    try:
        _authenticate(controller, request, client)
        call = await _read(controller, request, client)
        await _run_hooks(controller.before, call)
        if operation is None:
            raise not_found(f"no such resource: {request.method} {request.path}")
        if operation.licensed and not controller.settings.licensed:
            raise prerequisite(UNLICENSED)
        response = operation.handler(call)
        if request.method != "GET":
            controller.surroundings.touched()
        await _run_hooks(controller.after, call)
        return operation.status, {"response": response}
    except Refusal as refusal:
        return refusal.status, refusal.body()
    except ConnectionDropped:
        raise
    except Exception:
        _log.exception("%s: %s %s", controller.machine.name, request.method, request.path)
        return 500, Refusal(500, "InternalServerError", "internal error").body()


async def _read(controller: Controller, request: web.Request, client: str) -> Call:
    text = await request.text()
    body: object = {}
    if text and "json" in request.content_type:
        try:
            body = json.loads(text)
        except ValueError:
            raise bad_argument("the body is no JSON") from None
        if not isinstance(body, dict):
            raise bad_argument("the body is no JSON object")
    path = request.path.removeprefix("/api")
    return Call(
        controller,
        request.method,
        path,
        client,
        Arguments(body if isinstance(body, dict) else {}),
        text,
        dict(request.query),
        dict(request.match_info),
    )


async def _run_hooks(hooks: Iterable[Hook], call: Call) -> None:
    for hook in list(hooks):
        waiting = hook(call)
        if inspect.isawaitable(waiting):
            await waiting


def _authenticate(controller: Controller, request: web.Request, client: str) -> None:
    token = request.headers.get("api-token")
    if token is not None and _token_opens(controller, token, client):
        return
    if _password_opens(controller, request.headers.get("Authorization", "")):
        return
    raise unauthorized()


def _token_opens(controller: Controller, token: str, client: str) -> bool:
    now = time.time()
    for access in controller.settings.tokens.values():
        if hmac.compare_digest(access.token.encode(), token.encode()) and access.valid(now):
            access.used(now, client)
            return True
    return False


def _password_opens(controller: Controller, header: str) -> bool:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"api:{controller.settings.password}".encode())
