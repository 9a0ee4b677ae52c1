"""What the entries of a run's log add up to: which step is done, which scope is owed."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from trunkline._core.paths import below
from trunkline._core.recorder import Owed, Record

Kind = Literal[
    "start",  # value: data, outline, words, by
    "again",  # a finished run runs once more: what was done may have changed
    "intend",
    "done",  # value: outputs
    "unknown",  # value: the error's text
    "undoing",  # there is no way back to forward; value: by
    "undone",  # value: whether it was only passed by
    "owe",  # value: state
    "opened",  # value: outputs
    "body",
    "paid",
    "end",  # value: status, error
]


class Entry(NamedTuple):
    """One line of a run's log; `at` is the time in seconds since the epoch."""

    kind: Kind
    path: str
    value: Any
    at: float


class Ledger:
    """The sum of a run's log so far. Answers the recorder's questions.

    Attributes:
        standing: "running" (or its process died), "done", "failed", "interrupted", "undoing", "undone"; None before
            it begins.
        start: What it began with: "data", "outline", "words".
        steps, scopes: What is known of each, by path.
        passed_by: The steps that undo passed by, having none.
    """

    def __init__(self) -> None:
        self.standing: str | None = None
        self.start: dict[str, Any] = {}
        self._forget()

    def _forget(self) -> None:
        self.steps: dict[str, Record] = {}
        self.scopes: dict[str, Owed] = {}
        self.passed_by: list[str] = []
        self._touched: set[str] = set()

    def apply(self, entry: Entry) -> None:
        """Take the next entry of the log. Raises KeyError, TypeError or AttributeError for one that cannot be."""
        kind, path, value, _ = entry
        if path:
            self._touch(path)
        match kind:
            case "start":
                if self.standing == "undone":  # it begins anew, with nothing known
                    self._forget()
                self.standing, self.start = "running", {"data": value["data"], "outline": value["outline"], **value}
            case "undoing":
                self.standing = "undoing"
            case "end":
                self.standing = value["status"]
            case "intend":
                known = self.steps.get(path)
                self.steps[path] = Record("unknown", known.outputs if known else {})
            case "done":
                self.steps[path] = Record("done", value)
            case "undone":
                self.steps[path] = Record("undone", self.steps[path].outputs)
                if value:
                    self.passed_by.append(path)
            case "owe":
                self.scopes[path] = Owed(value, {}, body_ended=False, closed=False)
            case "opened":
                self.scopes[path] = self.scopes[path]._replace(opened=value)
            case "body":
                self.scopes[path] = self.scopes[path]._replace(body_ended=True)
            case "paid":
                self.scopes[path] = self.scopes[path]._replace(closed=True)
            case "again":
                for name, record in self.steps.items():
                    self.steps[name] = Record("unknown", record.outputs)
                for name, scope in self.scopes.items():
                    self.scopes[name] = scope._replace(body_ended=False)
            case "unknown":
                pass
            case _:
                raise KeyError(kind)

    def recorded(self, path: str) -> Record | None:
        """What is known of this step."""
        return self.steps.get(path)

    def owed(self, path: str) -> Owed | None:
        """What is known of this scope."""
        return self.scopes.get(path)

    def under(self, path: str) -> bool:
        """Whether anything at or below this path has ever begun."""
        return path in self._touched

    def left(self, path: str) -> bool:
        """Whether something below this path still has its effect, or a scope there still stands open."""
        undone = all(record.outcome == "undone" for step, record in self.steps.items() if below(step, path))
        return not undone or self.unpaid(path)

    def unpaid(self, path: str) -> bool:
        """Whether a scope below this path still stands open."""
        return any(not scope.closed for name, scope in self.scopes.items() if below(name, path))

    def open_scopes(self) -> dict[str, Owed]:
        """Every scope whose closing is owed."""
        return {name: scope for name, scope in self.scopes.items() if not scope.closed}

    def _touch(self, path: str) -> None:
        while path not in self._touched:
            self._touched.add(path)
            path = path[: max(path.rfind("/"), path.rfind("["), 0)]
            if not path:
                return
