"""What a run tells its observers: one Protocol with one method, and frozen events.

A scope's opening and closing are steps too, at the paths "scope#open" and "scope#close". Times are seconds since
the epoch (`at`) or durations in seconds (`seconds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol


class Outline(NamedTuple):
    """The shape of a step, known before it runs: `kind` is step, group, scope, each, or a third party's own."""

    name: str
    kind: str
    parts: tuple[Outline, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins: to go on, to be undone, or only to pay the closings that it owes."""

    run: str
    at: float
    outline: tuple[Outline, ...]
    mode: Literal["go", "undo", "pay"] = "go"


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins."""

    run: str
    path: str
    at: float


@dataclass(frozen=True, slots=True)
class StepNoted:
    """A step says what it does or waits for now."""

    run: str
    path: str
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended: `keys` are what it gave; `error` is what it raised; `replayed` when a recorded outcome stood in."""

    run: str
    path: str
    at: float
    seconds: float
    keys: tuple[str, ...] = ()
    error: BaseException | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ScopeOpened:
    """A scope's opening was asked for: from now on its closing is owed, also when open failed."""

    run: str
    path: str
    at: float


@dataclass(frozen=True, slots=True)
class ScopeClosed:
    """A scope's closing ended after `seconds` open; with an `error` it is still owed."""

    run: str
    path: str
    at: float
    seconds: float
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run ended."""

    run: str
    at: float
    seconds: float
    error: BaseException | None = None


Event = RunStarted | StepStarted | StepNoted | StepEnded | ScopeOpened | ScopeClosed | RunEnded


class Observer(Protocol):
    """Whoever wants to follow a run: the live tree, a log, a recorder of figures."""

    def on(self, event: Event) -> None:
        """Take one event. Called one at a time; an observer that raises is dropped with a warning."""
        ...
