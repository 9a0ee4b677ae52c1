"""Plain lines: one for each thing that happens, for logs of CI and for terminals that cannot redraw."""

from __future__ import annotations

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
from trunkline.views.words import duration, ending, one_line

NOTE_EVERY = 5.0  # seconds between two notes of one step, so that a long wait does not flood a log


class PlainView:
    """An observer that writes lines such as "[ 3/12]    4.1 s  vpc: done (3.9 s)" to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.tree = Tree()
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
                return f"{run}: begins"
            case StepStarted(_, path):
                return f"{path}: begins"
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
                return f"{path}: done before" if replayed else f"{path}: done ({duration(seconds)})"
            case ScopeOpened(_, path):
                return f"{path}: opens; its closing is owed from now on"
            case ScopeClosed(_, path, _, seconds, error):
                if error is not None:
                    return f"{path}: NOT CLOSED after {duration(seconds)}: {one_line(error)}"
                return f"{path}: closed after {duration(seconds)}"
            case RunEnded(run, _, seconds, error):
                return f"{run}: {ending(error).partition(':')[0]} after {duration(seconds)}"
