"""EC2's kinds of resources as its read calls show them, and what it says of one that is not there.

Sources: the EC2 API reference's Describe pages (lists and their members) and "Error codes for the Amazon EC2 API".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of resource.

    Parameters:
        operation: The call that lists it.
        listed: The answer's list.
        member: An item's member that holds its id.
        asked: The call's parameter of wanted ids; its name in the request lacks the s.
        prefix: What its ids begin with.
        missing: The error's code for an id that names nothing.
        told: The error's message, with {} for the id.
        malformed: The error's code for what is no such id; where EC2 has none, it says that there is no such thing.
    """

    operation: str
    listed: str
    member: str
    asked: str
    prefix: str
    missing: str
    told: str
    malformed: str = ""

    @property
    def asked_as(self) -> str:
        """The parameter of wanted ids as a request spells it, before its number."""
        return self.asked.removesuffix("s")


KINDS = (
    Kind(
        "DescribeVpcs",
        "Vpcs",
        "VpcId",
        "VpcIds",
        "vpc",
        "InvalidVpcID.NotFound",
        "The vpc ID '{}' does not exist",
        "InvalidVpcID.Malformed",
    ),
    Kind(
        "DescribeSubnets",
        "Subnets",
        "SubnetId",
        "SubnetIds",
        "subnet",
        "InvalidSubnetID.NotFound",
        "The subnet ID '{}' does not exist",
        "InvalidSubnetID.Malformed",
    ),
    Kind(
        "DescribeInternetGateways",
        "InternetGateways",
        "InternetGatewayId",
        "InternetGatewayIds",
        "igw",
        "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID '{}' does not exist",
        "InvalidInternetGatewayId.Malformed",
    ),
    Kind(
        "DescribeRouteTables",
        "RouteTables",
        "RouteTableId",
        "RouteTableIds",
        "rtb",
        "InvalidRouteTableID.NotFound",
        "The routeTable ID '{}' does not exist",
        "InvalidRouteTableId.Malformed",
    ),
    Kind(
        "DescribeSecurityGroups",
        "SecurityGroups",
        "GroupId",
        "GroupIds",
        "sg",
        "InvalidGroup.NotFound",
        "The security group '{}' does not exist",
        "InvalidGroupId.Malformed",
    ),
    Kind(
        "DescribeSecurityGroupRules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
        "SecurityGroupRuleIds",
        "sgr",
        "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID '{}' does not exist",
        "InvalidSecurityGroupRuleId.Malformed",
    ),
    Kind(
        "DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        "NetworkInterfaceIds",
        "eni",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{}' does not exist",
        "InvalidNetworkInterfaceId.Malformed",
    ),
    Kind(
        "DescribeNetworkAcls",
        "NetworkAcls",
        "NetworkAclId",
        "NetworkAclIds",
        "acl",
        "InvalidNetworkAclID.NotFound",
        "The networkAcl ID '{}' does not exist",
        "InvalidNetworkAclId.Malformed",
    ),
    Kind(
        "DescribeAddresses",
        "Addresses",
        "AllocationId",
        "AllocationIds",
        "eipalloc",
        "InvalidAllocationID.NotFound",
        "The allocation ID '{}' does not exist",
    ),
    Kind(
        "DescribeNatGateways",
        "NatGateways",
        "NatGatewayId",
        "NatGatewayIds",
        "nat",
        "NatGatewayNotFound",
        "The Nat Gateway {} was not found",
        "NatGatewayMalformed",
    ),
    Kind(
        "DescribeVpcPeeringConnections",
        "VpcPeeringConnections",
        "VpcPeeringConnectionId",
        "VpcPeeringConnectionIds",
        "pcx",
        "InvalidVpcPeeringConnectionID.NotFound",
        "The vpcPeeringConnection ID '{}' does not exist",
        "InvalidVpcPeeringConnectionId.Malformed",
    ),
    Kind(
        "DescribeVpnGateways",
        "VpnGateways",
        "VpnGatewayId",
        "VpnGatewayIds",
        "vgw",
        "InvalidVpnGatewayID.NotFound",
        "The vpnGateway ID '{}' does not exist",
    ),
    Kind(
        "DescribeCustomerGateways",
        "CustomerGateways",
        "CustomerGatewayId",
        "CustomerGatewayIds",
        "cgw",
        "InvalidCustomerGatewayID.NotFound",
        "The customerGateway ID '{}' does not exist",
        "InvalidCustomerGatewayId.Malformed",
    ),
    Kind(
        "DescribeVpnConnections",
        "VpnConnections",
        "VpnConnectionId",
        "VpnConnectionIds",
        "vpn",
        "InvalidVpnConnectionID.NotFound",
        "The vpnConnection ID '{}' does not exist",
    ),
    Kind(
        "DescribeVpcEndpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        "VpcEndpointIds",
        "vpce",
        "InvalidVpcEndpointId.NotFound",
        "The Vpc Endpoint Id '{}' does not exist",
        "InvalidVpcEndpointId.Malformed",
    ),
    Kind(
        "DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
        "EgressOnlyInternetGatewayIds",
        "eigw",
        "InvalidEgressOnlyInternetGatewayId.NotFound",
        "The eigw ID '{}' does not exist",
        "InvalidEgressOnlyInternetGatewayId.Malformed",
    ),
    Kind(
        "DescribeDhcpOptions",
        "DhcpOptions",
        "DhcpOptionsId",
        "DhcpOptionsIds",
        "dopt",
        "InvalidDhcpOptionID.NotFound",
        "The dhcpOption ID '{}' does not exist",
        "InvalidDhcpOptionsId.Malformed",
    ),
    Kind(
        "DescribeInstances",
        "Instances",
        "InstanceId",
        "InstanceIds",
        "i",
        "InvalidInstanceID.NotFound",
        "The instance ID '{}' does not exist",
        "InvalidInstanceID.Malformed",
    ),
)
BY_OPERATION = {kind.operation: kind for kind in KINDS}
BY_MEMBER = {kind.member: kind for kind in KINDS} | {kind.asked: kind for kind in KINDS}
BY_PREFIX = {kind.prefix: kind for kind in KINDS}


def items_of(kind: Kind, result: Mapping[str, Any]) -> list[Any]:
    """The things that an answer lists; instances lie in reservations."""
    if kind.listed != "Instances":
        return list(result.get(kind.listed, []))
    return [each for reservation in result.get("Reservations", []) for each in reservation.get("Instances", [])]


def keep_items(kind: Kind, result: dict[str, Any], kept: Sequence[Any]) -> None:
    """Let an answer list only the things `kept`, each as it is there; instances only those it lists already."""
    if kind.listed != "Instances":
        result[kind.listed] = list(kept)
        return
    wanted = {each["InstanceId"]: each for each in kept}
    for reservation in result.setdefault("Reservations", []):
        listed = (each["InstanceId"] for each in reservation["Instances"])
        reservation["Instances"] = [wanted[each] for each in listed if each in wanted]
    result["Reservations"] = [each for each in result["Reservations"] if each["Instances"]]
