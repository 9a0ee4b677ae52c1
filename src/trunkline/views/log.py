"""A run in the log of the program that runs it: the logger "trunkline", and `extra` with the event's own fields."""

from __future__ import annotations

import logging

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
from trunkline.views.words import MODES, one_line


class LogView:
    """An observer that logs: starts and ends as INFO, notes as DEBUG, failures as ERROR.

    Every record carries `trunkline_run` and, where there is one, `trunkline_path`.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self.logger = logger or logging.getLogger("trunkline")

    def on(self, event: Event) -> None:
        """Take one event."""
        extra = {"trunkline_run": event.run, "trunkline_path": getattr(event, "path", "")}
        level, text, *values = self._message(event)
        self.logger.log(level, text, *values, extra=extra)

    def close(self) -> None:
        """Nothing is held; for the sake of a common shape."""

    def _message(self, event: Event) -> tuple[int, str, *tuple[object, ...]]:
        match event:
            case RunStarted(run, _, _, mode):
                return logging.INFO, "run %s %s", run, MODES[mode]
            case StepStarted(_, path):
                return logging.INFO, "%s begins", path
            case StepNoted(_, path, _, text):
                return logging.DEBUG, "%s: %s", path, text
            case StepEnded(_, path, _, seconds, _, None, _):
                return logging.INFO, "%s done in %.3f s", path, seconds
            case StepEnded(_, path, _, seconds, _, error):
                return logging.ERROR, "%s failed after %.3f s: %s", path, seconds, one_line(error or Exception())
            case ScopeOpened(_, path):
                return logging.INFO, "%s opens", path
            case ScopeClosed(_, path, _, seconds, None):
                return logging.INFO, "%s closed after %.3f s", path, seconds
            case ScopeClosed(_, path, _, seconds, error):
                return logging.ERROR, "%s not closed after %.3f s: %s", path, seconds, one_line(error or Exception())
            case RunEnded(run, _, seconds, None):
                return logging.INFO, "run %s done in %.3f s", run, seconds
            case RunEnded(run, _, seconds, error):
                return logging.ERROR, "run %s failed after %.3f s: %s", run, seconds, one_line(error or Exception())
