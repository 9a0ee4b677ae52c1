"""Change sets: CloudFormation's own answer to what an operation would do, made, read, executed or thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from trunkline.clouds.aws.errors import code_of, tolerating
from trunkline.clouds.aws.operations import Patience
from trunkline.clouds.aws.template import Template
from trunkline.clouds.cloud import CloudError, StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ParameterTypeDef, TagTypeDef

_EMPTY = ("didn't contain changes", "No updates are to be performed")
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "+", "Dynamic": "~"}


@dataclass(frozen=True)
class ChangeSet:
    """A change set that is ready: its id, its stack's id, and its changes; without any, it cannot be executed."""

    id: str
    stack_id: str
    changes: tuple[ChangeTypeDef, ...] = ()
    empty: bool = False


def make(
    cloudformation: CloudFormationClient,
    *,
    stack: str,
    name: str,
    kind: Literal["CREATE", "UPDATE"],
    template: Template,
    parameters: Sequence[ParameterTypeDef],
    tags: Sequence[TagTypeDef],
    deadline: float,
) -> ChangeSet:
    """Make a change set and wait until CloudFormation has worked it out.

    One of the same name that an earlier attempt left behind is made anew, for it may be about other values.

    Parameters:
        cloudformation: The client.
        stack, name, kind: Which stack, the change set's name, and whether it makes or updates.
        template, parameters, tags: What the stack shall be.
        deadline: When waiting ends in StepTimeout, in seconds of `time.monotonic()`.

    Raises:
        StackFailed: CloudFormation cannot do it.
    """
    request: dict[str, Any] = {
        "StackName": stack,
        "ChangeSetName": name,
        "ChangeSetType": kind,
        "TemplateBody": template.body,
        "Parameters": list(parameters),
        "Tags": list(tags),
        "Capabilities": template.capabilities,
    }
    try:
        made = cloudformation.create_change_set(**request)
    except Exception as error:
        if code_of(error) not in ("AlreadyExistsException", "AlreadyExists"):
            raise
        discard(cloudformation, stack, name)
        made = cloudformation.create_change_set(**request)
    return _ready(cloudformation, stack, made["Id"], made["StackId"], deadline)


def discard(cloudformation: CloudFormationClient, stack: str, change_set: str) -> None:
    """Throw a change set away; nothing happens when it is gone."""
    with tolerating("ChangeSetNotFound", "ChangeSetNotFoundException"):
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=change_set)


def execute(cloudformation: CloudFormationClient, change_set: ChangeSet, token: str) -> None:
    """Begin a change set's operation; a repeated request begins it once.

    Raises:
        CloudError: The stack was changed by somebody else since the change set was made.
    """
    try:
        cloudformation.execute_change_set(ChangeSetName=change_set.id, ClientRequestToken=token)
    except Exception as error:
        if code_of(error) not in ("InvalidChangeSetStatus", "InvalidChangeSetStatusException"):
            raise
        # Either the answer to an earlier request was lost, or it cannot be executed any more.
        now = cloudformation.describe_change_set(ChangeSetName=change_set.id).get("ExecutionStatus", "")
        if now not in ("EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"):
            raise CloudError(
                f"the change set {change_set.id} is {now.lower()}: the stack was changed by somebody else meanwhile",
                code=code_of(error),
                hint="see who works on this stack, then run again",
            ) from error


def lines(changes: Sequence[ChangeTypeDef]) -> list[str]:
    """Changes as text, a line each: `+ Vpc (AWS::EC2::VPC)`, `~ Router (AWS::EC2::Instance): ImageId; replaced`."""
    return [_line(change["ResourceChange"]) for change in changes if "ResourceChange" in change]


def _line(change: Any) -> str:
    sign = _SIGNS.get(change.get("Action", ""), "?")
    details = change.get("Details", [])
    what = dict.fromkeys(
        detail["Target"].get("Name") or detail["Target"].get("Attribute", "")
        for detail in details
        if detail.get("Target")
    )
    replaced = {"True": "; replaced", "Conditional": "; replaced if need be"}.get(change.get("Replacement", ""), "")
    about = f": {', '.join(name for name in what if name)}" if any(what) else ""
    return f"{sign} {change['LogicalResourceId']} ({change['ResourceType']}){about}{replaced}"


def _ready(
    cloudformation: CloudFormationClient, stack: str, change_set: str, stack_id: str, deadline: float
) -> ChangeSet:
    patience = Patience(deadline)
    while True:
        now = cloudformation.describe_change_set(ChangeSetName=change_set)
        status, reason = now["Status"], now.get("StatusReason", "")
        if status == "CREATE_COMPLETE":
            return ChangeSet(change_set, stack_id, tuple(_changes(cloudformation, now)))
        if status == "FAILED" and any(words in reason for words in _EMPTY):
            return ChangeSet(change_set, stack_id, empty=True)
        if status not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            raise StackFailed(stack, "its change set", reason or status)
        patience.pause(f"stack {stack}: CloudFormation works out the changes")


def _changes(cloudformation: CloudFormationClient, first: Any) -> list[ChangeTypeDef]:
    changes, page = list(first.get("Changes", [])), first
    while page.get("NextToken"):
        page = cloudformation.describe_change_set(ChangeSetName=first["ChangeSetId"], NextToken=page["NextToken"])
        changes += page.get("Changes", [])
    return changes
