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
        if self._repeated(stack, call):
            return
        if stack.status != "UPDATE_IN_PROGRESS":
            raise invalid("CancelUpdateStack cannot be called from current stack status")
        self._refuse_nested(stack, "CancelUpdateStack")
        if params.get("ClientRequestToken"):
            self._remember(stack, call)
        for each in self.setting.stacks.family(stack):
            each.cancel.set()

    def continue_update_rollback(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ContinueUpdateRollback, perhaps without some of the resources whose rollback failed."""
        stack = self._must_find(call, params["StackName"])
        if self._repeated(stack, call):
            return {}
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            where = f"Stack:{stack.id} is in {stack.status} state and can not continue its update rollback."
            raise invalid(where)
        self._refuse_nested(stack, "ContinueUpdateRollback")
        self._skip(stack, set(params.get("ResourcesToSkip", [])))
        self._start(stack, "UPDATE_ROLLBACK_IN_PROGRESS", call, lambda engine: engine.go_on())
        return {}

    def _skip(self, stack: Stack, names: set[str]) -> None:
        """Let the stack, and those nested in it, leave these resources as they are.

        One of a nested stack is named NESTED-STACK-NAME.RESOURCE; a nested stack itself can be skipped once it is
        deleted (API reference, ContinueUpdateRollback: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
        API_ContinueUpdateRollback.html).
        """
        stacks = self.setting.stacks
        family = {"" if each is stack else f"{each.name}.": each for each in stacks.family(stack)}
        failed = {
            f"{prefix}{task.built.name}": (each, task.built)
            for prefix, each in family.items()
            for task in (each.unfinished.done if each.unfinished else ())
        }
        for name in sorted(names):
            inner = stacks.by_id(failed[name][1].physical) if name in failed else None
            if inner is not None and not inner.status.startswith("DELETE_"):
                raise invalid(f"Resource {name} cannot be skipped: its stack {inner.name} is in {inner.status} state.")
            if name not in failed:
                text = f"Resource {name} cannot be skipped: only resources whose rollback failed can"
                raise invalid(f"{text} ([{', '.join(sorted(failed))}]).")
        for each in family.values():
            each.skipped = frozenset(failed[name][1].name for name in names if failed[name][0] is each)

    def rollback_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """RollbackStack: a stack that failed and kept its resources goes back to its last stable state."""
        stack = self._must_find(call, params["StackName"])
        if self._repeated(stack, call):
            return {"StackId": stack.id}
        if stack.status not in {"CREATE_FAILED", "UPDATE_FAILED"}:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.")
        stable = stack.unfinished is not None and stack.unfinished.desired is not None
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        status = "UPDATE_ROLLBACK_IN_PROGRESS" if stable else "ROLLBACK_IN_PROGRESS"
        self._start(stack, status, call, lambda engine: engine.roll_back())
        return {"StackId": stack.id}

    @staticmethod
    def _refuse_nested(stack: Stack, operation: str) -> None:
        if stack.root:
            raise Refused("ValidationError", f"{operation} cannot be used on a nested stack: use it on {stack.root}.")
