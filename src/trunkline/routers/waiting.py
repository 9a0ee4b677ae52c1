"""Waiting for something that takes an unknown time.

The well-kept retry libraries (tenacity, stamina) decide when to try again; none of them bounds a sleep by a deadline
that somebody else keeps, or says live what it waits for. With those two parts our own, nothing would be left to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from trunkline._core.context import here, pause
from trunkline._core.errors import StepTimeout

T = TypeVar("T")

SHORTEST = 0.05
LONGEST = 2.0
MOMENT = 1.0


class NotYet(Exception):
    """Raised by an attempt that has to be repeated; its text is the last thing that was seen."""


class Deadline:
    """When waiting ends: after `timeout` seconds, and a moment before the running step's own deadline.

    A moment before, because the step's timeout only says that it is over; who waits knows what did not come.

    Parameters:
        timeout: Seconds from now; None for the step's deadline alone.
    """

    def __init__(self, timeout: float | None) -> None:
        own = None if timeout is None else time.monotonic() + timeout
        ends = [end for end in (own, _step_deadline()) if end is not None]
        self.end = min(ends, default=None)

    @property
    def remaining(self) -> float:
        """Seconds left, 0 when it is over, infinite without an end."""
        return float("inf") if self.end is None else max(0.0, self.end - time.monotonic())


def until(attempt: Callable[[], T], what: str, deadline: Deadline, *, hint: str | None = None) -> T:
    """Repeat `attempt` until it does not raise NotYet, and return what it returned.

    A pause is a tenth of the time already waited, at least 50 ms and at most 2 s: short things are seen at once, and
    a long wait is at most a tenth too long.

    Parameters:
        attempt: Called at least once.
        what: What is waited for ("the API of acme/vpc (198.51.100.7)"): shown live, and named when it does not come.
        deadline: When to give up.
        hint: What to do when it does not come.

    Raises:
        StepTimeout: The deadline passed; names `what` and the last thing seen.
    """
    start = time.monotonic()
    while True:
        try:
            return attempt()
        except NotYet as seen:
            last = str(seen)
        waited = time.monotonic() - start
        if deadline.remaining <= 0:
            raise StepTimeout(f"gave up waiting for {what} after {waited:.1f} s: {last}", hint=hint)
        note(f"waits for {what}: {last}")
        pause(min(max(SHORTEST, waited / 10), LONGEST, deadline.remaining))


def note(text: str) -> None:
    """Tell the running step's observers; outside a step nobody listens."""
    try:
        here().note(text)
    except LookupError:
        return


def _step_deadline() -> float | None:
    try:
        left = here().remaining
    except LookupError:
        return None
    return None if left is None else time.monotonic() + left - min(MOMENT, left / 10)
