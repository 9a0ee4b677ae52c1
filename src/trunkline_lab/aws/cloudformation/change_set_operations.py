"""CloudFormation's operations on change sets."""

from __future__ import annotations

import uuid
from typing import Any

from trunkline_lab.aws.calls import Call, Refused
from trunkline_lab.aws.cloudformation import describe
from trunkline_lab.aws.cloudformation.changes import outputs_differ, plan
from trunkline_lab.aws.cloudformation.engine import Engine
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.operations import Operations
from trunkline_lab.aws.cloudformation.stack import ChangeSet, Stack

UNCHANGED = "The submitted information didn't contain changes. Submit different information to create a change set."


class ChangeSetOperations(Operations):
    """CreateChangeSet to ExecuteChangeSet."""

    def create_change_set(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """CreateChangeSet; the first one of a new stack makes the stack, in review."""
        name, kind = params["ChangeSetName"], params.get("ChangeSetType") or "UPDATE"
        if kind == "IMPORT":
            raise invalid("The lab does not support change sets of type IMPORT.")
        if params.get("OnStackFailure") == "DELETE" and kind != "CREATE":
            raise invalid("OnStackFailure DELETE is for change sets of type CREATE only.")
        stack = self._stack_for(call, params, name, kind)
        there = stack.change_sets.get(name)
        token = params.get("ClientToken", "")
        if there is not None and there.execution != "EXECUTE_COMPLETE":
            if token and there.token == token:
                return {"Id": there.id, "StackId": stack.id}
            raise Refused("AlreadyExistsException", f"ChangeSet {name} already exists")
        desired = self._desired(stack, params)
        if not stack.status:
            self.setting.stacks.add(stack)
            stack.enter("REVIEW_IN_PROGRESS", "User Initiated")
        identity = f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet/{name}/{uuid.uuid4()}"
        made = ChangeSet(identity, name, kind, desired, params.get("Description", ""), token)
        made.on_failure = params.get("OnStackFailure", "")
        stack.change_sets[name] = made
        self._thread(stack, lambda: self._preview(stack, made), made.fail)
        return {"Id": made.id, "StackId": stack.id}

    def describe_change_set(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeChangeSet."""
        stack, found = self._change_set(call, params)
        rest = describe.change_set(stack, found)
        return rest | describe.page("Changes", found.changes, params)

    def list_change_sets(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ListChangeSets."""
        stack = self._must_find(call, params["StackName"])
        found = [describe.change_set_summary(stack, each) for each in stack.change_sets.values()]
        return describe.page("Summaries", found, params)

    def delete_change_set(self, call: Call, params: dict[str, Any]) -> None:
        """DeleteChangeSet; nothing happens when it is gone."""
        try:
            stack, found = self._change_set(call, params)
        except Refused as error:
            if error.code == "ChangeSetNotFound":
                return
            raise
        if found.execution == "EXECUTE_IN_PROGRESS":
            raise Refused("InvalidChangeSetStatus", f"ChangeSet [{found.id}] cannot be deleted: it is being executed.")
        del stack.change_sets[found.name]

    def execute_change_set(self, call: Call, params: dict[str, Any]) -> None:
        """ExecuteChangeSet."""
        stack, found = self._change_set(call, params)
        if self._repeated(stack, call):
            return
        if found.execution != "AVAILABLE":
            text = f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]"
            raise Refused("InvalidChangeSetStatus", text)
        if found.on_failure and "DisableRollback" in params:
            raise invalid("DisableRollback cannot be specified for a change set that was created with OnStackFailure.")
        creates = stack.status == "REVIEW_IN_PROGRESS"
        if not creates:
            self._check_updatable(stack, params)
        kept = bool(params.get("DisableRollback")) or found.on_failure == "DO_NOTHING"
        stack.on_failure = found.on_failure or ("DO_NOTHING" if kept else "ROLLBACK")
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        stack.acknowledged = found.desired.capabilities
        found.execution = "EXECUTE_IN_PROGRESS"
        # The others are for a stack that is no more.
        stack.change_sets, stack.change_set = {found.name: found}, found.id

        def execute(engine: Engine) -> None:
            if creates:
                engine.create(found.desired)
            else:
                engine.update(found.desired, rollback=not kept)
            done = stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
            found.execution = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"

        self._start(stack, "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS", call, execute)

    def _preview(self, stack: Stack, made: ChangeSet) -> None:
        made.status = "CREATE_IN_PROGRESS"
        self.setting.wait()
        try:
            made.changes = plan(self.setting, stack, made.desired)
        except Refused as error:
            made.fail(error.message)
            return
        fresh = stack.desired is None
        if not made.changes and not fresh and not outputs_differ(self.setting, stack, made.desired):
            made.fail(UNCHANGED)
            return
        made.status, made.execution = "CREATE_COMPLETE", "AVAILABLE"

    def _stack_for(self, call: Call, params: dict[str, Any], change_set: str, kind: str) -> Stack:
        name = params["StackName"]
        stack = self.setting.stacks.find(call.account, call.region, name)
        if kind == "CREATE":
            if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                text = f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
                raise invalid(text)
            return stack or self._new(call, name)
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        # A stack whose resources were kept takes a change set; executing it says whether they are kept again.
        self._check_updatable(stack, {"DisableRollback": True})
        return stack
