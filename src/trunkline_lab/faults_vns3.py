"""Faults on the lab's routers: hooks before and after each request, and routers that hang or reboot."""

from __future__ import annotations

import asyncio
import time

from .faults import PAGE, Fault, Faults, Kind
from .vns3 import Call, ConnectionDropped, Refusal, Reply

_LOOK_AGAIN = 0.1  # seconds


class RouterFaults:
    """The hooks; `controllers.before.append(it.before)` and `controllers.after.append(it.after)`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._hangs: dict[str, tuple[float, int]] = {}  # by router: until when, and by which fault
        self._due: dict[int, tuple[Call, Fault]] = {}  # the call too, or its id could be given anew

    async def before(self, call: Call) -> None:
        """Strike before anything is done, or remember to strike when it is done."""
        router = call.controller
        await self._hang(call)
        fault = self._faults.strike(f"vns3:{call.method} {call.path}", router.name, router.id, router.address or "")
        if fault is None:
            return
        call.fault = str(fault)
        if fault.kind is Kind.delay:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is Kind.hang:
            self._hangs[router.id] = (time.monotonic() + fault.seconds, fault.id)
            await self._hang(call)
        elif fault.done:
            self._due[id(call)] = (call, fault)
        else:
            _break(call, fault)

    def after(self, call: Call) -> None:
        """Strike now that it is done."""
        if id(call) not in self._due:
            return
        _, fault = self._due.pop(id(call))
        if fault.kind is Kind.half and call.reply is not None:
            call.reply.half = True
            return
        _break(call, fault)

    async def _hang(self, call: Call) -> None:
        until, fault = self._hangs.get(call.controller.id, (0.0, 0))
        if time.monotonic() >= until or not self._faults.stands(fault):
            return
        call.fault = call.fault or "hangs"
        while time.monotonic() < until and self._faults.stands(fault):  # noqa: ASYNC110 - cleared from any thread
            await asyncio.sleep(min(_LOOK_AGAIN, max(0.0, until - time.monotonic())))
        raise ConnectionDropped


def _break(call: Call, fault: Fault) -> None:
    """What the client sees. Raises Refusal or ConnectionDropped."""
    if fault.kind is Kind.error:
        message = fault.message or "internal error"
        raise Refusal(fault.status or (400 if fault.code else 500), fault.code or "InternalServerError", message)
    if fault.kind is Kind.html:
        call.reply = Reply(500, PAGE, content_type="text/html")
        return
    if fault.kind is Kind.reboot:
        call.controller.boot(fault.seconds)
    raise ConnectionDropped(reset=fault.kind is Kind.reset)
