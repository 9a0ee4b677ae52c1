"""CloudFormation as a service: a call in, an answer out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from botocore import xform_name

from trunkline_lab.aws import wire
from trunkline_lab.aws.calls import Answer, Call
from trunkline_lab.aws.cloudformation import constraints, schemas
from trunkline_lab.aws.cloudformation.change_set_operations import ChangeSetOperations
from trunkline_lab.aws.cloudformation.drift_operations import DriftOperations
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.files import Files
from trunkline_lab.aws.cloudformation.life_operations import LifeOperations
from trunkline_lab.aws.cloudformation.nested import NestedStack
from trunkline_lab.aws.cloudformation.resources import TYPES
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stacks
from trunkline_lab.aws.cloudformation.stack_operations import StackOperations
from trunkline_lab.aws.inside import Clients
from trunkline_lab.world import Pace


class CloudFormation(StackOperations, ChangeSetOperations, LifeOperations, DriftOperations):
    """The service.

    Parameters:
        clients: For the resources that it makes.
        pace: How long a resource takes.
        buckets: Local folders with templates, by the name of the bucket that each stands for in a TemplateURL.

    Attributes:
        setting: The engine's surroundings.
    """

    def __init__(self, clients: Clients, pace: Pace, buckets: Mapping[str, Path] | None = None) -> None:
        super().__init__(Setting(clients, pace, files=Files(buckets)))
        self.setting.types[NestedStack.kind] = NestedStack(self.setting)

    @property
    def stacks(self) -> Stacks:
        """Every stack, deleted ones too."""
        return self.setting.stacks

    def answer(self, call: Call) -> Answer:
        """Answer one call. Raises Refused, and NotImplementedError for an operation that the lab has not."""
        if call.operation in _REFUSED:
            raise invalid(f"The lab does not support {call.operation}.")
        method = getattr(self, xform_name(call.operation), None)
        if method is None or call.operation not in OPERATIONS:
            raise NotImplementedError(call.operation)
        constraints.check(call)
        self.refuse(call)
        with self.setting.stacks.lock:
            return wire.answer(call, method(call, call.params) or {})

    def warm(self, region: str) -> None:
        """Load what the first stack needs (schemas, an EC2 client), so that it need not wait."""
        for kind in TYPES:
            schemas.of(kind, region)
        self.setting.clients.ec2("000000000000", region)

    def stop(self) -> None:
        """End what is under way: no thread of an operation outlives this by more than a call."""
        self.setting.stopping.set()
        for stack in self.setting.stacks.everything():
            if stack.work is not None and stack.work.is_alive():
                stack.work.join(5.0)


# Operations on stacks that AWS has and the lab has not; those of other things (stack sets, types) it does not know.
_REFUSED = {
    "DescribeAccountLimits",
    "DescribeChangeSetHooks",
    "EstimateTemplateCost",
    "GetStackPolicy",
    "RecordHandlerProgress",
    "SetStackPolicy",
    "SignalResource",
}
OPERATIONS = {
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackDriftDetectionStatus",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResourceDrifts",
    "DescribeStackResources",
    "DescribeStacks",
    "DetectStackDrift",
    "DetectStackResourceDrift",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListExports",
    "ListImports",
    "ListStackResources",
    "ListStacks",
    "RollbackStack",
    "UpdateStack",
    "UpdateTerminationProtection",
    "ValidateTemplate",
}
