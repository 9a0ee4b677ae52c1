"""CloudFormation's operations that stop what is under way, or go on with what failed."""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.calls import Call, Refused
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.operations import Operations
from trunkline_lab.aws.cloudformation.stack import Stack


class LifeOperations(Operations):
    """CancelUpdateStack, ContinueUpdateRollback and RollbackStack."""

    def cancel_update_stack(self, call: Call, params: dict[str, Any]) -> None:
        """CancelUpdateStack: the update is given up and rolled back; only while it is under way."""
        stack = self._must_find(call, params["StackName"])
        if stack.status != "UPDATE_IN_PROGRESS":
            raise invalid("CancelUpdateStack cannot be called from current stack status")
        self._refuse_nested(stack, "CancelUpdateStack")
        stack.token = params.get("ClientRequestToken", stack.token)
        for each in self.setting.stacks.family(stack):
            each.cancel.set()

    def continue_update_rollback(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ContinueUpdateRollback, perhaps without some of the resources whose rollback failed."""
        stack, token = self._must_find(call, params["StackName"]), params.get("ClientRequestToken", "")
        if token and (stack.operation, stack.token) == ("CONTINUE", token):
            return {}
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            where = f"Stack:{stack.id} is in {stack.status} state and can not continue its update rollback."
            raise invalid(where)
        self._refuse_nested(stack, "ContinueUpdateRollback")
        skip = params.get("ResourcesToSkip", [])
        failed = {task.built.name for task in stack.unfinished.done} if stack.unfinished else set()
        for name in skip:
            if name not in failed:
                text = f"Resource {name} cannot be skipped: only resources whose rollback failed can"
                raise invalid(f"{text} ([{', '.join(sorted(failed))}]).")
        self._start(stack, "UPDATE_ROLLBACK_IN_PROGRESS", token, lambda engine: engine.go_on(skip))
        stack.operation = "CONTINUE"
        return {}

    def rollback_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """RollbackStack: a stack that failed and kept its resources goes back to its last stable state."""
        stack, token = self._must_find(call, params["StackName"]), params.get("ClientRequestToken", "")
        if token and (stack.operation, stack.token) == ("ROLLBACK", token):
            return {"StackId": stack.id}
        if stack.status not in {"CREATE_FAILED", "UPDATE_FAILED"}:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
        stable = stack.unfinished is not None and stack.unfinished.desired is not None
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        status = "UPDATE_ROLLBACK_IN_PROGRESS" if stable else "ROLLBACK_IN_PROGRESS"
        self._start(stack, status, token, lambda engine: engine.roll_back())
        stack.operation = "ROLLBACK"
        return {"StackId": stack.id}

    @staticmethod
    def _refuse_nested(stack: Stack, operation: str) -> None:
        if stack.root:
            raise Refused("ValidationError", f"{operation} cannot be used on a nested stack: use it on {stack.root}.")
