"""The errors of the core, as one tree.

    Error                   anything trunkline says no to; carries an optional hint
    ├── Misuse              the pipe was written wrongly (also a TypeError)
    ├── Conflict            two steps side by side gave one key different values
    ├── WiringError         check() found problems before anything ran
    ├── InUse               an undo would cut off somebody who depends on what it takes back
    ├── StepTimeout         a step went over its timeout (also a TimeoutError)
    └── Stopped             a step's wait ended early, because the run is to stop

An exception that a step raises is never wrapped: it keeps its type and gains a note of its path.
"""

from __future__ import annotations


class Error(Exception):
    """The base of every error that trunkline raises.

    Parameters:
        message: What is wrong, naming the field and the value.
        hint: What to do about it, as one sentence; shown on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Misuse(Error, TypeError):
    """The pipe was written wrongly: something is no step, a name stands twice, a return is no mapping."""


class Conflict(Error):
    """Two steps side by side gave one key different values, or two items of `each` share one key."""


class WiringError(Error):
    """`check` found errors; `problems` holds them all."""

    def __init__(self, problems: tuple[object, ...], message: str) -> None:
        super().__init__(message, hint="mend the wiring and run again; nothing was touched")
        self.problems = problems


class InUse(Error):
    """What an undo would take back is in use; nothing was undone."""


class Stopped(Error):
    """A step's wait (`here().pause`) ended early, because the run is to stop."""


class StepTimeout(Error, TimeoutError):
    """A step did not end within its `timeout`."""
