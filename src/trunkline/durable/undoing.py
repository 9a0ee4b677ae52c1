"""A failed run that is undone at once: in memory, from what it remembers, or from its journal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from trunkline._core import pipe as core
from trunkline._core.errors import Misuse
from trunkline._core.events import Observer
from trunkline._core.state import State
from trunkline._core.steps import Steps
from trunkline.durable.kept_run import KeptRun
from trunkline.durable.ledger import Entry, Kind

OnFailure = Literal["keep", "undo"]


class Remembered(KeptRun):
    """A run without a journal: what is known of it dies with the process, and values may be of any type."""

    def __init__(self, name: str) -> None:
        super().__init__(self, name, fence=0)

    def tell(self, kind: Kind, path: str = "", value: Any = None) -> None:
        """Remember an entry."""
        self.apply(Entry(kind, path, value, time.time()))

    def add(self, line: object) -> None:
        """Nothing is written."""

    def commit(self) -> None:
        """Nothing is written."""

    async def committed(self) -> None:
        """Nothing is written."""

    def _given(self, kind: Kind, path: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = dict(values)
        self.tell(kind, path, kept)
        return kept


def pipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    run: str | None = None,
    observers: Iterable[Observer] = (),
    grace: float = core.GRACE,
) -> State:
    """`pipe` in memory, undone at once when it fails."""
    kept, watching = Remembered(core.run_name(run)), list(observers)
    try:
        return core.pipe(data, steps, run=kept.name, observers=watching, grace=grace, recorder=kept)
    except Exception as failure:
        with undone(failure, kept):
            core.retrace(data, steps, kept, "ask", run=kept.name)
            core.retrace(data, steps, kept, "undo", run=kept.name, observers=watching, grace=grace)
        raise


async def apipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    run: str | None = None,
    observers: Iterable[Observer] = (),
    grace: float = core.GRACE,
) -> State:
    """`pipe` for callers inside an event loop."""
    kept, watching = Remembered(core.run_name(run)), list(observers)
    try:
        return await core.apipe(data, steps, run=kept.name, observers=watching, grace=grace, recorder=kept)
    except Exception as failure:
        with undone(failure, kept):
            await core.aretrace(data, steps, kept, "ask", run=kept.name)
            await core.aretrace(data, steps, kept, "undo", run=kept.name, observers=watching, grace=grace)
        raise


@contextmanager
def undone(failure: Exception, kept: KeptRun) -> Iterator[None]:
    """Around the undo that a failure calls for: the failure stays what is raised, and says what became of the undo.

    Raises:
        ExceptionGroup: the failure, and what the undo raised.
    """
    try:
        yield
    except Exception as trouble:
        raise ExceptionGroup("the run failed, and undoing it failed too", [failure, trouble]) from None
    except BaseException as stop:  # an interrupt: whoever stops the undo must still be told why it was begun
        raise stop from failure
    failure.add_note("what the run had done was undone")
    if kept.passed_by:
        failure.add_note(f"no undo: {', '.join(kept.passed_by)}")


def checked(on_failure: str) -> bool:
    """Whether a failed run is to be undone at once. Raises Misuse for another word."""
    if on_failure not in ("keep", "undo"):
        raise Misuse(
            f"on_failure={on_failure!r} is not known", hint='"keep" leaves what was done, "undo" takes it back'
        )
    return on_failure == "undo"
