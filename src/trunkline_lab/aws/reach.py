"""Which instances are routers, and what the cloud's own rules let in: read from EC2's state."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.vpn_gateway import VpnGateway

from trunkline_lab.world import Machine

_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17"}
_EPHEMERAL = 49152


def machine(ec2: Any, instance: Any) -> Machine:
    """An instance as the lab's routers know it; its default API password is its id."""
    interface = instance.nics[0]
    names = [tag["value"] for tag in ec2.describe_tags({"resource-id": [instance.id], "key": ["Name"]})]
    return Machine(
        id=instance.id,
        name=names[0] if names else instance.id,
        account=ec2.account_id,
        network=interface.subnet.vpc_id,
        private_address=interface.private_ip_address,
        public_address=interface.public_ip,
        default_password=instance.id,
    )


def admits(ec2: Any, instance: Any, protocol: str, port: int, source: str) -> bool:
    """Whether a packet from `source` reaches the instance's first interface and an answer finds its way back.

    Parameters:
        ec2: moto's EC2 of the instance's account and region.
        instance: moto's instance.
        protocol: "tcp", "udp" or "icmp".
        port: The destination port; ignored for icmp.
        source: The sender's address, public or private.
    """
    interface = instance.nics[0]
    rules = [rule for group in interface.group_set for rule in group.ingress_rules]
    return (
        any(_permits(ec2, rule, protocol, port, source) for rule in rules)
        and _returns(ec2, interface, source)
        and _passes_lists(ec2, interface, protocol, port, source)
    )


def route_state(route: Any) -> str:
    """ "active", or "blackhole" where the target is gone, detached or leads to no instance that could take it."""
    ec2, vpc = route.route_table.ec2_backend, route.route_table.vpc_id
    alive = True
    if route.nat_gateway is not None:
        alive = route.nat_gateway.state not in {"deleting", "deleted", "failed"}
    elif route.interface is not None:
        alive = route.interface.id in ec2.enis and bool(_runs(route.interface.instance))
    elif route.instance is not None:
        alive = _runs(route.instance)
    elif route.vpc_pcx is not None:
        alive = route.vpc_pcx._status.code == "active"
    elif route.egress_only_igw is not None:
        alive = route.egress_only_igw.id in ec2.egress_only_internet_gateways
    elif isinstance(route.gateway, VpnGateway):
        alive = any(each.vpc_id == vpc and each.state == "attached" for each in route.gateway.attachments.values())
    elif isinstance(route.gateway, InternetGateway):
        alive = bool(route.gateway.vpc and route.gateway.vpc.id == vpc)
    return "active" if alive else "blackhole"


def _runs(instance: Any) -> bool:
    return instance is not None and instance.state in {"pending", "running"}


def _permits(ec2: Any, rule: Any, protocol: str, port: int, source: str) -> bool:
    if rule.ip_protocol not in {"-1", protocol}:
        return False
    ported = rule.ip_protocol != "-1" and protocol != "icmp"
    if ported and not rule.from_port <= port <= rule.to_port:
        return False
    if rule.cidr_ipv4:
        return ipaddress.ip_address(source) in ipaddress.ip_network(rule.cidr_ipv4, strict=False)
    # A group stands for the private addresses of its members, never for their public ones.
    members = (i for i in ec2.enis.values() if rule.source_group.get("GroupId") in {g.id for g in i.group_set})
    return any(source == member.private_ip_address for member in members)


def _passes_lists(ec2: Any, interface: Any, protocol: str, port: int, source: str) -> bool:
    """Whether the subnet's network ACL lets the packet in and the answer out: it keeps no state, so it is asked twice.

    The answer goes to the sender's port: an ephemeral one, or the same one where both ends use it (IKE).
    """
    subnet = interface.subnet.id
    acl = next(
        (a for a in ec2.network_acls.values() if subnet in {x.subnet_id for x in a._associations.values()}), None
    )
    if acl is None or ipaddress.ip_address(source) in interface.subnet.cidr:
        return True
    inward = _allowed(acl, False, protocol, port, source)
    return inward and any(_allowed(acl, True, protocol, each, source) for each in (port, _EPHEMERAL))


def _allowed(acl: Any, egress: bool, protocol: str, port: int, peer: str) -> bool:
    """What the entry with the lowest number that matches says; nothing matching is a denial."""
    entries = [entry for entry in acl.network_acl_entries if str(entry.egress).lower() == str(egress).lower()]
    for entry in sorted(entries, key=lambda each: int(each.rule_number)):
        if str(entry.protocol) not in {"-1", _NUMBERS[protocol]} or not entry.cidr_block:
            continue
        ported = str(entry.protocol) in {"6", "17"} and entry.port_range_from is not None
        if ported and not int(entry.port_range_from) <= port <= int(entry.port_range_to):
            continue
        if ipaddress.ip_address(peer) in ipaddress.ip_network(entry.cidr_block, strict=False):
            return str(entry.rule_action) == "allow"
    return False


def _returns(ec2: Any, interface: Any, source: str) -> bool:
    address = ipaddress.ip_address(source)
    routes = [
        (network.prefixlen, route)
        for route in _table(ec2, interface.subnet)._routes.values()
        if route.destination_cidr_block
        and address in (network := ipaddress.ip_network(route.destination_cidr_block, strict=False))
    ]
    if not routes:
        return False
    best = max(routes, key=lambda found: found[0])[1]
    if best.local:
        return True
    if best.gateway is not None:
        # The internet gateway translates: without a public address nothing comes back through it.
        attached = getattr(best.gateway, "vpc", None)
        return bool(interface.public_ip and attached and attached.id == interface.subnet.vpc_id)
    target = best.interface
    return bool(target is not None and target.id in ec2.enis and target.instance)


def _table(ec2: Any, subnet: Any) -> Any:
    tables = [table for table in ec2.route_tables.values() if table.vpc_id == subnet.vpc_id]
    own = [table for table in tables if subnet.id in table._associations.values()]
    return own[0] if own else next(table for table in tables if table.main_association_id)
