"""Waiting for Azure: pauses that adapt, operations that end, and providers that are busy for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from trunkline._core.context import pause
from trunkline._core.errors import StepTimeout

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.05, 5.0, 1.5  # seconds, seconds, factor
_PATIENCE = 300.0  # seconds for one rule or route to be written
# A provider works on one change of a resource at a time, and says so to those who come in between.
_BUSY = ("AnotherOperationInProgress", "OperationPreempted", "RetryableError", "TooManyRequests", "Canceled")


def pauses() -> Iterator[float]:
    """Seconds between looks: 50 ms at first, growing to 5 s; without end."""
    seconds = _FIRST_PAUSE
    while True:
        yield seconds
        seconds = min(seconds * _GROWTH, _LONGEST_PAUSE)


def sleep_until(until: float, seconds: float) -> None:
    """Sleep for `seconds`, but not beyond `until` (monotonic)."""
    pause(max(0.0, min(seconds, until - time.monotonic())))


def finish(pollers: Iterable[Any], until: float, what: Callable[[], str]) -> None:
    """Wait until the SDK's pollers have ended, well or not: their `result()` tells.

    Raises:
        StepTimeout: One has not ended at `until` (monotonic); says `what`.
    """
    for poller in pollers:
        with suppress(Exception):  # an operation that failed is told by result()
            poller.wait(max(0.0, until - time.monotonic()))
        if not poller.done():
            raise StepTimeout(f"{what()} did not end in time", hint="run again with a longer timeout")


def write(begin: Callable[[], Any], what: str) -> None:
    """Begin a small change and wait until it is made; again, while the provider is busy with another one.

    Raises:
        HttpResponseError: It was refused.
        StepTimeout: It was not made within five minutes.
    """
    until = time.monotonic() + _PATIENCE
    for seconds in pauses():
        try:
            poller = begin()
            finish([poller], until, lambda: what)
            poller.result()
            return
        except Exception as error:
            if not _is_busy(error) or time.monotonic() >= until:
                raise
            sleep_until(until, seconds)


def _is_busy(error: Exception) -> bool:
    return getattr(getattr(error, "error", None), "code", "") in _BUSY
