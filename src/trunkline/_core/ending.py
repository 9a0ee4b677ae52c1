"""How long a run may take to end once it was told to stop.

The first interrupt leaves it `grace` seconds in all, every later one HASTE at most. What is in flight is waited for
during the first third of them. Of what is then left a closing gets half while another scope still stands open around
it, and the outermost closing all: so nothing that hangs takes the time in which the others could be closed.

A run that nobody interrupted is in no hurry, however short its grace: each wait then has UNHURRIED seconds, and a
closing with a longer timeout of its own has that. A caller's own loop cancels without a word of why, so there each wait
has the grace, and a closing its own timeout if that is longer.
"""

from __future__ import annotations

import time

from trunkline._core.paths import below

HASTE, UNHURRIED = 3.5, 120.0  # seconds


class Ending:
    """When to give up waiting. All times are of `time.monotonic()`.

    Parameters:
        grace: Seconds for the whole end after a first interrupt.
        unhurried: Seconds that each wait may take without one, if that is more.
    """

    def __init__(self, grace: float, unhurried: float = 0.0) -> None:
        self.grace, self.unhurried = grace, max(grace, unhurried)
        self.open: set[str] = set()  # the paths of the scopes that stand open
        self._asked: float | None = None
        self._until = 0.0

    @property
    def asked(self) -> bool:
        """Whether the run was told to stop."""
        return self._asked is not None

    def hurry(self) -> None:
        """The run is told to stop, for the first time or once more."""
        now = time.monotonic()
        self._until = now + self.grace if self._asked is None else min(self._until, now + HASTE)
        self._asked = now

    def in_flight(self, begun: float) -> float:
        """Until when a step is waited for that is to stop since `begun`."""
        return begun + self.unhurried if self._asked is None else self._asked + (self._until - self._asked) / 3

    def closing(self, scope: str, begun: float, own: float = 0.0) -> float:
        """Until when the closing of `scope` is waited for, which began at `begun` and has a timeout of its `own`."""
        if self._asked is None:
            return begun + max(self.unhurried, own)
        since = max(begun, self._asked)
        inner = any(below(scope, other) for other in self.open)
        return since + (self._until - since) * (0.5 if inner else 1.0)
