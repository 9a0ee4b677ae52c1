"""Whether a packet gets in to a machine, and an answer back: groups by priority, routes by longest prefix.

The rules are those of
https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works and
https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from trunkline_lab.azure.resources.kind import Site
from trunkline_lab.azure.resources.peerings import peered
from trunkline_lab.azure.resources.security_groups import DEFAULT_RULES, port_range
from trunkline_lab.azure.resources.virtual_networks import subnet_of
from trunkline_lab.azure.store import Document, Resource

_Address = ipaddress.IPv4Address
_Net = ipaddress.IPv4Network
# The source port of a packet is not asked for: a rule is held against one that callers commonly use.
_EPHEMERAL = 49152
_LOAD_BALANCER = _Address("168.63.129.16")
# Without a route of their own Azure drops these, and sends everything else to the internet.
_PRIVATE = tuple(_Net(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
_PEERS = ("VirtualAppliance", "VirtualNetworkGateway")


@dataclass(frozen=True)
class Packet:
    """The first packet of a conversation: `protocol` is "tcp", "udp" or "icmp"."""

    protocol: str
    port: int
    source: _Address
    destination: _Address


def admits(site: Site, interface: Resource, protocol: str, port: int, source: str) -> bool:
    """Whether the rules of `interface` and its subnet let a packet in, and its answer out."""
    configuration = primary(interface)
    subnet = subnet_of(site, configuration["subnet"]["id"])
    if subnet is None:
        return False
    packet = Packet(protocol.lower(), port, _Address(source), _Address(configuration["privateIPAddress"]))
    routes = list(_own_routes(site, subnet))
    inside = _inside(site, configuration["subnet"]["id"])
    near = [*inside, *(_Net(route["addressPrefix"]) for route in routes if route["nextHopType"] in _PEERS)]
    groups = [_group(site, holder) for holder in (subnet["properties"], interface.properties)]
    bound = [group for group in groups if group is not None]
    if not bound and not _within(packet.source, inside):
        return False  # A public address of the Standard SKU is shut until a group opens it.
    if not all(_allows(site, group, packet, near) for group in bound):
        return False
    return _answers(site, packet.source, inside, routes)


def primary(interface: Resource) -> Document:
    """The properties of an interface's primary configuration."""
    listed: list[Document] = interface.properties["ipConfigurations"]
    found: Document = next((one for one in listed if one["properties"]["primary"]), listed[0])["properties"]
    return found


def _inside(site: Site, subnet: str) -> list[_Net]:
    """The address spaces of the subnet's network, and of those that it is peered with."""
    network = site.store.find(subnet)
    networks = [network, *peered(site, network)] if network else []
    texts = [text for one in networks for text in one.properties["addressSpace"]["addressPrefixes"]]
    return [_Net(text) for text in texts if ":" not in text]


def _within(address: _Address, networks: Iterable[_Net]) -> bool:
    return any(address in network for network in networks)


def _group(site: Site, holder: Document) -> Resource | None:
    """The group that an interface or a subnet is bound to."""
    reference = holder.get("networkSecurityGroup")
    return site.store.find(reference["id"]) if reference else None


def _allows(site: Site, group: Resource, packet: Packet, near: list[_Net]) -> bool:
    """What the first rule that fits says; the defaults come last."""
    rules = [rule["properties"] for rule in (*group.properties["securityRules"], *DEFAULT_RULES)]
    inbound = sorted((rule for rule in rules if rule["direction"] == "Inbound"), key=lambda rule: int(rule["priority"]))
    first = next((rule for rule in inbound if _fits(site, rule, packet, near)), None)
    return first is not None and first["access"] == "Allow"


def _fits(site: Site, rule: Document, packet: Packet, near: list[_Net]) -> bool:
    return (
        rule["protocol"].lower() in ("*", packet.protocol)
        and _ports(rule, "source", _EPHEMERAL)
        and _ports(rule, "destination", packet.port)
        and _addresses(site, rule, "source", packet.source, near)
        and _addresses(site, rule, "destination", packet.destination, near)
    )


def _ports(rule: Document, end: str, port: int) -> bool:
    ranges = [port_range(text) for text in _values(rule, f"{end}PortRange", f"{end}PortRanges")]
    return any(first <= port <= last for first, last in ranges)


def _addresses(site: Site, rule: Document, end: str, address: _Address, near: list[_Net]) -> bool:
    sets = {one["id"].lower() for one in rule.get(f"{end}ApplicationSecurityGroups") or ()}
    if sets:
        return str(address) in _members(site, sets)
    return any(_means(text, address, near) for text in _values(rule, f"{end}AddressPrefix", f"{end}AddressPrefixes"))


def _members(site: Site, sets: set[str]) -> set[str]:
    """The private addresses of the interfaces in any of these application security groups."""
    return {
        item["properties"]["privateIPAddress"]
        for nic in site.store.resources(type_="Microsoft.Network/networkInterfaces")
        for item in nic.properties["ipConfigurations"]
        if any(one["id"].lower() in sets for one in item["properties"].get("applicationSecurityGroups") or ())
    }


def _values(rule: Document, one: str, many: str) -> list[str]:
    return [*([rule[one]] if rule.get(one) else []), *(rule.get(many) or [])]


def _means(text: str, address: _Address, near: list[_Net]) -> bool:
    """Whether a prefix, "*" or a service tag covers an address; other tags cover none of the lab's."""
    if text == "*":
        return True
    tag = text.lower()
    if tag == "virtualnetwork":
        return _within(address, near)
    if tag == "internet":
        return not _within(address, near) and not _within(address, _PRIVATE)
    if tag == "azureloadbalancer":
        return address == _LOAD_BALANCER
    try:
        return address in _Net(text)
    except ValueError:
        return False


def _own_routes(site: Site, subnet: Document) -> Iterable[Document]:
    """The routes of the table that a subnet is bound to."""
    reference = subnet["properties"].get("routeTable")
    table = site.store.find(reference["id"]) if reference else None
    routes = [route["properties"] for route in table.properties["routes"]] if table else []
    return [route for route in routes if _is_net(route["addressPrefix"])]


def _is_net(text: str) -> bool:
    """Whether a route's destination is of IPv4; those of IPv6 and of services lead to nothing in the lab."""
    try:
        _Net(text)
    except ValueError:
        return False
    return True


def _answers(site: Site, source: _Address, inside: list[_Net], routes: list[Document]) -> bool:
    """Whether the subnet's routes lead back to `source`: the longest prefix wins, own routes before Azure's."""
    system = [*((network, "VnetLocal", "") for network in inside), *((network, "None", "") for network in _PRIVATE)]
    system.append((_Net("0.0.0.0/0"), "Internet", ""))
    own = [(_Net(route["addressPrefix"]), route["nextHopType"], route.get("nextHopIpAddress", "")) for route in routes]
    fitting = [hop for hop in (*own, *system) if source in hop[0]]
    longest = max(hop[0].prefixlen for hop in fitting)
    _, kind, via = next(hop for hop in fitting if hop[0].prefixlen == longest)
    if kind == "VnetLocal":
        return _within(source, inside)
    if kind == "VirtualAppliance":
        return _within(source, (*inside, *_PRIVATE)) and _forwards(site, via)
    return bool(kind == "Internet" and not _within(source, _PRIVATE))


def _forwards(site: Site, address: str) -> bool:
    """Whether an interface with this private address forwards others' packets."""
    return any(
        primary(interface).get("privateIPAddress") == address and interface.properties["enableIPForwarding"]
        for interface in site.store.resources(type_="Microsoft.Network/networkInterfaces")
    )
