"""What stack operations share: clients, stacks, the pace of things, and the making of scopes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from trunkline_lab.aws.cloudformation import dynamic, parameters, schemas
from trunkline_lab.aws.cloudformation.drift import Detection
from trunkline_lab.aws.cloudformation.errors import RESERVED, Impossible, invalid
from trunkline_lab.aws.cloudformation.files import Files
from trunkline_lab.aws.cloudformation.functions import Scope, Thing
from trunkline_lab.aws.cloudformation.language import Resource, Template, unresolved
from trunkline_lab.aws.cloudformation.records import Desired
from trunkline_lab.aws.cloudformation.resources import TYPES, ResourceType
from trunkline_lab.aws.cloudformation.rules import RuleScope
from trunkline_lab.aws.cloudformation.stack import Stack, Stacks
from trunkline_lab.aws.inside import Clients
from trunkline_lab.world import Pace


class Stopped(BaseException):
    """The lab goes down: what is under way ends here."""


@dataclass
class Setting:
    """The engine's surroundings.

    Attributes:
        types: The resource types by name.
        detections: Searches for drift by id.
        files: What TemplateURL may name.
        minute: Seconds to a minute of TimeoutInMinutes.
    """

    clients: Clients
    pace: Pace
    stacks: Stacks = field(default_factory=Stacks)
    types: dict[str, ResourceType] = field(default_factory=lambda: dict(TYPES))
    detections: dict[str, Detection] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    minute: float = 60.0
    stopping: threading.Event = field(default_factory=threading.Event)
    _zones: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @property
    def patience(self) -> float:
        """How long a delete is tried again, in seconds, while something else still needs what is to go.

        CloudFormation tries for many minutes; the lab for some times as long as a resource takes.
        """
        return max(0.1, 20 * self.pace.resource)

    def pause(self) -> None:
        """Let some of that time pass. Raises Stopped when the lab goes down meanwhile."""
        if self.stopping.wait(self.patience / 10):
            raise Stopped

    def wait(self) -> None:
        """Let a resource's time pass. Raises Stopped when the lab goes down meanwhile."""
        if self.stopping.wait(self.pace.resource) if self.pace.resource else self.stopping.is_set():
            raise Stopped

    def desire(
        self,
        stack: Stack,
        template: Template,
        given: Mapping[str, str | None],
        tags: Mapping[str, str],
        capabilities: tuple[str, ...] = (),
    ) -> Desired:
        """Settle the parameters of a template for a stack. Raises Refused as `parameters.settle` does."""
        previous = stack.desired.texts if stack.desired else {}
        texts = parameters.settle(template.parameters, given, previous)
        values: dict[str, Any] = {}
        for name, text in texts.items():
            kind = str(template.parameters[name]["Type"])
            held = self._fetch(stack, text) if parameters.stored(kind) else text
            values[name] = parameters.items(kind, held) if parameters.is_list(kind) else held
        desired = Desired(template, texts, values, dict(tags), capabilities)
        self._check_values(stack, desired)
        return desired

    def _check_values(self, stack: Stack, desired: Desired) -> None:
        """Refuse values that break a rule, or whose conditions leave out what is still referred to."""
        scope = self.scope(stack, desired, {})
        if desired.template.rules:
            resources = cache(lambda kind: facts(self.clients.ec2(stack.account, stack.region), kind))
            RuleScope(
                scope.template,
                scope.parameters,
                scope.pseudo,
                {},
                scope.exports,
                scope.zones,
                resources=resources,
            ).check()
        scope.check_mappings()
        wanted = set(scope.wanted())
        for name, block in scope.taken():
            if name in desired.template.resources and name not in wanted:
                raise unresolved(name, block)

    def scope(self, stack: Stack, desired: Desired, things: Mapping[str, Thing]) -> Scope:
        """What the template's expressions may refer to, with these resources in place."""
        partition = "aws-cn" if stack.region.startswith("cn-") else "aws"
        pseudo = {
            "AWS::AccountId": stack.account,
            "AWS::NotificationARNs": list(stack.notify),
            "AWS::Partition": partition,
            "AWS::Region": stack.region,
            "AWS::StackId": stack.id,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        }

        def export(name: str) -> str | None:
            found = self.stacks.exports(stack.account, stack.region).get(name)
            return found[1].value if found else None

        return Scope(
            desired.template, desired.values, pseudo, things, export, lambda region: self.zones(stack.account, region)
        )

    def evaluate(
        self, stack: Stack, desired: Desired, resource: Resource, scope: Scope
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """A resource's properties without Tags, in the schema's types, and its tags with the stack's.

        Raises Refused for template errors, Impossible for what the schema or the lab does not take.
        """
        schema = schemas.of(resource.type, stack.region)
        given = dynamic.resolve(scope.value(dict(resource.properties)), partial(self.stored, stack))
        properties = schema.shape(resource.name, given)
        unsupported = sorted(set(properties) - self.types[resource.type].properties)
        if unsupported:
            raise Impossible(f"The lab does not support property {unsupported[0]} of {resource.type}")
        own = properties.pop("Tags", [])
        if isinstance(own, list) and any(str(tag.get("Key", "")).lower().startswith("aws:") for tag in own):
            raise Impossible(RESERVED)
        tags = dict(desired.tags) | {tag["Key"]: tag["Value"] for tag in own} if schema.tagged else {}
        return properties, tags

    def zones(self, account: str, region: str) -> list[str]:
        """The availability zones of a region, in order."""
        key = (account, region)
        if key not in self._zones:
            found = self.clients.ec2(account, region).describe_availability_zones()["AvailabilityZones"]
            self._zones[key] = sorted(zone["ZoneName"] for zone in found)
        return self._zones[key]

    def stored(self, stack: Stack, name: str, version: str = "") -> str:
        """What a dynamic reference to a parameter of Systems Manager stands for. Raises Refused."""
        found = self._parameters(stack, f"{name}:{version}" if version else name)
        if not found:
            raise invalid(f"Parameters: [{name}] cannot be found.")
        if found[0]["Type"] == "SecureString":
            raise invalid(f"Non-secure ssm prefix was used for secure parameter: {name}")
        return str(found[0]["Value"])

    def is_stored(self, stack: Stack, name: str) -> bool:
        """Whether Systems Manager holds a parameter of this name."""
        return bool(self._parameters(stack, name))

    def _fetch(self, stack: Stack, name: str) -> str:
        found = self._parameters(stack, name)
        if not found:
            raise invalid(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return str(found[0]["Value"])

    def _parameters(self, stack: Stack, name: str) -> list[dict[str, Any]]:
        client = self.clients.client("ssm", stack.account, stack.region)
        found: list[dict[str, Any]] = client.get_parameters(Names=[name])["Parameters"]
        return found


def facts(ec2: Any, kind: str) -> dict[str, dict[str, str]]:
    """All resources of a parameter type, by id, with what a template's rules may ask of them."""
    if kind == "AWS::EC2::Subnet::Id":
        return {
            each["SubnetId"]: _tags(each) | {name: each[name] for name in ("AvailabilityZone", "VpcId")}
            for each in ec2.describe_subnets()["Subnets"]
        }
    groups = ec2.describe_security_groups()["SecurityGroups"]
    if kind == "AWS::EC2::SecurityGroup::Id":
        return {each["GroupId"]: _tags(each) for each in groups}
    lists = ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}])["NetworkAcls"]
    open_to = {each["VpcId"]: each["NetworkAclId"] for each in lists}
    inside = {each["VpcId"]: each["GroupId"] for each in groups if each["GroupName"] == "default"}
    return {
        (vpc := each["VpcId"]): _tags(each)
        | {"DefaultNetworkAcl": open_to.get(vpc, ""), "DefaultSecurityGroup": inside.get(vpc, "")}
        for each in ec2.describe_vpcs()["Vpcs"]
    }


def _tags(resource: Mapping[str, Any]) -> dict[str, str]:
    return {f"Tags.{tag['Key']}": tag["Value"] for tag in resource.get("Tags", [])}
