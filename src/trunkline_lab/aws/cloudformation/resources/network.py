"""VPCs, subnets and their blocks of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag

_ON_LAUNCH = ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation")


class Vpc(ResourceType):
    """AWS::EC2::VPC; Ref is its id."""

    kind = "AWS::EC2::VPC"
    properties = frozenset({"CidrBlock", "InstanceTenancy", "EnableDnsSupport", "EnableDnsHostnames", "Tags"})
    updates = frozenset({"EnableDnsSupport", "EnableDnsHostnames", "Tags"})
    absent = frozenset({"InvalidVpcID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it, then set what only a modify call sets."""
        vpc = work.ec2.create_vpc(**work.given("CidrBlock", "InstanceTenancy"), **work.specification("vpc"))["Vpc"]
        work.made(vpc["VpcId"])
        self._dns(work, {})
        where = [{"Name": "vpc-id", "Values": [work.physical]}]
        groups = work.ec2.describe_security_groups(Filters=where)["SecurityGroups"]  # type: ignore[arg-type]
        default = next(group["GroupId"] for group in groups if group["GroupName"] == "default")
        lists = work.client("ec2").describe_network_acls(Filters=[*where, {"Name": "default", "Values": ["true"]}])
        work.attributes |= {
            "VpcId": work.physical,
            "CidrBlock": vpc["CidrBlock"],
            "CidrBlockAssociations": lambda: self._blocks(work, "", "AssociationId"),
            "DefaultNetworkAcl": lists["NetworkAcls"][0]["NetworkAclId"],
            "DefaultSecurityGroup": default,
            "Ipv6CidrBlocks": lambda: self._blocks(work, "Ipv6", "Ipv6CidrBlock"),
        }

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """DNS attributes and tags."""
        self._dns(work, old)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpc(VpcId=work.physical)

    @staticmethod
    def _blocks(work: Work, family: str, member: str) -> list[str]:
        # Blocks are associated later, by resources of their own: what there is, is asked when a template does.
        vpc: Any = work.ec2.describe_vpcs(VpcIds=[work.physical])["Vpcs"][0]
        found = vpc.get(f"{family}CidrBlockAssociationSet", [])
        return [each[member] for each in found if each[f"{family}CidrBlockState"]["State"] == "associated"]

    @staticmethod
    def _dns(work: Work, old: Mapping[str, Any]) -> None:
        # EC2 changes one attribute a call. Support is on in a new VPC, host names are off.
        for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
            value = work.properties.get(name, default)
            if value != old.get(name, default):
                argument: Any = {name: {"Value": value}}
                work.ec2.modify_vpc_attribute(VpcId=work.physical, **argument)


class VpcCidrBlock(ResourceType):
    """AWS::EC2::VPCCidrBlock; Ref is the association's id."""

    kind = "AWS::EC2::VPCCidrBlock"
    properties = frozenset({"VpcId", "CidrBlock", "AmazonProvidedIpv6CidrBlock"})
    absent = frozenset({"InvalidVpcCidrBlockAssociationID.NotFound"})

    def create(self, work: Work) -> None:
        """Associate the block."""
        done: Any = work.ec2.associate_vpc_cidr_block(**work.given("VpcId", "CidrBlock", "AmazonProvidedIpv6CidrBlock"))
        association = done.get("CidrBlockAssociation") or done["Ipv6CidrBlockAssociation"]
        work.made(association["AssociationId"])
        work.attributes |= {"Id": work.physical}

    def delete(self, work: Work) -> None:
        """Disassociate it."""
        work.ec2.disassociate_vpc_cidr_block(AssociationId=work.physical)


class Subnet(ResourceType):
    """AWS::EC2::Subnet; Ref is its id."""

    kind = "AWS::EC2::Subnet"
    properties = frozenset(
        {"VpcId", "CidrBlock", "Ipv6CidrBlock", "AvailabilityZone", "AvailabilityZoneId", *_ON_LAUNCH, "Tags"}
    )
    updates = frozenset({*_ON_LAUNCH, "Tags"})
    absent = frozenset({"InvalidSubnetID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it, then set what only a modify call sets."""
        named = work.given("VpcId", "CidrBlock", "Ipv6CidrBlock", "AvailabilityZone", "AvailabilityZoneId")
        subnet = work.ec2.create_subnet(**named, **work.specification("subnet"))["Subnet"]
        work.made(subnet["SubnetId"])
        work.attributes |= {"SubnetId": work.physical, "VpcId": subnet["VpcId"], "CidrBlock": subnet["CidrBlock"]}
        work.attributes |= {"AvailabilityZone": subnet["AvailabilityZone"], **work.given(*_ON_LAUNCH)}
        work.attributes |= {"AvailabilityZoneId": subnet["AvailabilityZoneId"]}
        work.attributes |= {"Ipv6CidrBlocks": lambda: self._blocks(work)}
        work.attributes |= {"NetworkAclAssociationId": lambda: self._association(work)}
        self._on_launch(work, {})

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Automatic public addresses and tags."""
        self._on_launch(work, old)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_subnet(SubnetId=work.physical)

    @staticmethod
    def _on_launch(work: Work, old: Mapping[str, Any]) -> None:
        # EC2 changes one attribute a call; both are off in a new subnet.
        for name in _ON_LAUNCH:
            value = work.properties.get(name, False)
            if value != old.get(name, False):
                argument: Any = {name: {"Value": value}}
                work.ec2.modify_subnet_attribute(SubnetId=work.physical, **argument)

    @staticmethod
    def _blocks(work: Work) -> list[str]:
        subnet = work.ec2.describe_subnets(SubnetIds=[work.physical])["Subnets"][0]
        return [each["Ipv6CidrBlock"] for each in subnet.get("Ipv6CidrBlockAssociationSet", [])]

    @staticmethod
    def _association(work: Work) -> str:
        where: Any = [{"Name": "association.subnet-id", "Values": [work.physical]}]
        lists = work.ec2.describe_network_acls(Filters=where)["NetworkAcls"]
        named = (each for found in lists for each in found["Associations"] if each["SubnetId"] == work.physical)
        return next(each["NetworkAclAssociationId"] for each in named)


class SubnetCidrBlock(ResourceType):
    """AWS::EC2::SubnetCidrBlock; Ref is the association's id."""

    kind = "AWS::EC2::SubnetCidrBlock"
    properties = frozenset({"SubnetId", "Ipv6CidrBlock"})
    absent = frozenset({"InvalidSubnetCidrBlockAssociationID.NotFound"})

    def create(self, work: Work) -> None:
        """Associate the block."""
        done = work.ec2.associate_subnet_cidr_block(**work.given("SubnetId", "Ipv6CidrBlock"))
        work.made(done["Ipv6CidrBlockAssociation"]["AssociationId"])
        work.attributes |= {"Id": work.physical}

    def delete(self, work: Work) -> None:
        """Disassociate it."""
        work.ec2.disassociate_subnet_cidr_block(AssociationId=work.physical)
