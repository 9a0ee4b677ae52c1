"""Each gateway's own part of the plan: routers as they are configured, sites as they answer them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

from trunkline.network.model import BgpSession, Federation, Router, RouterRoute, Site, Tunnel

from ..tunnels import Offer, selectors_agree
from .plan import BgpPassword, GatewayPlan, Plan, TunnelPlan

ANYONE = "%any"
# A site's own people route all private addresses to the federation; their own prefixes are longer, and stay theirs.
_FEDERATED = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")


def site_id(name: str) -> str:
    """The id under which a site's gateway is known."""
    return f"site/{name}"


def gateway_plans(plan: Plan) -> dict[str, GatewayPlan]:
    """What every gateway that runs is to do, by its id."""
    routers = [_router(plan, router) for router in plan.federation.routers if router.running]
    sites = [_site(plan, site) for site in plan.federation.sites]
    return {gateway.id: gateway for gateway in (*routers, *sites)}


def _router(plan: Plan, router: Router) -> GatewayPlan:
    offers = {str(offer.tunnel): offer for offer in plan.offers if offer.gateway == router.id and offer.enabled}
    return GatewayPlan(
        id=router.id,
        tunnels=tuple(
            _tunnel(plan, tunnel.id, offers[tunnel.id], tunnel.inside)
            for tunnel in router.tunnels
            if tunnel.id in offers
        ),
        routes=tuple(route for route in router.routes if not route.learned),
        attached=_subnet(plan.federation, router),
        filters=router.filters,
        forwards=router.forwards,
        sessions=tuple(_configured(session) for session in router.sessions),
        asn=router.asn,
        passwords=tuple(each for each in plan.passwords if each.gateway == router.id),
    )


def _subnet(federation: Federation, router: Router) -> tuple[str, ...]:
    for network in federation.networks:
        for interface in network.interfaces:
            if interface.id == router.interface:
                return tuple(subnet.cidr for subnet in network.subnets if subnet.id == interface.subnet)
    return ()


def _site(plan: Plan, site: Site) -> GatewayPlan:
    """A site takes everyone who knows its secret, so its ends of tunnels are the mirror of those that lead to it."""
    own = next((offer for offer in plan.offers if offer.gateway == site_id(site.name) and offer.enabled), None)
    asking = [] if own is None else list(_asking(plan, site))
    tunnels, sessions, passwords, numbers = [], [], [], set()
    for router, tunnel, theirs in asking:
        assert own is not None
        name = f"{router.id}/{tunnel.id}"
        tunnels.append(_tunnel(plan, name, _answer(own, theirs), _other_host(tunnel.inside)))
        for session in (session for session in router.sessions if session.tunnel == tunnel.id and tunnel.inside):
            inside = str(ipaddress.ip_interface(str(tunnel.inside)).ip)
            numbers.add(session.asn)
            sessions.append(replace(_configured(session), tunnel=name, neighbour=inside, asn=router.asn or 0))
            passwords += [
                BgpPassword(site_id(site.name), inside, each.password)
                for each in plan.passwords
                if (each.gateway, each.neighbour) == (router.id, session.neighbour)
            ]
    return GatewayPlan(
        id=site_id(site.name),
        tunnels=tuple(tunnels),
        routes=tuple(
            RouterRoute(prefix, tunnel=tunnel.id, metric=rank)
            for prefix in _FEDERATED
            for rank, tunnel in enumerate(tunnels)
        ),
        sessions=tuple(sessions),
        asn=min(numbers, default=None),
        passwords=tuple(passwords),
        site=True,
        announced=site.prefixes,
    )


def _asking(plan: Plan, site: Site) -> Iterator[tuple[Router, Tunnel, Offer]]:
    """Every end of a tunnel that leads to the site, whether its router runs or not."""
    offers = {(offer.gateway, str(offer.tunnel)): offer for offer in plan.offers}
    for router in plan.federation.routers:
        for tunnel in router.tunnels:
            offer = offers.get((router.id, tunnel.id))
            if offer is not None and offer.peer == site.address:
                yield router, tunnel, offer


def _answer(own: Offer, theirs: Offer) -> Offer:
    """The site's end for one peer: it takes their selectors where they lie within its own, and their kind."""
    agreed = selectors_agree(theirs, own)
    local, remote = (theirs.remote, theirs.local) if agreed else (own.local, own.remote)
    return replace(own, peer=theirs.address, kind=own.kind or theirs.kind, local=local, remote=remote)


def _configured(session: BgpSession) -> BgpSession:
    """A session without what it brought: the plan does not change when a route is learned."""
    return replace(session, established=False, learned=())


def _tunnel(plan: Plan, name: str, offer: Offer, inside: str | None) -> TunnelPlan:
    begins = _begins(plan, offer)
    return TunnelPlan(name, offer, _identity(plan, offer), min(offer.expected, default=ANYONE), inside, begins)


def _begins(plan: Plan, ours: Offer) -> bool:
    """An end that takes anyone waits to be called; of two others the one with the higher address calls.

    The lab hands addresses out in order, so that this is the newer one: a VPC's router calls its hubs.
    """
    if any(offer.gateway == ours.gateway and offer.peer is None for offer in plan.offers):
        return False
    if any(offer.address == ours.peer and offer.peer is None for offer in plan.offers):
        return True
    return ipaddress.IPv4Address(ours.address) > ipaddress.IPv4Address(str(ours.peer))


def _identity(plan: Plan, ours: Offer) -> str:
    """The identity to show: one that the other end expects, else the one that its own machine has."""
    expected = {
        identity
        for theirs in plan.offers
        if theirs.address == ours.peer and theirs.peer in (None, ours.address)
        for identity in theirs.expected
    }
    shown = ours.identities & expected or ours.identities - {ours.address} or ours.identities
    return min(shown, default=ours.address)


def _other_host(inside: str | None) -> str | None:
    """The other address of a tunnel's small network: "169.254.1.2/30" for "169.254.1.1/30"."""
    if inside is None:
        return None
    own = ipaddress.ip_interface(inside)
    other = next((host for host in own.network.hosts() if host != own.ip), None)
    return None if other is None else f"{other}/{own.network.prefixlen}"
