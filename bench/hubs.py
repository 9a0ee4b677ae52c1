"""A federation as plain values for the packets: a VPC, two hubs that both lead to a datacentre, everything open."""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.network.model import (
    BgpSession,
    Federation,
    Interface,
    Network,
    Permission,
    Route,
    Router,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Subnet,
    Tunnel,
)
from trunkline_lab.packets.plan import HostPlan, Plan
from trunkline_lab.tunnels import Offer

ON_PREM, VPC, HUBS, ANY = "10.0.0.0/16", "10.1.0.0/16", "10.254.0.0/24", "0.0.0.0/0"
PUBLIC = {"site/dc": "203.0.113.1", "hub1": "203.0.113.11", "hub2": "203.0.113.12", "spoke": "203.0.113.21"}
_PRIVATE = {"hub1": "10.254.0.11", "hub2": "10.254.0.12", "spoke": "10.1.0.10"}
_ASN = {"site/dc": 65000, "hub1": 65011, "hub2": 65012, "spoke": 65001}
_JOINED = (("spoke", "hub1"), ("spoke", "hub2"), ("hub1", "site/dc"), ("hub2", "site/dc"))
_OPEN = RuleSet("open", "open", tuple(Permission(way, "any", 0, 65535, ANY) for way in ("in", "out")))


def plan(*, bgp: bool = False, bfd: bool = False, hold_time: int = 3) -> Plan:
    """The whole of it, with the hosts "web" in the VPC, "near" beside the hubs, and "db" in the datacentre.

    Parameters:
        bgp: Let BGP bring the routes, with this hold time in seconds; routes of the routers' own otherwise.
        bfd: Let BFD watch the neighbours.
    """
    networks = (
        _network("vpc", VPC, ("spoke",), {"web": "10.1.1.10"}, (Route("10.0.0.0/8", "eni-spoke"),)),
        _network("hubs", HUBS, ("hub1", "hub2"), {"near": "10.254.0.50"}, (Route(VPC, "eni-hub1"),)),
    )
    routers = tuple(_router(name, bgp, bfd, hold_time) for name in _PRIVATE)
    hosts = (HostPlan("web", "eni-web"), HostPlan("near", "eni-near"), HostPlan("db", site="dc", address="10.0.0.10"))
    return Plan(Federation(networks, routers, (Site("dc", PUBLIC["site/dc"], (ON_PREM,)),)), tuple(_offers()), hosts)


def _network(name: str, cidr: str, routers: tuple[str, ...], hosts: dict[str, str], down: tuple[Route, ...]) -> Network:
    subnet = Subnet(f"{name}-subnet", name, cidr)
    routes = (Route(cidr, "local"), Route(ANY, "internet"), *down)
    return Network(
        name,
        name,
        "aws",
        "A",
        (cidr,),
        (subnet,),
        (RouteTable(f"{name}-table", routes, (subnet.id,)),),
        (_OPEN,),
        tuple(
            Interface(f"eni-{who}", subnet.id, at, PUBLIC.get(who), (_OPEN.id,), who in routers, f"i-{who}", who)
            for who, at in {**{each: _PRIVATE[each] for each in routers}, **hosts}.items()
        ),
    )


def _ends(name: str) -> list[tuple[str, int, str, str]]:
    """Each tunnel of a router: its peer, its number, its own address inside, and the peer's."""
    found = []
    for number, (one, other) in enumerate(_JOINED, 1):
        addresses = (f"169.254.{number}.1", f"169.254.{number}.2")
        if name in (one, other):
            own, far = addresses if name == one else reversed(addresses)
            found.append((other if name == one else one, number, own, far))
    return found


def _router(name: str, bgp: bool, bfd: bool, hold_time: int) -> Router:
    ends = _ends(name)
    into = [(VPC if peer == "spoke" else ON_PREM, str(number)) for peer, number, _, _ in ends]
    routes = [RouterRoute(prefix, tunnel) for prefix, tunnel in into if not bgp]
    if name == "spoke":
        routes += [RouterRoute(VPC, advertised=True), RouterRoute(HUBS, "1")]
    sessions = [
        BgpSession(str(number), far, _ASN[peer], hold_time=hold_time, keepalive=max(1, hold_time // 3), bfd=bfd)
        for peer, number, _, far in ends
    ]
    return Router(
        name,
        name,
        "vpc" if name == "spoke" else "hubs",
        f"eni-{name}",
        _PRIVATE[name],
        PUBLIC[name],
        _ASN[name],
        tuple(Tunnel(str(number), peer, PUBLIC[peer], inside=f"{own}/30") for peer, number, own, _ in ends),
        tuple(routes),
        sessions=tuple(sessions) if bgp else (),
    )


def _offers() -> Iterator[Offer]:
    site = PUBLIC["site/dc"]
    yield Offer("site/dc", 1, site, None, frozenset({site}), frozenset(), "psk", 2)
    for name in _PRIVATE:
        for peer, number, _, _ in _ends(name):
            own, far = PUBLIC[name], PUBLIC[peer]
            shown, expected = frozenset({own}), frozenset({far})
            yield Offer(name, number, own, far, shown, expected, "psk", 2, kind="vti", local=(ANY,), remote=(ANY,))
