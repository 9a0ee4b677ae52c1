"""What is written on a network's card when there is room for it: subnets, routes, what is exposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trunkline.network.model import Network
from trunkline.views.svg import natural
from trunkline.views.topology.picture import Exposed, lost, short

MOST = 4  # subnets, and routes, that are written out; the others are counted


class Line(NamedTuple):
    """A line of text, what is at its right end, and the class of its colour."""

    text: str
    right: str = ""
    look: str = "soft"


def lines(network: Network, exposed: tuple[Exposed, ...], names: Mapping[str, str]) -> list[Line]:
    """The lines of a card, what is exposed first.

    Parameters:
        network: Whose card it is.
        exposed: What stands open in it.
        names: What targets of routes are called.
    """
    subnets = sorted(network.subnets, key=lambda subnet: (natural(subnet.name), subnet.id))
    told = [Line(f"! {each.text}", look="exposed") for each in exposed]
    told += _some([Line(subnet.name or short(subnet.id), subnet.cidr) for subnet in subnets], "subnets")
    return told + _some([_route(*route) for route in routes(network, names)], "routes")


def routes(network: Network, names: Mapping[str, str]) -> list[tuple[str, str, str, bool]]:
    """The routes that lead out of the network, each once: prefix, where to, its tables, whether it leads nowhere."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    for table in network.route_tables:
        for route in table.routes:
            if route.target != "local":
                found.setdefault((route.prefix, route.target, lost(route)), []).append(short(table.id))
    listed = [
        (prefix, names.get(target, short(target)), ", ".join(of), nowhere)
        for (prefix, target, nowhere), of in found.items()
    ]
    return sorted(listed, key=lambda route: (natural(route[0]), route[1:]))


def _route(prefix: str, target: str, _: str, nowhere: bool) -> Line:
    return Line(f"{prefix} → {'✕ ' if nowhere else ''}{target}", look="down" if nowhere else "soft")


def _some(found: list[Line], word: str) -> list[Line]:
    if len(found) <= MOST + 1:
        return found
    return [*found[:MOST], Line(f"… {len(found) - MOST} more {word}")]
