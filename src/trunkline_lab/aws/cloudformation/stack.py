"""Stacks as data: what was asked for, what was made, what happened."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trunkline_lab.aws.calls import now
from trunkline_lab.aws.cloudformation.records import Built, Desired, Event, Output
from trunkline_lab.aws.cloudformation.tasks import Unfinished


@dataclass
class ChangeSet:
    """A change that was asked for and previewed, and perhaps executed."""

    id: str
    name: str
    kind: str
    desired: Desired
    description: str = ""
    token: str = ""
    on_failure: str = ""
    status: str = "CREATE_PENDING"
    reason: str = ""
    execution: str = "UNAVAILABLE"
    created: datetime = field(default_factory=now)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, reason: str) -> None:
        """It cannot be executed, for this reason."""
        self.status, self.reason = "FAILED", reason


@dataclass(eq=False)
class Stack:
    """One stack: its state, resources, outputs and history.

    Attributes:
        parent, root: Ids of the stack that this one is nested in, and of the outermost one; "" when not nested.
        deleted: When its last deletion began, whether that succeeded or not.
        token: The client request token of the operation under way, which its events carry.
        requests: The parameters of every request with a token, by operation and token.
        change_set: Id of the change set that was executed last, "" for none.
        abandoned: Whether OnFailure says to leave a failed create as it is: no update may mend it then.
        minutes: How long creating may take; 0 for as long as it takes.
        acknowledged: The capabilities of the operation under way, for nested stacks.
        unfinished: What leads back from a failed operation to the last stable state.
        skipped: Resources that a rollback leaves as they are.
        cancelled: Set when the stack is to be deleted while it is being created.
        cancel: Set when its update is to be given up.
        lock: That of all stacks, once it is one of them.
    """

    id: str
    name: str
    account: str
    region: str
    status: str = ""
    reason: str = ""
    desired: Desired | None = None
    token: str = ""
    requests: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    on_failure: str = "ROLLBACK"
    abandoned: bool = False
    protected: bool = False
    role: str = ""
    notify: tuple[str, ...] = ()
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Built] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    change_set: str = ""
    parent: str = ""
    root: str = ""
    minutes: int = 0
    retain_except_on_create: bool = False
    acknowledged: tuple[str, ...] = ()
    drift: str = "NOT_CHECKED"
    drift_checked: datetime | None = None
    unfinished: Unfinished | None = None
    skipped: frozenset[str] = frozenset()
    cancelled: threading.Event = field(default_factory=threading.Event)
    cancel: threading.Event = field(default_factory=threading.Event)
    work: threading.Thread | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def enter(self, status: str, reason: str = "") -> None:
        """Take a new status and write it down."""
        # Who sees the status sees its event, too.
        with self.lock:
            self.status, self.reason = status, reason
            if status == "DELETE_IN_PROGRESS":
                self.deleted = now()
            self._write(self.name, self.id, "AWS::CloudFormation::Stack", reason, {})

    def note(self, built: Built, status: str, reason: str = "") -> None:
        """Give a resource a new status and write it down."""
        built.status, built.reason, built.updated, built.drift = status, reason, now(), None
        self._write(built.name, built.physical, built.type, reason, built.properties, status)

    def _write(
        self, logical: str, physical: str, kind: str, reason: str, properties: Mapping[str, Any], status: str = ""
    ) -> None:
        identity = f"{logical}-{status or self.status}-{uuid.uuid4()}"
        event = Event(identity, logical, physical, kind, status or self.status, reason, self.token, now(), properties)
        self.events.append(event)


class Stacks:
    """All stacks of a lab, by account and region; deleted ones are found by id only."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._all: list[Stack] = []

    def add(self, stack: Stack) -> None:
        """Remember a new stack."""
        with self.lock:
            stack.lock = self.lock
            self._all.append(stack)

    def everything(self) -> list[Stack]:
        """All stacks of all accounts."""
        with self.lock:
            return list(self._all)

    def of(self, account: str, region: str) -> list[Stack]:
        """The stacks of an account and region, newest first."""
        with self.lock:
            return [stack for stack in reversed(self._all) if (stack.account, stack.region) == (account, region)]

    def find(self, account: str, region: str, name: str) -> Stack | None:
        """A stack by name (not a deleted one) or by id."""
        for stack in self.of(account, region):
            if name == stack.id or (name == stack.name and stack.status != "DELETE_COMPLETE"):
                return stack
        return None

    def by_id(self, identity: str) -> Stack | None:
        """A stack by id, whatever became of it; None when there is none."""
        return next((stack for stack in self.everything() if stack.id == identity), None)

    def family(self, stack: Stack) -> list[Stack]:
        """The stack and all that are nested in it, at any depth."""
        found, everything = [stack], self.everything()
        for each in found:
            found += [child for child in everything if child.parent == each.id]
        return found

    def children(self, stack: Stack) -> list[Stack]:
        """The stacks that are resources of this one."""
        return [each for each in self.everything() if each.parent == stack.id]

    def importer(self, stack: Stack, export: str) -> str:
        """The name of a stack that uses an export of this one, "" when none does."""
        others = self.of(stack.account, stack.region)
        return next((other.name for other in others if export and export in other.imports and other is not stack), "")

    def exports(self, account: str, region: str) -> dict[str, tuple[Stack, Output]]:
        """Every export of an account and region, by name."""
        live = [stack for stack in self.of(account, region) if stack.status != "DELETE_COMPLETE"]
        return {output.export: (stack, output) for stack in live for output in stack.outputs if output.export}
