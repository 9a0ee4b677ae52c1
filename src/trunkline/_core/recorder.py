"""The port through which a journal slips in. In memory mode there is no recorder at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol


class Record(NamedTuple):
    """What an earlier attempt left of a step: "done" with its outputs, or "unknown" (in flight, error, cancelled)."""

    outcome: Literal["done", "unknown"]
    outputs: Mapping[str, Any]


class Recorder(Protocol):
    """Where a run's progress is kept. Every method returns only when what it says is kept for good."""

    def recorded(self, path: str) -> Record | None:
        """What is known of this step from before; None when it was never begun."""
        ...

    async def intend(self, path: str) -> None:
        """The step is about to have its effect."""
        ...

    async def done(self, path: str, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The step ended well; answers the outputs as a later replay will see them."""
        ...

    async def unknown(self, path: str, error: BaseException) -> None:
        """The step ended badly: whether it had its effect is not known."""
        ...

    async def owe(self, path: str, state: Mapping[str, Any]) -> None:
        """The scope's closing is owed from now on; `state` is what close needs."""
        ...

    async def paid(self, path: str) -> None:
        """The scope is closed."""
        ...
