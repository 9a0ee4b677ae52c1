"""What all of CloudFormation's operations share: finding stacks, settling what is asked for, starting threads."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from trunkline_lab.aws.calls import Call, Refused
from trunkline_lab.aws.cloudformation import capabilities, limits
from trunkline_lab.aws.cloudformation.engine import Engine
from trunkline_lab.aws.cloudformation.errors import RESERVED, invalid
from trunkline_lab.aws.cloudformation.language import Template, parse
from trunkline_lab.aws.cloudformation.records import Desired
from trunkline_lab.aws.cloudformation.setting import Setting, Stopped
from trunkline_lab.aws.cloudformation.stack import ChangeSet, Stack

_UPDATABLE = {
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
}
_KEPT = {"CREATE_FAILED", "UPDATE_FAILED"}
# Parameters of operations that the lab has, for what it has not: refused by name when they say anything.
_REFUSED = (
    "DeploymentConfig",
    "DeploymentMode",
    "DisableValidation",
    "ForceRollback",
    "ImportExistingResources",
    "IncludePropertyValues",
    "IncludeNestedStacks",
    "ResourceTypes",
    "ResourcesToImport",
    "StackPolicyBody",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "StackPolicyURL",
    "StackSetName",
    "TemplateSummaryConfig",
)


class Operations:
    """The ground of the operations; each is a method named as boto3 names it, from parameters to a result."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    @staticmethod
    def refuse(call: Call) -> None:
        """Refuse a call for parameters that the lab would have to ignore."""
        for name in _REFUSED:
            if call.params.get(name):
                raise invalid(f"The lab does not support parameter {name} of {call.operation}.")
        if call.params.get("RollbackConfiguration", {}).get("RollbackTriggers"):
            raise invalid(f"The lab does not support parameter RollbackConfiguration of {call.operation}: no alarms.")

    @staticmethod
    def _repeated(stack: Stack, call: Call) -> bool:
        """Whether this request was made before, by its token; one with the token and other parameters is refused.

        API reference, CreateStack and others: ClientRequestToken, TokenAlreadyExistsException.
        """
        token = call.params.get("ClientRequestToken")
        if not token:
            return False
        if (call.operation, token) not in stack.requests:
            return False
        if stack.requests[call.operation, token] != call.params:
            raise Refused("TokenAlreadyExistsException", f"A client request token already exists: {token}")
        return True

    def _change_set(self, call: Call, params: dict[str, Any]) -> tuple[Stack, ChangeSet]:
        wanted = params["ChangeSetName"]
        if params.get("StackName"):
            stacks: Iterable[Stack] = [self._must_find(call, params["StackName"])]
        else:
            stacks = self._all(call)
        for stack in stacks:
            for found in stack.change_sets.values():
                if wanted in (found.name, found.id):
                    return stack, found
        raise Refused("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)

    def _must_find(self, call: Call, name: str, message: str = "") -> Stack:
        stack = self.setting.stacks.find(call.account, call.region, name)
        if stack is None:
            raise invalid(message or f"Stack with id {name} does not exist")
        return stack

    def _all(self, call: Call) -> list[Stack]:
        return self.setting.stacks.of(call.account, call.region)

    @staticmethod
    def _check_updatable(stack: Stack, params: dict[str, Any]) -> None:
        if stack.status == "CREATE_FAILED" and stack.abandoned:
            text = (
                "This stack cannot be updated from [CREATE_FAILED] state because it contains [on-failure: DO_NOTHING]."
            )
            raise invalid(f"{text} Please use disable-rollback option instead during stack creation.")
        if stack.status in _KEPT:
            if params.get("DisableRollback"):
                return
            text = f"This stack is currently in a non-terminal [{stack.status}] state. To update the stack from this"
            how = "state, please use the disable-rollback parameter with update-stack API."
            raise invalid(f"{text} {how} To rollback to the last known good state, use the rollback-stack API")
        if stack.status not in _UPDATABLE:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    @staticmethod
    def _new(call: Call, name: str) -> Stack:
        identity = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{uuid.uuid4()}"
        return Stack(identity, name, call.account, call.region)

    @staticmethod
    def _describe_request(stack: Stack, params: dict[str, Any]) -> None:
        stack.role = params.get("RoleARN", stack.role)
        stack.notify = tuple(params.get("NotificationARNs", stack.notify))
        stack.retain_except_on_create = bool(params.get("RetainExceptOnCreate", False))
        stack.acknowledged = tuple(params.get("Capabilities", ()))
        stack.minutes = params.get("TimeoutInMinutes", stack.minutes)

    def _desired(self, stack: Stack, params: dict[str, Any]) -> Desired:
        template = self._template(stack.region, params, stack)
        capabilities.check(template, params.get("Capabilities", []))
        given = {
            each["ParameterKey"]: None if each.get("UsePreviousValue") else each.get("ParameterValue", "")
            for each in params.get("Parameters", [])
        }
        before = stack.desired.tags if stack.desired else {}
        tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]} if "Tags" in params else before
        if any(key.lower().startswith("aws:") for key in tags):
            raise invalid(RESERVED)
        return self.setting.desire(stack, template, given, tags, tuple(params.get("Capabilities", [])))

    def _template(self, region: str, params: dict[str, Any], stack: Stack | None) -> Template:
        if params.get("UsePreviousTemplate") and (params.get("TemplateURL") or params.get("TemplateBody")):
            raise invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        if params.get("TemplateURL") and params.get("TemplateBody"):
            raise invalid("You cannot specify both Template Body and Template URL.")
        if params.get("UsePreviousTemplate") and stack and stack.desired:
            return stack.desired.template
        if params.get("TemplateURL"):
            return parse(self.setting.files.read(params["TemplateURL"]), region)
        if not params.get("TemplateBody"):
            raise invalid("Either Template URL or Template Body must be specified.")
        limits.check_body(params["TemplateBody"])
        return parse(params["TemplateBody"], region)

    def _start(self, stack: Stack, status: str, call: Call, action: Callable[[Engine], None]) -> None:
        self._remember(stack, call)
        stack.cancel.clear()
        stack.enter(status, "User Initiated")

        def failed(reason: str) -> None:
            stack.enter(stack.status.replace("_IN_PROGRESS", "_FAILED"), reason)

        self._thread(stack, lambda: action(Engine(self.setting, stack)), failed)

    @staticmethod
    def _remember(stack: Stack, call: Call) -> None:
        """Take the request's token for the events to come, and to know the request again."""
        stack.token = call.params.get("ClientRequestToken", "")
        if stack.token:
            stack.requests[call.operation, stack.token] = call.params

    def _thread(self, stack: Stack, action: Callable[[], None], failed: Callable[[str], None]) -> None:
        def run() -> None:
            try:
                action()
            except Stopped:
                return
            except Exception as error:
                # Nobody may wait for ever for what the engine itself could not do.
                failed(f"Internal Failure: {error!r}")
                raise

        stack.work = threading.Thread(target=run, name=f"stack-{stack.name}", daemon=True)
        stack.work.start()
