"""What can go wrong with a journal.

    Error
    ├── JournalError        the journal cannot be used: says which file, why, and what to do
    ├── LeaseHeld           another process runs this run; says who, and until when
    ├── LeaseLost           this process was taken for dead, and another took the run over
    ├── Changed             the steps are not those that the run began with
    └── RunState            what is asked does not fit how the run stands (it is being undone, it is not known)

While a run goes on, the first two kinds of trouble travel as a Poison, which no step and no `except Exception` of a
plug-in can swallow; whoever called the pipe gets the plain error.
"""

from __future__ import annotations

from trunkline._core.errors import Error


class JournalError(Error):
    """The journal cannot be read or written."""


class LeaseHeld(Error):
    """Another process has the run."""


class LeaseLost(Error):
    """Another process took the run over; this one may write nothing more."""


class Changed(Error):
    """The list of steps differs from the recorded one where it must not."""


class RunState(Error):
    """The run's standing does not allow what is asked."""


class Poison(BaseException):
    """Ends a run at once; `error` is what its caller gets."""

    def __init__(self, error: Error) -> None:
        super().__init__(str(error))
        self.error = error
