"""One packet's way through the federation, thing by thing, as the clouds and routers would carry it.

a host        source/destination check, its groups, its subnet's rules
a subnet      its route table: the longest prefix, and what that leads to
a router      its firewall, its own routes, its tunnels (routing.py)
a site        what is behind its gateway is not seen
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import NoReturn

from trunkline.network.model import Interface, Route, Router, RuleSet, Site, Tunnel
from trunkline.network.prefixes import EVERYTHING, holds, number, prefix, private, text
from trunkline.network.reachability import routing
from trunkline.network.reachability.atlas import Place, Spot
from trunkline.network.reachability.endpoints import End
from trunkline.network.reachability.packet import Hop, Packet, Path, short
from trunkline.network.reachability.rules import Judge, in_words

_OPPOSITE = {"in": "out", "out": "in"}


class _Stop(Exception):
    """The packet goes no further; for `Walk` alone."""

    def __init__(self, hop: Hop) -> None:
        super().__init__(hop)
        self.hop = hop


class Walk:
    """The walk of one packet.

    Parameters:
        judge: Judges by the rule sets of the federation.
        packet: As its sender makes it.
        flows: The connections that are known: those of the way there, when this is the answer.
        prefer: Ids of routers that a site leads to first, when it has tunnels with several.
        forced: Which of several equal ways to take: by router's id the tunnel's, by site's name the router's id.
    """

    def __init__(
        self,
        judge: Judge,
        packet: Packet,
        *,
        flows: Set[tuple[str, str]] = frozenset(),
        prefer: tuple[str, ...] = (),
        forced: Mapping[str, str] | None = None,
    ) -> None:
        self.atlas, self.judge, self.packet = judge.atlas, judge, packet
        self.known, self.prefer, self.forced = flows, prefer, forced or {}
        self.hops: list[Hop] = []
        self.notes: list[str] = []
        self.flows: set[tuple[str, str]] = set()
        self.routers: list[str] = []
        self.choices: list[tuple[str, str]] = []  # other ways that were as good: (whose choice, which)
        self.arrived: Spot | None = None

    def run(self, start: End) -> Path:
        """Walk from `start` until the packet arrives or is stopped."""
        stop = None
        sent = self.packet
        try:
            if start.site is not None:
                self._from_site(start.site)
            elif start.router is not None:
                self._route_at(start.router)
            else:
                assert start.spot is not None
                self._suppose(start.spot)
                self._leave(start.spot, own=True)
        except _Stop as stopped:
            stop = stopped.hop
        return Path(sent, tuple(self.hops), stop, tuple(self.notes), frozenset(self.flows), tuple(self.routers))

    # ── in a network ────────────────────────────────────────────────────────────────────────────────────────────────

    def _leave(self, spot: Spot, *, own: bool) -> None:
        """The packet leaves an interface; `own` when it is from there, and not forwarded."""
        if not own and spot.interface is not None and not spot.interface.forwards:
            self._stop(
                spot.place,
                "interface",
                spot.interface.id,
                "its source/destination check lets no packet of others out",
            )
        self._judge_groups(spot, "out")
        found = spot.place.table(spot.subnet)
        if found is None:
            self._stop(spot.place, "subnet", spot.subnet.id, "it has no route table")
        table, routes = found
        best = [table.routes[place] for place in routes.longest(self.packet.destination)]
        if not best:
            self._stop(spot.place, "route table", table.id, f"no route for {self._destination()}")
        route = best[0]
        words = f"{route.prefix} -> {short(route.target)}"
        if not route.active:
            self._stop(spot.place, "route table", table.id, f"{words}, which is gone or stopped (a black hole)")
        self._carried(spot.place, "route table", table.id, words)
        self._follow(spot, route, table.id, own=own)

    def _follow(self, spot: Spot, route: Route, table: str, *, own: bool) -> None:
        """Go where a route of the network leads."""
        place, target = spot.place, route.target
        if target == "local":
            self._deliver(spot, place)
        elif target == "internet":
            self._internet(spot, own=own)
        elif (peering := next((each for each in place.network.peerings if each.id == target), None)) is not None:
            peer = self.atlas.places.get(peering.peer)
            if not peering.active:
                self._stop(place, "peering", target, "it is not active")
            if peer is None:
                self._stop(place, "peering", target, "the network it leads to was not read")
            if not peer.holds(self.packet.destination):
                self._stop(
                    place,
                    "peering",
                    target,
                    f"{text(self.packet.destination)} is not in {peer.label}, and a peering leads no further",
                )
            self._carried(place, "peering", target, f"to {peer.label}")
            self._deliver(spot, peer)
        elif (hop := self._next_hop(place, target)) is not None:
            self._arrive(spot, hop)
        elif target in ("none", "nowhere"):
            self._stop(place, "route table", table, f"{route.prefix} leads nowhere on purpose")
        else:
            missing = "nobody has that address" if prefix(target) else "trunkline does not follow what that leads to"
            self._stop(place, "route table", table, f"{route.prefix} -> {short(target)}: {missing}")

    def _next_hop(self, place: Place, target: str) -> Spot | None:
        """The interface that a route leads to: by its id (AWS), or by its address here or in a peered one (Azure)."""
        if prefix(target) is None:
            interface = place.interfaces.get(target) or next(
                (each for each in place.network.interfaces if each.instance == target), None
            )
            return self.atlas.spot(place, number(interface.private_address)) if interface else None
        address = number(target)
        for near in (place, *self.atlas.peers(place)):
            if address in near.by_address:
                return self.atlas.spot(near, address)
        return None

    def _deliver(self, spot: Spot, place: Place) -> None:
        """To whoever has the destination's address in `place`."""
        target = self.atlas.spot(place, self.packet.destination)
        if target is None:
            self._stop(place, "network", place.network.id, f"no subnet holds {text(self.packet.destination)}")
        self._arrive(spot, target)

    def _internet(self, spot: Spot, *, own: bool) -> None:
        """Out by the network's internet gateway, which translates one private address to its public one."""
        place, destination = spot.place, self.packet.destination
        public = spot.interface.public_address if spot.interface else None
        if private(destination):
            self._stop(
                place, "network", place.network.id, f"led to the internet, which does not carry {self._destination()}"
            )
        if public is None:
            name = text(spot.address)
            self._stop(place, "network", place.network.id, f"led to the internet, and {name} has no public address")
        if not own:
            what = "led to the internet, which translates an interface's own address, and not those it forwards"
            self._stop(place, "network", place.network.id, what)
        self._judge_lists(spot, "out")
        self.packet = replace(self.packet, source=number(public))
        self._carried(place, "network", place.network.id, f"out to the internet as {public}")
        self._from_internet(destination)

    def _from_internet(self, destination: int) -> None:
        found = self.atlas.public.get(destination)
        gateway = self.atlas.gateways.get(text(destination))
        if found is not None:
            place, interface = found
            self.packet = replace(self.packet, destination=number(interface.private_address))
            spot = self.atlas.spot(place, self.packet.destination)
            if spot is None:
                self._stop(place, "interface", interface.id, "its subnet is not there")
            self._carried(place, "network", place.network.id, f"in from the internet to {interface.private_address}")
            self._arrive(None, spot)
        elif gateway is not None:
            kind = "site" if isinstance(gateway, Site) else "router"
            self.hops.append(Hop(kind, f"{kind} {gateway.name}", gateway.name, "arrives at its gateway"))
        else:
            self.hops.append(Hop("internet", "the internet", "", f"leaves for {text(destination)}, which is not ours"))
            self.notes.append("what happens on the internet is not seen")

    def _arrive(self, origin: Spot | None, spot: Spot) -> None:
        """At an interface: rules in, and then it is either for this one or to be forwarded."""
        if origin is None or (origin.place, origin.subnet.id) != (spot.place, spot.subnet.id):
            if origin is not None:
                self._judge_lists(origin, "out")
            self._judge_lists(spot, "in")
        if origin is None:
            self._judge_default(spot)
        self._judge_groups(spot, "in")
        interface, mine = spot.interface, spot.address == self.packet.destination
        if interface is None or mine:
            self._suppose(spot)
            if interface:
                who = f" at {interface.name}" if interface.name else ""
                self._carried(spot.place, "interface", interface.id, f"arrives{who}")
            else:
                self._carried(spot.place, "subnet", spot.subnet.id, "arrives")
            self.arrived = spot
            return
        self._forwarded(spot, interface)

    def _forwarded(self, spot: Spot, interface: Interface) -> None:
        if not interface.forwards:
            what = "its source/destination check takes no packet for others"
            self._stop(spot.place, "interface", interface.id, what)
        router = self.atlas.router_of.get(interface.id)
        if router is None:
            self._stop(spot.place, "interface", interface.id, "no router that trunkline knows stands there")
        self._carried(spot.place, "interface", interface.id, f"hands it to router {router.name}")
        self._at_router(router)

    # ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _judge_groups(self, spot: Spot, direction: str) -> None:
        """The interface's groups, of which any may permit, and each of the subnet's that keeps state.

        Going out the interface's own come first, coming in the subnet's.
        """
        key = (spot.key, direction)
        self.flows.add(key)
        if (spot.key, _OPPOSITE[direction]) in self.known:
            return  # the answer to a connection that these groups let pass
        own = [spot.interface.rule_sets] if spot.interface and spot.interface.rule_sets else []
        subnet = [(each,) for each in spot.subnet.rule_sets]
        for alternatives in (*own, *subnet) if direction == "out" else (*subnet, *own):
            sets = [self._rules(spot, each) for each in alternatives]
            self._judge([each for each in sets if each.stateful], direction, spot)

    def _judge_lists(self, spot: Spot, direction: str) -> None:
        """The network ACLs of a subnet, where the packet passes its border; they keep no state."""
        for each in spot.subnet.rule_sets:
            rules = self._rules(spot, each)
            if not rules.stateful:
                self._judge([rules], direction, spot)

    def _judge_default(self, spot: Spot) -> None:
        """A public address of Azure's Standard SKU is shut until an NSG opens it."""
        if spot.place.network.cloud != "azure" or spot.subnet.rule_sets:
            return
        if spot.interface is not None and not spot.interface.rule_sets:
            what = "no NSG opens its public address, which is shut without"
            self._stop(spot.place, "interface", spot.interface.id, what)

    def _judge(self, sets: list[RuleSet], direction: str, spot: Spot) -> None:
        if not sets:
            return
        reason = ""
        for rules in sets:
            allowed, permission = self.judge.decide(rules, direction, self.packet, spot)
            if allowed:
                assert permission is not None
                self._carried(
                    spot.place, in_words(rules), rules.id, f"lets {self._what()} {direction}, by {permission.peer}"
                )
                return
            reason = reason or (f"; rule {permission.priority} denies it" if permission else "")
        who = f"from {text(self.packet.source)}" if direction == "in" else f"to {text(self.packet.destination)}"
        said = f"{self._what()} {who} is not let {direction}{reason}"
        if len(sets) > 1:
            said += f" (nor by {', '.join(short(each.id) for each in sets[1:])})"
        if self.packet.answer and sets[0].stateful:
            said += "; the way there did not pass here, so this is no answer to it"
        self._stop(spot.place, in_words(sets[0]), sets[0].id, said)

    def _rules(self, spot: Spot, identifier: str) -> RuleSet:
        found = spot.place.rule_sets.get(identifier)
        if found is None:
            self._stop(spot.place, "group", identifier, "its rules were not read")
        return found

    # ── at a router ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _at_router(self, router: Router) -> None:
        """A packet to be forwarded comes to a router."""
        if self.packet.destination in self.atlas.own(router):
            self.hops.append(Hop("router", f"router {router.name}", router.id, "arrives"))
            self.arrived = self.atlas.router_spot(router)
            return
        if router.id in self.routers:
            self._stop_at(router, "router", router.id, "the packet comes here again: it goes round in circles")
        if not router.running:
            self._stop_at(router, "router", router.id, "its machine does not run")
        if router.unread:
            self._stop_at(router, "router", router.id, router.unread)
        verdict, words = self.judge.firewall(router).decide(self.packet)
        if not verdict:
            self._stop_at(router, "filter", router.id, words)
        self.hops.append(Hop("filter", f"router {router.name}", router.id, words))
        self._route_at(router)

    def _route_at(self, router: Router) -> None:
        """The router's own routes; one without any sends the packet out of its interface, as its default route does."""
        self.routers.append(router.id)
        ways, dead = routing.ways(self.judge, router, self.packet.destination)
        if (wanted := self.forced.get(router.id)) is not None:
            ways = [way for way in ways if way.key == wanted] or ways
        way = ways[0]
        self.choices += [(router.id, each.key) for each in ways[1:] if each.rank == way.rank]
        self.hops.append(Hop("route", f"router {router.name}", way.key, f"{way.prefix} -> {way.words}"))
        if way.tunnel is not None:
            self._through(router, way.tunnel)
            return
        sought = self.packet.destination
        try:
            self._out(router, way)
        except _Stop as stopped:
            # What is missing is a way of the router's own, rather than what stops the packet beyond its interface.
            if dead and dead[0].rank < way.rank:
                self._stop_at(router, "tunnel", dead[0].key, f"{dead[0].prefix} -> {dead[0].words}: {dead[0].obstacle}")
            if way.prefix == EVERYTHING and private(sought) and not self._is_near(router, sought):
                what = f"no route of its own for {self._destination()}; out of its interface it is stopped in "
                self._stop_at(router, "route", "", f"{what}{stopped.hop}")
            raise

    def _out(self, router: Router, way: routing.Way) -> None:
        """Out of the router's interface, to a gateway that stands in its network or by the subnet's routes."""
        spot = self.atlas.router_spot(router)
        if spot is None:
            self._stop_at(router, "router", router.id, "where it stands was not read")
        hop = self._next_hop(spot.place, way.gateway) if way.gateway else None
        if hop is not None and hop.interface is not spot.interface:
            self._judge_groups(spot, "out")
            self._arrive(spot, hop)
        else:
            self._leave(spot, own=self.packet.source == spot.address)

    def _is_near(self, router: Router, address: int) -> bool:
        place = self.atlas.places.get(router.network)
        return place is not None and place.holds(address)

    def _through(self, router: Router, tunnel: Tunnel) -> None:
        """Into a tunnel that is up, and out at its other end."""
        problem = routing.outside(tunnel, self.packet.source, self.packet.destination)
        if problem:
            self._stop_at(router, "tunnel", tunnel.id, f"tunnel {tunnel.name}: {problem}")
        self.hops.append(Hop("tunnel", f"router {router.name}", tunnel.id, f"tunnel {tunnel.name} to {tunnel.peer}"))
        other = self.atlas.gateways.get(tunnel.peer)
        if isinstance(other, Site):
            self._into_site(other)
        elif other is not None:
            assert router.public_address is not None
            end = self.atlas.ends(other, router.public_address)
            problem = routing.outside(end[0], self.packet.destination, self.packet.source) if end else None
            if problem:
                self._stop_at(other, "tunnel", end[0].id, f"tunnel {end[0].name}: {problem}")
            self._at_router(other)

    # ── at a site ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _into_site(self, site: Site) -> None:
        if not any(holds(block, self.packet.destination) for block in site.prefixes):
            behind = ", ".join(site.prefixes)
            what = f"{text(self.packet.destination)} is not behind it ({behind}); whether it leads on is not seen"
            self._stop_at_site(site, what)
        self.hops.append(Hop("site", f"site {site.name}", site.name, "arrives; what is inside is not seen"))

    def _from_site(self, site: Site) -> None:
        """Out of a site: into a tunnel to one of the routers that it is joined to; which one is its own affair."""
        joined = self.atlas.joined(site.address)
        ways = [(router, tunnel) for router, tunnel in joined if tunnel.up and not router.unread and router.running]
        if not ways:
            known = ", ".join(sorted({router.name for router, _ in joined}))
            why = f"its tunnels to {known} are down" if known else "no router has a tunnel to it"
            if joined:
                why += f" ({routing.why_down(self.judge, *joined[0])})"
            self._stop_at_site(site, why)
        wanted = self.forced.get(site.name)
        order = (wanted,) if wanted else self.prefer
        ways.sort(key=lambda way: order.index(way[0].id) if way[0].id in order else len(order))
        router, tunnel = ways[0]
        self.choices += [(site.name, other.id) for other, _ in ways[1:]]
        self.hops.append(Hop("site", f"site {site.name}", site.name, f"leads it to router {router.name}"))
        problem = routing.outside(tunnel, self.packet.destination, self.packet.source)
        if problem:
            self._stop_at(router, "tunnel", tunnel.id, f"tunnel {tunnel.name}: {problem}")
        self._at_router(router)

    # ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _what(self) -> str:
        protocol = self.packet.protocol
        return protocol if protocol in ("icmp", "any") else f"{protocol}/{self.packet.port}"

    def _destination(self) -> str:
        """The destination as a person knows it: the prefix of the site or network that it lies in."""
        address = self.packet.destination
        for block, _ in self.atlas.sites_by_prefix.longest(address):
            return block
        for place in self.atlas.networks_by_prefix.longest(address):
            return next(cidr for cidr in place.network.cidrs if holds(cidr, address))
        return text(address)

    def _suppose(self, spot: Spot) -> None:
        if spot.interface is None:
            self.notes.append(f"no host has {text(spot.address)}: judged by subnet {short(spot.subnet.id)} alone")

    def _carried(self, place: Place, kind: str, identifier: str, what: str) -> None:
        self.hops.append(_hop(place, kind, identifier, what))

    def _stop(self, place: Place, kind: str, identifier: str, what: str) -> NoReturn:
        raise _Stop(_hop(place, kind, identifier, what))

    def _stop_at(self, router: Router, kind: str, identifier: str, what: str) -> NoReturn:
        raise _Stop(Hop(kind, f"router {router.name}", identifier, what))

    def _stop_at_site(self, site: Site, what: str) -> NoReturn:
        raise _Stop(Hop("site", f"site {site.name}", site.name, what))


def _hop(place: Place, kind: str, identifier: str, what: str) -> Hop:
    account = place.network.account
    name = place.network.name if kind == "network" else ""
    return Hop(
        kind, f"Account {account}, {kind} {name or short(identifier)}", identifier, what, account, place.network.id
    )
