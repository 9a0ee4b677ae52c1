"""Every error that trunkline raises by itself; all are `Error`s.

Error
├── Misuse, Conflict, WiringError, InUse, StepTimeout, Stopped              the pipe
└── JournalError, LeaseHeld, LeaseLost, Changed, RunState, NotJson          runs with a journal
"""

from trunkline._core.errors import Conflict, Error, InUse, Misuse, StepTimeout, Stopped, WiringError
from trunkline.durable.canonical import NotJson
from trunkline.durable.errors import Changed, JournalError, LeaseHeld, LeaseLost, RunState

__all__ = [
    "Changed",
    "Conflict",
    "Error",
    "InUse",
    "JournalError",
    "LeaseHeld",
    "LeaseLost",
    "Misuse",
    "NotJson",
    "RunState",
    "StepTimeout",
    "Stopped",
    "WiringError",
]
