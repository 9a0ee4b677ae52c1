"""A CloudFormation template as a step: made or updated, found again, undone, previewed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from trunkline._core.context import Here, here
from trunkline._core.errors import Error
from trunkline._core.fields import Field
from trunkline._core.secret import Secret
from trunkline._core.steps import Step
from trunkline._core.steps import step as make_step
from trunkline.clouds.aws import operations
from trunkline.clouds.aws.errors import translated
from trunkline.clouds.aws.life import Life
from trunkline.clouds.aws.template import Template, as_text
from trunkline.clouds.cloud import Value
from trunkline.clouds.names import slug, state_key

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from trunkline.clouds.aws.session import Session

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z][-A-Za-z0-9]{0,127}")


class Owner(Protocol):
    """What a stack's step needs of its account."""

    name: str
    session: Session


class StackStep:
    """The functions of one stack's step; see `AwsAccount.stack`."""

    def __init__(
        self,
        account: Owner,
        template: Template,
        *,
        name: str | None,
        parameters: Mapping[str, Value] | None,
        keys: Mapping[str, str] | None,
        timeout: float,
    ) -> None:
        if name is not None and not _NAME.fullmatch(name):
            raise Error(
                f"stack name = {name!r} is no name for CloudFormation",
                hint="a letter, then letters, digits and hyphens, 128 at most",
            )
        if timeout <= 0:
            raise Error(f"timeout = {timeout!r} of a stack is no time", hint="give seconds, more than 0")
        self._account, self._template, self._name, self._timeout = account, template, name, timeout
        self._fixed = _named(template, template.parameters, parameters or {}, "parameters")
        renamed = _named(template, {**template.parameters, **template.outputs}, keys or {}, "keys")
        self._needs = {each: renamed.get(each, state_key(each)) for each in template.parameters}
        self._gives = {each: renamed.get(each, state_key(each)) for each in template.outputs}

    def step(self) -> Step:
        """The step, with what it needs and gives."""
        needs: dict[str, Field] = {
            key: self._template.parameters[name] for name, key in self._needs.items() if name not in self._fixed
        }
        gives = {key: self._template.outputs[name] for name, key in self._gives.items()}
        return make_step(self.run, undo=self.undo, find=self.find, preview=self.preview, needs=needs, gives=gives)

    def run(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Make the stack, or bring it to what the template and the values say; answers its outputs."""
        values = self._values(state)
        work = self._work(here())
        with translated(self._account.name, f"stack {work.name}"):
            there = work.ready()
            stack = work.apply(there, self._template, values)
        work.place.note(f"stack {work.name} stands")
        return self._outputs(stack)

    def find(self, state: Mapping[str, Any]) -> dict[str, Any] | None:
        """The outputs, if the stack stands, is this step's, and was made from this template and these values."""
        work = self._work(here())
        with translated(self._account.name, f"finding stack {work.name}"):
            stack = operations.describe(work.cloudformation, work.name)
            if stack is None or not work.owns(stack) or stack["StackStatus"] not in operations.FINISHED:
                return None
            if not self._agrees(stack, state) or not _same_template(work.cloudformation, stack, self._template.body):
                return None
        return self._outputs(stack)

    def undo(self, state: Mapping[str, Any]) -> None:
        """Delete the stack and wait until it is gone; nothing happens when it is not there or not this run's."""
        work = self._work(here())
        with translated(self._account.name, f"deleting stack {work.name}"):
            work.remove(whole_run=self._name is not None)

    def preview(self, state: Mapping[str, Any]) -> str:
        """What `run` would do, as CloudFormation itself tells it, a line for each resource.

        While an input is not known yet, CloudFormation cannot be asked: then the resources are the template's.
        """
        work = self._work(here())
        unknown = [name for name, key in self._unfed(state).items() if name not in self._template.defaults]
        with translated(self._account.name, f"previewing stack {work.name}"):
            there = operations.describe(work.cloudformation, work.name)
            if there is not None:
                work.claim(there)
            if unknown:
                known = [f"? {name}: known after an earlier step" for name in unknown]
                sign = "+" if there is None else "~"
                told = [f"{sign} {name} ({kind})" for name, kind in self._template.resources.items()]
            else:
                known, told = [], work.dry_run(there, self._template, self._values(state))
        goal = "update" if there is not None and there["StackStatus"] in operations.FINISHED else "make"
        title = f"{goal} stack {work.name}" if told else f"stack {work.name}: no change"
        return "\n".join([title, *(f"  {line}" for line in known + told)])

    def _work(self, place: Here) -> Life:
        deadline = time.monotonic() + self._timeout
        if place.deadline is not None:
            deadline = min(deadline, place.deadline)
        name = self._name or slug("trunkline", place.run, place.path, allowed="A-Za-z0-9", longest=128)
        return Life(self._account.session.cloudformation, name, place, deadline)

    def _unfed(self, state: Mapping[str, Any]) -> dict[str, str]:
        """The parameters that have no value, with their state keys."""
        return {
            name: key
            for name, key in self._needs.items()
            if name not in self._fixed and (key not in state or state[key] is None)
        }

    def _values(self, state: Mapping[str, Any], *, secrets: bool = True) -> dict[str, str]:
        """Every parameter's value as CloudFormation's text; those left to the template's default are left out."""
        unfed = self._unfed(state)
        for name, key in unfed.items():
            if name not in self._template.defaults:
                raise Error(
                    f"template {self._template.path.name}: the parameter {name} has no value: the state has no {key!r}",
                    hint=f"give {key!r} in data or in a step before, or fix it with parameters=",
                )
        return {
            name: self._text(name, self._fixed.get(name, state.get(key)))
            for name, key in self._needs.items()
            if name not in unfed and (secrets or not self._template.parameters[name].secret)
        }

    def _text(self, name: str, value: object) -> str:
        value = value() if callable(value) else value
        if isinstance(value, Secret):
            return value.reveal()
        try:
            return as_text(value)
        except TypeError as error:
            raise Error(
                f"template {self._template.path.name}: the parameter {name} is of type {type(value).__name__}: {error}",
                hint="give text, a number, a boolean, or a list of these",
            ) from None

    def _outputs(self, stack: StackTypeDef) -> dict[str, Any]:
        found = operations.outputs(stack)
        return {key: found[name] for name, key in self._gives.items() if name in found}

    def _agrees(self, stack: StackTypeDef, state: Mapping[str, Any]) -> bool:
        """Whether the stack's parameters are those that this state gives; secrets cannot be compared."""
        has = {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])}
        given = {**self._template.defaults, **self._values(state, secrets=False)}
        return all(
            has.get(name) == value for name, value in given.items() if not self._template.parameters[name].secret
        )


def _same_template(cloudformation: CloudFormationClient, stack: StackTypeDef, body: str) -> bool:
    there: Any = cloudformation.get_template(StackName=stack["StackId"], TemplateStage="Original")["TemplateBody"]
    # The SDK parses a template that is JSON.
    return bool(there == body if isinstance(there, str) else there == json.loads(body))


def _named(template: Template, known: Mapping[str, Field], given: Mapping[str, T], what: str) -> dict[str, T]:
    """`given` by the template's own names; raises Error for a name that it has not."""
    named = {state_key(name): name for name in known}
    for name in given:
        if state_key(name) not in named:
            raise Error(
                f"template {template.path.name}: {what} names {name!r}, which it has not",
                hint=f"it has {', '.join(known)}",
            )
    return {named[state_key(name)]: value for name, value in given.items()}
