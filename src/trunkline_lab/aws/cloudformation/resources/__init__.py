"""The resource types that the lab's CloudFormation makes, by name."""

from __future__ import annotations

from trunkline_lab.aws.cloudformation.resources import (
    acl,
    addresses,
    dhcp,
    endpoints,
    gateways,
    iam,
    instance,
    interface,
    launch,
    logs,
    network,
    parameter,
    peering,
    routing,
    security,
    vpn,
)
from trunkline_lab.aws.cloudformation.resources.base import ResourceType

TYPES: dict[str, ResourceType] = {
    made.kind: made
    for made in (
        acl.NetworkAcl(),
        acl.NetworkAclEntry(),
        acl.SubnetNetworkAclAssociation(),
        addresses.Eip(),
        addresses.EipAssociation(),
        dhcp.DhcpOptions(),
        dhcp.VpcDhcpOptionsAssociation(),
        endpoints.PrefixList(),
        endpoints.VpcEndpoint(),
        gateways.EgressOnlyInternetGateway(),
        gateways.InternetGateway(),
        gateways.NatGateway(),
        gateways.VpcGatewayAttachment(),
        iam.InstanceProfile(),
        iam.ManagedPolicy(),
        iam.Policy(),
        iam.Role(),
        instance.Instance(),
        interface.NetworkInterface(),
        interface.NetworkInterfaceAttachment(),
        launch.KeyPair(),
        launch.LaunchTemplate(),
        logs.FlowLog(),
        logs.LogGroup(),
        network.Subnet(),
        network.SubnetCidrBlock(),
        network.Vpc(),
        network.VpcCidrBlock(),
        parameter.Parameter(),
        peering.VpcPeeringConnection(),
        routing.GatewayRouteTableAssociation(),
        routing.Route(),
        routing.RouteTable(),
        routing.SubnetRouteTableAssociation(),
        routing.VpnGatewayRoutePropagation(),
        security.SecurityGroup(),
        security.SecurityGroupEgress(),
        security.SecurityGroupIngress(),
        vpn.CustomerGateway(),
        vpn.VpnConnection(),
        vpn.VpnConnectionRoute(),
        vpn.VpnGateway(),
    )
}

__all__ = ["TYPES", "ResourceType"]
