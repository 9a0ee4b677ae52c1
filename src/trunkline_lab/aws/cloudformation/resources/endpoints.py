"""VPC endpoints and prefix lists: how a VPC reaches services by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag

_MEMBERS = ("RouteTableIds", "SubnetIds", "SecurityGroupIds")
_PLAIN = ("VpcId", "ServiceName", "PrivateDnsEnabled", *_MEMBERS)


class VpcEndpoint(ResourceType):
    """AWS::EC2::VPCEndpoint; Ref is its id."""

    kind = "AWS::EC2::VPCEndpoint"
    properties = frozenset({*_PLAIN, "VpcEndpointType", "PolicyDocument", "Tags"})
    updates = frozenset({*_MEMBERS, "PolicyDocument", "PrivateDnsEnabled", "Tags"})
    absent = frozenset({"InvalidVpcEndpointId.NotFound"})

    def create(self, work: Work) -> None:
        """Make it; a gateway endpoint unless another type is named."""
        kind = work.properties.get("VpcEndpointType", "Gateway")
        named = {**work.given(*_PLAIN), **self._policy(work), "VpcEndpointType": kind}
        made = work.client("ec2").create_vpc_endpoint(**named, **work.specification("vpc-endpoint"))["VpcEndpoint"]
        work.made(made["VpcEndpointId"])
        entries = made.get("DnsEntries", [])
        work.attributes |= {
            "Id": work.physical,
            "CreationTimestamp": made["CreationTimestamp"].isoformat(),
            "DnsEntries": [f"{each.get('HostedZoneId', '')}:{each.get('DnsName', '')}" for each in entries],
            "NetworkInterfaceIds": made.get("NetworkInterfaceIds", []),
        }

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Tables, subnets, groups, policy and tags."""
        changed: dict[str, Any] = self._policy(work)
        for name in _MEMBERS:
            before, after = old.get(name, []), work.properties.get(name, [])
            changed |= {f"Add{name}": [each for each in after if each not in before]}
            changed |= {f"Remove{name}": [each for each in before if each not in after]}
        changed |= work.given("PrivateDnsEnabled")
        changed = {name: value for name, value in changed.items() if value not in ([], None)}
        work.ec2.modify_vpc_endpoint(VpcEndpointId=work.physical, **changed)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpc_endpoints(VpcEndpointIds=[work.physical])

    @staticmethod
    def _policy(work: Work) -> dict[str, str]:
        policy = work.properties.get("PolicyDocument")
        if policy is None:
            return {}
        return {"PolicyDocument": policy if isinstance(policy, str) else json.dumps(policy)}


class PrefixList(ResourceType):
    """AWS::EC2::PrefixList; Ref is its id."""

    kind = "AWS::EC2::PrefixList"
    properties = frozenset({"PrefixListName", "AddressFamily", "MaxEntries", "Entries", "Tags"})
    updates = frozenset({"PrefixListName", "Entries", "Tags"})
    absent = frozenset({"InvalidPrefixListID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        named = {"Entries": [], **work.given("PrefixListName", "AddressFamily", "MaxEntries", "Entries")}
        named.setdefault("MaxEntries", max(1, len(named["Entries"])))
        tags = work.specification("prefix-list")
        made: Any = work.client("ec2").create_managed_prefix_list(**named, **tags)["PrefixList"]
        work.made(made["PrefixListId"])
        self._read(work, made)

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Name, entries and tags; entries make a new version."""
        before, after = old.get("Entries", []), work.properties.get("Entries", [])
        add = [each for each in after if each not in before]
        remove = [{"Cidr": each["Cidr"]} for each in before if each not in after]
        version: Any = {"CurrentVersion": int(work.attributes["Version"])} if add or remove else {}
        made = work.client("ec2").modify_managed_prefix_list(
            PrefixListId=work.physical, AddEntries=add, RemoveEntries=remove, **work.given("PrefixListName"), **version
        )["PrefixList"]
        self._read(work, made)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_managed_prefix_list(PrefixListId=work.physical)

    @staticmethod
    def _read(work: Work, made: Any) -> None:
        work.attributes |= {"PrefixListId": work.physical, "Arn": made["PrefixListArn"], "OwnerId": made["OwnerId"]}
        work.attributes |= {"Version": made["Version"]}
