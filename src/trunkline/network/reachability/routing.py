"""Where a router's own routes lead, and why a tunnel of its is down."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface

from trunkline.network.model import Router, RouterRoute, Site, Tunnel
from trunkline.network.prefixes import EVERYTHING, holds, number, prefix, text
from trunkline.network.reachability.atlas import Spot
from trunkline.network.reachability.packet import Packet, short
from trunkline.network.reachability.rules import Judge, in_words

IKE_PORTS = (500, 4500)  # RFC 7296, RFC 3948


@dataclass(frozen=True, slots=True)
class Way:
    """One of a router's ways for a packet; those with an `obstacle` carry nothing.

    Parameters:
        prefix: The route's.
        words: Where it leads, in words.
        rank: The lowest is taken.
        key: What tells it from other ways of one router: the tunnel's id, else the gateway's address.
        tunnel, gateway: Where it leads; neither for the router's own interface.
        obstacle: Why it carries nothing.
    """

    prefix: str
    words: str
    rank: tuple[int, int, int]
    key: str = ""
    tunnel: Tunnel | None = None
    gateway: str = ""
    obstacle: str | None = None


_OUT = "out of its interface"
DEFAULT = Way(EVERYTHING, f"{_OUT}, as no route of its own leads elsewhere", (1, 0, 0))


def ways(judge: Judge, router: Router, destination: int) -> tuple[list[Way], list[Way]]:
    """The router's ways that hold `destination`: those that carry, and those that do not; the preferred first.

    What a policy-based tunnel protects goes into it, whatever the routes say. Then the longest prefix counts, then the
    lower metric. A route into a tunnel that is down is none. At last comes the default route out of the interface,
    which every machine in a cloud has.
    """
    found = [_way(judge, router, route) for route in judge.atlas.routes(router).all(destination)]
    found += [
        way for tunnel in judge.atlas.policies(router).all(destination) if (way := _by_policy(tunnel)) is not None
    ]
    spot = judge.atlas.router_spot(router)
    if spot is not None and holds(spot.subnet.cidr, destination):
        found.append(Way(spot.subnet.cidr, _OUT, _rank(spot.subnet.cidr, -1)))
    found.sort(key=lambda way: way.rank)
    return [*(way for way in found if way.obstacle is None), DEFAULT], [
        way for way in found if way.obstacle is not None
    ]


def _rank(block: str, metric: int, learned: bool = False) -> tuple[int, int, int]:
    found = prefix(block)
    return -(found[1] if found else 0), metric, int(learned)


def _by_policy(tunnel: Tunnel) -> Way:
    return Way(", ".join(tunnel.remote), f"tunnel {tunnel.name}, by its policy", (-(1 << 32), 0, 0), tunnel.id, tunnel)


def _way(judge: Judge, router: Router, route: RouterRoute) -> Way:
    rank = _rank(route.prefix, route.metric, route.learned)
    number_of_it = route.tunnel if route.tunnel is not None else _tunnel_behind(router, route.gateway)
    if number_of_it is not None:
        tunnel = judge.atlas.tunnel(router, number_of_it)
        name = tunnel.name if tunnel else number_of_it
        obstacle = "there is no such tunnel" if tunnel is None else why_down(judge, router, tunnel)
        return Way(route.prefix, f"tunnel {name}", rank, number_of_it, tunnel, obstacle=obstacle)
    if route.gateway is not None:
        return Way(route.prefix, f"gateway {route.gateway}", rank, route.gateway, gateway=route.gateway)
    return Way(route.prefix, _OUT, rank)


def _tunnel_behind(router: Router, gateway: str | None) -> str | None:
    """The tunnel whose inside network holds a gateway's address: where what BGP taught leads."""
    if gateway is None:
        return None
    for tunnel in router.tunnels:
        if tunnel.inside and holds(str(IPv4Interface(tunnel.inside).network), number(gateway)):
            return tunnel.id
    return None


def outside(tunnel: Tunnel, near: int, far: int) -> str | None:
    """Why a tunnel's selectors do not cover a packet between an address on its own side and one on the other's."""
    for selectors, address in ((tunnel.local, near), (tunnel.remote, far)):
        if not any(holds(block, address) for block in selectors):
            return f"{text(address)} is outside of its selectors ({', '.join(selectors) or 'none'})"
    return None


def why_down(judge: Judge, router: Router, tunnel: Tunnel) -> str | None:
    """Why a router's tunnel carries nothing; None when both of its ends are up.

    What can be seen in the picture comes first (the other end, IKE's ports, the way out), then what the router said.
    """
    atlas = judge.atlas
    other = atlas.gateways.get(tunnel.peer)
    if other is None:
        return f"nobody in the picture has its other end's address {tunnel.peer}"
    back: list[Tunnel] = []
    if isinstance(other, Router):
        if not other.running:
            return f"the machine of its other end, router {other.name}, does not run"
        back = atlas.ends(other, router.public_address or "")
        if not back and not other.unread:
            return f"router {other.name} has no tunnel back to {router.public_address}"
    if not tunnel.up:
        return _closed(judge, router, other) or tunnel.reason or _silent(back)
    if back and not back[0].up:
        reason = _closed(judge, router, other) or back[0].reason
        return f"its other end at router {other.name} is down{f': {reason}' if reason else ''}"
    return None


def _silent(back: list[Tunnel]) -> str:
    reason = next((tunnel.reason for tunnel in back if tunnel.reason), "")
    return reason or "it is down, though IKE's ports are open: one secret, the same proposals at both ends?"


def _closed(judge: Judge, router: Router, other: Router | Site) -> str | None:
    """The first thing in the clouds around the two ends that keeps IKE from passing; None when nothing does."""
    pairs = [(router, other.address if isinstance(other, Site) else other.public_address)]
    if isinstance(other, Router):
        pairs.append((other, router.public_address))
    for end, outside_address in pairs:
        spot = judge.atlas.router_spot(end)
        if spot is None or outside_address is None:
            continue
        for port in IKE_PORTS:
            ike = Packet(number(outside_address), spot.address, "udp", port, port)
            if shut := closer(judge, spot, ike):
                return f"udp/{port} from {outside_address} is closed at {end.name} ({shut})"
        if no_way := no_way_out(spot, number(outside_address)):
            return f"{end.name} has no way to {outside_address} ({no_way})"
    return None


def closer(judge: Judge, spot: Spot, packet: Packet) -> str | None:
    """The rule set that keeps a packet from coming in, in words."""
    own = [spot.interface.rule_sets] if spot.interface and spot.interface.rule_sets else []
    for alternatives in (*((each,) for each in spot.subnet.rule_sets), *own):
        known = [spot.place.rule_sets[each] for each in alternatives if each in spot.place.rule_sets]
        if known and not any(judge.decide(each, "in", packet, spot)[0] for each in known):
            return f"{in_words(known[0])} {' or '.join(short(each.id) for each in known)}"
    return None


def no_way_out(spot: Spot, address: int) -> str | None:
    """What keeps a packet at this spot from leaving for an address outside, in words."""
    found = spot.place.table(spot.subnet)
    if found is None:
        return f"subnet {short(spot.subnet.id)} has no route table"
    table, routes = found
    best = [table.routes[place] for place in routes.longest(address)]
    if not best or not best[0].active or best[0].target in ("none", "nowhere"):
        return f"route table {short(table.id)}"
    return None
