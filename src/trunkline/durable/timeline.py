"""When each step of a run was at work and each scope stood open, by the journal; also what the run recorded.

Every attempt counts by itself: a step that failed and was done later has two. A step whose process died ends, as
"unknown", where the journal falls silent.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trunkline.durable.ledger import Entry, Ledger
from trunkline.durable.store import Store


class Attempt(NamedTuple):
    """One attempt at a step or at a scope's end ("scope#open"), in seconds since the epoch.

    `outcome` is "done", "failed", "unknown" (its process died), "undone", or "running", whose `ended` is None.
    """

    path: str
    begun: float
    ended: float | None
    outcome: str
    note: str = ""


class Standing(NamedTuple):
    """A scope that stood open: since when, and until when; None while its closing is owed."""

    path: str
    since: float
    until: float | None


class Timeline(NamedTuple):
    """A run over time, and the values that it began with and that its steps gave, by path."""

    attempts: list[Attempt]
    standings: list[Standing]
    data: dict[str, Any]
    outputs: dict[str, dict[str, Any]]


def timeline(store: Store, run: str, *, alive: bool) -> Timeline:
    """The timeline of a run; `alive` says whether its process is still at it."""
    reader, ledger = _Reader(), Ledger()
    for entry in store.entries(run):
        ledger.apply(entry)
        reader.take(entry)
    if not alive:
        reader.died()
    known = {path: dict(record.outputs) for path, record in ledger.steps.items() if record.outcome != "undone"}
    known |= {path: dict(scope.opened) for path, scope in ledger.scopes.items()}
    attempts = sorted(reader.attempts + reader.running(), key=lambda each: (each.begun, each.path))
    return Timeline(attempts, sorted(reader.standings(), key=lambda each: each.since), ledger.start["data"], known)


class _Reader:
    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self._begun: dict[str, float] = {}
        self._stood: list[Standing] = []
        self._open: dict[str, float] = {}
        self._body: dict[str, float] = {}
        self._last = 0.0

    def take(self, entry: Entry) -> None:
        kind, path, value, at = entry
        match kind:
            case "start" | "undoing":
                self.died()  # what is still in flight was so when its process ended
            case "intend":
                self._begun[path] = at
            case "done":
                self._end(path, at, "done")
            case "unknown":
                self._end(path, at, "failed", str(value))
            case "undone":
                # Undo writes nothing when it begins; it works one after the other, so since the last entry.
                self.attempts.append(Attempt(path, max(self._last, at - 3600), at, "undone", "no undo" * bool(value)))
            case "owe":
                self._open.setdefault(path, at)
                self._begun[f"{path}#open"] = at
            case "opened":
                self._end(f"{path}#open", at, "done")
            case "body":
                self._body[path] = at
            case "paid":
                self._end(f"{path}#open", self._last, "failed")
                # Its closing began when what is in it ended.
                self.attempts.append(Attempt(f"{path}#close", self._body.pop(path, self._last), at, "done"))
                self._stood.append(Standing(path, self._open.pop(path, at), at))
            case _:
                pass
        self._last = at

    def died(self) -> None:
        """Whatever is in flight ends here, with an unknown outcome."""
        for path in list(self._begun):
            self._end(path, self._last, "unknown", "its process ended")

    def running(self) -> list[Attempt]:
        return [Attempt(path, begun, None, "running") for path, begun in self._begun.items()]

    def standings(self) -> list[Standing]:
        return [*self._stood, *(Standing(path, since, None) for path, since in self._open.items())]

    def _end(self, path: str, at: float, outcome: str, note: str = "") -> None:
        begun = self._begun.pop(path, None)
        if begun is not None:
            self.attempts.append(Attempt(path, begun, at, outcome, note))
