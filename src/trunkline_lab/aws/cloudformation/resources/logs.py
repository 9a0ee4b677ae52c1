"""Log groups, and the flow logs that fill them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, own

_FLOW = (
    "ResourceType",
    "TrafficType",
    "LogGroupName",
    "LogDestination",
    "LogDestinationType",
    "LogFormat",
    "DeliverLogsPermissionArn",
    "MaxAggregationInterval",
)


class LogGroup(ResourceType):
    """AWS::Logs::LogGroup; Ref is its name."""

    kind = "AWS::Logs::LogGroup"
    properties = frozenset({"LogGroupName", "RetentionInDays", "KmsKeyId", "Tags"})
    updates = frozenset({"RetentionInDays", "Tags"})
    absent = frozenset({"ResourceNotFoundException"})

    def create(self, work: Work) -> None:
        """Make it."""
        name = work.properties.get("LogGroupName") or work.name()
        logs = work.client("logs")
        logs.create_log_group(logGroupName=name, tags=own(work.tags), **work.given(kmsKeyId="KmsKeyId"))
        work.made(name)
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        work.attributes |= {"Arn": next(each["arn"] for each in found if each["logGroupName"] == name)}
        self._retain(work, {})

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Retention and tags."""
        self._retain(work, old)
        gone = [key for key in own(old_tags) if key not in work.tags]
        logs = work.client("logs")
        if own(work.tags):
            logs.tag_log_group(logGroupName=work.physical, tags=own(work.tags))
        if gone:
            logs.untag_log_group(logGroupName=work.physical, tags=gone)

    def delete(self, work: Work) -> None:
        """Remove it with all that is in it."""
        work.client("logs").delete_log_group(logGroupName=work.physical)

    @staticmethod
    def _retain(work: Work, old: Mapping[str, Any]) -> None:
        days, before = work.properties.get("RetentionInDays"), old.get("RetentionInDays")
        if days is not None and days != before:
            work.client("logs").put_retention_policy(logGroupName=work.physical, retentionInDays=days)
        elif days is None and before is not None:
            work.client("logs").delete_retention_policy(logGroupName=work.physical)


class FlowLog(ResourceType):
    """AWS::EC2::FlowLog; Ref is its id."""

    kind = "AWS::EC2::FlowLog"
    properties = frozenset({*_FLOW, "ResourceId", "Tags"})
    absent = frozenset({"InvalidFlowLogId.NotFound"})

    def create(self, work: Work) -> None:
        """Make it; a refusal is told in the answer, not by an error."""
        target = [work.properties["ResourceId"]]
        tags = work.specification("vpc-flow-log")
        done = work.client("ec2").create_flow_logs(ResourceIds=target, **work.given(*_FLOW), **tags)
        for refused in done.get("Unsuccessful", []):
            raise Impossible(refused["Error"]["Message"])
        work.made(done["FlowLogIds"][0])
        work.attributes |= {"Id": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_flow_logs(FlowLogIds=[work.physical])
