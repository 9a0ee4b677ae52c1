"""What a picture of a federation says, before anything has a place: who is linked to whom and how it stands.

A tunnel is one link although both of its routers know of it: it is "up" when all ends that were seen say so, "half"
when only one of them does, "down" when none does. A site's own end is never seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from statistics import median
from typing import Literal, NamedTuple

from trunkline.network.model import Federation, Network, Route, Router, Tunnel
from trunkline.views.svg import natural

LinkState = Literal["up", "half", "down"]


@dataclass(frozen=True, slots=True)
class Exposed:
    """Temporary access that a cloud has now.

    Parameters:
        account: The account's name.
        group: The id of the security group or NSG.
        text: What it permits, to whom and until when, for people.
    """

    account: str
    group: str
    text: str


class End(NamedTuple):
    """One end of links: a router, a site, or an address that is nobody's we know. `network` is "" outside clouds."""

    kind: Literal["router", "site", "unknown"]
    id: str
    name: str
    network: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A tunnel between two ends; `reason` says in words why it is not up."""

    one: End
    other: End
    state: LinkState
    reason: str = ""

    @property
    def text(self) -> str:
        """The link in words."""
        said = {"up": "up", "half": "up at one end only", "down": "down"}[self.state]
        return f"{self.one.name} – {self.other.name}: {said}{f': {self.reason}' if self.reason else ''}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to look at; `networks` are the ids of those that it concerns. The gravest kinds sort first."""

    kind: Literal["exposed", "down", "half", "router", "route"]
    text: str
    networks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A federation as it is drawn: everything in a stable order.

    Parameters:
        hubs: The networks that others meet at; `spokes` are all others.
        outside: The ends that are in no cloud: sites, routers elsewhere, unknown addresses.
        links: All tunnels; `of` has them by the id of a network.
        exposed: What stands open, by the id of its network; "" for a group that is in no network that was read.
        problems: What to look at, the gravest first.
    """

    federation: Federation
    hubs: tuple[Network, ...]
    spokes: tuple[Network, ...]
    outside: tuple[End, ...]
    links: tuple[Link, ...]
    exposed: dict[str, tuple[Exposed, ...]]
    problems: tuple[Problem, ...]
    routers: dict[str, tuple[Router, ...]]
    of: dict[str, tuple[Link, ...]]

    @cached_property
    def hub_ids(self) -> frozenset[str]:
        """The ids of the hubs."""
        return frozenset(network.id for network in self.hubs)

    @property
    def heading(self) -> list[tuple[str, str]]:
        """The counts in words, each with the class of its colour."""
        accounts = {(network.cloud, network.account) for network in self.federation.networks}
        counts = {state: sum(link.state == state for link in self.links) for state in ("half", "down")}
        exposed = sum(map(len, self.exposed.values()))
        said = [
            (f"{counted(len(self.federation.networks), 'network')} in {counted(len(accounts), 'account')}", ""),
            (counted(len(self.links), "tunnel"), ""),
        ]
        if counts["down"]:
            said.append((f"✕ {counts['down']} down", "down"))
        if counts["half"]:
            said.append((f"▲ {counts['half']} up at one end only", "half"))
        if exposed:
            said.append((f"! {exposed} exposed", "exposed"))
        return said

    @property
    def summary(self) -> str:
        """The counts as one line."""
        return " · ".join(text for text, _ in self.heading)


def picture(federation: Federation, exposures: Iterable[Exposed] = ()) -> Picture:
    """Read a federation, and what is exposed in it, for being drawn."""
    federation = _in_order(federation)
    networks, links = federation.networks, _links(federation)
    known = {network.id for network in networks}
    routers, of = defaultdict[str, list[Router]](list), defaultdict[str, list[Link]](list)
    for router in federation.routers:
        routers[router.network if router.network in known else ""].append(router)
    for link in links:
        for network in {link.one.network, link.other.network}:
            of[network].append(link)
    exposed = _exposed(networks, exposures)
    hubs = _hubs(networks, links)
    outside = {end for link in links for end in (link.one, link.other) if not end.network}
    outside |= {End("site", site.name, site.name) for site in federation.sites}
    outside |= {_end(router, known) for router in routers.get("", ())}
    kinds = ("site", "router", "unknown")
    return Picture(
        federation,
        tuple(network for network in networks if network.id in hubs),
        tuple(network for network in networks if network.id not in hubs),
        tuple(sorted(outside, key=lambda end: (kinds.index(end.kind), natural(end.name), end.id))),
        links,
        exposed,
        tuple(_problems(federation, networks, links, exposed, routers)),
        {network: tuple(found) for network, found in routers.items()},
        {network: tuple(found) for network, found in of.items()},
    )


def counted(number: int, word: str) -> str:
    """ "1 tunnel", "2 tunnels"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def title(network: Network) -> str:
    """What a network is called: its name, or its id."""
    return network.name or network.id.rsplit("/", 1)[-1]


def target_names(federation: Federation) -> dict[str, str]:
    """What a route's target is called, by all that it may say: a router's interface or its private address."""
    names = {router.private_address: router.name for router in federation.routers}
    return names | {router.interface: router.name for router in federation.routers if router.interface}


def _in_order(federation: Federation) -> Federation:
    return Federation(
        tuple(sorted(federation.networks, key=lambda each: (each.cloud, each.account, natural(title(each)), each.id))),
        tuple(sorted(federation.routers, key=lambda each: (natural(each.name), each.id))),
        tuple(sorted(federation.sites, key=lambda each: natural(each.name))),
    )


def _end(router: Router, known: set[str]) -> End:
    return End("router", router.id, router.name or router.id, router.network if router.network in known else "")


def _links(federation: Federation) -> tuple[Link, ...]:
    """Every tunnel once, its two ends put together by their public addresses."""
    known = {network.id for network in federation.networks}
    by_address: dict[str, End] = {site.address: End("site", site.name, site.name) for site in federation.sites}
    for router in federation.routers:
        if router.public_address:
            by_address[router.public_address] = _end(router, known)
    ends = defaultdict[tuple[End, End], list[Tunnel]](list)
    for router in federation.routers:
        for tunnel in router.tunnels:
            other = by_address.get(tunnel.peer) or End("unknown", tunnel.peer, tunnel.peer)
            ends[_end(router, known), other].append(tunnel)
    found = []
    told = {router.id for router in federation.routers if router.running and not router.unread}
    for one, other in sorted({_ordered(*pair) for pair in ends}):
        mine = sorted(ends.get((one, other), ()), key=lambda tunnel: (tunnel.local, tunnel.remote, tunnel.id))
        theirs = sorted(ends.get((other, one), ()), key=lambda tunnel: (tunnel.remote, tunnel.local, tunnel.id))
        for here, there in zip_longest(mine, theirs):
            found.append(_link(one, other, here, there, told))
    return tuple(sorted(found, key=lambda link: (natural(link.one.name), natural(link.other.name))))


def _ordered(one: End, other: End) -> tuple[End, End]:
    """A router before what is not one; two routers by their names."""

    def key(end: End) -> tuple[object, ...]:
        return (end.kind != "router", natural(end.name), end.id)

    return (one, other) if key(one) <= key(other) else (other, one)


def _link(one: End, other: End, here: Tunnel | None, there: Tunnel | None, told: set[str]) -> Link:
    reasons, states = [], []
    for end, far, tunnel in ((one, other, here), (other, one, there)):
        if tunnel is not None:
            states.append(tunnel.up)
            if not tunnel.up:
                reasons.append(f"down at {end.name}{f' ({tunnel.reason})' if tunnel.reason else ''}")
        elif end.kind == "router" and end.id in told:
            states.append(False)
            reasons.append(f"{end.name} has no tunnel to {far.name}")
    state: LinkState = "up" if all(states) else "half" if any(states) else "down"
    if other.kind == "unknown":
        reasons.append("no router or site that was read has this address")
    return Link(one, other, state, "; ".join(reasons))


def _hubs(networks: Sequence[Network], links: Sequence[Link]) -> set[str]:
    """The networks that others meet at: those with many more neighbours than most, else those joined to a site."""
    neighbours: dict[str, set[str]] = {network.id: set() for network in networks}
    sited, linked = set[str](), set[str]()
    for link in links:
        one, other = link.one.network, link.other.network
        linked |= {one, other} - {""}
        if one and other and one != other:
            neighbours[one].add(other)
            neighbours[other].add(one)
        elif "site" in (link.one.kind, link.other.kind):
            sited |= {one, other} - {""}
    degrees = [len(found) for found in neighbours.values() if found]
    many = max(2.0, 2 * median(degrees)) if degrees else 2.0
    hubs = {network for network, found in neighbours.items() if len(found) >= many}
    alone = {network for network in sited if not neighbours[network] & (hubs | {network}) and network not in hubs}
    if hubs:
        # A second hub may serve few; a lone VPC with a tunnel of its own to the site is no hub.
        return hubs | {network for network in alone if neighbours[network]}
    return set() if len(sited) > 1 and sited == linked else sited


def _exposed(networks: Sequence[Network], exposures: Iterable[Exposed]) -> dict[str, tuple[Exposed, ...]]:
    where = {(network.account, rules.id): network.id for network in networks for rules in network.rule_sets}
    found = defaultdict[str, list[Exposed]](list)
    for each in exposures:
        found[where.get((each.account, each.group), "")].append(each)
    return {
        network: tuple(sorted(all_of_it, key=lambda each: (each.account, each.group, each.text)))
        for network, all_of_it in found.items()
    }


def _problems(
    federation: Federation,
    networks: Sequence[Network],
    links: Sequence[Link],
    exposed: dict[str, tuple[Exposed, ...]],
    routers: dict[str, list[Router]],
) -> Iterable[Problem]:
    names = {network.id: title(network) for network in networks}
    for network, found in sorted(exposed.items(), key=lambda item: natural(names.get(item[0], ""))):
        where = names.get(network, "a network that was not read")
        for each in found:
            yield Problem("exposed", f"{where}: {each.account} {each.group}: {each.text}", (network,) * bool(network))
    states: tuple[Literal["down", "half"], ...] = ("down", "half")
    for state in states:
        for link in links:
            if link.state == state:
                both = tuple(dict.fromkeys(end.network for end in (link.one, link.other) if end.network))
                yield Problem(link.state, link.text, both)
    for router in federation.routers:
        if not router.running:
            yield Problem("router", f"router {router.name} does not run", (router.network,) * bool(router.network))
    tunnelled = {end.id for link in links for end in (link.one, link.other)}
    for network_ in networks:
        routes = [(table.id, route) for table in network_.route_tables for route in table.routes]
        for table, route in routes:
            if lost(route):
                text = f"{title(network_)}: {route.prefix} of route table {short(table)} leads nowhere ({route.target})"
                yield Problem("route", text, (network_.id,))
        mine = [router for router in routers.get(network_.id, ()) if router.id in tunnelled]
        hops = {hop for router in mine for hop in (router.interface, router.private_address)}
        if mine and routes and not any(route.target in hops for _, route in routes):
            names_ = " or ".join(router.name for router in mine)
            yield Problem("route", f"{title(network_)}: no route leads to {names_}", (network_.id,))


def lost(route: Route) -> bool:
    """Whether a route leads nowhere."""
    return not route.active or route.target == "none"


def short(provider_id: str) -> str:
    """The last part of a provider's long id."""
    return provider_id.rsplit("/", 1)[-1]
