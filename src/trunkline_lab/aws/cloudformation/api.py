"""CloudFormation's API: requests in, answers out, stack operations started in threads of their own."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from botocore import xform_name

from trunkline_lab.aws import wire
from trunkline_lab.aws.calls import Answer, Call, Refused
from trunkline_lab.aws.cloudformation import describe, schemas
from trunkline_lab.aws.cloudformation.changes import outputs_differ, plan
from trunkline_lab.aws.cloudformation.engine import Engine
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.language import Template, parse
from trunkline_lab.aws.cloudformation.resources import TYPES
from trunkline_lab.aws.cloudformation.setting import Setting, Stopped
from trunkline_lab.aws.cloudformation.stack import ChangeSet, Desired, Stack
from trunkline_lab.aws.inside import Clients
from trunkline_lab.world import Pace

UNCHANGED = "The submitted information didn't contain changes. Submit different information to create a change set."
_UPDATABLE = {
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
}


class CloudFormation:
    """The service: every operation is a method named as boto3 names it, from parameters to a result.

    Parameters:
        clients: For the resources that it makes.
        pace: How long a resource takes.
    """

    def __init__(self, clients: Clients, pace: Pace) -> None:
        self._setting = Setting(clients, pace)

    def answer(self, call: Call) -> Answer:
        """Answer one call. Raises Refused, and NotImplementedError for an operation that the lab has not."""
        method = getattr(self, xform_name(call.operation), None)
        if method is None or call.operation not in OPERATIONS:
            raise NotImplementedError(call.operation)
        with self._setting.stacks.lock:
            return wire.answer(call, method(call, call.params) or {})

    def warm(self, region: str) -> None:
        """Load what the first stack needs (schemas, an EC2 client), so that it need not wait."""
        for kind in TYPES:
            schemas.of(kind, region)
        self._setting.clients.ec2("000000000000", region)

    def stop(self) -> None:
        """End what is under way: no thread of an operation outlives this by more than a call."""
        self._setting.stopping.set()
        for stack in self._setting.stacks.everything():
            if stack.work is not None and stack.work.is_alive():
                stack.work.join(5.0)

    # Stacks

    def create_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """CreateStack."""
        name, token = params["StackName"], params.get("ClientRequestToken", "")
        there = self._setting.stacks.find(call.account, call.region, name)
        if there is not None:
            if token and (there.operation, there.token) == ("CREATE", token):
                return {"StackId": there.id}
            raise Refused("AlreadyExistsException", f"Stack [{name}] already exists")
        stack = self._new(call, name)
        stack.on_failure = params.get("OnFailure") or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK")
        stack.protected = bool(params.get("EnableTerminationProtection", False))
        desired = self._desired(stack, params)
        self._setting.stacks.add(stack)
        self._describe_request(stack, params)
        self._start(stack, "CREATE_IN_PROGRESS", token, lambda engine: engine.create(desired))
        return {"StackId": stack.id}

    def update_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateStack."""
        stack, token = self._must_find(call, params["StackName"]), params.get("ClientRequestToken", "")
        if token and (stack.operation, stack.token) == ("UPDATE", token):
            return {"StackId": stack.id}
        self._check_updatable(stack)
        desired = self._desired(stack, params)
        if not plan(self._setting, stack, desired) and not outputs_differ(stack, desired):
            raise invalid("No updates are to be performed.")
        self._describe_request(stack, params)
        self._start(stack, "UPDATE_IN_PROGRESS", token, lambda engine: engine.update(desired))
        return {"StackId": stack.id}

    def delete_stack(self, call: Call, params: dict[str, Any]) -> None:
        """DeleteStack; also while the stack is being created, which then ends early."""
        stack = self._setting.stacks.find(call.account, call.region, params["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return
        if stack.protected:
            text = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise invalid(text)
        if stack.busy and stack.status != "CREATE_IN_PROGRESS":
            raise invalid(f"Stack [{stack.name}] is in {stack.status} state and can not be deleted.")
        retain = params.get("RetainResources", [])
        if retain and stack.status != "DELETE_FAILED":
            text = "Invalid operation on stack. Specify RetainResources only when stack is in DELETE_FAILED state"
            raise invalid(f"{text}: {stack.id}")
        before = stack.work
        stack.cancelled.set()

        def delete(engine: Engine) -> None:
            if before is not None:
                before.join()
            engine.delete(retain)

        self._start(stack, "DELETE_IN_PROGRESS", params.get("ClientRequestToken", ""), delete)

    def update_termination_protection(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateTerminationProtection."""
        stack = self._must_find(call, params["StackName"])
        stack.protected = bool(params["EnableTerminationProtection"])
        return {"StackId": stack.id}

    def describe_stacks(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeStacks."""
        if params.get("StackName"):
            return {"Stacks": [describe.stack(self._must_find(call, params["StackName"]))]}
        live = [each for each in self._all(call) if each.status != "DELETE_COMPLETE"]
        return describe.page("Stacks", [describe.stack(each) for each in live], params)

    def list_stacks(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ListStacks."""
        wanted = params.get("StackStatusFilter")
        found = [describe.summary(each) for each in self._all(call) if not wanted or each.status in wanted]
        return describe.page("StackSummaries", found, params)

    def describe_stack_events(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeStackEvents, newest first."""
        name = params["StackName"]
        stack = self._must_find(call, name, f"Stack [{name}] does not exist")
        return describe.page("StackEvents", [describe.event(stack, e) for e in reversed(stack.events)], params)

    def describe_stack_resource(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeStackResource."""
        stack, name = self._must_find(call, params["StackName"]), params["LogicalResourceId"]
        if name not in stack.resources:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": describe.resource(stack, stack.resources[name])}

    def describe_stack_resources(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeStackResources, by stack or by a resource's physical id."""
        physical = params.get("PhysicalResourceId")
        if params.get("StackName"):
            stack = self._must_find(call, params["StackName"])
        else:
            owners = (s for s in self._all(call) if any(b.physical == physical for b in s.resources.values()))
            owner = next(owners, None)
            if owner is None:
                raise invalid(f"Stack for {physical} does not exist")
            stack = owner
        logical = params.get("LogicalResourceId")
        found = [built for built in stack.resources.values() if logical in (None, built.name)]
        return {"StackResources": [describe.resource(stack, built) for built in found]}

    def list_stack_resources(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ListStackResources."""
        stack = self._must_find(call, params["StackName"])
        found = [describe.resource(stack, built) for built in stack.resources.values()]
        return describe.page("StackResourceSummaries", found, params)

    def list_exports(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ListExports."""
        exports = self._setting.stacks.exports(call.account, call.region)
        found = [{"ExportingStackId": s.id, "Name": name, "Value": o.value} for name, (s, o) in exports.items()]
        return describe.page("Exports", found, params)

    def list_imports(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ListImports."""
        name = params["ExportName"]
        found = [stack.name for stack in self._all(call) if name in stack.imports]
        if not found:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return describe.page("Imports", found, params)

    # Templates

    def get_template(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """GetTemplate, of a stack or of a change set."""
        stack = self._must_find(call, params["StackName"]) if params.get("StackName") else None
        if params.get("ChangeSetName"):
            desired: Desired | None = self._change_set(call, params)[1].desired
        else:
            desired = stack.desired if stack else None
        body = desired.template.body if desired else ""
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """GetTemplateSummary, of a template or of a stack's."""
        if params.get("StackName"):
            stack = self._must_find(call, params["StackName"])
            template = stack.desired.template if stack.desired else None
        else:
            template = self._template(call.region, params, None)
        return describe.template_summary(template) if template else {}

    def validate_template(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ValidateTemplate."""
        return describe.template_summary(self._template(call.region, params, None), resources=False)

    # Change sets

    def create_change_set(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """CreateChangeSet; the first one of a new stack makes the stack, in review."""
        name, kind = params["ChangeSetName"], params.get("ChangeSetType") or "UPDATE"
        stack = self._stack_for(call, params["StackName"], name, kind)
        there = stack.change_sets.get(name)
        token = params.get("ClientToken", "")
        if there is not None and there.execution != "EXECUTE_COMPLETE":
            if token and there.token == token:
                return {"Id": there.id, "StackId": stack.id}
            raise Refused("AlreadyExistsException", f"ChangeSet {name} already exists")
        desired = self._desired(stack, params)
        if not stack.status:
            self._setting.stacks.add(stack)
            stack.enter("REVIEW_IN_PROGRESS", "User Initiated")
        identity = f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet/{name}/{uuid.uuid4()}"
        made = ChangeSet(identity, name, kind, desired, params.get("Description", ""), token)
        made.on_failure = params.get("OnStackFailure", "")
        stack.change_sets[name] = made
        self._thread(stack, lambda: self._preview(stack, made))
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
        token = params.get("ClientRequestToken", "")
        if token and stack.token == token and found.execution in {"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"}:
            return
        if found.execution != "AVAILABLE":
            text = f"ChangeSet [{found.id}] cannot be executed in its current status of [{found.status}]"
            raise Refused("InvalidChangeSetStatus", text)
        creates = stack.status == "REVIEW_IN_PROGRESS"
        if not creates:
            self._check_updatable(stack)
        rollback = "DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK"
        stack.on_failure = found.on_failure or rollback
        found.execution = "EXECUTE_IN_PROGRESS"
        for other in stack.change_sets.values():
            if other is not found:
                other.execution = "OBSOLETE"

        def execute(engine: Engine) -> None:
            (engine.create if creates else engine.update)(found.desired)
            done = stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
            found.execution = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"

        self._start(stack, "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS", token, execute)

    def _preview(self, stack: Stack, made: ChangeSet) -> None:
        made.status = "CREATE_IN_PROGRESS"
        self._setting.wait()
        try:
            made.changes = plan(self._setting, stack, made.desired)
        except Refused as error:
            made.status, made.reason = "FAILED", error.message
            return
        fresh = stack.desired is None
        if not made.changes and not fresh and not outputs_differ(stack, made.desired):
            made.status, made.reason = "FAILED", UNCHANGED
            return
        made.status, made.execution = "CREATE_COMPLETE", "AVAILABLE"

    # What the operations share

    def _stack_for(self, call: Call, name: str, change_set: str, kind: str) -> Stack:
        stack = self._setting.stacks.find(call.account, call.region, name)
        if kind == "CREATE":
            if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                text = f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
                raise invalid(text)
            return stack or self._new(call, name)
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        self._check_updatable(stack)
        return stack

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
        stack = self._setting.stacks.find(call.account, call.region, name)
        if stack is None:
            raise invalid(message or f"Stack with id {name} does not exist")
        return stack

    def _all(self, call: Call) -> list[Stack]:
        return self._setting.stacks.of(call.account, call.region)

    @staticmethod
    def _check_updatable(stack: Stack) -> None:
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

    def _desired(self, stack: Stack, params: dict[str, Any]) -> Desired:
        template = self._template(stack.region, params, stack)
        given = {
            each["ParameterKey"]: None if each.get("UsePreviousValue") else each.get("ParameterValue", "")
            for each in params.get("Parameters", [])
        }
        before = stack.desired.tags if stack.desired else {}
        tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]} if "Tags" in params else before
        return self._setting.desire(stack, template, given, tags, tuple(params.get("Capabilities", [])))

    @staticmethod
    def _template(region: str, params: dict[str, Any], stack: Stack | None) -> Template:
        if params.get("UsePreviousTemplate") and stack and stack.desired:
            return stack.desired.template
        if params.get("TemplateURL"):
            raise invalid("TemplateURL is not served by the lab, which has no S3: send TemplateBody.")
        if not params.get("TemplateBody"):
            raise invalid("Either Template URL or Template Body must be specified.")
        if len(params["TemplateBody"].encode()) > 51200:
            size = "Member must have length less than or equal to 51200"
            raise invalid(f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: {size}")
        return parse(params["TemplateBody"], region)

    def _start(self, stack: Stack, status: str, token: str, action: Callable[[Engine], None]) -> None:
        stack.operation, stack.token = status.partition("_")[0], token
        stack.enter(status, "User Initiated")
        self._thread(stack, lambda: action(Engine(self._setting, stack)))

    def _thread(self, stack: Stack, action: Callable[[], None]) -> None:
        def run() -> None:
            try:
                action()
            except Stopped:
                return

        stack.work = threading.Thread(target=run, name=f"stack-{stack.name}", daemon=True)
        stack.work.start()


OPERATIONS = {
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DescribeStacks",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListExports",
    "ListImports",
    "ListStackResources",
    "ListStacks",
    "UpdateStack",
    "UpdateTerminationProtection",
    "ValidateTemplate",
}
