"""One run, held by this process: the recorder of its walk."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from trunkline.durable.canonical import check_keys, decoded, encoded
from trunkline.durable.errors import LeaseLost, Poison
from trunkline.durable.ledger import Entry, Kind, Ledger
from trunkline.durable.store import Line


class Book(Protocol):
    """Where lines are written."""

    def add(self, line: Line) -> None:
        """Take a line that is to be kept soon."""
        ...

    def commit(self) -> None:
        """Return when all that was added is on disk."""
        ...

    async def committed(self) -> None:
        """The same, without blocking the event loop."""
        ...


class KeptRun(Ledger):
    """A run's ledger whose every entry is also written; satisfies the core's Recorder.

    Parameters:
        book: Where its entries are written.
        name, fence: The run's name, and the number under which this process holds it.
        told: The number of its last entry in the log.
    """

    def __init__(self, book: Book, name: str, fence: int, told: int = 0) -> None:
        super().__init__()
        self.book, self.name, self.fence, self.told = book, name, fence, told
        self.in_loop, self.lost = False, False

    async def intend(self, path: str) -> None:
        """The step is about to have its effect."""
        self.tell("intend", path)
        await self._kept()

    async def done(self, path: str, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The step ended well; its outputs as they come back from JSON."""
        return self._given("done", path, outputs)

    async def unknown(self, path: str, error: BaseException) -> None:
        """The step ended badly."""
        self.tell("unknown", path, f"{type(error).__name__}: {error}")

    async def undone(self, path: str, skipped: bool) -> None:
        """The step's effect was taken back, or passed by."""
        self.tell("undone", path, skipped)
        await self._kept()

    async def owe(self, path: str, state: Mapping[str, Any]) -> None:
        """The scope's closing is owed from now on."""
        self._given("owe", path, state)
        await self._kept()

    async def opened(self, path: str, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """What open gave, as it comes back from JSON."""
        return self._given("opened", path, outputs)

    async def body_ended(self, path: str) -> None:
        """All steps inside the scope ended well."""
        self.tell("body", path)

    async def paid(self, path: str) -> None:
        """The scope is closed."""
        self.tell("paid", path)
        await self._kept()

    def tell(self, kind: Kind, path: str = "", value: Any = None) -> None:
        """Add an entry to the run's log. Raises Poison when the journal is broken or the lease lost."""
        self._tell(kind, path, value, "null" if value is None else encoded(value, f"step {path}"))

    def _tell(self, kind: Kind, path: str, value: Any, text: str) -> None:
        self._still_ours()
        entry = Entry(kind, path, value, time.time())
        self.book.add(Line(self.name, self.told + 1, self.fence, entry, text))
        self.told += 1
        self.apply(entry)

    def _given(self, kind: Kind, path: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Values as they come back from JSON, so that a first run and a resumed one agree."""
        where, plain = f"step {path}", dict(values)
        check_keys(plain, where)
        text = encoded(plain, where)
        kept: Mapping[str, Any] = decoded(text)
        self._tell(kind, path, kept, text)
        return kept

    async def _kept(self) -> None:
        if self.in_loop:
            await self.book.committed()
        else:
            self.book.commit()
        self._still_ours()

    def _still_ours(self) -> None:
        if self.lost:
            raise Poison(
                LeaseLost(
                    f"run {self.name} was taken over by another process while this one was silent",
                    hint=f"see how it stands: trunkline status {self.name}",
                )
            )
