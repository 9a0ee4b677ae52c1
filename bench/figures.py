"""What a measurement is, and how it is shown: always against something else, measured in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measurement: `value` in `unit`, the peer's value where there is one, and the goal for what is `judged`."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    goal: str = ""
    reached: bool | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the peer's."""
        return self.value / self.peer_value if self.peer_value else None


def paired(
    one: Callable[[], object],
    other: Callable[[], object],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Median seconds of two calls, taken in turn, so that a machine whose speed drifts slows both alike.

    What waits for nobody may be measured by `time.process_time`, which others' work on the machine changes less.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, kept in zip((one, other), times, strict=True):
            started = clock()
            call()
            kept.append(clock() - started)
    return statistics.median(times[0]), statistics.median(times[1])
