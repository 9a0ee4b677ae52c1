"""What an outage strikes: routers and sites by the names that people use, links between two of them, whole zones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trunkline.network.model import Router

from .broken import KINDS
from .gateway_plans import gateway_plans, site_id
from .plan import Plan, TunnelPlan, Unknown


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing to break: a gateway, or only its packets to and from a tunnel's other end."""

    gateway: str
    kind: str
    tunnel: str | None = None


def at_router(plan: Plan, name: str, kind: str) -> list[Blow]:
    """A router's or site's outage. Raises Unknown."""
    return [Blow(gateway(plan, name), _known(kind))]


def at_link(plan: Plan, name: str, peer: str) -> list[Blow]:
    """Everything between two gateways is lost. Raises Unknown when no tunnel joins them."""
    one, other = gateway(plan, name), gateway(plan, peer)
    plans = gateway_plans(plan)
    addresses = {offer.address for offer in plan.offers if offer.gateway == other}
    tunnels = plans[one].tunnels if one in plans else ()
    found = next((tunnel for tunnel in tunnels if tunnel.offer.peer in addresses), None)
    if found is None:
        joined = ", ".join(_peers(plan, tunnels)) or "nobody"
        raise Unknown(f"peer = {peer!r} is not joined to {name} by a tunnel: it has tunnels to {joined}")
    return [Blow(one, "cut", found.id)]


def at_zone(plan: Plan, zone: str, kind: str) -> list[Blow]:
    """The outage of every router in a zone ("1", "us-east-1a"). Raises Unknown."""
    zones = {router.id: _zone(plan, router) for router in plan.federation.routers}
    struck = [Blow(router, _known(kind)) for router, its in zones.items() if its == zone]
    if not struck:
        there = ", ".join(sorted({its for its in zones.values() if its})) or "none"
        raise Unknown(f"zone = {zone!r} has no router: zones with routers are {there}")
    return struck


def gateway(plan: Plan, name: str) -> str:
    """The id of the router or site that a person calls so. Raises Unknown."""
    names = _names(plan)
    found = [id_ for id_, its in names.items() if name in (id_, its)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Unknown(f"router = {name!r} is the name of {len(found)}: use an id, {' or '.join(sorted(found))}")
    raise Unknown(f"router = {name!r} is unknown: there are {', '.join(sorted(names.values())) or 'none'}")


def _names(plan: Plan) -> dict[str, str]:
    routers = {router.id: router.name for router in plan.federation.routers}
    return routers | {site_id(site.name): site.name for site in plan.federation.sites}


def _peers(plan: Plan, tunnels: Iterable[TunnelPlan]) -> list[str]:
    names, owners = _names(plan), {offer.address: offer.gateway for offer in plan.offers}
    peers = (str(tunnel.offer.peer) for tunnel in tunnels)
    return sorted({names.get(owners.get(peer, ""), peer) for peer in peers})


def _zone(plan: Plan, router: Router) -> str:
    for network in plan.federation.networks:
        zones = {subnet.id: subnet.zone for subnet in network.subnets}
        for interface in network.interfaces:
            if interface.id == router.interface:
                return zones.get(interface.subnet, "")
    return ""


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise Unknown(f"kind = {kind!r} is unknown: there are {', '.join(KINDS)}")
    return kind
