"""All networks and sites, each with each: what is reachable, and what stops the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trunkline.network.model import Federation, Subnet
from trunkline.network.reachability.atlas import Atlas, Place
from trunkline.network.reachability.endpoints import End, of_site, of_subnet, plain_subnets
from trunkline.network.reachability.trace import Reachability, Trace


@dataclass(frozen=True, slots=True)
class Pair:
    """From one network or site to another; `traces` are those between their subnets, at least one.

    Parameters:
        source, destination: "A/acme-vpc", or a site's name.
    """

    source: str
    destination: str
    traces: tuple[Trace, ...]

    @property
    def reachable(self) -> bool:
        """Whether every subnet of the one reaches every subnet of the other."""
        return all(each.reachable for each in self.traces)

    @property
    def partly(self) -> bool:
        """Whether some do and some do not."""
        return not self.reachable and any(each.reachable for each in self.traces)

    @property
    def failure(self) -> Trace | None:
        """The first trace that does not get through."""
        return next((each for each in self.traces if not each.reachable), None)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole matrix: the names of networks and sites in order, and a pair for each two of them, row by row."""

    names: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def reachable(self) -> bool:
        """Whether everything reaches everything."""
        return all(pair.reachable for pair in self.pairs)


def matrix(federation: Federation, protocol: str = "tcp", port: int = 443) -> Matrix:
    """Trace between all networks and sites, both ways.

    A network is asked by hosts that might be in it: one for all subnets that have the same route table and the same
    rules. So the networks are judged, and not the groups of the hosts that happen to be there; `trace` judges those.
    Subnets in which routers stand are left out where there are others. N networks and sites are N x (N - 1) pairs.

    Parameters:
        federation: What was read.
        protocol: "tcp", "udp" or "icmp".
        port: The destination's port.
    """
    reach = Reachability(federation)
    ends = dict(_ends(reach.atlas))
    pairs = [
        Pair(one, other, tuple(reach.between(a, b, protocol, port) for a in ends[one] for b in ends[other]))
        for one in ends
        for other in ends
        if one != other
    ]
    return Matrix(tuple(ends), tuple(pairs))


def _ends(atlas: Atlas) -> Iterator[tuple[str, list[End]]]:
    for place in atlas.places.values():
        if place.network.subnets:
            yield place.label, [of_subnet(place, subnet) for subnet in _unlike(place, plain_subnets(atlas, place))]
    for site in atlas.sites.values():
        yield site.name, [of_site(site)]


def _unlike(place: Place, subnets: list[Subnet]) -> list[Subnet]:
    """One subnet of each kind: those with the same routes and rules behave alike."""
    found: dict[object, Subnet] = {}
    for subnet in subnets:
        table = place.table(subnet)
        found.setdefault((table[0].id if table else None, subnet.rule_sets), subnet)
    return list(found.values())
