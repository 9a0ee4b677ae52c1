"""EC2's reads lag behind its writes: what is not seen yet is looked for again before it counts as absent.

Source: "Eventual consistency in the Amazon EC2 API", docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html.
Writes are what can be trusted: a duplicate is refused at once, and what AWS says that it did is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TypeVar

from trunkline._core.context import pause
from trunkline.clouds.aws.errors import code_of

T = TypeVar("T")

LAG = 2.0  # seconds after which every read is taken to show a write; EC2 says "a couple of seconds" to begin with
_LOOK_AGAIN = 0.2


def seen(look: Callable[[], T | None]) -> T | None:
    """What `look` finds, tried for LAG seconds; None is then true of all that was written before the call."""
    end = time.monotonic() + LAG
    while (found := look()) is None and time.monotonic() < end:
        pause(_LOOK_AGAIN)
    return found


def patiently(call: Callable[[], T], *codes: str) -> T:
    """Repeat `call` while AWS answers with one of `codes` (that something is not there), at most for LAG seconds."""
    end = time.monotonic() + LAG
    while True:
        try:
            return call()
        except Exception as error:
            if code_of(error) not in codes or time.monotonic() >= end:
                raise
        pause(_LOOK_AGAIN)


def settle() -> None:
    """Wait until every read shows what was written before."""
    pause(LAG)


class Lately:
    """What this process did itself less than LAG seconds ago, and need not hear from a read."""

    def __init__(self) -> None:
        self._when: dict[Hashable, float] = {}

    def add(self, what: Hashable) -> None:
        """It was done now."""
        self._when[what] = time.monotonic()

    def discard(self, what: Hashable) -> None:
        """It was done away with."""
        self._when.pop(what, None)

    def __contains__(self, what: object) -> bool:
        return what in self.all()

    def all(self) -> set[Hashable]:
        """All that was done lately."""
        behind = time.monotonic() - LAG
        self._when = {what: when for what, when in self._when.items() if when > behind}
        return set(self._when)
