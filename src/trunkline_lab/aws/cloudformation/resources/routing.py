"""Route tables, routes and which subnet uses which table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.resources.base import ResourceType, Work

_PREFIXES = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS = (
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
)


class RouteTable(ResourceType):
    """AWS::EC2::RouteTable; Ref is its id."""

    kind = "AWS::EC2::RouteTable"
    properties = frozenset({"VpcId", "Tags"})
    updates = frozenset({"Tags"})
    absent = frozenset({"InvalidRouteTableID.NotFound"})

    def create(self, work: Work) -> None:
        """Make it."""
        made = work.ec2.create_route_table(**work.given("VpcId"), **work.specification("route-table"))
        work.made(made["RouteTable"]["RouteTableId"])
        work.attributes |= {"RouteTableId": work.physical}

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_route_table(RouteTableId=work.physical)


class Route(ResourceType):
    """AWS::EC2::Route; its id is the table's and the prefix."""

    kind = "AWS::EC2::Route"
    properties = frozenset({"RouteTableId", *_PREFIXES, *_TARGETS})
    updates = frozenset(_TARGETS)
    absent = frozenset({"InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"})

    def create(self, work: Work) -> None:
        """Add the route."""
        work.ec2.create_route(**work.given("RouteTableId", *_PREFIXES, *_TARGETS))
        prefix = next(work.properties[name] for name in _PREFIXES if name in work.properties)
        work.made(f"{work.properties['RouteTableId']}|{prefix}")
        work.attributes |= {"CidrBlock": prefix}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another target for the same prefix."""
        work.ec2.replace_route(**work.given("RouteTableId", *_PREFIXES, *_TARGETS))

    def delete(self, work: Work) -> None:
        """Remove it."""
        work.ec2.delete_route(**work.given("RouteTableId", *_PREFIXES))


class SubnetRouteTableAssociation(ResourceType):
    """AWS::EC2::SubnetRouteTableAssociation; Ref is the association's id."""

    kind = "AWS::EC2::SubnetRouteTableAssociation"
    properties = frozenset({"SubnetId", "RouteTableId"})
    absent = frozenset({"InvalidAssociationID.NotFound"})

    def create(self, work: Work) -> None:
        """Associate, or move the subnet from the table that it uses: CloudFormation does either."""
        found = self._current(work)
        if found is None:
            done = work.ec2.associate_route_table(**work.given("RouteTableId", "SubnetId"))["AssociationId"]
        else:
            table = work.properties["RouteTableId"]
            moved = work.ec2.replace_route_table_association(AssociationId=found, RouteTableId=table)
            done = moved["NewAssociationId"]
        work.made(done)
        work.attributes |= {"Id": done}

    def delete(self, work: Work) -> None:
        """End the association."""
        work.ec2.disassociate_route_table(AssociationId=work.physical)

    @staticmethod
    def _current(work: Work) -> str | None:
        subnet = work.properties["SubnetId"]
        where: Any = [{"Name": "association.subnet-id", "Values": [subnet]}]
        tables = work.ec2.describe_route_tables(Filters=where)["RouteTables"]
        named = (each for table in tables for each in table["Associations"] if each.get("SubnetId") == subnet)
        return next((each["RouteTableAssociationId"] for each in named), None)


class GatewayRouteTableAssociation(ResourceType):
    """AWS::EC2::GatewayRouteTableAssociation; Ref is the gateway's id."""

    kind = "AWS::EC2::GatewayRouteTableAssociation"
    properties = frozenset({"GatewayId", "RouteTableId"})
    updates = frozenset({"RouteTableId"})
    absent = frozenset({"InvalidAssociationID.NotFound"})

    def create(self, work: Work) -> None:
        """Associate."""
        done = work.ec2.associate_route_table(**work.given("RouteTableId", "GatewayId"))
        work.made(work.properties["GatewayId"])
        work.attributes |= {"AssociationId": done["AssociationId"]}

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Another table for the same gateway."""
        before, table = work.attributes["AssociationId"], work.properties["RouteTableId"]
        moved = work.ec2.replace_route_table_association(AssociationId=before, RouteTableId=table)
        work.attributes |= {"AssociationId": moved["NewAssociationId"]}

    def delete(self, work: Work) -> None:
        """End the association."""
        work.ec2.disassociate_route_table(AssociationId=work.attributes["AssociationId"])


class VpnGatewayRoutePropagation(ResourceType):
    """AWS::EC2::VPNGatewayRoutePropagation; Ref is an id of its own."""

    kind = "AWS::EC2::VPNGatewayRoutePropagation"
    properties = frozenset({"RouteTableIds", "VpnGatewayId"})
    updates = frozenset({"RouteTableIds", "VpnGatewayId"})
    absent = frozenset({"InvalidRouteTableID.NotFound", "InvalidVpnGatewayID.NotFound"})

    def create(self, work: Work) -> None:
        """Let the gateway's routes into the tables."""
        work.made(work.name())
        work.attributes |= {"Id": work.physical}
        self._change(work, "enable", self._pairs(work.properties))

    def update(self, work: Work, old: Mapping[str, Any], old_tags: Mapping[str, str]) -> None:
        """Other tables, or another gateway."""
        before, after = self._pairs(old), self._pairs(work.properties)
        self._change(work, "disable", before - after)
        self._change(work, "enable", after - before)

    def delete(self, work: Work) -> None:
        """End the propagation."""
        self._change(work, "disable", self._pairs(work.properties))

    @staticmethod
    def _pairs(properties: Mapping[str, Any]) -> set[tuple[str, str]]:
        return {(table, properties["VpnGatewayId"]) for table in properties["RouteTableIds"]}

    @staticmethod
    def _change(work: Work, verb: str, pairs: set[tuple[str, str]]) -> None:
        change = getattr(work.ec2, f"{verb}_vgw_route_propagation")
        for table, gateway in sorted(pairs):
            change(RouteTableId=table, GatewayId=gateway)
