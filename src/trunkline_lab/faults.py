"""Faults on demand: which calls are hit, in which way, and how often. Seeded, so that a run can be had again.

One model for the whole lab. What a kind means on the wire of one face is said beside it: faults_aws, faults_azure,
faults_vns3. A face knows nothing of this: the lab hangs the adapters into its hooks.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

ADDRESSES = "lab:addresses:take"


class Kind(StrEnum):
    """What goes wrong."""

    error = "error"
    lost = "lost"
    throttle = "throttle"
    delay = "delay"
    stale = "stale"
    reset = "reset"
    half = "half"
    html = "html"
    hang = "hang"
    reboot = "reboot"
    exhausted = "exhausted"


MEANINGS: Mapping[Kind, str] = {
    Kind.error: "refused with a code of your choice",
    Kind.lost: "done, but the connection is closed without an answer",
    Kind.throttle: "refused in the cloud's own words for too many requests",
    Kind.delay: "done as usual, some seconds later",
    Kind.stale: "a read answers as it did before the last write",
    Kind.reset: "the connection is reset",
    Kind.half: "done, but the answer breaks off in the middle",
    Kind.html: "500 with a page of HTML, as a proxy in between says it",
    Kind.hang: "the whole router stops answering for some seconds",
    Kind.reboot: "the router reboots",
    Kind.exhausted: "the pool of public addresses is empty",
}

# Which kinds a face knows. A router is one machine, so it has no replica that could lag behind, and its API
# document has no answer for too many requests.
_COMMON = {Kind.error, Kind.lost, Kind.delay, Kind.reset, Kind.half, Kind.html}
_KINDS: Mapping[str, set[Kind]] = {
    "aws": _COMMON | {Kind.throttle, Kind.stale},
    "azure": _COMMON | {Kind.throttle, Kind.stale},
    "vns3": _COMMON | {Kind.hang, Kind.reboot},
    "lab": {Kind.exhausted},
}
_EXAMPLES = {
    "aws": "aws:ec2:CreateVpc",
    "azure": "azure:*:PUT networkSecurityGroups/*",
    "vns3": "vns3:POST /ipsec/endpoints*",
    "lab": ADDRESSES,
}
# Those that need a wire: a call that CloudFormation makes for its caller never leaves the process.
_ON_THE_WIRE = {Kind.lost, Kind.reset, Kind.half, Kind.html}
_ALWAYS_DONE = {Kind.lost, Kind.half}
_EITHER = {Kind.error, Kind.reset, Kind.html, Kind.reboot}
_SECONDS = {Kind.throttle: 1.0, Kind.delay: 1.0, Kind.hang: 30.0, Kind.reboot: 4.0}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault: what it hits, what it does, how often.

    Parameters:
        id: Given by the lab, from 1 on.
        pattern: A glob (*, ?, [...]; capitals do not matter) over "aws:SERVICE:OPERATION",
            "azure:NAMESPACE:METHOD PATH-WITHIN-IT", "vns3:METHOD PATH" or "lab:addresses:take". What CloudFormation
            does for its caller is SERVICE "ec2 via cloudformation".
        kind: What goes wrong.
        where: A glob over the account's number, the subscription, or the router's name, id or address.
        nth: Only the call of this number among those that match, from 1; None for any.
        every: Each call whose number is a multiple of this; None for each.
        probability: The chance of each call, 0 to 1, drawn from the lab's seed; None for certainty.
        times: How often at most; None for no end.
        code, status, message: Of `error`; "" and 0 take the face's own words for an internal error.
        seconds: How long: `delay`, `hang`, the outage of `reboot`, and what `throttle` asks to wait.
        done: Whether what was asked for is done all the same; for `error`, `reset`, `html` and `reboot`.
    """

    id: int
    pattern: str
    kind: Kind
    where: str = "*"
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    times: int | None = None
    code: str = ""
    status: int = 0
    message: str = ""
    seconds: float = 0.0
    done: bool = False

    def __str__(self) -> str:
        return f"{self.kind} #{self.id}"

    def matches(self, name: str, places: tuple[str, ...], inside: bool) -> bool:
        """Whether it is meant for a call of this name at one of these places."""
        if inside and self.kind in _ON_THE_WIRE:
            return False
        if not fnmatchcase(name.lower(), self.pattern.lower()):
            return False
        return any(fnmatchcase(place.lower(), self.where.lower()) for place in places)

    def due(self, number: int, dice: random.Random) -> bool:
        """Whether the matching call of this number, from 1, is to be hit. Draws once a call, hit or not."""
        lucky = self.probability is None or dice.random() < self.probability
        return lucky and self.nth in (None, number) and (self.every is None or number % self.every == 0)


@dataclass(frozen=True)
class Fired:
    """A fault that struck: when (epoch seconds), which, what, where."""

    at: float
    fault: int
    kind: Kind
    call: str
    where: str


class _Armed:
    """A fault with its dice and its counts."""

    def __init__(self, fault: Fault, seed: int) -> None:
        self.fault, self.seen, self.fired = fault, 0, 0
        self._dice = random.Random(f"{seed}/{fault.id}")

    def strikes(self, name: str, places: tuple[str, ...], inside: bool) -> bool:
        if not self.fault.matches(name, places, inside):
            return False
        self.seen += 1
        if self.fired == self.fault.times or not self.fault.due(self.seen, self._dice):
            return False
        self.fired += 1
        return True


class Faults:
    """All faults of a lab. Thread safe.

    Parameters:
        seed: With the same seed, the same faults added in the same order and the same calls, the same calls are hit.

    Attributes:
        fired: Every fault that struck, in order.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.fired: list[Fired] = []
        self._armed: dict[int, _Armed] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, pattern: str, kind: str, **how: Any) -> Fault:
        """Arm a fault; several that match one call are tried in the order in which they were added.

        Parameters:
            pattern, kind: As in `Fault`.
            how: Any other field of `Fault` but `id`.

        Returns:
            The fault with its number.

        Raises:
            ValueError: A field is unknown or does not fit; the message names it, its value and the remedy.
        """
        fault = _checked(pattern, kind, how)
        with self._lock:
            fault = Fault(**{**asdict(fault), "id": next(self._ids)})
            self._armed[fault.id] = _Armed(fault, self.seed)
        return fault

    def clear(self, number: int | None = None) -> int:
        """Disarm one fault, or all: what hangs goes on. Returns how many; what has fired stays in the log."""
        with self._lock:
            gone = [n for n in self._armed if number in (None, n)]
            for each in gone:
                del self._armed[each]
        return len(gone)

    def stands(self, number: int) -> bool:
        """Whether a fault is still there, and not cleared."""
        with self._lock:
            return number in self._armed

    def listed(self) -> list[dict[str, Any]]:
        """Every armed fault as plain data, with "seen" (calls that matched) and "fired"."""
        with self._lock:
            return [{**asdict(one.fault), "seen": one.seen, "fired": one.fired} for one in self._armed.values()]

    def armed(self, face: str, kind: Kind) -> bool:
        """Whether such a fault is armed for a face."""
        return any(
            one.fault.kind is kind and one.fault.pattern.lower().startswith(f"{face}:")
            for one in list(self._armed.values())
        )

    def strike(self, name: str, *places: str, inside: bool = False) -> Fault | None:
        """The fault that hits this call, written into the log; None when there is none.

        Parameters:
            name: What is called, as patterns see it.
            places: The account, or all names of the router.
            inside: A call that never leaves the process.
        """
        if not self._armed:
            return None
        with self._lock:
            for one in self._armed.values():
                if one.strikes(name, places, inside):
                    self.fired.append(Fired(time.time(), one.fault.id, one.fault.kind, name, places[0]))
                    return one.fault
        return None

    def gate(self) -> None:
        """What the lab's pool of public addresses asks before it gives one. Raises RuntimeError when it is empty."""
        if self.strike(ADDRESSES, "*"):
            raise RuntimeError("the lab has no public address left")


def _checked(pattern: str, kind: str, how: Mapping[str, Any]) -> Fault:
    if kind not in list(Kind):
        raise ValueError(f"kind = {kind!r} is unknown: use one of {', '.join(Kind)}")
    unknown = how.keys() - {field.name for field in fields(Fault)} | how.keys() & {"id"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: no such field of a fault")
    known = Kind(kind)
    face = pattern.partition(":")[0].lower()
    if face not in _KINDS or pattern.count(":") < (1 if face == "vns3" else 2):
        raise ValueError(f"pattern = {pattern!r} names no call: write it like {' or '.join(_EXAMPLES.values())}")
    if known not in _KINDS[face]:
        kinds = ", ".join(sorted(_KINDS[face]))
        raise ValueError(f"kind = {kind!r} does not happen at {face}: use one of {kinds}")
    given = {name: value for name, value in how.items() if value is not None}
    _check_numbers(given)
    if given.get("done") and known not in _EITHER | _ALWAYS_DONE:
        raise ValueError(f"done = True: {kind} leaves no choice; it is for {', '.join(sorted(_EITHER))}")
    given.setdefault("seconds", _SECONDS.get(known, 0.0))
    given["done"] = given.get("done", False) or known in _ALWAYS_DONE
    return Fault(id=0, pattern=pattern, kind=known, **given)


def _check_numbers(given: Mapping[str, Any]) -> None:
    for name in ("nth", "every", "times"):
        if name in given and (not isinstance(given[name], int) or given[name] < 1):
            raise ValueError(f"{name} = {given[name]!r}: give a whole number from 1 on")
    for name, low, high in (("probability", 0, 1), ("seconds", 0, 86_400)):
        if name in given and (not isinstance(given[name], int | float) or not low <= given[name] <= high):
            raise ValueError(f"{name} = {given[name]!r}: give a number from {low} to {high}")
    if "status" in given and given["status"] not in (0, *range(400, 600)):
        raise ValueError(f"status = {given['status']!r}: give an HTTP status of failure, 400 to 599")


PAGE = (
    "<!DOCTYPE html>\n<html><head><title>500 Internal Server Error</title></head>\n"
    "<body><h1>Internal Server Error</h1><p>The server could not complete your request.</p></body></html>\n"
)
