"""The HTTP side of a controller: credentials, the envelope, errors, the log and the hooks."""

from __future__ import annotations

import base64
import binascii
import hmac
import inspect
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from . import (
    access_api,
    alert_api,
    bgp_api,
    clientpack_api,
    config_api,
    container_api,
    firewall_api,
    firewall_sets_api,
    firewall_text_api,
    identity_api,
    interface_api,
    ipsec_api,
    keyset_api,
    license_api,
    link_api,
    monitor_api,
    peering_api,
    plugin_api,
    plugin_files,
    routes_api,
    snapshot_api,
    status_api,
    system_api,
)
from .arguments import Arguments
from .controller import Call, Reply
from .listener import RESET
from .operations import Operation
from .refusals import UNLICENSED, ConnectionDropped, Refusal, bad_argument, not_found, prerequisite, unauthorized

if TYPE_CHECKING:
    import asyncio

    from .controller import Controller, Hook
    from .state import Access

# aiohttp takes the first row that matches: a group with fixed paths stands before one whose variables cover them.
_GROUPS = (
    access_api.operations,
    alert_api.operations,
    bgp_api.operations,
    clientpack_api.operations,
    config_api.operations,
    container_api.operations,
    firewall_sets_api.operations,
    firewall_text_api.operations,
    identity_api.operations,
    interface_api.operations,
    ipsec_api.operations,
    keyset_api.operations,
    license_api.operations,
    monitor_api.operations,
    peering_api.operations,
    plugin_api.operations,
    plugin_files.operations,
    routes_api.operations,
    snapshot_api.operations,
    status_api.operations,
    system_api.operations,
    firewall_api.operations,
    link_api.operations,
)
_log = logging.getLogger(__name__)

_Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def make_protocol(controller: Controller) -> Callable[[], asyncio.BaseProtocol]:
    """What makes the HTTP protocol of each connection to `controller`."""
    application = web.Application(client_max_size=4 * 2**20)
    for operation in (operation for group in _GROUPS for operation in group):
        application.router.add_route(operation.method, "/api" + operation.path, _answer_with(controller, operation))
    application.router.add_get("/access/{token}", _enter(controller))
    application.router.add_route("*", "/{anything:.*}", _answer_with(controller, None))
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    server = runner.server
    assert server is not None
    return server


def _answer_with(controller: Controller, operation: Operation | None) -> _Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        began, client = time.time(), request.remote or ""
        name = operation.name if operation else f"{request.method} (unknown)"
        call = _call(controller, request, client)
        try:
            reply = await _perform(controller, operation, request, call)
        except ConnectionDropped as dropped:
            controller.record(began, client, call.method, request.path, name, 0, call.fault)
            _break_off(request, reset=dropped.reset)
            return web.Response()
        controller.record(began, client, call.method, request.path, name, reply.status, call.fault)
        return _response(reply)

    return answer


def _enter(controller: Controller) -> _Answer:
    """The door of an access URL: it opens while the URL is valid. There is no web UI behind it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        began, client = time.time(), request.remote or ""
        if not controller.admitted(client):
            _break_off(request, reset=False)
            return web.Response()
        opens = _opens(controller.settings.urls.values(), request.match_info["token"], client)
        status, words = (200, "Signed in. The lab has no web UI.") if opens else (403, "This link is not valid.")
        controller.record(began, client, request.method, "/access", "GET /access (link)", status)
        return web.Response(status=status, text=words)

    return answer


async def _perform(controller: Controller, operation: Operation | None, request: web.Request, call: Call) -> Reply:
    """Answer a request; what a hook has replied stands. Raises ConnectionDropped."""
    if not controller.admitted(call.client):  # the rule went away under a kept connection
        raise ConnectionDropped
    try:
        _authenticate(controller, request, call.client)
        await _read(request, call)
        await _run_hooks(controller.before, call)
        if call.reply is None:
            call.reply = await _do(controller, operation, call)
            await _run_hooks(controller.after, call)
        return call.reply
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body())


async def _do(controller: Controller, operation: Operation | None, call: Call) -> Reply:
    """Do what a call asks for; a refusal is an answer too."""
    try:
        if operation is None:
            raise not_found(f"no such resource: {call.method} /api{call.path}")
        if operation.licensed and not controller.settings.licensed:
            raise prerequisite(UNLICENSED)
        given = operation.handler(call)
        response = await given if inspect.isawaitable(given) else given
        if call.method != "GET":
            controller.surroundings.touched()
        return response if isinstance(response, Reply) else Reply(operation.status, {"response": response})
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body())
    except Exception:
        _log.exception("%s: %s %s", controller.machine.name, call.method, call.path)
        return Reply(500, Refusal(500, "InternalServerError", "internal error").body())


def _response(reply: Reply) -> web.Response:
    text = json.dumps(reply.body) if reply.content_type == "application/json" else reply.body
    body = text if isinstance(text, bytes) else str(text).encode()
    charset = "" if reply.content_type == "application/octet-stream" else "; charset=utf-8"
    headers = {"Content-Type": reply.content_type + charset}
    if not reply.half:
        return web.Response(status=reply.status, body=body, headers=headers)
    response = web.Response(
        status=reply.status, body=body[: len(body) // 2], headers=headers | {"Content-Length": str(len(body))}
    )
    response.force_close()
    return response


def _break_off(request: web.Request, *, reset: bool) -> None:
    """Close the connection without a word, or with a TCP reset."""
    if request.transport is None:
        return
    if reset:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    request.transport.abort()


def _call(controller: Controller, request: web.Request, client: str) -> Call:
    """The request before its body was read."""
    path, query = request.path.removeprefix("/api"), dict(request.query)
    return Call(controller, request.method, path, client, Arguments({}), "", query, dict(request.match_info))


async def _read(request: web.Request, call: Call) -> None:
    """Read the body into the call. Raises Refusal."""
    call.text = await request.text()
    if not call.text or "json" not in request.content_type:
        return
    try:
        body = json.loads(call.text)
    except ValueError:
        raise bad_argument("the body is no JSON") from None
    if not isinstance(body, dict):
        raise bad_argument("the body is no JSON object")
    call.body = Arguments(body)


async def _run_hooks(hooks: Iterable[Hook], call: Call) -> None:
    for hook in list(hooks):
        waiting = hook(call)
        if inspect.isawaitable(waiting):
            await waiting


def _authenticate(controller: Controller, request: web.Request, client: str) -> None:
    token = request.headers.get("api-token")
    if token is not None and _opens(controller.settings.tokens.values(), token, client):
        return
    if _password_opens(controller, request.headers.get("Authorization", "")):
        return
    raise unauthorized()


def _opens(known: Iterable[Access], token: str, client: str) -> bool:
    """Whether `token` is one of these accesses, valid now; its use is noted."""
    now = time.time()
    for access in known:
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
