"""How many of a kind an account may have in a region.

Sources: "Amazon VPC quotas" of the VPC user guide (the defaults), "Error codes for the Amazon EC2 API" (the codes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

_GONE = {"deleted", "deleting", "failed"}


@dataclass(frozen=True)
class Limits:
    """The most of each kind; the defaults are those of a new account.

    Parameters:
        vpcs, internet_gateways, addresses, vpn_gateways, customer_gateways, vpn_connections: In a region.
        subnets, route_tables: In a VPC.
        routes: In a route table, the local ones not counted.
        rules: In a security group, in either direction.
        groups: On an interface.
        nat_gateways: In an availability zone.
    """

    vpcs: int = 5
    internet_gateways: int = 5
    addresses: int = 5
    vpn_gateways: int = 5
    customer_gateways: int = 50
    vpn_connections: int = 50
    subnets: int = 200
    route_tables: int = 200
    routes: int = 500
    rules: int = 60
    groups: int = 5
    nat_gateways: int = 5


def _subnets(ec2: Any, call: Call) -> int:
    vpc = call.form.get("VpcId")
    return sum(subnet.vpc_id == vpc for zone in ec2.subnets.values() for subnet in zone.values())


def _tables(ec2: Any, call: Call) -> int:
    return sum(table.vpc_id == call.form.get("VpcId") for table in ec2.route_tables.values())


def _routes(ec2: Any, call: Call) -> int:
    table = ec2.route_tables.get(call.form.get("RouteTableId"))
    return sum(not route.local for route in table._routes.values()) if table else 0


def _rules(ec2: Any, call: Call) -> int:
    group = ec2.get_security_group_from_id(call.form.get("GroupId", ""))
    if group is None:
        return 0
    held = group.egress_rules if call.operation.endswith("Egress") else group.ingress_rules
    lists = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds")
    permissions = call.params.get("IpPermissions", [])
    added = sum(len(permission.get(name, [])) for permission in permissions for name in lists)
    return len(held) + max(added, 1) - 1


def _nat_gateways(ec2: Any, call: Call) -> int:
    zone = ec2.get_subnet(call.form["SubnetId"]).availability_zone
    live = (each for each in ec2.nat_gateways.values() if each.state not in _GONE)
    return sum(ec2.get_subnet(each.subnet_id).availability_zone == zone for each in live)


def _live(kept: dict[str, Any]) -> int:
    return sum(each.state not in _GONE for each in kept.values())


@dataclass(frozen=True)
class _Count:
    """What is counted before an operation may add one, and what EC2 says when there are enough."""

    field: str
    there: Callable[[Any, Call], int]
    code: str
    things: str


_RULES = _Count("rules", _rules, "RulesPerSecurityGroupLimitExceeded", "rules per security group")
_COUNTS = {
    "CreateVpc": _Count("vpcs", lambda ec2, _: len(ec2.vpcs), "VpcLimitExceeded", "VPCs"),
    "CreateInternetGateway": _Count(
        "internet_gateways",
        lambda ec2, _: len(ec2.internet_gateways),
        "InternetGatewayLimitExceeded",
        "internet gateways",
    ),
    "AllocateAddress": _Count("addresses", lambda ec2, _: len(ec2.addresses), "AddressLimitExceeded", "addresses"),
    "CreateVpnGateway": _Count(
        "vpn_gateways",
        lambda ec2, _: _live(ec2.vpn_gateways),
        "VpnGatewayLimitExceeded",
        "virtual private gateways",
    ),
    "CreateCustomerGateway": _Count(
        "customer_gateways",
        lambda ec2, _: _live(ec2.customer_gateways),
        "CustomerGatewayLimitExceeded",
        "customer gateways",
    ),
    "CreateVpnConnection": _Count(
        "vpn_connections",
        lambda ec2, _: _live(ec2.vpn_connections),
        "VpnConnectionLimitExceeded",
        "VPN connections",
    ),
    "CreateSubnet": _Count("subnets", _subnets, "SubnetLimitExceeded", "subnets"),
    "CreateRouteTable": _Count("route_tables", _tables, "RouteTableLimitExceeded", "route tables"),
    "CreateRoute": _Count("routes", _routes, "RouteLimitExceeded", "routes"),
    "AuthorizeSecurityGroupIngress": _RULES,
    "AuthorizeSecurityGroupEgress": _RULES,
    "CreateNetworkInterface": _Count(
        "groups",
        lambda _, call: len(call.params.get("Groups", [])) - 1,
        "SecurityGroupsPerInterfaceLimitExceeded",
        "security groups per interface",
    ),
    "CreateNatGateway": _Count("nat_gateways", _nat_gateways, "NatGatewayLimitExceeded", "NAT gateways"),
}


class Quotas:
    """Refuses one more than the limits allow.

    Parameters:
        backend: Where things are counted.
        limits: The limits; None for an account without.
    """

    def __init__(self, backend: Backend, limits: Limits | None) -> None:
        self._backend, self.limits = backend, limits

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        count = _COUNTS.get(call.operation) if call.service == "ec2" and self.limits else None
        if count:
            there = count.there(self._backend.ec2(call.account, call.region), call)
            if there >= getattr(self.limits, count.field):
                raise Refused(count.code, f"The maximum number of {count.things} has been reached.")
        return proceed(call)
