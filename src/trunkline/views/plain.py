"""Plain lines: one for each thing that happens, for logs of CI and for terminals that cannot redraw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

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
from trunkline.views.tree import Tree
from trunkline.views.words import MODES, duration, ending, one_line, usually

NOTE_EVERY = 5.0  # seconds between two notes of one step, so that a long wait does not flood a log


class PlainView:
    """An observer that writes lines such as "[ 3/12]    4.1 s  vpc: done (3.9 s)" to `stream`."""

    def __init__(self, stream: TextIO, usual: Mapping[str, float] | None = None) -> None:
        self.stream = stream
        self.tree = Tree(usual)
        self._noted: dict[str, float] = {}

    def on(self, event: Event) -> None:
        """Take one event."""
        self.tree.on(event)
        text = self._text(event)
        if text is not None:
            done, known = self.tree.progress()
            width = len(str(known))
            elapsed = duration(max(0.0, event.at - self.tree.started))
            self.stream.write(f"[{done:{width}}/{known}] {elapsed:>8}  {text}\n")
            self.stream.flush()

    def close(self) -> None:
        """Nothing is held; for the sake of a common shape."""

    def _text(self, event: Event) -> str | None:
        match event:
            case RunStarted(run):
                return f"{run}: {MODES[self.tree.mode]}"
            case StepStarted(_, path):
                usual = usually(self.tree.at(path).usual)
                return f"{path}: begins{f' ({usual})' if usual else ''}"
            case StepNoted(_, path, at, text):
                if at - self._noted.get(path, at - NOTE_EVERY) < NOTE_EVERY:
                    return None
                self._noted[path] = at
                return f"{path}: {' '.join(text.split())}"
            case StepEnded(_, path, _, seconds, _, error, replayed):
                if error is not None and one_line(error) == "interrupted":
                    return f"{path}: interrupted after {duration(seconds)}"
                if error is not None:
                    return f"{path}: FAILED after {duration(seconds)}: {one_line(error)}"
                undoing = self.tree.mode == "undo" and not path.endswith(("#open", "#close"))
                if replayed:
                    return f"{path}: has nothing to undo" if undoing else f"{path}: done before"
                return f"{path}: {'undone' if undoing else 'done'} ({duration(seconds)})"
            case ScopeOpened(_, path):
                return f"{path}: opens; its closing is owed from now on"
            case ScopeClosed(_, path, _, seconds, error):
                if error is not None:
                    return f"{path}: NOT CLOSED after {duration(seconds)}: {one_line(error)}"
                return f"{path}: closed after {duration(seconds)}"
            case RunEnded(run, _, seconds, error):
                said = ending(error).partition(":")[0]
                said = "undone" if said == "done" and self.tree.mode == "undo" else said
                return f"{run}: {said} after {duration(seconds)}"
