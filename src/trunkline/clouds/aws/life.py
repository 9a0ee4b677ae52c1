"""The life of one stack: made, updated, waited for, cleared away, and never taken from somebody else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trunkline._core.context import Here
from trunkline.clouds.aws import changes, late, operations
from trunkline.clouds.aws.template import Template
from trunkline.clouds.cloud import CloudError, StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef, TagTypeDef

# The tags that say whose a stack is; the token alone identifies, the others are for people.
RUN, PATH, TOKEN = "trunkline:run", "trunkline:path", "trunkline:token"


class Life:
    """One stack in the hands of one step of one run.

    Parameters:
        cloudformation: The client.
        name: The stack's name.
        place: The step that it belongs to.
        deadline: When all waiting ends in StepTimeout, in seconds of `time.monotonic()`.
    """

    def __init__(self, cloudformation: CloudFormationClient, name: str, place: Here, deadline: float) -> None:
        self.cloudformation, self.name, self.place, self.deadline = cloudformation, name, place, deadline

    def owns(self, stack: StackTypeDef) -> bool:
        """Whether this step made the stack."""
        if stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return operations.tags(stack).get(TOKEN) == self.place.token
        # A stack under review has no tags yet; whose it is, the change sets' names say.
        listed = self.cloudformation.list_change_sets(StackName=stack["StackId"])["Summaries"]
        return any(each["ChangeSetName"].endswith(self.place.token) for each in listed)

    def claim(self, stack: StackTypeDef) -> None:
        """Raise CloudError when a stack of this name is somebody else's."""
        if self.owns(stack):
            return
        tags = operations.tags(stack)
        whose = f"belongs to step {tags.get(PATH)} of run {tags[RUN]}" if RUN in tags else "was not made by trunkline"
        raise CloudError(
            f"stack {self.name} exists and {whose}",
            code="NotOurs",
            hint="choose another name for this stack or this run, or undo the other run first",
        )

    def ready(self) -> StackTypeDef | None:
        """The stack when it can be updated, None when it can be made.

        Waits for an operation that still runs, and deletes what one that failed has left.
        """
        while True:
            stack = operations.describe(self.cloudformation, self.name)
            if stack is None:
                return None
            self.claim(stack)
            status = stack["StackStatus"]
            if status == "UPDATE_ROLLBACK_FAILED":
                raise operations.failure(self.cloudformation, stack, status)
            if status in operations.LEFTOVER or status == "REVIEW_IN_PROGRESS":
                self._delete(stack)
            elif status.endswith("_IN_PROGRESS"):
                operations.wait(self.cloudformation, stack, None, self.deadline)
            else:
                return stack

    def apply(self, there: StackTypeDef | None, template: Template, values: Mapping[str, str]) -> StackTypeDef:
        """Make or update the stack; answers it as it stands then."""
        change_set = self._change_set(there, template, values, f"trunkline-{self.place.token}")
        if change_set.empty and there is not None:
            changes.discard(self.cloudformation, self.name, change_set.id)
            return there
        token = self._token(change_set.id)
        changes.execute(self.cloudformation, change_set, token)
        watched: Any = {"StackName": self.name, "StackId": change_set.stack_id}
        status = operations.wait(self.cloudformation, watched, token, self.deadline)
        stack = operations.describe(self.cloudformation, change_set.stack_id)
        if stack is None or status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise operations.failure(self.cloudformation, watched, status)
        return stack

    def dry_run(self, there: StackTypeDef | None, template: Template, values: Mapping[str, str]) -> list[str]:
        """The changes that `apply` would make, as lines; leaves no trace."""
        if there is not None and there["StackStatus"] not in operations.FINISHED:
            return [f"+ {name} ({kind})" for name, kind in template.resources.items()]
        change_set = self._change_set(there, template, values, f"trunkline-preview-{self.place.token}")
        self._discard(there, change_set.id)
        return changes.lines(change_set.changes)

    def remove(self, *, whole_run: bool) -> None:
        """Delete the stack if it is this step's, or with `whole_run` if it is this run's.

        An answer from before the stack was made must not end an undo: it counts as gone when it stays unseen.
        """
        while (stack := late.seen(lambda: operations.describe(self.cloudformation, self.name))) is not None:
            tags = operations.tags(stack)
            if not self.owns(stack) and not (whole_run and tags.get(RUN) == _tag(self.place.run)):
                self.place.note(f"stack {self.name} is left alone: it is not this run's")
                return
            status = stack["StackStatus"]
            if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
                operations.wait(self.cloudformation, stack, None, self.deadline)
            else:
                self._delete(stack)
                return

    def _change_set(
        self, there: StackTypeDef | None, template: Template, values: Mapping[str, str], name: str
    ) -> changes.ChangeSet:
        parameters: list[ParameterTypeDef] = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
        ]
        try:
            return changes.make(
                self.cloudformation,
                stack=self.name,
                name=name,
                kind="CREATE" if there is None else "UPDATE",
                template=template,
                parameters=parameters,
                tags=self._tags(),
                deadline=self.deadline,
            )
        except StackFailed:
            self._discard(there, name)
            raise

    def _discard(self, there: StackTypeDef | None, change_set: str) -> None:
        """Throw a change set away, and with the first one of a stack that stack: it is empty and under review."""
        if there is not None:
            changes.discard(self.cloudformation, self.name, change_set)
            return
        left = operations.describe(self.cloudformation, self.name)
        if left is not None and left["StackStatus"] == "REVIEW_IN_PROGRESS" and self.owns(left):
            self._delete(left)

    def _tags(self) -> list[TagTypeDef]:
        place = self.place
        tags = {RUN: _tag(place.run), PATH: _tag(place.path), TOKEN: place.token}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def _delete(self, stack: StackTypeDef) -> None:
        """Delete the stack and wait until it is gone. Raises StackFailed when something stays."""
        # Each deletion is an operation of its own: a second one after a failure must not count as a repetition.
        token = self._token(f"{stack['StackId']} {stack['StackStatus']} {stack.get('DeletionTime', '')}")
        self.cloudformation.delete_stack(StackName=stack["StackId"], ClientRequestToken=token)
        if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            self._wait_gone(stack)
            return
        status = operations.wait(self.cloudformation, stack, token, self.deadline)
        if status != "DELETE_COMPLETE":  # it may be called off, and then the stack is what it was before
            raise operations.failure(self.cloudformation, stack, "DELETE_FAILED")

    def _wait_gone(self, stack: StackTypeDef) -> None:
        """Wait for a stack that never had a resource, and whose deletion therefore need not show in events."""
        patience = operations.Patience(self.deadline)
        while True:
            now = operations.describe(self.cloudformation, stack["StackId"])
            if now is None or now["StackStatus"] == "DELETE_COMPLETE":
                return
            patience.pause(f"stack {self.name}: its review is thrown away")

    def _token(self, operation: str) -> str:
        """The client request token of one operation: this step's token, and what tells its operations apart."""
        return f"{self.place.token}-{hashlib.sha256(operation.encode()).hexdigest()[:16]}"


def _tag(text: str) -> str:
    """Text as a tag's value takes it; for people, the token is what identifies."""
    return re.sub(r"[^\w\s.:/=+\-@]", "_", text)[:256]
