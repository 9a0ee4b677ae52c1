"""The lab process's own small HTTP endpoint: status, counts of calls, faults, the audit, hosts, packets, and the end.

It wants the token that stands in the lab's private directory, so that no web page and no other user can end a lab.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable
from dataclasses import asdict
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from .lab import Lab
from .loop import LoopThread


class Control:
    """Listens on 127.0.0.1 at a port of the kernel's choice, until its context ends.

    Parameters:
        lab: The lab to tell about.
        thread: The event loop to live in.
        down: Called, in the loop, when the lab is asked to end; must return at once.

    Attributes:
        endpoint, token: Where it listens, and what must stand in the header `Authorization: Bearer TOKEN`.
    """

    def __init__(self, lab: Lab, thread: LoopThread, down: Callable[[], object]) -> None:
        self._lab, self._thread, self._down = lab, thread, down
        self.token = secrets.token_urlsafe(24)
        self._runner: web.AppRunner | None = None
        self.endpoint = thread.run(self._listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._runner is not None:
            self._thread.run(self._runner.cleanup())
            self._runner = None

    async def _listen(self) -> str:
        application = web.Application(middlewares=[self._authorize])
        application.router.add_get("/status", self._status)
        application.router.add_get("/calls", self._calls)
        application.router.add_get("/audit", self._audit)
        application.router.add_get("/faults", self._faults)
        application.router.add_post("/faults", self._add_fault)
        application.router.add_delete("/faults", self._clear_faults)
        application.router.add_post("/hosts", self._add_host)
        application.router.add_delete("/hosts/{name}", self._remove_host)
        application.router.add_post("/packets/{what}", self._packets)
        application.router.add_post("/down", self._end)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    @web.middleware
    async def _authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        expected = f"Bearer {self.token}"
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
            raise web.HTTPUnauthorized
        return await handler(request)

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(self._lab.status))

    async def _calls(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(self._lab.calls))

    async def _audit(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(await asyncio.to_thread(lambda: self._lab.audit().plain()))

    async def _faults(self, request: web.Request) -> web.StreamResponse:
        fired = [asdict(one) for one in self._lab.faults.fired]
        return web.json_response({"faults": self._lab.faults.listed(), "fired": fired})

    async def _add_fault(self, request: web.Request) -> web.StreamResponse:
        try:
            fault = self._lab.faults.add(**await request.json())
        except (TypeError, ValueError) as error:
            return _refused(str(error))
        return web.json_response(asdict(fault))

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        number = request.query.get("id")
        return web.json_response({"cleared": self._lab.faults.clear(int(number) if number else None)})

    async def _add_host(self, request: web.Request) -> web.StreamResponse:
        given = await request.json()
        try:
            made = await asyncio.to_thread(self._lab.add_host, given["name"], given["in"], given.get("group"))
        except ValueError as error:
            return _refused(str(error))
        return web.json_response(made)

    async def _remove_host(self, request: web.Request) -> web.StreamResponse:
        try:
            await asyncio.to_thread(self._lab.hosts.remove, request.match_info["name"])
        except ValueError as error:
            return _refused(str(error))
        return web.json_response({"removed": request.match_info["name"]})

    async def _packets(self, request: web.Request) -> web.StreamResponse:
        if self._lab.packets is None:
            return _refused("this lab carries no packets: trunkline lab down; trunkline lab up --packets")
        from .packets.child import PacketsError

        try:
            given = await asyncio.to_thread(self._lab.packets.ask, request.match_info["what"], **await request.json())
        except PacketsError as error:
            return _refused(str(error))
        return web.json_response({"gives": given})

    async def _end(self, request: web.Request) -> web.StreamResponse:
        self._down()
        return web.json_response({"down": True})


def _refused(why: str) -> web.Response:
    return web.json_response({"refused": why}, status=400)
