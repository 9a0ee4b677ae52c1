"""A stack's operations as they go: what it is, what it waits for, how it ended, and why it failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trunkline._core.context import here, pause
from trunkline._core.errors import StepTimeout
from trunkline.clouds.aws.errors import code_of, is_transient, message_of
from trunkline.clouds.cloud import StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

# The stack stands, and its outputs are true.
FINISHED = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
# What an operation that went wrong leaves behind: it can only be deleted.
LEFTOVER = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
SILENCE = 120.0  # seconds without any answer, after which waiting gives up
_STARTS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"})
# How CloudFormation words what failed only because something else had.
_CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")


def describe(cloudformation: CloudFormationClient, stack: str) -> StackTypeDef | None:
    """The stack with this name or id; None if there is none."""
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except Exception as error:
        if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
            return None
        raise


def outputs(stack: StackTypeDef) -> dict[str, str]:
    """A stack's outputs by their own names."""
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def tags(stack: StackTypeDef) -> dict[str, str]:
    """A stack's tags."""
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}


class Patience:
    """Waiting that adapts: pauses of a tenth of the time waited so far, between 50 ms and 5 s.

    Parameters:
        deadline: When it ends, in seconds of `time.monotonic()`.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._begun = time.monotonic()

    def pause(self, waits_for: str) -> None:
        """Pause once, telling observers what for. Raises StepTimeout when the deadline has passed."""
        here().note(waits_for)
        now = time.monotonic()
        if now >= self.deadline:
            raise StepTimeout(
                f"{waits_for}: not done within the time limit",
                hint="the cloud goes on by itself: run again to wait for it, or give the stack a longer timeout=",
            )
        pause(min(max((now - self._begun) / 10, 0.05), 5.0, self.deadline - now))


def wait(cloudformation: CloudFormationClient, stack: StackTypeDef, token: str | None, deadline: float) -> str:
    """Wait until a stack's operation has ended.

    Parameters:
        cloudformation: The client.
        stack: The stack; its id is what is watched, so that a deleted one can still be asked.
        token: The operation's client request token; None for whichever runs now.
        deadline: When waiting ends in StepTimeout, in seconds of `time.monotonic()`.

    Returns:
        The status with which it ended.
    """
    patience, silence = Patience(deadline), time.monotonic()
    while True:
        try:
            events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        except Exception as error:
            # The stack goes on without us: a network that is away for a moment is no reason to give up.
            if not is_transient(error) or time.monotonic() - silence > SILENCE:
                raise
            patience.pause(f"stack {stack['StackName']}: no answer from AWS ({message_of(error)})")
            continue
        status, silence = _ended(events, stack["StackId"], token), time.monotonic()
        if status:
            return status
        patience.pause(f"stack {stack['StackName']}: {_progress(events, stack['StackId'])}")


def failure(cloudformation: CloudFormationClient, stack: StackTypeDef, status: str) -> StackFailed:
    """Why the last operation of a stack failed: its first failure that was not the consequence of another.

    Parameters:
        cloudformation: The client.
        stack: The stack.
        status: The status with which the operation ended, for when the events tell no more.
    """
    events = _last_operation(cloudformation, stack["StackId"])
    failed = [
        event
        for event in events
        if event.get("ResourceStatus", "").endswith("_FAILED")
        and not event.get("ResourceStatusReason", "").startswith(_CONSEQUENCES)
    ]
    own = stack["StackId"]
    first = next((event for event in failed if event.get("PhysicalResourceId") != own), failed[0] if failed else None)
    if first is None:  # no resource was to blame: the rollback itself says why (a parameter's value, a cancel)
        reasons = [event.get("ResourceStatusReason", "") for event in events[1:]]
        return StackFailed(stack["StackName"], "the stack", next(filter(None, reasons), status), hint=_hint(status))
    resource = f"{first.get('LogicalResourceId', '?')} ({first.get('ResourceType', '?')})"
    reason = first.get("ResourceStatusReason") or first.get("ResourceStatus", status)
    return StackFailed(stack["StackName"], resource, reason, hint=_hint(status))


def _hint(status: str) -> str:
    if status.startswith("DELETE"):
        return "remove what still uses it, then run again"
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return "mend the cause and run again; the stack is as it was before"
    if status == "UPDATE_ROLLBACK_FAILED":
        return "mend the cause, let CloudFormation finish (aws cloudformation continue-update-rollback), then run again"
    if status == "ROLLBACK_COMPLETE":
        return "mend the cause and run again; nothing of the stack is left"
    return "mend the cause and run again"


def _ended(events: list[StackEventTypeDef], stack_id: str, token: str | None) -> str | None:
    """The last operation's final status; None while it runs, or while the one with `token` is not to be seen yet."""
    last = next((event for event in events if event.get("PhysicalResourceId") == stack_id), None)
    if last is None or (token is not None and last.get("ClientRequestToken") != token):
        return None
    status = last.get("ResourceStatus", "")
    return None if status.endswith("_IN_PROGRESS") else status


def _last_operation(cloudformation: CloudFormationClient, stack_id: str) -> list[StackEventTypeDef]:
    """The events of a stack's last operation, the oldest first."""
    events = []
    for event in _events(cloudformation, stack_id):
        events.append(event)
        if event.get("PhysicalResourceId") == stack_id and event.get("ResourceStatus") in _STARTS:
            break
    return events[::-1]


def _events(cloudformation: CloudFormationClient, stack_id: str) -> Iterator[StackEventTypeDef]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield from page["StackEvents"]


def _progress(events: list[StackEventTypeDef], stack_id: str) -> str:
    """What an operation waits for, as one line ("Router, Subnet create in progress"); the newest event if nothing."""
    latest: dict[str, StackEventTypeDef] = {}
    for event in events:
        if event.get("PhysicalResourceId") != stack_id:
            latest.setdefault(event.get("LogicalResourceId", ""), event)
    pending = [name for name, event in latest.items() if event.get("ResourceStatus", "").endswith("_IN_PROGRESS")]
    newest = latest[pending[0]] if pending else events[0] if events else None
    if newest is None:
        return "it begins"
    who = ", ".join(sorted(pending[:4])) or newest.get("LogicalResourceId", "")
    more = f" and {len(pending) - 4} more" if len(pending) > 4 else ""
    return f"{who}{more} {newest.get('ResourceStatus', '').lower().replace('_', ' ')}"
