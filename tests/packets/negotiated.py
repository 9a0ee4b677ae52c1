"""What the ends of a federation's tunnels bring to the negotiation, and what the fabric made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

from trunkline.network.model import Federation, Router
from trunkline_lab.packets.child import Child
from trunkline_lab.packets.plan import GatewayState, HostPlan, Plan
from trunkline_lab.tunnels import Offer

PHASE1, PHASE2 = frozenset({"aes256-sha2_256-dh14"}), frozenset({"aes256-sha2_256"})
End = tuple[str, str]  # a router's id and a tunnel's


def offers(federation: Federation, *, wrong: Collection[End] = (), **changes: Any) -> tuple[Offer, ...]:
    """Offers that agree, but for the secrets at the ends that are `wrong`; `changes` go into each router's."""
    found = [
        replace(_offer(router, tunnel, (router.id, tunnel.id) in wrong, federation), **changes)
        for router in federation.routers
        for tunnel in router.tunnels
    ]
    sites = [
        Offer(
            gateway=f"site/{site.name}",
            tunnel=1,
            address=site.address,
            peer=None,
            identities=frozenset({site.address}),
            expected=frozenset(),
            secret=f"secret of {site.name}",
            ike_version=2,
            phase1=PHASE1,
            phase2=PHASE2,
            local=site.prefixes,
        )
        for site in federation.sites
    ]
    return (*found, *sites)


def _offer(router: Router, tunnel: Any, wrong: bool, federation: Federation) -> Offer:
    own = str(router.public_address)
    site = next((site for site in federation.sites if site.address == tunnel.peer), None)
    secret = f"secret of {site.name}" if site else f"secret of {min(own, tunnel.peer)} {max(own, tunnel.peer)}"
    return Offer(
        gateway=router.id,
        tunnel=int(tunnel.id),
        address=own,
        peer=tunnel.peer,
        identities=frozenset({own}),
        expected=frozenset({tunnel.peer}),
        secret="wrong" if wrong else secret,
        ike_version=2,
        phase1=PHASE1,
        phase2=PHASE2,
        pfs=True,
        kind="policy" if tunnel.inside is None else "vti",
        local=tunnel.local,
        remote=tunnel.remote,
    )


def plan(federation: Federation, hosts: Iterable[HostPlan] = (), **how: Any) -> Plan:
    """A plan of a federation with agreeing offers."""
    return Plan(federation, offers(federation, **how), tuple(hosts))


def states(fabric: Child) -> dict[str, GatewayState]:
    return {state.id: state for state in fabric.state()}


def up(fabric: Child) -> set[End]:
    """The ends of tunnels that are up."""
    return {(each.gateway, each.tunnel) for state in fabric.state() for each in state.tunnels if each.up}


def within(seconds: float, true: Callable[[], object]) -> bool:
    """Whether it becomes true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
