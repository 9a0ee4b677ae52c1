"""The VPCs of the lab's AWS as the network model, read from EC2's own state and not through its API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.ec2.models.internet_gateways import InternetGateway

from trunkline.network.model import Interface, Network, Peering, Permission, Route, RouteTable, RuleSet, Subnet

_PROTOCOLS = {"-1": "any", "1": "icmp", "6": "tcp", "17": "udp"}
_RUNS = {"pending", "running"}


def networks(ec2: Any, account: str) -> Iterator[Network]:
    """Every VPC of one account and region. The caller holds the backend's lock.

    An interface whose instance does not run has none here: nothing is behind it.

    Parameters:
        ec2: moto's EC2.
        account: The account's number.
    """
    for vpc in ec2.vpcs.values():
        subnets = [s for zone in ec2.subnets.values() for s in zone.values() if s.vpc_id == vpc.id]
        acls = {s: acl for acl in ec2.network_acls.values() for s in _associated(acl)}
        yield Network(
            id=vpc.id,
            name=_name(ec2, vpc.id),
            cloud="aws",
            account=account,
            cidrs=tuple(each["cidr_block"] for each in vpc.get_cidr_block_association_set(ipv6=False)),
            subnets=tuple(
                Subnet(
                    id=each.id,
                    name=_name(ec2, each.id),
                    cidr=each.cidr_block,
                    zone=each.availability_zone,
                    rule_sets=(acls[each.id].id,) if each.id in acls else (),
                )
                for each in subnets
            ),
            route_tables=tuple(_tables(ec2, vpc.id, [each.id for each in subnets])),
            rule_sets=(
                *(_group(group) for group in ec2.groups.get(vpc.id, {}).values()),
                *(_acl(acl) for acl in ec2.network_acls.values() if acl.vpc_id == vpc.id),
            ),
            interfaces=tuple(
                _interface(ec2, each) for each in ec2.enis.values() if each.subnet and each.subnet.vpc_id == vpc.id
            ),
            peerings=tuple(_peerings(ec2, vpc.id)),
        )


def _name(ec2: Any, id_: str) -> str:
    names = [tag["value"] for tag in ec2.describe_tags({"resource-id": [id_], "key": ["Name"]})]
    return str(names[0]) if names else ""


def _associated(acl: Any) -> Iterator[str]:
    for each in acl._associations.values():
        yield each.subnet_id


def _interface(ec2: Any, interface: Any) -> Interface:
    instance = interface.instance
    name = (_name(ec2, instance.id) if instance else "") or _name(ec2, interface.id)
    return Interface(
        id=interface.id,
        subnet=interface.subnet.id,
        private_address=interface.private_ip_address,
        public_address=interface.public_ip,
        rule_sets=tuple(dict.fromkeys(group.id for group in interface.group_set)),
        forwards=not interface.source_dest_check,
        instance=instance.id if instance and instance.state in _RUNS else None,
        name=name,
    )


def _tables(ec2: Any, vpc: str, subnets: list[str]) -> Iterator[RouteTable]:
    """The tables; a subnet that is associated with none uses the VPC's main table."""
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == vpc]
    own = {subnet for table in tables for subnet in table._associations.values()}
    for table in tables:
        users = [subnet for subnet in subnets if subnet in table._associations.values()]
        if table.main_association_id:
            users += [subnet for subnet in subnets if subnet not in own]
        routes = (_route(each) for each in table._routes.values() if each.destination_cidr_block)
        yield RouteTable(table.id, tuple(routes), tuple(users))


def _route(route: Any) -> Route:
    if route.local:
        target = "local"
    elif isinstance(route.gateway, InternetGateway):
        target = "internet"
    else:
        kinds = (route.interface, route.instance, route.vpc_pcx, route.gateway, route.nat_gateway)
        target = next((each.id for each in kinds if each is not None), "none")
    return Route(route.destination_cidr_block, target, active=route.state == "active")


def _group(group: Any) -> RuleSet:
    both = (("in", group.ingress_rules), ("out", group.egress_rules))
    permissions = (each for direction, rules in both for rule in rules for each in _permission(direction, rule))
    return RuleSet(group.id, group.name, tuple(permissions))


def _permission(direction: str, rule: Any) -> Iterator[Permission]:
    protocol = _PROTOCOLS.get(str(rule.ip_protocol), str(rule.ip_protocol))
    peer = rule.cidr_ipv4 or (rule.source_group or {}).get("GroupId")
    if peer:
        yield Permission(direction, protocol, *_ports(protocol, rule.from_port, rule.to_port), peer)


def _acl(acl: Any) -> RuleSet:
    permissions = []
    for entry in acl.network_acl_entries:
        protocol = _PROTOCOLS.get(str(entry.protocol), str(entry.protocol))
        first, last = entry.port_range_from, entry.port_range_to
        if protocol == "icmp":
            first = last = entry.icmp_type
        if entry.cidr_block:
            permissions.append(
                Permission(
                    "out" if str(entry.egress).lower() == "true" else "in",
                    protocol,
                    *_ports(protocol, first, last),
                    entry.cidr_block,
                    action=str(entry.rule_action),
                    priority=int(entry.rule_number),
                )
            )
    return RuleSet(acl.id, "", tuple(permissions), stateful=False)


def _ports(protocol: str, first: object, last: object) -> tuple[int, int]:
    """Without ports, or with ICMP's -1 for every type, it is all of them."""
    if protocol == "any" or first in (None, -1, "-1"):
        return 0, 65535
    return int(str(first)), int(str(last if last is not None else first))


def _peerings(ec2: Any, vpc: str) -> Iterator[Peering]:
    for each in ec2.vpc_pcxs.values():
        for near, far in ((each.vpc, each.peer_vpc), (each.peer_vpc, each.vpc)):
            if near.id == vpc:
                yield Peering(each.id, far.id, active=each._status.code == "active")
