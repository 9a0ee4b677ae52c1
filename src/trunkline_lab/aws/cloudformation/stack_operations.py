"""CloudFormation's operations on stacks, their resources, events and templates."""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.calls import Call, Refused
from trunkline_lab.aws.cloudformation import capabilities, describe
from trunkline_lab.aws.cloudformation.changes import outputs_differ, plan
from trunkline_lab.aws.cloudformation.engine import Engine
from trunkline_lab.aws.cloudformation.errors import NoExport, invalid
from trunkline_lab.aws.cloudformation.operations import Operations
from trunkline_lab.aws.cloudformation.records import Desired
from trunkline_lab.aws.cloudformation.stack import Stack


class StackOperations(Operations):
    """CreateStack to ValidateTemplate."""

    def create_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """CreateStack."""
        name = params["StackName"]
        there = self.setting.stacks.find(call.account, call.region, name)
        if there is not None:
            if self._repeated(there, call):
                return {"StackId": there.id}
            raise Refused("AlreadyExistsException", f"Stack [{name}] already exists")
        if params.get("OnFailure") and "DisableRollback" in params:
            raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
        stack = self._new(call, name)
        stack.on_failure = params.get("OnFailure") or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK")
        stack.abandoned = params.get("OnFailure") == "DO_NOTHING"
        stack.protected = bool(params.get("EnableTerminationProtection", False))
        desired = self._desired(stack, params)
        self.setting.stacks.add(stack)
        self._describe_request(stack, params)
        self._start(stack, "CREATE_IN_PROGRESS", call, lambda engine: engine.create(desired))
        return {"StackId": stack.id}

    def update_stack(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateStack."""
        name = params["StackName"]
        stack = self._must_find(call, name, f"Stack [{name}] does not exist")
        if self._repeated(stack, call):
            return {"StackId": stack.id}
        self._check_updatable(stack, params)
        desired = self._desired(stack, params)
        if stack.unfinished is None and not self._differs(stack, desired):
            raise invalid("No updates are to be performed.")
        self._describe_request(stack, params)
        for other in stack.change_sets.values():
            if other.execution == "AVAILABLE":
                other.execution = "OBSOLETE"
        rollback = not params.get("DisableRollback")
        self._start(stack, "UPDATE_IN_PROGRESS", call, lambda engine: engine.update(desired, rollback=rollback))
        return {"StackId": stack.id}

    def _differs(self, stack: Stack, desired: Desired) -> bool:
        """Whether there is anything to update; an import of what is not there shows when the update has begun."""
        try:
            return bool(plan(self.setting, stack, desired)) or outputs_differ(self.setting, stack, desired)
        except NoExport:
            return True

    def delete_stack(self, call: Call, params: dict[str, Any]) -> None:
        """DeleteStack; also while the stack is being created, which then ends early."""
        stack = self.setting.stacks.find(call.account, call.region, params["StackName"])
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return
        if self._repeated(stack, call):
            return
        if any(each.protected for each in (stack, self.setting.stacks.by_id(stack.root)) if each is not None):
            text = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            raise invalid(text)
        if stack.busy and stack.status != "CREATE_IN_PROGRESS":
            raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        retain = params.get("RetainResources", [])
        if retain and stack.status != "DELETE_FAILED":
            text = "Invalid operation on stack. Specify RetainResources only when stack is in DELETE_FAILED state"
            raise invalid(f"{text}: {stack.id}")
        unknown = [name for name in retain if name not in stack.resources]
        if unknown:
            raise invalid(f"RetainResources names what is no resource of stack {stack.name}: [{', '.join(unknown)}]")
        force = params.get("DeletionMode") == "FORCE_DELETE_STACK"
        if force and stack.status != "DELETE_FAILED":
            raise invalid(f"FORCE_DELETE_STACK is for stacks in DELETE_FAILED state only: {stack.id} is {stack.status}")
        before, former = stack.work, stack.status
        for each in self.setting.stacks.family(stack):
            each.cancelled.set()

        def delete(engine: Engine) -> None:
            if before is not None:
                before.join()
            engine.delete(retain, force=force, former=former)

        self._start(stack, "DELETE_IN_PROGRESS", call, delete)

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
        if bool(physical) == bool(params.get("StackName")):
            raise invalid("You must specify either StackName or PhysicalResourceId, but not both.")
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
        return {"StackResources": [describe.resource(stack, built) for built in found[: describe.PAGE]]}

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
        if sum(bool(params.get(name)) for name in ("StackName", "TemplateBody", "TemplateURL")) != 1:
            raise invalid("You must specify one of StackName, TemplateBody and TemplateURL, and only one.")
        if params.get("StackName"):
            stack = self._must_find(call, params["StackName"])
            template = stack.desired.template if stack.desired else None
        else:
            template = self._template(call.region, params, None)
        return describe.template_summary(template) | capabilities.described(template) if template else {}

    def validate_template(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """ValidateTemplate; of a body and a URL only the body counts."""
        given = {"TemplateBody": params["TemplateBody"]} if params.get("TemplateBody") else params
        template = self._template(call.region, given, None)
        return describe.template_summary(template, resources=False) | capabilities.described(template)
