"""VPCs, subnets and gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag


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
        associations = [each["AssociationId"] for each in vpc.get("CidrBlockAssociationSet", [])]
        work.attributes |= {
            "VpcId": work.physical,
            "CidrBlock": vpc["CidrBlock"],
            "CidrBlockAssociations": associations,
            "DefaultSecurityGroup": default,
            "Ipv6CidrBlocks": [],
        }

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """DNS attributes and tags."""
        self._dns(work, old)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpc(VpcId=work.physical)

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
        {"VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "MapPublicIpOnLaunch", "Tags"}
    )
    updates = frozenset({"MapPublicIpOnLaunch", "Tags"})
    absent = frozenset({"InvalidSubnetID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        named = work.given("VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId")
        subnet = work.ec2.create_subnet(**named, **work.specification("subnet"))["Subnet"]
        work.made(subnet["SubnetId"])
        work.attributes |= {"SubnetId": work.physical, "Ipv6CidrBlocks": [], "VpcId": subnet["VpcId"]}
        work.attributes |= {"AvailabilityZone": subnet["AvailabilityZone"], "CidrBlock": subnet["CidrBlock"]}
        self._public(work, {})

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Automatic public addresses and tags."""
        self._public(work, old)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_subnet(SubnetId=work.physical)

    @staticmethod
    def _public(work: Work, old: Mapping[str, Any]) -> None:
        value = work.properties.get("MapPublicIpOnLaunch", False)
        if value != old.get("MapPublicIpOnLaunch", False):
            work.ec2.modify_subnet_attribute(SubnetId=work.physical, MapPublicIpOnLaunch={"Value": value})


class InternetGateway(ResourceType):
    """AWS::EC2::InternetGateway; Ref is its id."""

    kind = "AWS::EC2::InternetGateway"
    properties = frozenset({"Tags"})
    updates = frozenset({"Tags"})
    absent = frozenset({"InvalidInternetGatewayID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        made = work.ec2.create_internet_gateway(**work.specification("internet-gateway"))["InternetGateway"]
        work.made(made["InternetGatewayId"])
        work.attributes |= {"InternetGatewayId": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_internet_gateway(InternetGatewayId=work.physical)


class VpcGatewayAttachment(ResourceType):
    """AWS::EC2::VPCGatewayAttachment; its id is "IGW|" and the VPC's."""

    kind = "AWS::EC2::VPCGatewayAttachment"
    properties = frozenset({"VpcId", "InternetGatewayId"})
    updates = frozenset({"InternetGatewayId"})
    absent = frozenset({"Gateway.NotAttached", "InvalidInternetGatewayID.NotFound", "InvalidVpcID.NotFound"})

    def create(self, work: Work) -> None:
        """Attach the gateway."""
        self._attach(work)
        work.made(f"IGW|{work.properties['VpcId']}")
        work.attributes |= {"AttachmentType": "IGW"}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another gateway for the same VPC: the old one goes first, since a VPC has one."""
        work.ec2.detach_internet_gateway(InternetGatewayId=old["InternetGatewayId"], VpcId=old["VpcId"])
        self._attach(work)

    def delete(self, work: Work) -> None:
        """Detach it."""
        work.ec2.detach_internet_gateway(**work.given("InternetGatewayId", "VpcId"))

    @staticmethod
    def _attach(work: Work) -> None:
        work.ec2.attach_internet_gateway(**work.given("InternetGatewayId", "VpcId"))
