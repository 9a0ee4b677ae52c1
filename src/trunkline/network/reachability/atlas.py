"""The federation, indexed: by address, by id, by prefix. Built once, asked many times.

A network's own index is built when it is first asked for, so that one trace through a thousand networks pays for
those that it passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from trunkline.network.model import (
    Federation,
    Interface,
    Network,
    Router,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Subnet,
    Tunnel,
)
from trunkline.network.prefixes import Table, holds, number, overlaps

Thing = Network | Subnet | Interface | Router | Site


class Place:
    """A network with its indexes."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def label(self) -> str:
        """The network as a person names it: "A/acme-vpc"."""
        return f"{self.network.account}/{self.network.name or self.network.id}"

    @cached_property
    def subnets(self) -> dict[str, Subnet]:
        """Subnets by id."""
        return {subnet.id: subnet for subnet in self.network.subnets}

    @cached_property
    def interfaces(self) -> dict[str, Interface]:
        """Interfaces by id."""
        return {interface.id: interface for interface in self.network.interfaces}

    @cached_property
    def by_address(self) -> dict[int, Interface]:
        """Interfaces by private address."""
        return {number(each.private_address): each for each in self.network.interfaces if each.private_address}

    @cached_property
    def rule_sets(self) -> dict[str, RuleSet]:
        """Rule sets by id."""
        return {each.id: each for each in self.network.rule_sets}

    @cached_property
    def _tables(self) -> dict[str, tuple[RouteTable, Table[int]]]:
        found = {}
        for table in self.network.route_tables:
            indexed = (table, Table((route.prefix, place) for place, route in enumerate(table.routes)))
            found.update(dict.fromkeys(table.subnets, indexed))
        return found

    def table(self, subnet: Subnet) -> tuple[RouteTable, Table[int]] | None:
        """The route table of a subnet, and its routes' places by prefix."""
        return self._tables.get(subnet.id)

    def subnet_of(self, address: int) -> Subnet | None:
        """The subnet that holds this address."""
        return next((subnet for subnet in self.network.subnets if holds(subnet.cidr, address)), None)

    def holds(self, address: int) -> bool:
        """Whether the network's ranges hold this address."""
        return any(holds(cidr, address) for cidr in self.network.cidrs)


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in a network from which packets leave and at which they arrive; without interface a host that might be.

    Parameters:
        place: The network.
        subnet: The subnet there.
        interface: Who stands there, None when nobody does.
        address: The private address.
    """

    place: Place
    subnet: Subnet
    interface: Interface | None
    address: int

    @property
    def key(self) -> str:
        """What a connection is remembered by."""
        return self.interface.id if self.interface else f"{self.subnet.id}/{self.address}"


class Atlas:
    """The whole federation, indexed."""

    def __init__(self, federation: Federation) -> None:
        self.federation = federation
        self.places = {network.id: Place(network) for network in federation.networks}
        self.routers = {router.id: router for router in federation.routers}
        self.sites = {site.name: site for site in federation.sites}

    @cached_property
    def networks_by_prefix(self) -> Table[Place]:
        """Networks by their ranges."""
        return Table((cidr, place) for place in self.places.values() for cidr in place.network.cidrs)

    @cached_property
    def sites_by_prefix(self) -> Table[tuple[str, Site]]:
        """Sites by their prefixes."""
        return Table((block, (block, site)) for site in self.federation.sites for block in site.prefixes)

    @cached_property
    def public(self) -> dict[int, tuple[Place, Interface]]:
        """Who has which public address."""
        return {
            number(interface.public_address): (place, interface)
            for place in self.places.values()
            for interface in place.network.interfaces
            if interface.public_address
        }

    @cached_property
    def gateways(self) -> dict[str, Router | Site]:
        """What ends tunnels, by public address."""
        routers = {router.public_address: router for router in self.federation.routers if router.public_address}
        return {site.address: site for site in self.federation.sites} | routers

    @cached_property
    def router_of(self) -> dict[str, Router]:
        """Routers by their interface's id."""
        return {router.interface: router for router in self.federation.routers if router.interface}

    @cached_property
    def _tunnels(self) -> dict[tuple[str, str], Tunnel]:
        return {(router.id, each.id): each for router in self.federation.routers for each in router.tunnels}

    def tunnel(self, router: Router, number: str) -> Tunnel | None:
        """The router's tunnel of this number."""
        return self._tunnels.get((router.id, number))

    @cached_property
    def _ends(self) -> dict[tuple[str, str], list[Tunnel]]:
        found: dict[tuple[str, str], list[Tunnel]] = {}
        for router in self.federation.routers:
            for tunnel in router.tunnels:
                found.setdefault((router.id, tunnel.peer), []).append(tunnel)
        return found

    def ends(self, router: Router, peer: str) -> list[Tunnel]:
        """The router's tunnels to this public address, those that are up first."""
        return sorted(self._ends.get((router.id, peer), ()), key=lambda tunnel: not tunnel.up)

    @cached_property
    def _joined(self) -> dict[str, list[tuple[Router, Tunnel]]]:
        found: dict[str, list[tuple[Router, Tunnel]]] = {}
        for router in self.federation.routers:
            for tunnel in router.tunnels:
                found.setdefault(tunnel.peer, []).append((router, tunnel))
        return found

    def joined(self, address: str) -> list[tuple[Router, Tunnel]]:
        """Every router that has a tunnel to this public address, with the tunnel."""
        return self._joined.get(address, [])

    @cached_property
    def _own(self) -> dict[str, frozenset[int]]:
        return {}

    def own(self, router: Router) -> frozenset[int]:
        """The addresses of the router's own: its private one and those inside its tunnels."""
        if router.id not in self._own:
            inside = (each.inside.partition("/")[0] for each in router.tunnels if each.inside)
            self._own[router.id] = frozenset(map(number, filter(None, (router.private_address, *inside))))
        return self._own[router.id]

    @cached_property
    def _routes(self) -> dict[str, Table[RouterRoute]]:
        return {}

    def routes(self, router: Router) -> Table[RouterRoute]:
        """The router's routes by their prefixes."""
        if router.id not in self._routes:
            self._routes[router.id] = Table((route.prefix, route) for route in router.routes)
        return self._routes[router.id]

    @cached_property
    def _policies(self) -> dict[str, Table[Tunnel]]:
        return {}

    def policies(self, router: Router) -> Table[Tunnel]:
        """The router's policy-based tunnels by what they protect."""
        if router.id not in self._policies:
            based = (tunnel for tunnel in router.tunnels if tunnel.inside is None)
            self._policies[router.id] = Table((block, tunnel) for tunnel in based for block in tunnel.remote)
        return self._policies[router.id]

    def peers(self, place: Place) -> Iterator[Place]:
        """The networks that this one is peered with and that are in the picture."""
        for peering in place.network.peerings:
            if peering.active and peering.peer in self.places:
                yield self.places[peering.peer]

    def members(self, place: Place, group: str) -> set[int]:
        """The private addresses of the interfaces in a group, in this network and those peered with it."""
        key = (place.network.id, group)
        if key not in self._members:
            self._members[key] = {
                number(each.private_address)
                for each in chain.from_iterable(near.network.interfaces for near in (place, *self.peers(place)))
                if group in each.rule_sets or group in each.groups
            }
        return self._members[key]

    @cached_property
    def _members(self) -> dict[tuple[str, str], set[int]]:
        return {}

    @cached_property
    def overlapping(self) -> Table[tuple[str, str]]:
        """What overlaps, as (prefix, text that names both), by either prefix."""
        owned = [(cidr, place.label) for place in self.places.values() for cidr in place.network.cidrs]
        owned += [(block, f"site {site.name}") for site in self.federation.sites for block in site.prefixes]
        found = []
        for (one, owner), (other, owner_of_other) in overlaps(owned):
            if owner == owner_of_other:
                continue
            words = f"{one} of {owner} and {other} of {owner_of_other} overlap"
            found += [(one, (one, words)), (other, (other, words))]
        return Table(found)

    @cached_property
    def names(self) -> dict[str, list[tuple[Place | None, Thing]]]:
        """Everything that has a name or id of its own, by these; with its network, where it stands in one."""
        found: dict[str, list[tuple[Place | None, Thing]]] = {}

        def known(place: Place | None, thing: Thing, *names: str | None) -> None:
            for name in {*filter(None, names)}:
                found.setdefault(name, []).append((place, thing))

        for site in self.federation.sites:
            known(None, site, site.name)
        for router in self.federation.routers:
            known(None, router, router.name, router.id)
        for place in self.places.values():
            known(place, place.network, place.network.id, place.network.name, place.label)
            for subnet in place.network.subnets:
                known(place, subnet, subnet.id, subnet.name)
            for interface in place.network.interfaces:
                known(place, interface, interface.id, interface.name, interface.instance)
        return found

    def spot(self, place: Place, address: int) -> Spot | None:
        """The point with this private address in a network; None when no subnet holds it."""
        interface = place.by_address.get(address)
        subnet = place.subnets.get(interface.subnet) if interface else place.subnet_of(address)
        return Spot(place, subnet, interface, address) if subnet else None

    def router_spot(self, router: Router) -> Spot | None:
        """Where a router stands; None when it is outside of every network in the picture."""
        place = self.places.get(router.network)
        interface = place.interfaces.get(router.interface) if place else None
        if place is None or interface is None:
            return None
        return self.spot(place, number(interface.private_address))
