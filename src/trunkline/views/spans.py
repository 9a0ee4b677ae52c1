"""A run as spans of time: plain values, made from events while it runs, or from a journal afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from trunkline._core.events import (
    Event,
    RunEnded,
    RunStarted,
    ScopeClosed,
    ScopeOpened,
    StepEnded,
    StepNoted,
    StepStarted,
)
from trunkline.views.words import one_line

_PARTS = re.compile(r"\[[^\]]*\]|#[a-z]+|[^/\[#]+")


class Span(NamedTuple):
    """One attempt at a step, or at a scope's end ("scope#open"), in seconds since the epoch.

    `outcome` is "done", "failed", "unknown", "undone" or "running"; `ended` is None while it runs.
    """

    path: str
    begun: float
    ended: float | None
    outcome: str
    note: str = ""


class Standing(NamedTuple):
    """A scope that stood open, since and until when; `until` is None while its closing is owed."""

    path: str
    since: float
    until: float | None


def parts(path: str) -> list[str]:
    """A path's parts: "access/peers[hub]/tunnel" is access, peers, [hub], tunnel."""
    return _PARTS.findall(path)


class Recorder:
    """An observer that keeps a run's spans. It is not locked.

    Parameters:
        spans, standings: What the run did before.
    """

    def __init__(self, spans: Iterable[Span] = (), standings: Iterable[Standing] = ()) -> None:
        self.run, self.begun = "", 0.0
        self.undoing = False
        self.ended: float | None = None
        self.error: BaseException | None = None
        self._spans = list(spans)
        self._running: dict[str, Span] = {}
        before = list(standings)
        self._stood = [each for each in before if each.until is not None]
        self._open = {each.path: each.since for each in before if each.until is None}

    def on(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted(run, at, mode=mode):
                self.run, self.begun = run, min([at, *(span.begun for span in self._spans)])
                self.undoing, self.ended, self.error = mode == "undo", None, None
            case StepStarted(_, path, at):
                self._running[path] = Span(path, at, None, "running")
            case StepNoted(_, path, _, text) if path in self._running:
                self._running[path] = self._running[path]._replace(note=" ".join(text.split()))
            case StepEnded(_, path, at, seconds, error=error, replayed=replayed):
                begun = self._running.pop(path, Span(path, at - seconds, None, "running"))
                if not replayed:
                    note = one_line(error) if error else ""
                    outcome = "failed" if error else "undone" if self._takes_back(path) else "done"
                    self._spans.append(begun._replace(ended=at, outcome=outcome, note=note))
            case ScopeOpened(_, path, at):
                self._open.setdefault(path, at)
            case ScopeClosed(_, path, at, error=None):
                self._stood.append(Standing(path, self._open.pop(path, at), at))
            case RunEnded(_, at, error=error):
                self.ended, self.error = at, error
            case _:
                pass

    def _takes_back(self, path: str) -> bool:
        return self.undoing and "#" not in path  # to undo what is in a scope, it is opened and closed again

    @property
    def spans(self) -> list[Span]:
        """All spans so far, in the order in which they began."""
        return sorted([*self._spans, *self._running.values()], key=lambda span: (span.begun, span.path))

    @property
    def standings(self) -> list[Standing]:
        """All scopes that were opened so far."""
        still = [Standing(path, since, None) for path, since in self._open.items()]
        return sorted([*self._stood, *still], key=lambda each: (each.since, each.path))
