"""The resource types that the lab's CloudFormation makes, by name."""

from __future__ import annotations

from trunkline_lab.aws.cloudformation.resources.addresses import Eip, EipAssociation
from trunkline_lab.aws.cloudformation.resources.base import ResourceType
from trunkline_lab.aws.cloudformation.resources.instance import Instance
from trunkline_lab.aws.cloudformation.resources.interface import NetworkInterface
from trunkline_lab.aws.cloudformation.resources.network import (
    InternetGateway,
    Subnet,
    Vpc,
    VpcCidrBlock,
    VpcGatewayAttachment,
)
from trunkline_lab.aws.cloudformation.resources.parameter import Parameter
from trunkline_lab.aws.cloudformation.resources.routing import Route, RouteTable, SubnetRouteTableAssociation
from trunkline_lab.aws.cloudformation.resources.security import (
    SecurityGroup,
    SecurityGroupEgress,
    SecurityGroupIngress,
)

TYPES: dict[str, ResourceType] = {
    made.kind: made
    for made in (
        Eip(),
        EipAssociation(),
        Instance(),
        InternetGateway(),
        NetworkInterface(),
        Parameter(),
        Route(),
        RouteTable(),
        SecurityGroup(),
        SecurityGroupEgress(),
        SecurityGroupIngress(),
        Subnet(),
        SubnetRouteTableAssociation(),
        Vpc(),
        VpcCidrBlock(),
        VpcGatewayAttachment(),
    )
}

__all__ = ["TYPES", "ResourceType"]
