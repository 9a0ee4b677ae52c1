"""From offers, as routers are configured, to connections, as strongSwan wants them.

A route-based tunnel is an interface at either end. The kernel here has no such interface of IPsec's, and two pairs of
equal selectors cannot stand side by side in strongSwan's user-space IPsec; so the association of each pair of
gateways protects two addresses of its own, and a VXLAN runs between those. The addresses are worked out from what
both ends are configured for, selectors included: ends that disagree have different ones, and charon refuses.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..tunnels import Offer
from .ipsec import Child, Connection
from .plan import TunnelPlan, inner
from .proposals import strongswan

# Class E: no network uses it, Linux routes it, and 28 bits leave room for any number of tunnels.
_UNDERLAY = int(ipaddress.IPv4Address("240.0.0.0"))
_EVERYTHING = "0.0.0.0-239.255.255.255"


@dataclass(frozen=True, slots=True)
class Underlay:
    """What a route-based tunnel's VXLAN runs over: both ends' addresses, and the number that both use."""

    local: str
    remote: str
    vni: int


def underlay(offer: Offer) -> Underlay:
    """The underlay of an end; the other end's is its mirror when both are configured alike."""
    ours = f"{offer.kind} {offer.address} {offer.peer} {offer.local} {offer.remote}"
    theirs = f"{offer.kind} {offer.peer} {offer.address} {offer.remote} {offer.local}"
    return Underlay(_address(ours), _address(theirs), _number("|".join(sorted((ours, theirs)))) % (2**24 - 1) + 1)


def connections(tunnels: Iterable[TunnelPlan], own: str) -> dict[str, Connection]:
    """The connections of a gateway that sends from the address `own`; tunnels with one peer and secret share one."""
    groups: defaultdict[str, list[TunnelPlan]] = defaultdict(list)
    for tunnel in tunnels:
        if tunnel.offer.peer is not None:
            groups[_name(tunnel)].append(tunnel)
    return {name: _connection(name, group, own) for name, group in groups.items()}


def _name(tunnel: TunnelPlan) -> str:
    offer = tunnel.offer
    shared = (tunnel.identity, tunnel.expected, offer.secret, offer.ike_version, sorted(offer.phase1))
    return f"{offer.peer}-{_number(repr(shared)):07x}"


def _connection(name: str, group: list[TunnelPlan], own: str) -> Connection:
    first, offer = group[0], group[0].offer
    return Connection(
        name=name,
        local=own,
        remote=inner(str(offer.peer)),
        identity=first.identity,
        expected=first.expected,
        secret=offer.secret,
        version=offer.ike_version,
        proposals=tuple(strongswan(each) for each in sorted(offer.phase1)),
        children=tuple(_child(tunnel) for tunnel in group),
        begins=first.begins,
    )


def _child(tunnel: TunnelPlan) -> Child:
    offer = tunnel.offer
    proposals = _phase2(offer)
    if tunnel.route_based:
        under = underlay(offer)
        return Child(tunnel.id, (f"{under.local}/32",), (f"{under.remote}/32",), proposals)
    return Child(tunnel.id, _selectors(offer.local), _selectors(offer.remote), proposals)


def _selectors(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a policy: everything ends before the underlay, lest IKEv2 narrow it to a route-based tunnel's."""
    return tuple(_EVERYTHING if cidr == "0.0.0.0/0" else cidr for cidr in cidrs or ("0.0.0.0/0",))


def _phase2(offer: Offer) -> tuple[str, ...]:
    """With perfect forward secrecy each carries a group of phase 1's; without an opinion both ways are offered."""
    plain = [strongswan(each) for each in sorted(offer.phase2)]
    groups = sorted({strongswan(each).rpartition("-")[2] for each in offer.phase1})
    secret = [f"{each}-{group}" for each in plain for group in groups]
    return (*(secret if offer.pfs is not False else []), *(plain if not offer.pfs else []))


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(_UNDERLAY + _number(text)))


def _number(text: str) -> int:
    """28 bits out of a text, the same at both ends; never the broadcast address's."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % (2**28 - 2) + 1
