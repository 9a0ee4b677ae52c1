"""Network ACLs: lists, their entries, and which subnet obeys which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work

_RULE = ("Protocol", "RuleAction", "CidrBlock", "Ipv6CidrBlock", "PortRange")


class NetworkAcl(ResourceType):
    """AWS::EC2::NetworkAcl; Ref is its id."""

    kind = "AWS::EC2::NetworkAcl"
    properties = frozenset({"VpcId", "Tags"})
    absent = frozenset({"InvalidNetworkAclID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        made = work.ec2.create_network_acl(**work.given("VpcId"), **work.specification("network-acl"))
        work.made(made["NetworkAcl"]["NetworkAclId"])
        work.attributes |= {"Id": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_network_acl(NetworkAclId=work.physical)


class NetworkAclEntry(ResourceType):
    """AWS::EC2::NetworkAclEntry; Ref is an id of its own."""

    kind = "AWS::EC2::NetworkAclEntry"
    properties = frozenset({"NetworkAclId", "RuleNumber", "Egress", "Icmp", *_RULE})
    updates = frozenset({*_RULE, "Icmp"})
    absent = frozenset({"InvalidNetworkAclEntry.NotFound", "InvalidNetworkAclID.NotFound"})

    def create(self, work: Work) -> None:
        """Add the entry."""
        work.client("ec2").create_network_acl_entry(**self._entry(work))
        work.made(work.name())
        work.attributes |= {"Id": work.physical}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another rule at the same number."""
        work.client("ec2").replace_network_acl_entry(**self._entry(work))

    def delete(self, work: Work) -> None:
        """Remove it."""
        egress = work.properties.get("Egress", False)
        work.ec2.delete_network_acl_entry(**work.given("NetworkAclId", "RuleNumber"), Egress=egress)

    @staticmethod
    def _entry(work: Work) -> dict[str, Any]:
        entry = work.given("NetworkAclId", "RuleNumber", *_RULE, IcmpTypeCode="Icmp")
        # The API takes the protocol's number as text.
        return {**entry, "Egress": work.properties.get("Egress", False), "Protocol": str(entry["Protocol"])}


class SubnetNetworkAclAssociation(ResourceType):
    """AWS::EC2::SubnetNetworkAclAssociation; Ref is the association's id."""

    kind = "AWS::EC2::SubnetNetworkAclAssociation"
    properties = frozenset({"SubnetId", "NetworkAclId"})
    absent = frozenset({"InvalidAssociationID.NotFound"})

    def create(self, work: Work) -> None:
        """Move the subnet to the list from the one that it obeys."""
        before = self._association(work, "association.subnet-id", work.properties["SubnetId"])
        wanted = work.properties["NetworkAclId"]
        done = work.ec2.replace_network_acl_association(AssociationId=before["id"], NetworkAclId=wanted)
        work.made(done["NewAssociationId"])
        work.attributes |= {"AssociationId": work.physical}

    def delete(self, work: Work) -> None:
        """Move the subnet back to its VPC's default list; one that obeys another list meanwhile stays there."""
        held = self._association(work, "association.association-id", work.physical)
        if held:
            where: Any = [{"Name": "vpc-id", "Values": [held["vpc"]]}, {"Name": "default", "Values": ["true"]}]
            (default,) = work.ec2.describe_network_acls(Filters=where)["NetworkAcls"]
            target = default["NetworkAclId"]
            work.ec2.replace_network_acl_association(AssociationId=work.physical, NetworkAclId=target)

    @staticmethod
    def _association(work: Work, filtered: str, value: str) -> dict[str, str]:
        where: Any = [{"Name": filtered, "Values": [value]}]
        for found in work.ec2.describe_network_acls(Filters=where)["NetworkAcls"]:
            for each in found["Associations"]:
                if value in {each["SubnetId"], each["NetworkAclAssociationId"]}:
                    return {"id": each["NetworkAclAssociationId"], "vpc": found["VpcId"]}
        return {}
