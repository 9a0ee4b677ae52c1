"""From a plan to a wiring: each network, each interface, each host and the internet as namespaces of the kernel.

    host or router --wire-- network --wire-- internet --wire-- site's gateway --wire-- site's host

A network's namespace is what a cloud's network is: it takes each packet from the wire of an interface, checks its
source, asks the ACL and the subnet's route table, and hands it to the wire of another interface, of a peered network
or of the internet, where it exchanges private and public addresses one to one. Groups are kept at the interface.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from trunkline.network.model import Federation, Interface, Network, Peering, RouteTable

from .groups import Meanings, at_interface
from .network_filters import network_filters
from .plan import Place, Plan, inner
from .prefixes import inner_prefix, is_prefix
from .wires import End, Hop, Namespace, Rule, Wire, Wiring

INTERNET = "internet"
UPLINK = "eth0"
_CARRIER = "198.19.255.254"  # the next hop on the internet's side; on a wire any address will do
_INTERFACES = 50  # the table in which a network has its interfaces
_FIRST_TABLE = 100  # of the route tables
_FROM_INTERFACE, _TO_INTERFACE = 100, 200  # priorities of rules
_DEFAULT = "0.0.0.0/0"


def name_of(kind: str, id_: str) -> str:
    """A namespace: "n-1f8a90c27b" of a network, "i-" of a machine, "r-" a router, "s-" a site, "h-" its host."""
    return f"{kind}-{hashlib.sha256(id_.encode()).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class Layout:
    """A wiring, and who is where in it.

    Parameters:
        wiring: For the kernel.
        places: Where each router (by its id) and site ("site/NAME") stands.
        hosts: The namespace of every host, by its name.
        addresses: The address of every host, by its name.
    """

    wiring: Wiring
    places: dict[str, Place]
    hosts: dict[str, str]
    addresses: dict[str, str]


@dataclass(slots=True)
class _Draft:
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    wires: set[Wire] = field(default_factory=set)
    public: set[Hop] = field(default_factory=set)

    def stand(self, space: Namespace) -> None:
        self.namespaces[space.name] = space

    def join(self, one: End, other: End) -> None:
        self.wires.add(Wire(one, other))


def layout(plan: Plan) -> Layout:
    """The wiring of a plan."""
    federation, draft = plan.federation, _Draft()
    meanings = Meanings(federation)
    places: dict[str, Place] = {}
    hosts: dict[str, str] = {}
    addresses: dict[str, str] = {}
    routers = {router.interface: router for router in federation.routers if router.interface}
    standing = _standing(plan, set(routers))
    named = {host.interface: host.name for host in plan.hosts if host.interface}
    # A network in which no machine runs carries nothing, and needs no namespace.
    inhabited = [each for each in federation.networks if any(i.id in standing for i in each.interfaces)]
    federation = replace(federation, networks=tuple(inhabited))
    appliances = list(_appliances(federation, standing))
    for network in federation.networks:
        _network(draft, federation, network, standing, appliances)
        gateways = {subnet.id: _gateway(subnet.cidr) for subnet in network.subnets}
        for interface in network.interfaces:
            if interface.id not in standing:
                continue
            space, via = standing[interface.id], gateways[interface.subnet]
            draft.stand(
                Namespace(
                    space,
                    forwards=interface.id in routers,
                    routes=frozenset({Hop(_DEFAULT, UPLINK, via=via)}),
                    filters=at_interface(meanings, network, interface, UPLINK),
                )
            )
            inside = End(name_of("n", network.id), space, gathers=interface.id in routers)
            draft.join(inside, End(space, UPLINK, interface.private_address))
            if interface.id in routers:
                places[routers[interface.id].id] = Place(space, UPLINK, interface.private_address, via)
            elif interface.id in named:
                hosts[named[interface.id]] = space
                addresses[named[interface.id]] = interface.private_address
    for router in federation.routers:
        if not router.interface and router.public_address:
            places[router.id] = _outside(draft, name_of("r", router.id), router.public_address, ())
    for site in federation.sites:
        space, there = name_of("s", site.name), [host for host in plan.hosts if host.site == site.name]
        places[f"site/{site.name}"] = _outside(draft, space, site.address, (h.address for h in there))
        for host in there:
            hosts[host.name], addresses[host.name] = _host(space, host.address), host.address
    draft.stand(Namespace(INTERNET, forwards=True, routes=frozenset(draft.public)))
    return Layout(Wiring(draft.namespaces, frozenset(draft.wires)), places, hosts, addresses)


def _standing(plan: Plan, routers: set[str]) -> dict[str, str]:
    """The namespaces of the interfaces behind which a machine runs, by the interface's id."""
    asleep = {router.interface for router in plan.federation.routers if not router.running}
    awake = {host.interface for host in plan.hosts} | routers
    return {
        # One that moved to another address is begun anew: clouds do not move interfaces either.
        each.id: name_of("r" if each.id in routers else "i", f"{each.id} {each.private_address}")
        for network in plan.federation.networks
        for each in network.interfaces
        if (each.instance or each.id in awake) and each.id not in asleep
    }


@dataclass(frozen=True, slots=True)
class _Appliance:
    """An interface to whose address routes of a peered network lead: `source` has a wire for that alone."""

    source: str
    target: str
    interface: Interface

    @property
    def device(self) -> str:
        return name_of("v", f"{self.source} {self.interface.id}")


def _appliances(federation: Federation, standing: dict[str, str]) -> Iterator[_Appliance]:
    """Azure's routes may lead to an address in a peered network; a packet that arrives cannot say which it was."""
    networks = {network.id: network for network in federation.networks}
    for network in federation.networks:
        own = {interface.private_address for interface in network.interfaces}
        wanted = {route.target for table in network.route_tables for route in table.routes} - own
        for peering in _peerings(federation, network):
            for each in networks[peering.peer].interfaces:
                if each.private_address in wanted and each.id in standing:
                    wanted.discard(each.private_address)
                    yield _Appliance(network.id, peering.peer, each)


def _network(
    draft: _Draft,
    federation: Federation,
    network: Network,
    standing: dict[str, str],
    appliances: Iterable[_Appliance],
) -> None:
    """The namespace of a network, with its wires to the internet and to peered networks."""
    space = name_of("n", network.id)
    here = [interface for interface in network.interfaces if interface.id in standing]
    peers = {peering.id: name_of("n", peering.peer) for peering in _peerings(federation, network)}
    routes = {Hop(f"{each.private_address}/32", standing[each.id], table=_INTERFACES) for each in here}
    rules = {Rule(_TO_INTERFACE, _INTERFACES)}
    tables = {subnet: number for number, table in enumerate(network.route_tables) for subnet in table.subnets}
    targets = _targets(here, standing, peers)
    for number, each_appliance in enumerate(appliances, _FIRST_TABLE + len(network.route_tables)):
        device = each_appliance.device
        if each_appliance.source == network.id:
            targets[each_appliance.interface.private_address] = device
            draft.join(End(space, device), End(name_of("n", each_appliance.target), device))
        elif each_appliance.target == network.id:
            routes.add(Hop(_DEFAULT, standing[each_appliance.interface.id], table=number))
            rules.add(Rule(_FROM_INTERFACE, number, device))
    for number, table in enumerate(network.route_tables):
        routes |= set(_routes(table, _FIRST_TABLE + number, targets))
    for each in here:
        if each.subnet in tables:
            rules.add(Rule(_FROM_INTERFACE, _FIRST_TABLE + tables[each.subnet], standing[each.id]))
    draft.join(End(space, INTERNET), End(INTERNET, space))
    draft.public |= {Hop(f"{inner(each.public_address)}/32", space) for each in here if each.public_address}
    for peer in peers.values():
        if space < peer:  # one wire for both
            draft.join(End(space, peer), End(peer, space))
    filters = network_filters(Meanings(federation), network, {each.id: standing[each.id] for each in here}, INTERNET)
    draft.stand(Namespace(space, True, frozenset(routes), frozenset(rules), filters))


def _peerings(federation: Federation, network: Network) -> Iterator[Peering]:
    """The peerings over which packets pass: active here and there."""
    for peering in network.peerings:
        other = next((each for each in federation.networks if each.id == peering.peer), None)
        back = other and any(each.peer == network.id and each.active for each in other.peerings)
        if peering.active and back:
            yield peering


def _targets(here: Iterable[Interface], standing: dict[str, str], peers: dict[str, str]) -> dict[str, str]:
    """The device to which a route leads, by each of the names that its target may have."""
    found = {"internet": INTERNET, **peers}
    for each in here:
        for target in (each.private_address, each.instance, each.id):
            if target:
                found[target] = standing[each.id]
    return found


def _routes(table: RouteTable, number: int, targets: dict[str, str]) -> Iterator[Hop]:
    """A route table as the kernel has it: what is local is looked up among the interfaces, what is nowhere dropped."""
    said: dict[str, Hop] = {}
    for route in table.routes:
        if not is_prefix(route.prefix):
            continue
        prefix = inner_prefix(route.prefix)
        if route.target == "local" and route.active:
            hop = Hop(prefix, kind="throw", table=number)
        elif route.active and route.target in targets:
            hop = Hop(prefix, targets[route.target], table=number)
        else:
            hop = Hop(prefix, kind="blackhole", table=number)
        said.setdefault(prefix, hop)  # the provider lists first what it prefers
    said.setdefault(_DEFAULT, Hop(_DEFAULT, kind="blackhole", table=number))
    yield from said.values()


def _outside(draft: _Draft, space: str, public: str, behind: Iterable[str]) -> Place:
    """A gateway on the internet itself, with the addresses of the hosts behind it."""
    address = inner(public)
    draft.join(End(INTERNET, space, gathers=True), End(space, UPLINK, address))
    draft.public.add(Hop(f"{address}/32", space))
    routes = {Hop(_DEFAULT, UPLINK, via=_CARRIER)}
    for each in behind:
        host = _host(space, each)
        routes.add(Hop(f"{each}/32", host))
        draft.join(End(space, host), End(host, UPLINK, each))
        draft.stand(Namespace(host, routes=frozenset({Hop(_DEFAULT, UPLINK, via=_CARRIER)})))
    draft.stand(Namespace(space, True, frozenset(routes)))
    return Place(space, UPLINK, address, _CARRIER)


def _host(site: str, address: str) -> str:
    """The namespace of a site's host."""
    return name_of("h", f"{site}/{address}")


def _gateway(cidr: str) -> str:
    """The first host of a subnet: where clouds put their gateway."""
    return str(ipaddress.IPv4Network(cidr, strict=False).network_address + 1)
