"""VPCs as the network model: read from EC2 in bulk, a few calls for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from trunkline.clouds.aws.routes import target
from trunkline.clouds.cloud import CloudError
from trunkline.network.model import (
    Interface,
    Network,
    Peering,
    Permission,
    Route,
    RouteTable,
    RuleSet,
    Subnet,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

Rows = Mapping[str, list[dict[str, Any]]]
# What is read: the client's operation and its answer's key. Everything in it belongs to a VPC.
_KINDS = {
    "describe_subnets": "Subnets",
    "describe_route_tables": "RouteTables",
    "describe_security_groups": "SecurityGroups",
    "describe_network_acls": "NetworkAcls",
    "describe_network_interfaces": "NetworkInterfaces",
}
_NUMBERS = {"-1": "any", "6": "tcp", "17": "udp", "1": "icmp"}
_MOST_VALUES = 200  # that EC2 takes in one filter


def networks(ec2: EC2Client, account: str, vpcs: Sequence[str] | None = None) -> list[Network]:
    """The VPCs with all that routes and filters their packets, in EC2's order.

    Parameters:
        account: The account's name.
        vpcs: Their ids; all of the account and region when left out.

    Raises:
        CloudError: There is no such VPC.
    """
    only = [] if vpcs is None or len(vpcs) > _MOST_VALUES else [{"Name": "vpc-id", "Values": [*vpcs]}]
    found = [vpc for vpc in _pages(ec2, "describe_vpcs", "Vpcs", only) if vpcs is None or vpc["VpcId"] in vpcs]
    missing = sorted(set(vpcs or ()) - {vpc["VpcId"] for vpc in found})
    if missing:
        raise CloudError(
            f"account {account}: there is no VPC {', '.join(missing)}",
            code="InvalidVpcID.NotFound",
            hint="check the id, and the account's region",
        )
    with ThreadPoolExecutor(len(_KINDS) + 2) as pool:
        kinds = {name: pool.submit(_by_vpc, ec2, name, key, only) for name, key in _KINDS.items()}
        peerings = pool.submit(lambda: [*_pages(ec2, "describe_vpc_peering_connections", "VpcPeeringConnections", [])])
        names = pool.submit(_instance_names, ec2, only)
        rows = {name: future.result() for name, future in kinds.items()}
    lists = _prefix_lists(ec2, rows)
    return [_network(vpc, account, rows, peerings.result(), names.result(), lists) for vpc in found]


def _network(
    vpc: dict[str, Any],
    account: str,
    rows: Mapping[str, Rows],
    peerings: Iterable[Any],
    names: Mapping[str, str],
    lists: Mapping[str, tuple[str, ...]],
) -> Network:
    identifier = vpc["VpcId"]
    mine = {name: by_vpc.get(identifier, []) for name, by_vpc in rows.items()}
    blocks = [
        block["CidrBlock"]
        for block in vpc.get("CidrBlockAssociationSet", [])
        if block.get("CidrBlockState", {}).get("State") == "associated"
    ]
    acls = {
        association["SubnetId"]: acl["NetworkAclId"]
        for acl in mine["describe_network_acls"]
        for association in acl.get("Associations", [])
    }
    subnets = tuple(_subnet(each, acls) for each in mine["describe_subnets"])
    groups = [_rule_set(each, lists) for each in mine["describe_security_groups"]]
    return Network(
        id=identifier,
        name=_name(vpc),
        cloud="aws",
        account=account,
        cidrs=tuple(blocks or [vpc["CidrBlock"]]),
        subnets=subnets,
        route_tables=_route_tables(mine["describe_route_tables"], [subnet.id for subnet in subnets], lists),
        rule_sets=(*groups, *map(_acl, mine["describe_network_acls"])),
        interfaces=tuple(_interface(each, names) for each in mine["describe_network_interfaces"]),
        peerings=tuple(_peerings(identifier, peerings)),
    )


def _pages(ec2: EC2Client, operation: str, key: str, filters: Sequence[Any]) -> Iterator[dict[str, Any]]:
    paginator: Any = ec2.get_paginator(operation)  # type: ignore[call-overload]
    for page in paginator.paginate(Filters=[*filters]):
        yield from page[key]


def _by_vpc(ec2: EC2Client, operation: str, key: str, filters: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict[str, list[dict[str, Any]]](list)
    for row in _pages(ec2, operation, key, filters):
        found[row["VpcId"]].append(row)
    return found


def _instance_names(ec2: EC2Client, filters: Sequence[Any]) -> dict[str, str]:
    """What people call the instances, by id; those without a name are left out."""
    reservations = _pages(ec2, "describe_instances", "Reservations", filters)
    instances = (instance for reservation in reservations for instance in reservation["Instances"])
    return {instance["InstanceId"]: name for instance in instances if (name := _name(instance))}


def _prefix_lists(ec2: EC2Client, rows: Mapping[str, Rows]) -> dict[str, tuple[str, ...]]:
    """The CIDRs of every prefix list that a route or a rule names."""
    routes = (
        route.get("DestinationPrefixListId")
        for tables in rows["describe_route_tables"].values()
        for table in tables
        for route in table.get("Routes", [])
    )
    rules = (
        peer["PrefixListId"]
        for groups in rows["describe_security_groups"].values()
        for group in groups
        for permission in (*group.get("IpPermissions", []), *group.get("IpPermissionsEgress", []))
        for peer in permission.get("PrefixListIds", [])
    )
    found = {}
    for identifier in sorted({each for each in (*routes, *rules) if each}):
        paginator = ec2.get_paginator("get_managed_prefix_list_entries")
        pages = paginator.paginate(PrefixListId=identifier)
        found[identifier] = tuple(entry["Cidr"] for page in pages for entry in page["Entries"])
    return found


def _peerings(vpc: str, peerings: Iterable[Any]) -> Iterator[Peering]:
    for each in peerings:
        ends = [each.get(side, {}).get("VpcId") for side in ("RequesterVpcInfo", "AccepterVpcInfo")]
        if vpc in ends:
            other = ends[1] if ends[0] == vpc else ends[0]
            active = each.get("Status", {}).get("Code") == "active"
            yield Peering(each["VpcPeeringConnectionId"], other or "", active)


def _name(thing: Any) -> str:
    tags = (*thing.get("Tags", []), *thing.get("TagSet", []))
    return next((tag["Value"] for tag in tags if tag["Key"] == "Name"), "")


def _subnet(subnet: dict[str, Any], acls: Mapping[str, str]) -> Subnet:
    acl = acls.get(subnet["SubnetId"])
    return Subnet(
        id=subnet["SubnetId"],
        name=_name(subnet),
        cidr=subnet["CidrBlock"],
        zone=subnet.get("AvailabilityZone", ""),
        rule_sets=(acl,) if acl else (),
    )


def _route_tables(
    tables: Sequence[dict[str, Any]], subnets: Sequence[str], lists: Mapping[str, tuple[str, ...]]
) -> tuple[RouteTable, ...]:
    """The tables; a subnet that is associated with none uses the VPC's main table."""
    explicit = {each["SubnetId"] for table in tables for each in table.get("Associations", []) if each.get("SubnetId")}
    rest = tuple(subnet for subnet in subnets if subnet not in explicit)
    return tuple(_route_table(table, rest, lists) for table in tables)


def _route_table(table: dict[str, Any], rest: tuple[str, ...], lists: Mapping[str, tuple[str, ...]]) -> RouteTable:
    associations = table.get("Associations", [])
    own = tuple(each["SubnetId"] for each in associations if each.get("SubnetId"))
    main = any(each.get("Main") for each in associations)
    return RouteTable(
        id=table["RouteTableId"],
        routes=tuple(route for each in table.get("Routes", []) for route in _routes(each, lists)),
        subnets=own + rest if main else own,
    )


def _routes(route: Any, lists: Mapping[str, tuple[str, ...]]) -> Iterator[Route]:
    """The route; one to a prefix list is one for each prefix in it."""
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    destination = next((route[key] for key in keys if route.get(key)), "")
    leads_to = target(route)
    for prefix in lists.get(destination) or (destination,):
        yield Route(
            prefix=prefix,
            target="internet" if leads_to.startswith(("igw-", "eigw-")) else leads_to,
            active=route.get("State") != "blackhole",
        )


def _rule_set(group: dict[str, Any], lists: Mapping[str, tuple[str, ...]]) -> RuleSet:
    both = (("in", "IpPermissions"), ("out", "IpPermissionsEgress"))
    permissions = (
        permission
        for direction, key in both
        for each in group.get(key, [])
        for permission in _permissions(direction, each, lists)
    )
    return RuleSet(id=group["GroupId"], name=group.get("GroupName", ""), permissions=tuple(permissions))


def _permissions(
    direction: str, permission: dict[str, Any], lists: Mapping[str, tuple[str, ...]]
) -> Iterator[Permission]:
    number = str(permission["IpProtocol"])
    # Without ports, or with ICMP's -1 for every type, it is all of them.
    first, last = permission.get("FromPort", -1), permission.get("ToPort", -1)
    first, last = (0, 65535) if first == -1 else (first, last)
    peers = [
        *(each["CidrIp"] for each in permission.get("IpRanges", [])),
        *(each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])),
        *(each["GroupId"] for each in permission.get("UserIdGroupPairs", [])),
        *(
            prefix
            for each in permission.get("PrefixListIds", [])
            for prefix in lists.get(each["PrefixListId"]) or (each["PrefixListId"],)
        ),
    ]
    for peer in peers:
        protocol = _NUMBERS.get(number, number)
        yield Permission(direction=direction, protocol=protocol, first_port=first, last_port=last, peer=peer)


def _acl(acl: dict[str, Any]) -> RuleSet:
    """A network ACL: numbered rules without state."""
    return RuleSet(acl["NetworkAclId"], _name(acl), tuple(map(_entry, acl.get("Entries", []))), stateful=False)


def _entry(entry: dict[str, Any]) -> Permission:
    number = str(entry["Protocol"])
    ports, icmp = entry.get("PortRange") or {}, entry.get("IcmpTypeCode") or {}
    first, last = ports.get("From", 0), ports.get("To", 65535)
    if number == "1" and icmp.get("Type", -1) != -1:
        first, last = icmp["Type"], icmp["Code"]
    return Permission(
        direction="out" if entry["Egress"] else "in",
        protocol=_NUMBERS.get(number, number),
        first_port=first,
        last_port=last,
        peer=entry.get("CidrBlock") or entry.get("Ipv6CidrBlock") or "",
        action=entry["RuleAction"],
        priority=entry["RuleNumber"],
    )


def _interface(interface: dict[str, Any], names: Mapping[str, str]) -> Interface:
    instance = interface.get("Attachment", {}).get("InstanceId")
    return Interface(
        id=interface["NetworkInterfaceId"],
        subnet=interface["SubnetId"],
        private_address=interface["PrivateIpAddress"],
        public_address=interface.get("Association", {}).get("PublicIp"),
        rule_sets=tuple(group["GroupId"] for group in interface.get("Groups", [])),
        forwards=not interface.get("SourceDestCheck", True),
        instance=instance,
        name=names.get(instance, "") or _name(interface),
    )
