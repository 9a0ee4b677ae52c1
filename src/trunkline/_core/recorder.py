"""The port through which a journal slips in. In memory mode there is no recorder at all.

Paths are steps' identities. A scope's own records stand under its path: that its closing is owed, what its opening
gave ("#open"), that its body ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol


class Record(NamedTuple):
    """What is known of a step from before.

    `outcome` is "done" with its outputs, "unknown" (in flight, failed or cancelled when last seen: it may have had
    its effect), or "undone".
    """

    outcome: Literal["done", "unknown", "undone"]
    outputs: Mapping[str, Any]


class Owed(NamedTuple):
    """A scope from before: the state at its opening, what open gave, whether its body ended, whether it is closed."""

    state: Mapping[str, Any]
    opened: Mapping[str, Any]
    body_ended: bool
    closed: bool


class Recorder(Protocol):
    """Where a run's progress is kept.

    `in_loop` is set by the walk when it goes on in an event loop; until then a method may block, and must not suspend.
    """

    in_loop: bool

    def recorded(self, path: str) -> Record | None:
        """What is known of this step; None when it was never begun."""
        ...

    def owed(self, path: str) -> Owed | None:
        """What is known of this scope; None when it was never opened."""
        ...

    def under(self, path: str) -> bool:
        """Whether anything at or below this path has ever begun."""
        ...

    def left(self, path: str) -> bool:
        """Whether something below this path still has its effect, or a scope there still stands open."""
        ...

    def unpaid(self, path: str) -> bool:
        """Whether a scope below this path still stands open."""
        ...

    async def intend(self, path: str) -> None:
        """The step is about to have its effect. Returns when that, and all that was told before, is kept for good."""
        ...

    async def done(self, path: str, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The step ended well; answers the outputs as a replay will see them. Kept for good with the next intent."""
        ...

    async def unknown(self, path: str, error: BaseException) -> None:
        """The step ended badly: whether it had its effect is not known."""
        ...

    async def undone(self, path: str, skipped: bool) -> None:
        """The step's effect was taken back; `skipped` when the step has no undo."""
        ...

    async def owe(self, path: str, state: Mapping[str, Any]) -> None:
        """The scope's closing is owed from now on; `state` is what close needs. Returns when that is kept for good."""
        ...

    async def opened(self, path: str, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """What open gave, as a replay will see it."""
        ...

    async def body_ended(self, path: str) -> None:
        """All steps inside ended well: only the closing is left."""
        ...

    async def paid(self, path: str) -> None:
        """The scope is closed. Returns when that is kept for good."""
        ...
