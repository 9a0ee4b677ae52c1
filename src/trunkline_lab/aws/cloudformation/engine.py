"""The life of a stack: created, updated, rolled back, deleted."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline_lab.aws.calls import Refused, now
from trunkline_lab.aws.cloudformation.apply import Apply, Failed
from trunkline_lab.aws.cloudformation.language import NESTED
from trunkline_lab.aws.cloudformation.records import Built, Desired
from trunkline_lab.aws.cloudformation.removal import Removal
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stack
from trunkline_lab.aws.cloudformation.steps import Steps
from trunkline_lab.aws.cloudformation.tasks import Task, Unfinished


class Engine:
    """Runs operations on one stack, in the caller's thread; the stack's first status is the caller's to set."""

    def __init__(self, setting: Setting, stack: Stack) -> None:
        self._setting, self._stack = setting, stack
        self._steps = Steps(setting, stack)

    def create(self, desired: Desired) -> None:
        """Make the stack; what becomes of a failure is said by its `on_failure`."""
        stack = self._stack
        stack.desired = desired
        apply = Apply(self._setting, stack, desired)
        try:
            apply.run()
        except (Failed, Refused) as error:
            stack.unfinished = Unfinished(None, [], set(), done=apply.done)
            self._create_failed(_said(error))
        else:
            self._enter_unless_cancelled("CREATE_COMPLETE")

    def update(self, desired: Desired, *, rollback: bool = True, hold: bool = False) -> None:
        """Bring the stack to `desired`.

        Parameters:
            desired: What it shall be.
            rollback: After a failure, go back to where it was; else it stays as it is, in UPDATE_FAILED.
            hold: Stop before the clean-up, from where `finish` and `go_on` lead on: for nested stacks.
        """
        stack = self._stack
        way = stack.unfinished = stack.unfinished or Unfinished(stack.desired, stack.outputs, stack.imports)
        stack.updated = now()
        apply = Apply(self._setting, stack, desired)
        try:
            apply.run()
        except (Failed, Refused) as error:
            way.done += apply.done
            if rollback or stack.cancel.is_set():
                self._roll_back(_said(error))
                return
            self._keep(way)
            stack.desired = desired
            stack.enter("UPDATE_FAILED", _said(error))
            return
        way.done += apply.done
        way.wanted, stack.desired = frozenset(apply.wanted), desired
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        if not hold:
            self.finish()

    def finish(self) -> None:
        """The end of an update that succeeded: what is no longer wanted goes, in nested stacks, too."""
        stack, way = self._stack, self._stack.unfinished
        assert way is not None, "an update that is to be finished has been done"
        stack.unfinished = None
        gone = [stack.resources.pop(name) for name in list(stack.resources) if name not in way.wanted]
        replaced = [task.replaced for task in way.done if task.replaced]
        # What cannot be removed stays behind and is written down; the update itself has succeeded.
        policies = {each.name: each.update_replace_policy for each in replaced}
        outside = [each for each in [*gone, *replaced] if self._leans_on_nested(each)]
        self._remove(outside, policies)
        for child in self._setting.stacks.children(stack):
            if child.status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
                Engine(self._setting, child).finish()
        self._remove([each for each in [*gone, *replaced] if each not in outside], policies)
        self._remove(way.trash, dict.fromkeys((each.name for each in way.trash), "Delete"))
        stack.enter("UPDATE_COMPLETE")

    def roll_back(self) -> None:
        """Take a failed stack, whose resources were kept, back to its last stable state (RollbackStack)."""
        way = self._stack.unfinished
        if way is None or way.desired is None:
            self._roll_creation_back()
        else:
            self.go_on()

    def go_on(self) -> None:
        """Take back what is left of an update (ContinueUpdateRollback); the stack's `skipped` stay as they are."""
        stack, way = self._stack, self._stack.unfinished
        if way is None:
            stack.enter("UPDATE_ROLLBACK_COMPLETE")
            return
        stack.desired, stack.outputs, stack.imports = way.desired, way.outputs, way.imports
        failed = self._take_back(way)
        stack.skipped = frozenset()
        if failed:
            text = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            stack.enter("UPDATE_ROLLBACK_FAILED", text)
            return
        stack.unfinished = None
        declared = way.desired.template.resources if way.desired else {}
        for name in declared.keys() & stack.resources.keys():
            stack.resources[name].metadata = declared[name].metadata
        stack.enter("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._remove(way.trash, dict.fromkeys((each.name for each in way.trash), "Delete"))
        stack.enter("UPDATE_ROLLBACK_COMPLETE")

    def delete(self, retain: Iterable[str] = (), *, force: bool = False, former: str = "DELETE_IN_PROGRESS") -> None:
        """Remove every resource in reverse, then the stack.

        Parameters:
            retain: Resources that are left where they are.
            force: Leave behind whatever cannot be removed.
            former: The status to which the stack returns when another one imports from it: nothing is touched then.
        """
        stack = self._stack
        used = self._exports_in_use()
        if used:
            for each in self._setting.stacks.family(stack):
                each.cancelled.clear()
            stack.enter("DELETE_FAILED" if former.endswith("_IN_PROGRESS") else former, used)
            return
        trash = [built for built in stack.unfinished.trash if built.physical] if stack.unfinished else []
        failed = self._remove([*trash, *stack.resources.values()], dict.fromkeys(retain, "Retain"), force=force)
        if failed:
            stack.enter("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
            return
        stack.outputs, stack.imports = [], set()
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
        self._roll_creation_back()

    def _roll_creation_back(self) -> None:
        stack = self._stack
        spared = {
            name: "Delete"
            for name, built in stack.resources.items()
            if built.deletion_policy == "RetainExceptOnCreate" or stack.retain_except_on_create
        }
        trash = stack.unfinished.trash if stack.unfinished else []
        failed = self._remove([*trash, *stack.resources.values()], spared)
        stack.outputs, stack.unfinished = [], None
        if failed:
            stack.enter("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            stack.enter("ROLLBACK_COMPLETE")

    def _enter_unless_cancelled(self, status: str, reason: str = "") -> None:
        """A stack whose deletion was asked for meanwhile stays in DELETE_IN_PROGRESS."""
        with self._setting.stacks.lock:
            if not self._stack.cancelled.is_set():
                self._stack.enter(status, reason)

    def _roll_back(self, reason: str) -> None:
        self._stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        self.go_on()

    def _leans_on_nested(self, built: Built) -> bool:
        """Whether a resource needs, at any distance, one that is a stack: then it goes before what is in that."""
        found, seen = [built], {built.name}
        for each in found:
            inner = [self._stack.resources[name] for name in each.needs - seen if name in self._stack.resources]
            seen |= {one.name for one in inner}
            found += inner
        return any(each.type == NESTED for each in found[1:])

    def _keep(self, way: Unfinished) -> None:
        """Without a rollback: what failed is as it was before, so that another update tries it again."""
        for task in [task for task in way.done if task.failed]:
            if task.action == "update":
                task.built.properties, task.built.tags = task.before
                continue
            way.done.remove(task)
            if task.replaced:
                way.trash.append(task.built)
                self._stack.resources[task.built.name] = task.replaced

    def _take_back(self, way: Unfinished) -> list[str]:
        """Undo an update's tasks, newest first. Returns the names that failed; their tasks are still to be done."""
        failed: list[Task] = []
        for task in reversed(way.done):
            if task.action != "update":
                self._take_out(task, way)
            elif task.built.name in self._stack.skipped:
                task.built.properties, task.built.tags = task.before
                self._stack.note(task.built, "UPDATE_COMPLETE")
            elif not self._restore(task):
                failed.insert(0, task)
        way.done = failed
        return [task.built.name for task in failed]

    def _take_out(self, task: Task, way: Unfinished) -> None:
        way.trash.append(task.built)
        if task.replaced:
            self._stack.resources[task.built.name] = task.replaced
        else:
            self._stack.resources.pop(task.built.name, None)

    def _restore(self, task: Task) -> bool:
        built = task.built
        # What failed may be done in part: compare what was asked for with what was there before.
        attempted = built.properties, built.tags = task.properties, task.tags
        self._stack.note(built, "UPDATE_IN_PROGRESS")
        self._setting.wait()
        restored = self._steps.update(built, *task.before)
        if not restored:
            built.properties, built.tags = attempted
        return restored

    def _remove(self, resources: list[Built], policies: dict[str, str], *, force: bool = False) -> list[str]:
        return Removal(self._setting, self._stack, resources, policies, force=force).run()

    def _exports_in_use(self) -> str:
        for output in self._stack.outputs:
            user = self._setting.stacks.importer(self._stack, output.export)
            if user:
                return f"Delete canceled. Cannot delete export {output.export} as it is in use by {user}."
        return ""


def _said(error: Failed | Refused) -> str:
    return str(error) if isinstance(error, Failed) else f"{error.message} "
