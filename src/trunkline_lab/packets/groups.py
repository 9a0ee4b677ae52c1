"""What groups, NSGs and network ACLs are in nftables' words.

A stateful set is kept at the interface itself, in the interface's own namespace, where one connection table serves
that interface alone: a packet that a router forwards is judged once coming in and once going out, each time by
itself. A network ACL keeps no state and stands in the network, where packets pass between subnets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from trunkline.network.model import Federation, Interface, Network, Permission, RuleSet, Subnet

from .prefixes import inner_prefix, is_prefix

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
_EVERYTHING = "0.0.0.0/0"
_BALANCER = "168.63.129.16/32"  # where Azure's health probes come from
_ALL_PORTS = (0, 65535)
# Either end of the address translation of a router has its place between these: the cloud sees what is on the wire.
_SIDES = (("in", "iifname", "prerouting", -150), ("out", "oifname", "postrouting", 150))


class Meanings:
    """What stands in a rule as a peer: prefixes, groups' members, and Azure's service tags, as prefixes.

    Parameters:
        federation: Where groups' members are looked up: in the network itself and those that it is peered with.
    """

    def __init__(self, federation: Federation) -> None:
        self._networks = {network.id: network for network in federation.networks}

    def prefixes(self, who: str, network: Network, subnet: Subnet) -> tuple[bool, list[str]]:
        """Whether the prefixes count (True) or all others (False), and the prefixes themselves."""
        tag = who.lower()
        if is_prefix(who):
            return True, [inner_prefix(who)]
        if tag == "azureloadbalancer":
            return True, [_BALANCER]
        if tag in ("virtualnetwork", "internet"):
            near = self._near(network, subnet)
            return (True, near) if tag == "virtualnetwork" else (False, [*near, *_PRIVATE])
        near_networks = [network, *self._peers(network)]
        members = (i for each in near_networks for i in each.interfaces if who in i.rule_sets or who in i.groups)
        return True, [f"{member.private_address}/32" for member in members]

    def _near(self, network: Network, subnet: Subnet) -> list[str]:
        """What the tag VirtualNetwork covers: the network, its peers, and what its routes lead to appliances."""
        found = [*network.cidrs]
        for peer in self._peers(network):
            found += peer.cidrs
        for table in network.route_tables:
            if subnet.id in table.subnets:
                found += [r.prefix for r in table.routes if r.target == "gateway" or is_prefix(r.target)]
        return [prefix for prefix in found if is_prefix(prefix)]

    def _peers(self, network: Network) -> Iterator[Network]:
        for peering in network.peerings:
            if peering.active and peering.peer in self._networks:
                yield self._networks[peering.peer]


def at_interface(meanings: Meanings, network: Network, interface: Interface, device: str) -> str:
    """The table "cloud" of an interface's namespace: its stateful sets for what comes in and goes out by `device`.

    The sets of an interface on AWS are one: what any of them permits may pass. Of Azure's, the subnet's and the
    interface's both must let it pass. An interface without any set is open.
    """
    sets = {rules.id: rules for rules in network.rule_sets if rules.stateful}
    subnet = _subnet(network, interface)
    groups: list[Sequence[RuleSet]] = [[sets[name]] for name in subnet.rule_sets if name in sets]
    if own := [sets[name] for name in interface.rule_sets if name in sets]:
        groups.append(own)
    lines = ["table ip cloud {"]
    for direction, word, hook, priority in _SIDES:
        for number, group in enumerate(groups):
            lines += _chain(meanings, f"{direction}{number}", direction, group, network, subnet)
        lines += [
            f"chain {direction} {{",
            f"type filter hook {hook} priority {priority}; policy accept;",
            f'{word} != "{device}" accept',
            "ct state established,related accept",
            *(f"jump {direction}{number}" for number in range(len(groups))),
            "}",
        ]
    return "\n".join([*lines, "}\n"]) if groups else ""


def between_subnets(meanings: Meanings, network: Network, devices: dict[str, list[str]]) -> list[str]:
    """The chains of a network's ACLs for its table "cloud", and `acl`, which sends a packet through them.

    Parameters:
        devices: The devices of each subnet's interfaces, by the subnet's id. A packet carries its subnet's number
            (from 1) as its mark, 0 when it comes from elsewhere; inside a subnet no ACL is asked.
    """
    sets = {rules.id: rules for rules in network.rule_sets if not rules.stateful}
    lines, out, into, same = [], [], [], []
    for number, subnet in enumerate(network.subnets, 1):
        bound = tuple(sets[name] for name in subnet.rule_sets if name in sets)
        same += [f'{number} . "{device}"' for device in devices.get(subnet.id, ())]
        if bound:
            lines += _chain(meanings, f"acl-in{number}", "in", bound, network, subnet)
            lines += _chain(meanings, f"acl-out{number}", "out", bound, network, subnet)
            out.append(f"{number} : jump acl-out{number}")
            into += [f'"{device}" : jump acl-in{number}' for device in devices.get(subnet.id, ())]
    if not lines:
        return ["chain acl {", "}"]
    lines += ["chain acl {"]
    lines += [f"meta mark . oifname {{ {', '.join(same)} }} return"] if same else []
    lines += [f"meta mark vmap {{ {', '.join(out)} }}"]
    lines += [f"oifname vmap {{ {', '.join(into)} }}"] if into else []
    return [*lines, "}"]


def _chain(
    meanings: Meanings, name: str, direction: str, sets: Sequence[RuleSet], network: Network, subnet: Subnet
) -> list[str]:
    """A chain that returns for what is permitted, and drops the rest."""
    permissions = [each for rules in sets for each in rules.permissions if each.direction == direction]
    permissions.sort(key=lambda each: each.priority)
    lines = [f"chain {name} {{"]
    for each in permissions:
        verdict = "return" if each.action == "allow" else "drop"
        matches = _matches(meanings, each, network, subnet)
        lines += [f"{match} {verdict}".strip() for match in matches]
    return [*lines, "drop", "}"]


def _matches(meanings: Meanings, each: Permission, network: Network, subnet: Subnet) -> list[str]:
    """The permission as a match; nothing when it means nobody."""
    peer, local = ("saddr", "daddr") if each.direction == "in" else ("daddr", "saddr")
    words = []
    for side, who in ((peer, each.peer), (local, each.local)):
        if who == _EVERYTHING:
            continue
        within, prefixes = meanings.prefixes(who, network, subnet)
        if not prefixes:
            return []
        words.append(f"ip {side} {'' if within else '!= '}{{ {', '.join(_disjoint(prefixes))} }}")
    return [" ".join([*words, *_service(each)])]


def _service(each: Permission) -> Iterator[str]:
    ports = (each.first_port, each.last_port)
    if each.protocol == "any":
        return
    if each.protocol in ("tcp", "udp", "6", "17") and ports != _ALL_PORTS:
        protocol = {"6": "tcp", "17": "udp"}.get(each.protocol, each.protocol)
        yield f"{protocol} dport {each.first_port}-{each.last_port}"
    elif each.protocol in ("icmp", "1") and ports != _ALL_PORTS:
        yield f"icmp type {each.first_port}"
    else:
        yield f"ip protocol {each.protocol}"


def _disjoint(prefixes: Iterable[str]) -> list[str]:
    """The prefixes without those that others hold: an interval set of nftables takes no overlaps."""
    networks = (ipaddress.IPv4Network(each, strict=False) for each in prefixes)
    return [str(each) for each in ipaddress.collapse_addresses(networks)]


def _subnet(network: Network, interface: Interface) -> Subnet:
    return next(subnet for subnet in network.subnets if subnet.id == interface.subnet)
