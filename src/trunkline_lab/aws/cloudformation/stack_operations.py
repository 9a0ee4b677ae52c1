"""CloudFormation's operations on stacks, their resources, events and templates."""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.calls import Call, Refused
from trunkline_lab.aws.cloudformation import capabilities, describe
from trunkline_lab.aws.cloudformation.changes import outputs_differ, plan
from trunkline_lab.aws.cloudformation.engine import Engine
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.operations import Operations
from trunkline_lab.aws.cloudformation.records import Desired


class StackOperations(Operations):
    """CreateStack to ValidateTemplate."""

    def create_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """CreateStack."""
        name, token = params["StackName"], params.get("ClientRequestToken", "")
        there = self.setting.stacks.find(call.account, call.region, name)
        if there is not None:
            if token and (there.operation, there.token) == ("CREATE", token):
                return {"StackId": there.id}
            raise Refused("AlreadyExistsException", f"Stack [{name}] already exists")
        if params.get("OnFailure") and "DisableRollback" in params:
            raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
        stack = self._new(call, name)
        stack.on_failure = params.get("OnFailure") or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK")
        stack.protected = bool(params.get("EnableTerminationProtection", False))
        desired = self._desired(stack, params)
        self.setting.stacks.add(stack)
        self._describe_request(stack, params)
        self._start(stack, "CREATE_IN_PROGRESS", token, lambda engine: engine.create(desired))
        return {"StackId": stack.id}

    def update_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateStack."""
        stack, token = self._must_find(call, params["StackName"]), params.get("ClientRequestToken", "")
        if token and (stack.operation, stack.token) == ("UPDATE", token):
            return {"StackId": stack.id}
        self._check_updatable(stack, params)
        desired = self._desired(stack, params)
        changed = plan(self.setting, stack, desired) or outputs_differ(self.setting, stack, desired)
        if not changed and stack.unfinished is None:
            raise invalid("No updates are to be performed.")
        self._describe_request(stack, params)
        rollback = not params.get("DisableRollback")
        self._start(stack, "UPDATE_IN_PROGRESS", token, lambda engine: engine.update(desired, rollback=rollback))
        return {"StackId": stack.id}

    def delete_stack(self, call: Call, params: dict[str, Any]) -> None:
        """DeleteStack; also while the stack is being created, which then ends early."""
        stack = self.setting.stacks.find(call.account, call.region, params["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return
        if any(each.protected for each in (stack, self.setting.stacks.by_id(stack.root)) if each is not None):
            text = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise invalid(text)
        if stack.busy and stack.status != "CREATE_IN_PROGRESS":
            raise invalid(f"Stack [{stack.name}] is in {stack.status} state and can not be deleted.")
        retain = params.get("RetainResources", [])
        if retain and stack.status != "DELETE_FAILED":
            text = "Invalid operation on stack. Specify RetainResources only when stack is in DELETE_FAILED state"
            raise invalid(f"{text}: {stack.id}")
        force = params.get("DeletionMode") == "FORCE_DELETE_STACK"
        if force and stack.status != "DELETE_FAILED":
            raise invalid(f"FORCE_DELETE_STACK is for stacks in DELETE_FAILED state only: {stack.id} is {stack.status}")
        before = stack.work
        for each in self.setting.stacks.family(stack):
            each.cancelled.set()

        def delete(engine: Engine) -> None:
            if before is not None:
                before.join()
            engine.delete(retain, force=force)

        self._start(stack, "DELETE_IN_PROGRESS", params.get("ClientRequestToken", ""), delete)

    def update_termination_protection(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateTerminationProtection."""
        stack = self._must_find(call, params["StackName"])
        if stack.root:
            raise invalid("Termination protection of a nested stack is set on its root stack only.")
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
        exports = self.setting.stacks.exports(call.account, call.region)
        found = [{"ExportingStackId": s.id, "Name": name, "Value": o.value} for name, (s, o) in exports.items()]
        return describe.page("Exports", found, params)

    def list_imports(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ListImports."""
        name = params["ExportName"]
        found = [stack.name for stack in self._all(call) if name in stack.imports]
        if not found:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return describe.page("Imports", found, params)

    def get_template(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """GetTemplate, of a stack or of a change set."""
        stack = self._must_find(call, params["StackName"]) if params.get("StackName") else None
        if params.get("ChangeSetName"):
            desired: Desired | None = self._change_set(call, params)[1].desired
        else:
            desired = stack.desired if stack else None
        if desired is None:
            raise invalid(
                f"Template for stack {params['StackName']} is not available before its change set is executed"
            )
        body = desired.template.body
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """GetTemplateSummary, of a template or of a stack's."""
        if params.get("StackName"):
            stack = self._must_find(call, params["StackName"])
            template = stack.desired.template if stack.desired else None
        else:
            template = self._template(call.region, params, None)
        return describe.template_summary(template) | capabilities.described(template) if template else {}

    def validate_template(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ValidateTemplate."""
        template = self._template(call.region, params, None)
        return describe.template_summary(template, resources=False) | capabilities.described(template)
