"""The life of a stack: created, updated, rolled back, deleted."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline_lab.aws.calls import Refused, now
from trunkline_lab.aws.cloudformation.apply import Apply, Failed, Task
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Built, Desired, Stack
from trunkline_lab.aws.cloudformation.steps import Steps

_GONE = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


class Engine:
    """Runs operations on one stack, in the caller's thread; the stack's first status is the caller's to set."""

    def __init__(self, setting: Setting, stack: Stack) -> None:
        self._setting, self._stack = setting, stack
        self._steps = Steps(setting, stack)

    def create(self, desired: Desired) -> None:
        """Make the stack; what becomes of a failure is said by its `on_failure`."""
        stack = self._stack
        stack.desired = desired
        try:
            Apply(self._setting, stack, desired).run()
        except (Failed, Refused) as error:
            self._create_failed(_said(error))
        else:
            self._enter_unless_cancelled("CREATE_COMPLETE")

    def update(self, desired: Desired) -> None:
        """Bring the stack to `desired`; after a failure, back to where it was."""
        stack = self._stack
        before = (stack.desired, stack.outputs, stack.imports)
        stack.updated = now()
        apply = Apply(self._setting, stack, desired)
        try:
            apply.run()
        except (Failed, Refused) as error:
            stack.desired, stack.outputs, stack.imports = before
            self._update_failed(apply.done, _said(error))
            return
        stack.desired = desired
        gone = [stack.resources.pop(name) for name in list(stack.resources) if name not in apply.wanted]
        replaced = [task.replaced for task in apply.done if task.replaced]
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        # What cannot be removed stays behind and is written down; the update itself has succeeded.
        self._remove([*gone, *replaced], {each.name: each.update_replace_policy for each in replaced})
        stack.enter("UPDATE_COMPLETE")

    def delete(self, retain: Iterable[str] = ()) -> None:
        """Remove every resource in reverse, then the stack; a resource in `retain` is left where it is."""
        stack = self._stack
        used = self._exports_in_use()
        if used:
            stack.enter("DELETE_FAILED", used)
            return
        failed = self._remove(list(stack.resources.values()), dict.fromkeys(retain, "Retain"))
        if failed:
            stack.enter("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
            return
        stack.deleted, stack.outputs, stack.imports = now(), [], set()
        stack.enter("DELETE_COMPLETE")

    def _create_failed(self, reason: str) -> None:
        stack = self._stack
        if stack.cancelled.is_set() or stack.on_failure == "DO_NOTHING":
            self._enter_unless_cancelled("CREATE_FAILED", reason)
            return
        if stack.on_failure == "DELETE":
            stack.enter("DELETE_IN_PROGRESS", reason + "Delete requested by user.")
            self.delete()
            return
        stack.enter("ROLLBACK_IN_PROGRESS", reason + "Rollback requested by user.")
        spared = {name: "Delete" for name, b in stack.resources.items() if b.deletion_policy == "RetainExceptOnCreate"}
        failed = self._remove(list(stack.resources.values()), spared)
        stack.outputs = []
        if failed:
            stack.enter("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            stack.enter("ROLLBACK_COMPLETE")

    def _enter_unless_cancelled(self, status: str, reason: str = "") -> None:
        """A stack whose deletion was asked for meanwhile stays in DELETE_IN_PROGRESS."""
        with self._setting.stacks.lock:
            if not self._stack.cancelled.is_set():
                self._stack.enter(status, reason)

    def _update_failed(self, done: list[Task], reason: str) -> None:
        stack = self._stack
        stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        failed, trash = self._take_back(done)
        if failed:
            text = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            stack.enter("UPDATE_ROLLBACK_FAILED", text)
            return
        stack.enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._remove(trash, dict.fromkeys((each.name for each in trash), "Delete"))
        stack.enter("UPDATE_ROLLBACK_COMPLETE")

    def _take_back(self, done: list[Task]) -> tuple[list[str], list[Built]]:
        """Undo an update's tasks, newest first. Returns the names that failed, and what is left to be removed."""
        stack, failed, trash = self._stack, [], []
        for task in reversed(done):
            name = task.built.name
            if task.action == "update":
                stack.note(task.built, "UPDATE_IN_PROGRESS")
                self._setting.wait()
                if not self._steps.update(task.built, *task.before):
                    failed.append(name)
                continue
            trash.append(task.built)
            if task.replaced:
                stack.resources[name] = task.replaced
            else:
                del stack.resources[name]
        return failed, trash

    def _remove(self, resources: list[Built], policies: dict[str, str]) -> list[str]:
        """Remove resources, each after those that need it. Returns the names that could not be removed."""
        left = {built.name: built for built in resources if built.status not in _GONE}
        failed: list[str] = []
        while left:
            held = {name for each in left.values() for name in each.needs if name != each.name}
            wave = [built for name, built in left.items() if name not in held and name not in failed]
            if not wave:
                break
            for built in wave:
                self._stack.note(built, "DELETE_IN_PROGRESS")
            self._setting.wait()
            for built in reversed(wave):
                if self._steps.delete(built, policies.get(built.name)):
                    del left[built.name]
                else:
                    failed.append(built.name)
        return failed

    def _exports_in_use(self) -> str:
        stacks, stack = self._setting.stacks, self._stack
        for other in stacks.of(stack.account, stack.region):
            for output in stack.outputs:
                if output.export in other.imports and other is not stack:
                    return f"Delete canceled. Cannot delete export {output.export} as it is in use by {other.name}."
        return ""


def _said(error: Failed | Refused) -> str:
    return str(error) if isinstance(error, Failed) else f"{error.message} "
