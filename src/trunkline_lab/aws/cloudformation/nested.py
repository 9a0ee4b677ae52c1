"""Stacks as resources of stacks: made, updated, rolled back and deleted with the stack that holds them.

User guide: "Split a template into reusable pieces using nested stacks"; template reference:
"AWS::CloudFormation::Stack".
"""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation import capabilities
from trunkline_lab.aws.cloudformation.changes import outputs_differ, plan
from trunkline_lab.aws.cloudformation.engine import Engine
from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.language import NESTED, parse
from trunkline_lab.aws.cloudformation.records import Desired
from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stack
from trunkline_lab.aws.cloudformation.values import text

_DEEPEST = 20
_LETTERS = string.ascii_uppercase + string.digits
_PROPERTIES = frozenset({"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"})


class NestedStack(ResourceType):
    """AWS::CloudFormation::Stack; Ref is its id, Outputs.NAME an output's value."""

    kind = NESTED
    properties = _PROPERTIES
    updates = _PROPERTIES

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def create(self, work: Work) -> None:
        """Create the inner stack; what it made before it failed is left to the outer stack's rollback."""
        outer = self._outer(work)
        child = self._new(outer, work)
        desired = self._desired(child, outer, work)
        self._setting.stacks.add(child)
        work.made(child.id)
        child.enter("CREATE_IN_PROGRESS")
        Engine(self._setting, child).create(desired)
        if child.status != "CREATE_COMPLETE":
            raise Impossible(f"Embedded stack {child.id} was not successfully created: {child.reason}")
        _give(work, child)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Update the inner stack, or take its update back; it is cleaned up together with the outer one."""
        outer, child = self._outer(work), self._child(work)
        if outer.status == "UPDATE_ROLLBACK_IN_PROGRESS":
            self._take_back(child)
        else:
            desired = self._desired(child, outer, work)
            if plan(self._setting, child, desired) or outputs_differ(self._setting, child, desired) or child.unfinished:
                self._update(outer, child, desired)
        _give(work, child)

    def delete(self, work: Work) -> None:
        """Delete the inner stack."""
        child = self._child(work)
        if child.status == "DELETE_COMPLETE":
            return
        former = child.status
        child.enter("DELETE_IN_PROGRESS")
        Engine(self._setting, child).delete(former=former)
        if child.status != "DELETE_COMPLETE":
            raise Impossible(f"Embedded stack {child.id} was not successfully deleted: {child.reason}")

    def _update(self, outer: Stack, child: Stack, desired: Desired) -> None:
        child.cancel.clear()
        if outer.cancel.is_set():
            child.cancel.set()
        child.enter("UPDATE_IN_PROGRESS")
        Engine(self._setting, child).update(desired, hold=True)
        if child.status != "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
            begun = next(e for e in reversed(child.events) if e.status == "UPDATE_ROLLBACK_IN_PROGRESS")
            said = f"Currently in {begun.status} with reason: {begun.reason}"
            raise Impossible(f"Embedded stack {child.id} was not successfully updated. {said}")

    def _take_back(self, child: Stack) -> None:
        if child.unfinished is None:
            return
        child.enter("UPDATE_ROLLBACK_IN_PROGRESS")
        Engine(self._setting, child).go_on()
        if child.status != "UPDATE_ROLLBACK_COMPLETE":
            raise Impossible(f"Embedded stack {child.id} was not successfully rolled back: {child.reason}")

    def _outer(self, work: Work) -> Stack:
        found = self._setting.stacks.by_id(work.tags["aws:cloudformation:stack-id"])
        assert found is not None, "a stack that is at work is known"
        return found

    def _child(self, work: Work) -> Stack:
        found = self._setting.stacks.by_id(work.physical)
        if found is None:
            raise Impossible(f"Stack with id {work.physical} does not exist")
        return found

    def _new(self, outer: Stack, work: Work) -> Stack:
        name = f"{outer.name}-{work.logical}-{''.join(secrets.choice(_LETTERS) for _ in range(12))}"
        identity = f"arn:aws:cloudformation:{outer.region}:{outer.account}:stack/{name}/{uuid.uuid4()}"
        child = Stack(identity, name, outer.account, outer.region, on_failure="DO_NOTHING")
        child.parent, child.root = outer.id, outer.root or outer.id
        child.minutes = int(work.properties.get("TimeoutInMinutes", 0))
        child.notify = tuple(work.properties.get("NotificationARNs", ()))
        child.acknowledged = outer.acknowledged
        return child

    def _desired(self, child: Stack, outer: Stack, work: Work) -> Desired:
        if self._depth(outer) >= _DEEPEST:
            raise Impossible(f"Stacks are nested more than {_DEEPEST} deep: does a template hold itself?")
        given = {name: _parameter(name, value) for name, value in work.properties.get("Parameters", {}).items()}
        tags = {key: value for key, value in work.tags.items() if not key.startswith("aws:")}
        child.acknowledged = outer.acknowledged
        try:
            template = parse(self._setting.files.read(str(work.properties["TemplateURL"])), child.region)
            capabilities.check(template, outer.acknowledged)
            return self._setting.desire(child, template, given, tags, outer.acknowledged)
        except Refused as error:
            raise Impossible(error.message) from None

    def _depth(self, stack: Stack) -> int:
        depth, each = 0, self._setting.stacks.by_id(stack.parent)
        while each is not None:
            depth, each = depth + 1, self._setting.stacks.by_id(each.parent)
        return depth


def _parameter(name: str, value: Any) -> str:
    if isinstance(value, list | Mapping):
        rule = "must be an object with String (or simple type) properties"
        raise Impossible(f"Value of property Parameters {rule}: {name}")
    return text(value)


def _give(work: Work, child: Stack) -> None:
    work.attributes.clear()
    work.attributes |= {f"Outputs.{output.key}": output.value for output in child.outputs}
