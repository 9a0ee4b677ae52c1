"""What the journal tells of runs: how they stand, who did what to them and when, what was exposed, and what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from trunkline._core.paths import shut_off
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


class Exposed(NamedTuple):
    """One time that a scope stood open: since when (seconds since the epoch), for how long; None while it is open."""

    path: str
    since: float
    seconds: float | None

    def __str__(self) -> str:
        name = self.path.rpartition("/")[2]
        return f"{name} OPEN" if self.seconds is None else f"{name} {self.seconds:.1f} s"


class Attempt(NamedTuple):
    """One go at a run, by one process.

    Parameters:
        what: "run", or "undo".
        user, host: Who, and on which machine; empty where the journal is older than the question.
        begun, seconds: When (seconds since the epoch), and how long until its last entry.
        outcome: "done", "failed", "interrupted", "undone", "undoing" (an undo that stopped), "running", or "died".
        error: What it ended with, as text.
        changes: What each step did that had an effect: "made", "as before", "changed: KEYS", "undone", or an error.
        exposed: What stood open meanwhile.
    """

    what: str
    user: str
    host: str
    begun: float
    seconds: float
    outcome: str
    error: str
    changes: dict[str, str]
    exposed: list[Exposed]


class Told(NamedTuple):
    """One run. `begun` is seconds since the epoch, `seconds` the time from its beginning to its last entry."""

    name: str
    standing: str
    begun: float
    seconds: float
    user: str
    host: str
    pipeline: str
    words: list[str]
    exposed: list[Exposed]
    attempts: list[Attempt]
    steps: list[StepTold]


class Owed(NamedTuple):
    """A closing that a run owes: since when it is open, whose it is, and whether its process still lives.

    `shut` when it is inside of a scope that is closed: a sweep, which opens nothing, cannot close it.
    """

    run: str
    path: str
    since: float
    user: str
    host: str
    alive: bool
    shut: bool


class Left(NamedTuple):
    """What a run's steps did that is still there: by path, the newest first, with what each gave."""

    standing: str
    steps: dict[str, Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """As plain values; what the steps gave is in the run's own status."""
        return {"standing": self.standing, "steps": list(self.steps)}


def runs(store: Store) -> list[Told]:
    """Every run of the journal, the newest first."""
    names = [name for (name,) in store.query("SELECT run FROM log GROUP BY run ORDER BY max(at) DESC")]
    return [run(store, name) for name in names]


def run(store: Store, name: str) -> Told:
    """One run. Raises RunState when the journal does not know it."""
    entries = list(store.entries(name))
    ledger = _ledger(entries)
    if ledger.standing is None:
        raise RunState(f"there is no run {name!r} in the journal", hint="`trunkline history` shows those there are")
    rows = store.query("SELECT host, pipeline FROM runs WHERE name = ?", (name,))
    host, pipeline = rows[0] if rows else (None, None)
    alive = lease.held(store, name)
    attempts = _attempts(entries, alive)
    return Told(
        name,
        "died" if ledger.standing == "running" and not alive else ledger.standing,
        entries[0].at,
        entries[-1].at - entries[0].at,
        attempts[-1].user,
        attempts[-1].host or str(host or ""),
        str(pipeline or ""),
        list(ledger.start.get("words") or []),
        _exposed(entries),
        attempts,
        _steps(ledger, entries),
    )


def owed(store: Store) -> list[Owed]:
    """Every closing that a run of this journal owes, the oldest first."""
    found: list[Owed] = []
    for (name,) in store.query("SELECT DISTINCT run FROM log WHERE kind = 'owe'"):
        told = run(store, name)
        alive = lease.held(store, name)
        still = [each for each in told.exposed if each.seconds is None]
        shut = shut_off([each.path for each in still], [each.path for each in told.exposed])
        found += [Owed(name, each.path, each.since, told.user, told.host, alive, each.path in shut) for each in still]
    return sorted(found, key=lambda each: each.since)


def left(store: Store, name: str) -> Left | None:
    """What is still there of what a run's steps did; None of a run that the journal does not know."""
    ledger = _ledger(store.entries(name))
    if ledger.standing is None:
        return None
    there = {
        path: record.outputs
        for path, record in reversed(ledger.steps.items())
        if record.outcome != "undone" or path in ledger.passed_by
    }
    return Left(ledger.standing, there)


def _ledger(entries: Any) -> Ledger:
    ledger = Ledger()
    for entry in entries:
        ledger.apply(entry)
    return ledger


def _steps(ledger: Ledger, entries: list[Entry]) -> list[StepTold]:
    begun: dict[str, float] = {}
    took: dict[str, float] = {}
    notes: dict[str, str] = {}
    for kind, path, value, at in entries:
        if kind in ("intend", "owe"):
            begun[path] = at
        elif kind in ("done", "unknown", "paid") and path in begun:
            took[path] = at - begun[path]
            notes[path] = _said(value) if kind == "unknown" else ""
    standing: dict[str, str] = {path: record.outcome for path, record in ledger.steps.items()}
    standing |= {path: "closed" if scope.closed else "open" for path, scope in ledger.scopes.items()}
    return [
        StepTold(path, standing[path], took.get(path, 0.0), notes.get(path, "")) for path in begun if path in standing
    ]


def _exposed(entries: list[Entry]) -> list[Exposed]:
    """Every time that a scope stood open, in order."""
    found: list[Exposed] = []
    for kind, path, _, at in entries:
        if kind == "owe":
            found.append(Exposed(path, at, None))
        elif kind == "paid":
            found = [
                each._replace(seconds=at - each.since) if each.path == path and each.seconds is None else each
                for each in found
            ]
    return found


def _attempts(entries: list[Entry], alive: bool) -> list[Attempt]:
    """The log cut where a process began to run or to undo."""
    cuts = [place for place, entry in enumerate(entries) if entry.kind in ("start", "undoing")]
    known: dict[str, Any] = {}
    found = []
    for begin, end in zip(cuts, [*cuts[1:], len(entries)], strict=True):
        part = entries[begin:end]
        found.append(_attempt(part, known, alive and end == len(entries), _exposed(part)))
    return found


def _attempt(part: list[Entry], known: dict[str, Any], alive: bool, exposed: list[Exposed]) -> Attempt:
    value = part[0].value or {}
    by = value.get("by") or {}
    changes: dict[str, str] = {}
    outcome, error = "running" if alive else "died", ""
    for kind, path, given, _ in part:
        match kind:
            case "intend":
                changes[path] = "begun"
            case "done":
                changes[path] = _change(known.get(path), given)
                known[path] = given
            case "unknown":
                changes[path] = _said(given)
            case "undone":
                changes[path] = "passed by" if given else "undone"
                known.pop(path, None)
            case "end":
                outcome, error = given["status"], given["error"] or ""
    what = "undo" if part[0].kind == "undoing" else "run"
    seconds = part[-1].at - part[0].at
    return Attempt(what, by.get("user", ""), by.get("host", ""), part[0].at, seconds, outcome, error, changes, exposed)


def _said(error: Any) -> str:
    """An error as the log has it; a cancel has no words of its own."""
    return "interrupted" if str(error).startswith(("CancelledError", "KeyboardInterrupt")) else str(error)


def _change(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    if before is None:
        return "made"
    keys = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    return f"changed: {', '.join(keys)}" if keys else "as before"
