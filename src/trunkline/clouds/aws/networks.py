"""A VPC as the network model: read from EC2, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trunkline.clouds.aws.late import seen
from trunkline.clouds.aws.routes import target
from trunkline.clouds.cloud import CloudError
from trunkline.network.model import Interface, Network, Permission, Route, RouteTable, RuleSet, Subnet

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def network(ec2: EC2Client, vpc: str, account: str) -> Network:
    """The VPC `vpc` with all that routes and filters its packets; `account` is the account's name."""
    found = seen(lambda: ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Vpcs"] or None)
    if found is None:
        raise CloudError(
            f"account {account}: there is no VPC {vpc}",
            code="InvalidVpcID.NotFound",
            hint="check the id, and the account's region",
        )
    blocks = [
        block["CidrBlock"]
        for block in found[0].get("CidrBlockAssociationSet", [])
        if block.get("CidrBlockState", {}).get("State") == "associated"
    ]
    subnets = tuple(_subnet(each) for each in _pages(ec2, "describe_subnets", "Subnets", vpc))
    tables = list(_pages(ec2, "describe_route_tables", "RouteTables", vpc))
    return Network(
        id=vpc,
        name=_name(found[0]),
        cloud="aws",
        account=account,
        cidrs=tuple(blocks or [found[0]["CidrBlock"]]),
        subnets=subnets,
        route_tables=_route_tables(tables, [subnet.id for subnet in subnets]),
        rule_sets=tuple(_rule_set(each) for each in _pages(ec2, "describe_security_groups", "SecurityGroups", vpc)),
        interfaces=tuple(
            _interface(each) for each in _pages(ec2, "describe_network_interfaces", "NetworkInterfaces", vpc)
        ),
    )


def _pages(ec2: EC2Client, operation: str, key: str, vpc: str) -> Iterator[dict[str, Any]]:
    paginator: Any = ec2.get_paginator(operation)  # type: ignore[call-overload]
    for page in paginator.paginate(Filters=[{"Name": "vpc-id", "Values": [vpc]}]):
        yield from page[key]


def _name(thing: Any) -> str:
    return next((tag["Value"] for tag in thing.get("Tags", []) if tag["Key"] == "Name"), "")


def _subnet(subnet: dict[str, Any]) -> Subnet:
    return Subnet(
        id=subnet["SubnetId"], name=_name(subnet), cidr=subnet["CidrBlock"], zone=subnet.get("AvailabilityZone", "")
    )


def _route_tables(tables: Sequence[dict[str, Any]], subnets: Sequence[str]) -> tuple[RouteTable, ...]:
    """The tables; a subnet that is associated with none uses the VPC's main table."""
    explicit = {each["SubnetId"] for table in tables for each in table.get("Associations", []) if each.get("SubnetId")}
    rest = tuple(subnet for subnet in subnets if subnet not in explicit)
    return tuple(_route_table(table, rest) for table in tables)


def _route_table(table: dict[str, Any], rest: tuple[str, ...]) -> RouteTable:
    associations = table.get("Associations", [])
    own = tuple(each["SubnetId"] for each in associations if each.get("SubnetId"))
    main = any(each.get("Main") for each in associations)
    return RouteTable(
        id=table["RouteTableId"],
        routes=tuple(_route(each) for each in table.get("Routes", [])),
        subnets=own + rest if main else own,
    )


def _route(route: Any) -> Route:
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    leads_to = target(route)
    return Route(
        prefix=next((route[key] for key in keys if route.get(key)), ""),
        target="internet" if leads_to.startswith(("igw-", "eigw-")) else leads_to,
    )


def _rule_set(group: dict[str, Any]) -> RuleSet:
    both = (("in", "IpPermissions"), ("out", "IpPermissionsEgress"))
    permissions = (
        permission
        for direction, key in both
        for each in group.get(key, [])
        for permission in _permissions(direction, each)
    )
    return RuleSet(id=group["GroupId"], name=group.get("GroupName", ""), permissions=tuple(permissions))


def _permissions(direction: str, permission: dict[str, Any]) -> Iterator[Permission]:
    number = str(permission["IpProtocol"])
    protocol = {"-1": "any", "6": "tcp", "17": "udp", "1": "icmp"}.get(number, number)
    # Without ports, or with ICMP's -1 for every type, it is all of them.
    first, last = permission.get("FromPort", -1), permission.get("ToPort", -1)
    first, last = (0, 65535) if first == -1 else (first, last)
    peers = [
        *(each["CidrIp"] for each in permission.get("IpRanges", [])),
        *(each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])),
        *(each["GroupId"] for each in permission.get("UserIdGroupPairs", [])),
        *(each["PrefixListId"] for each in permission.get("PrefixListIds", [])),
    ]
    for peer in peers:
        yield Permission(direction=direction, protocol=protocol, first_port=first, last_port=last, peer=peer)


def _interface(interface: dict[str, Any]) -> Interface:
    return Interface(
        id=interface["NetworkInterfaceId"],
        subnet=interface["SubnetId"],
        private_address=interface["PrivateIpAddress"],
        public_address=interface.get("Association", {}).get("PublicIp"),
        rule_sets=tuple(group["GroupId"] for group in interface.get("Groups", [])),
        forwards=not interface.get("SourceDestCheck", True),
        instance=interface.get("Attachment", {}).get("InstanceId"),
    )
