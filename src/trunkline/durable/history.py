"""What the journal tells of runs: how they stand, what each step did and how long it took, what was exposed."""

from __future__ import annotations

from typing import Any, NamedTuple

from trunkline.durable import lease
from trunkline.durable.errors import RunState
from trunkline.durable.ledger import Entry, Ledger
from trunkline.durable.store import Store


class StepTold(NamedTuple):
    """One step or scope: `outcome` as in the ledger, "open" or "closed" for a scope; seconds where they are known."""

    path: str
    outcome: str
    seconds: float
    note: str


class Told(NamedTuple):
    """One run. `begun` is seconds since the epoch, `seconds` the time from its beginning to its last entry."""

    name: str
    standing: str
    begun: float
    seconds: float
    host: str
    pipeline: str
    exposed: str
    words: list[str]
    steps: list[StepTold]


def runs(store: Store) -> list[Told]:
    """Every run of the journal, the newest first; without their steps."""
    names = [name for (name,) in store.query("SELECT run FROM log GROUP BY run ORDER BY max(at) DESC")]
    return [run(store, name)._replace(steps=[]) for name in names]


def run(store: Store, name: str) -> Told:
    """One run. Raises RunState when the journal does not know it."""
    entries = list(store.entries(name))
    ledger = Ledger()
    for entry in entries:
        ledger.apply(entry)
    if ledger.standing is None:
        raise RunState(f"there is no run {name!r} in the journal", hint="`trunkline history` shows those there are")
    rows = store.query("SELECT host FROM runs WHERE name = ?", (name,))
    standing = ledger.standing
    if standing == "running" and not lease.held(store, name):
        standing = "died"
    words = list(ledger.start.get("words") or [])
    return Told(
        name,
        standing,
        entries[0].at,
        entries[-1].at - entries[0].at,
        str(rows[0][0] or "") if rows else "",
        words[2] if len(words) > 2 else "",
        _exposed(entries),
        words,
        _steps(ledger, entries),
    )


def owes(store: Store, name: str) -> bool:
    """Whether a scope of the run still stands open, by its journal."""
    ledger = Ledger()
    for entry in store.entries(name):
        ledger.apply(entry)
    return bool(ledger.open_scopes())


def _steps(ledger: Ledger, entries: list[Entry]) -> list[StepTold]:
    begun: dict[str, float] = {}
    took: dict[str, float] = {}
    notes: dict[str, str] = {}
    for kind, path, value, at in entries:
        if kind in ("intend", "owe"):
            begun[path] = at
        elif kind in ("done", "unknown", "paid") and path in begun:
            took[path] = at - begun[path]
            notes[path] = str(value) if kind == "unknown" else ""
    standing: dict[str, str] = {path: record.outcome for path, record in ledger.steps.items()}
    standing |= {path: "closed" if scope.closed else "open" for path, scope in ledger.scopes.items()}
    return [
        StepTold(path, standing[path], took.get(path, 0.0), notes.get(path, "")) for path in begun if path in standing
    ]


def _exposed(entries: list[Entry]) -> str:
    """For how long each scope stood open in all, as text: "api-access 8.2 s"."""
    opened: dict[str, float] = {}
    total: dict[str, Any] = {}
    for kind, path, _, at in entries:
        if kind == "owe":
            opened[path] = at
        elif kind == "paid" and path in opened:
            total[path] = total.get(path, 0.0) + at - opened.pop(path)
    told = [f"{path.rpartition('/')[2]} {seconds:.1f} s" for path, seconds in total.items()]
    return ", ".join([*told, *(f"{path.rpartition('/')[2]} OPEN" for path in opened)])
