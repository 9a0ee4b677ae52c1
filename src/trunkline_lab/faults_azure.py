"""Faults on the lab's Azure: a hook of its server.

Throttling: 429 with a Retry-After header in seconds and the remaining count (Microsoft Learn, "Understand how Azure
Resource Manager throttles requests").
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Callable

from .azure.errors import ArmError, Lost, resource_not_found
from .azure.http import Answer, Call
from .azure.store import Document
from .faults import PAGE, Fault, Faults, Kind
from .stale import Stale

_GROUP = re.compile(r"^/subscriptions/[^/]+(?:/resourcegroups/(?P<group>[^/]+))?", re.I)
_PROVIDER = re.compile(r"/providers/(?P<namespace>[^/]+)/(?P<rest>.+?)/?$", re.I)
_OWN = "Microsoft.Resources"


def name_of(call: Call) -> str:
    """A call as patterns see it: "azure:Microsoft.Network:PUT networkSecurityGroups/one/securityRules/two"."""
    found = _PROVIDER.search(call.path)
    if found:
        return f"azure:{found['namespace']}:{call.method} {found['rest']}"
    group = _GROUP.match(call.path)
    rest = call.path[group.end() :].strip("/") if group else call.path.strip("/")
    if group and group["group"]:
        rest = f"resourceGroups/{group['group']}/{rest}".rstrip("/")
    return f"azure:{_OWN}:{call.method} {rest}"


class AzureFaults:
    """The hook; `face.hooks.insert(0, AzureFaults(faults, face.told))`.

    Parameters:
        faults: The lab's.
        told: What a GET of a path answers now; None when there is nothing.
    """

    def __init__(self, faults: Faults, told: Callable[[str], Document | None] = lambda path: None) -> None:
        self._faults, self._told = faults, told
        self._stale: Stale[Answer] = Stale()
        self._due: dict[int, tuple[Call, Fault]] = {}  # the call too, or its id could be given anew

    async def before(self, call: Call) -> Answer | None:
        """Strike before anything is done, or remember to strike when it is done."""
        fault = self._faults.strike(name_of(call), call.subscription or "*")
        reads = call.method in ("GET", "HEAD")
        if not reads and self._faults.armed("azure", Kind.stale):
            now = self._told(call.path)
            if now is not None:
                self._stale.remember(("GET", call.path), call.subscription, Answer(200, now))
            self._stale.written(call.subscription)
        if fault is None or (fault.kind is Kind.stale and not reads):
            return None
        call.fault = str(fault)
        if fault.kind is Kind.delay:
            await asyncio.sleep(fault.seconds)
            return None
        if fault.kind is Kind.stale:
            return self._stale.before((call.method, call.path), call.subscription) or _never_seen(call)
        if fault.done:
            self._due[id(call)] = (call, fault)
            return None
        return _broken(call, fault)

    async def after(self, call: Call, answer: Answer) -> Answer | None:
        """Strike now that it is done."""
        if id(call) in self._due:
            _, fault = self._due.pop(id(call))
            return _half(answer) if fault.kind is Kind.half else _broken(call, fault)
        if call.method == "GET" and answer.status == 200 and self._faults.armed("azure", Kind.stale):
            self._stale.remember((call.method, call.path), call.subscription, copy.deepcopy(answer))
        return None


def _broken(call: Call, fault: Fault) -> Answer:
    """What the client sees. Raises ArmError, or Lost to close the connection."""
    if fault.kind is Kind.throttle:
        error = ArmError(
            429,
            "TooManyRequests",
            f"The request is being throttled. Please try after '{max(1, round(fault.seconds))}' seconds.",
        )
        counted = "reads" if call.method == "GET" else "writes"
        headers = {
            "retry-after": str(max(1, round(fault.seconds))),
            f"x-ms-ratelimit-remaining-subscription-{counted}": "0",
        }
        return Answer(429, error.body(), headers)
    if fault.kind is Kind.error:
        message = fault.message or "The server encountered an error while processing the request."
        raise ArmError(fault.status or (400 if fault.code else 500), fault.code or "InternalServerError", message)
    if fault.kind is Kind.html:
        return Answer(500, PAGE.encode(), {"content-type": "text/html"})
    raise Lost(reset=fault.kind is Kind.reset)


def _half(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, {**answer.headers, "trunkline-cut": "half"})


def _never_seen(call: Call) -> Answer:
    """A read of what was not there before the last write. Raises ArmError."""
    if call.operation == "list":
        return Answer(200, {"value": []})
    group = _GROUP.match(call.path)
    raise resource_not_found(call.resource_type, call.path.rpartition("/")[2], (group["group"] or "") if group else "")
