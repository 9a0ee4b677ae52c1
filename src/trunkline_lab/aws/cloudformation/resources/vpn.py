"""VPN gateways, what they connect to, and the connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work, retag

_ENDS = ("CustomerGatewayId", "VpnGatewayId")


class VpnGateway(ResourceType):
    """AWS::EC2::VPNGateway; Ref is its id."""

    kind = "AWS::EC2::VPNGateway"
    properties = frozenset({"Type", "AmazonSideAsn", "Tags"})
    absent = frozenset({"InvalidVpnGatewayID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        named = work.given("Type", "AmazonSideAsn")
        made = work.ec2.create_vpn_gateway(**named, **work.specification("vpn-gateway"))["VpnGateway"]
        work.made(made["VpnGatewayId"])
        work.attributes |= {"VPNGatewayId": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpn_gateway(VpnGatewayId=work.physical)


class CustomerGateway(ResourceType):
    """AWS::EC2::CustomerGateway; Ref is its id."""

    kind = "AWS::EC2::CustomerGateway"
    properties = frozenset({"Type", "BgpAsn", "IpAddress", "Tags"})
    absent = frozenset({"InvalidCustomerGatewayID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it; without an ASN it has 65000."""
        named = {"BgpAsn": 65000, **work.given("Type", "BgpAsn", "IpAddress")}
        made = work.client("ec2").create_customer_gateway(**named, **work.specification("customer-gateway"))
        work.made(made["CustomerGateway"]["CustomerGatewayId"])
        work.attributes |= {"CustomerGatewayId": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_customer_gateway(CustomerGatewayId=work.physical)


class VpnConnection(ResourceType):
    """AWS::EC2::VPNConnection; Ref is its id."""

    kind = "AWS::EC2::VPNConnection"
    properties = frozenset({"Type", *_ENDS, "StaticRoutesOnly", "VpnTunnelOptionsSpecifications", "Tags"})
    updates = frozenset({*_ENDS, "Tags"})
    absent = frozenset({"InvalidVpnConnectionID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        named = work.given("Type", *_ENDS)
        options = work.given("StaticRoutesOnly", TunnelOptions="VpnTunnelOptionsSpecifications")
        tags = work.specification("vpn-connection")
        made = work.ec2.create_vpn_connection(**named, Options=options, **tags)["VpnConnection"]  # type: ignore[arg-type]
        work.made(made["VpnConnectionId"])
        work.attributes |= {"VpnConnectionId": work.physical}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another gateway at either end, or tags."""
        changed = {name: work.properties[name] for name in _ENDS if work.properties.get(name) != old.get(name)}
        if changed:
            work.ec2.modify_vpn_connection(VpnConnectionId=work.physical, **changed)
        retag(work, work.physical, old_tags)

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpn_connection(VpnConnectionId=work.physical)


class VpnConnectionRoute(ResourceType):
    """AWS::EC2::VPNConnectionRoute; its id is the prefix and the connection's."""

    kind = "AWS::EC2::VPNConnectionRoute"
    properties = frozenset({"DestinationCidrBlock", "VpnConnectionId"})
    absent = frozenset({"InvalidRoute.NotFound", "InvalidVpnConnectionID.NotFound"})

    def create(self, work: Work) -> None:
        """Add the route."""
        work.ec2.create_vpn_connection_route(**work.given("DestinationCidrBlock", "VpnConnectionId"))
        work.made(f"{work.properties['DestinationCidrBlock']}|{work.properties['VpnConnectionId']}")

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_vpn_connection_route(**work.given("DestinationCidrBlock", "VpnConnectionId"))
