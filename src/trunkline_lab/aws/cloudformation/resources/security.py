"""Security groups and their rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_ANYWHERE = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


def permission(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template's rule as the EC2 API's IpPermission."""
    made: dict[str, Any] = {"IpProtocol": str(rule.get("IpProtocol", "-1"))}
    made |= {name: int(rule[name]) for name in ("FromPort", "ToPort") if name in rule}
    described = {"Description": rule["Description"]} if rule.get("Description") else {}
    if "CidrIp" in rule:
        made["IpRanges"] = [{"CidrIp": rule["CidrIp"], **described}]
    if "CidrIpv6" in rule:
        made["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **described}]
    group = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    if group:
        owner = {"UserId": rule["SourceSecurityGroupOwnerId"]} if "SourceSecurityGroupOwnerId" in rule else {}
        made["UserIdGroupPairs"] = [{"GroupId": group, **owner, **described}]
    if "SourceSecurityGroupName" in rule:
        raise Impossible("The lab does not support property SourceSecurityGroupName: name the group by its id")
    prefixes = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    if prefixes:
        made["PrefixListIds"] = [{"PrefixListId": prefixes, **described}]
    return made


class SecurityGroup(ResourceType):
    """AWS::EC2::SecurityGroup with its inline rules; Ref is its id."""

    kind = "AWS::EC2::SecurityGroup"
    properties = frozenset(
        {"GroupDescription", "GroupName", "VpcId", "SecurityGroupIngress", "SecurityGroupEgress", "Tags"}
    )
    updates = frozenset({"SecurityGroupIngress", "SecurityGroupEgress", "Tags"})
    absent = frozenset({"InvalidGroup.NotFound"})

    def create(self, work: Work) -> None:
        """Make it, then its rules; inline egress rules take the place of the one that allows everything."""
        name = work.properties.get("GroupName") or f"{work.stack}-{work.logical}-{uuid.uuid4().hex[:12]}"
        made = work.ec2.create_security_group(
            GroupName=name[:255],
            Description=work.properties["GroupDescription"],
            **work.given("VpcId"),
            **work.specification("security-group"),
        )
        work.made(made["GroupId"])
        work.attributes |= {"GroupId": work.physical, "Id": work.physical, "VpcId": work.properties.get("VpcId", "")}
        self._rules(work, {})

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Only the rules that differ come and go; those of others stay."""
        self._rules(work, old)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_security_group(GroupId=work.physical)

    @staticmethod
    def _rules(work: Work, old: Mapping[str, Any]) -> None:
        ec2, group = work.ec2, work.physical
        gone, new = _difference(old.get("SecurityGroupIngress", []), work.properties.get("SecurityGroupIngress", []))
        _revoke(ec2, group, gone, egress=False)
        _authorize(ec2, group, new, egress=False)
        before = old.get("SecurityGroupEgress") or [_ANYWHERE]
        gone, new = _difference(before, work.properties.get("SecurityGroupEgress") or [_ANYWHERE])
        _revoke(ec2, group, gone, egress=True)
        _authorize(ec2, group, new, egress=True)


class _Rule(ResourceType):
    """A rule of its own; Ref is the rule's id."""

    egress: bool
    absent = frozenset({"InvalidPermission.NotFound", "InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound"})

    def create(self, work: Work) -> None:
        """Authorize it."""
        made = _authorize(work.ec2, work.properties["GroupId"], [work.properties], egress=self.egress)
        work.made(made[0])
        work.attributes |= {"Id": made[0]}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """The description is all that changes in place."""
        group = work.properties["GroupId"]
        permissions: Any = [permission(work.properties)]
        if self.egress:
            work.ec2.update_security_group_rule_descriptions_egress(GroupId=group, IpPermissions=permissions)
        else:
            work.ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=permissions)

    def delete(self, work: Work) -> None:
        """Revoke it."""
        _revoke(work.ec2, work.properties["GroupId"], [work.properties], egress=self.egress)


class SecurityGroupIngress(_Rule):
    """AWS::EC2::SecurityGroupIngress."""

    kind = "AWS::EC2::SecurityGroupIngress"
    properties = frozenset(
        {
            "GroupId",
            "IpProtocol",
            "FromPort",
            "ToPort",
            "CidrIp",
            "CidrIpv6",
            "SourceSecurityGroupId",
            "SourceSecurityGroupOwnerId",
            "SourcePrefixListId",
            "Description",
        }
    )
    updates = frozenset({"Description"})
    egress = False


class SecurityGroupEgress(_Rule):
    """AWS::EC2::SecurityGroupEgress."""

    kind = "AWS::EC2::SecurityGroupEgress"
    properties = frozenset(
        {
            "GroupId",
            "IpProtocol",
            "FromPort",
            "ToPort",
            "CidrIp",
            "CidrIpv6",
            "DestinationSecurityGroupId",
            "DestinationPrefixListId",
            "Description",
        }
    )
    updates = frozenset({"Description"})
    egress = True


def _difference(old: Iterable[Any], new: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    before, after = list(old), list(new)
    return [rule for rule in before if rule not in after], [rule for rule in after if rule not in before]


def _authorize(ec2: EC2Client, group: str, rules: list[Any], *, egress: bool) -> list[str]:
    if not rules:
        return []
    permissions: Any = [permission(rule) for rule in rules]
    if egress:
        out = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=permissions)
        return [rule["SecurityGroupRuleId"] for rule in out["SecurityGroupRules"]]
    done = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions)
    return [rule["SecurityGroupRuleId"] for rule in done["SecurityGroupRules"]]


def _revoke(ec2: EC2Client, group: str, rules: list[Any], *, egress: bool) -> None:
    if not rules:
        return
    permissions: Any = [permission(rule) for rule in rules]
    if egress:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=permissions)
    else:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=permissions)
