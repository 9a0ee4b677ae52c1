"""From what is wanted to what is there: a template's resources made and changed, wave by wave.

Resources whose needs are met start together and take one `pace.resource` together; within such a wave they are
done in turn. What was done is remembered, newest last, so that it can be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Set
from functools import partial
from graphlib import TopologicalSorter

from botocore.exceptions import ClientError

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation import dynamic, parameters
from trunkline_lab.aws.cloudformation.changes import check_type, compare
from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.functions import Thing
from trunkline_lab.aws.cloudformation.language import NESTED
from trunkline_lab.aws.cloudformation.records import Built, Desired, Output
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stack
from trunkline_lab.aws.cloudformation.steps import Steps
from trunkline_lab.aws.cloudformation.tasks import Task
from trunkline_lab.aws.cloudformation.values import text

_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
CANCELLED = "Resource creation cancelled"
_UPDATE_CANCELLED = "Resource update cancelled"
_LATE = "Stack creation time exceeded the specified timeout. "


class Failed(Exception):
    """An operation did not reach its goal; the message is the stack's StackStatusReason."""


class Apply:
    """Applies one desired state to one stack.

    Attributes:
        done: Every task that was begun, oldest first, failed ones too.
        wanted: Names of the resources whose conditions hold.
    """

    def __init__(self, setting: Setting, stack: Stack, desired: Desired) -> None:
        self._setting, self._stack, self._desired = setting, stack, desired
        self._steps = Steps(setting, stack)
        self._things = {name: Thing(built.physical, built.attributes) for name, built in stack.resources.items()}
        self._scope = setting.scope(stack, desired, self._things)
        self.done: list[Task] = []
        self.wanted: Set[str] = frozenset()

    def run(self) -> None:
        """Do it all. Raises Failed, or Refused for a template error that shows only now."""
        stack, template = self._stack, self._desired.template
        late = time.monotonic() + stack.minutes * self._setting.minute
        self._check_parameters()
        self._scope.check_imports()
        self.wanted = frozenset(self._scope.wanted())
        for name in self.wanted & stack.resources.keys():
            check_type(stack.resources[name], template.resources[name])
        for wave in _waves(
            {name: template.order[name] & self.wanted for name in template.order if name in self.wanted}
        ):
            failed = self._wave(wave)
            if stack.cancel.is_set():
                raise Failed("User Initiated")
            if failed:
                word = "update" if any(task.verb == "UPDATE" for task in failed) else "create"
                names = ", ".join(task.built.name for task in failed)
                raise Failed(f"The following resource(s) failed to {word}: [{names}]. ")
            if stack.cancelled.is_set():
                raise Failed(CANCELLED)
            if stack.minutes and stack.desired is self._desired and time.monotonic() > late:
                raise Failed(_LATE)
        stack.outputs = self._outputs()
        stack.imports = set(self._scope.imported)

    def _wave(self, names: list[str]) -> list[Task]:
        """Begin together what can begin together, then finish it. Returns what failed."""
        tasks = [task for name in names if (task := self._begin(name)) is not None]
        self.done += tasks
        failed = [task for task in tasks if task.failed]
        started = [task for task in tasks if task not in failed]
        if started:
            self._setting.wait()
        for task in started:
            if failed or self._stack.cancel.is_set():
                reason = _UPDATE_CANCELLED if task.verb == "UPDATE" else CANCELLED
                self._stack.note(task.built, f"{task.verb}_FAILED", reason)
                failed.append(task)
            elif not self._finish(task):
                failed.append(task)
        for name in names:
            built = self._stack.resources[name]
            self._things[name] = Thing(built.physical, built.attributes)
        return failed

    def _begin(self, name: str) -> Task | None:
        """Decide what happens to a resource, and announce it; None when nothing does."""
        stack, resource = self._stack, self._desired.template.resources[name]
        old = self._standing(name)
        new = Built(name, resource.type, metadata=resource.metadata, needs=self._desired.template.order[name])
        new.deletion_policy, new.update_replace_policy = resource.deletion_policy, resource.update_replace_policy
        try:
            properties, tags = self._setting.evaluate(stack, self._desired, resource, self._scope)
        except (Impossible, Refused) as error:
            return self._stillborn(old or new, getattr(error, "message", str(error)), update=old is not None)
        if old is None:
            new.properties, new.tags = properties, tags
            stack.resources[name] = new
            stack.note(new, "CREATE_IN_PROGRESS")
            return Task(new, "create")
        difference = compare(old, properties, tags, stack.region)
        if difference.replacement != "False":
            new.properties, new.tags = properties, tags
            stack.resources[name] = new
            stack.note(new, "UPDATE_IN_PROGRESS", _REPLACING)
            return Task(new, "replace", replaced=old)
        old.needs, old.deletion_policy = new.needs, new.deletion_policy
        old.update_replace_policy = new.update_replace_policy
        described, old.metadata = old.metadata != new.metadata, new.metadata
        if not difference and not described and resource.type != NESTED:
            return None
        stack.note(old, "UPDATE_IN_PROGRESS")
        return Task(old, "update", properties, tags, before=(old.properties, old.tags))

    def _standing(self, name: str) -> Built | None:
        """The resource as it is there; what an earlier operation failed to make is not, and goes at the end."""
        old = self._stack.resources.get(name)
        if old is None or old.status != "CREATE_FAILED":
            return old
        if old.physical and self._stack.unfinished:
            self._stack.unfinished.trash.append(old)
        return None

    def _stillborn(self, built: Built, reason: str, *, update: bool) -> Task:
        task = Task(
            built, "update" if update else "create", built.properties, built.tags, (built.properties, built.tags)
        )
        self._stack.resources[built.name] = built
        self._stack.note(built, f"{task.verb}_IN_PROGRESS")
        self._stack.note(built, f"{task.verb}_FAILED", reason)
        return task

    def _finish(self, task: Task) -> bool:
        if task.action == "update":
            return self._steps.update(task.built, task.properties, task.tags)
        return self._steps.create(task.built, task.verb)

    def _check_parameters(self) -> None:
        """Refuse ids that name nothing, before any resource is begun."""
        stack = self._stack
        ec2 = self._setting.clients.ec2(stack.account, stack.region)

        def exists(kind: str, item: str) -> bool:
            if kind == parameters.NAME:
                return self._setting.is_stored(stack, item)
            proof = parameters.existing(kind)
            try:
                return proof is None or bool(getattr(ec2, proof[0])(**{proof[1]: [item]}))
            except ClientError:
                return False

        for name, value in self._desired.values.items():
            kind = str(self._desired.template.parameters[name]["Type"])
            for item in value if isinstance(value, list) else [value]:
                if not exists(kind, item):
                    text = f"parameter value {item} for parameter name {name} does not exist"
                    raise Failed(f"Parameter validation failed: {text}. ")

    def _outputs(self) -> list[Output]:
        stack = self._stack
        made: list[Output] = []
        for key, raw in self._desired.template.outputs.items():
            if "Condition" in raw and not self._scope.holds(raw["Condition"]):
                continue
            value = dynamic.resolve(self._scope.value(raw["Value"]), partial(self._setting.stored, stack))
            if isinstance(value, list | dict) or value is None:
                rule = "The Value field of every Outputs member must evaluate to a String."
                raise Failed(f"Template format error: Output {key} is malformed. {rule} ")
            export = text(self._scope.value(raw["Export"]["Name"])) if "Export" in raw else ""
            taken = self._setting.stacks.exports(stack.account, stack.region).get(export)
            if (taken and taken[0] is not stack) or (export and export in {each.export for each in made}):
                owner = taken[0] if taken else stack
                raise Failed(f"Export with name {export} is already exported by stack {owner.name}. ")
            made.append(Output(key, text(value), str(raw.get("Description", "")), export))
        self._check_exports({output.export: output.value for output in made})
        return made

    def _check_exports(self, exported: Mapping[str, str]) -> None:
        """Refuse to take away or change what another stack imports."""
        for output in self._stack.outputs:
            user = self._setting.stacks.importer(self._stack, output.export)
            if user and output.export not in exported:
                raise Failed(f"Cannot delete export {output.export} as it is in use by {user}. ")
            if user and exported[output.export] != output.value:
                raise Failed(f"Cannot update export {output.export} as it is in use by {user}. ")


def _waves(order: Mapping[str, Set[str]]) -> Iterator[list[str]]:
    sorter = TopologicalSorter(order)
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=list(order).index)
        yield ready
        sorter.done(*ready)
