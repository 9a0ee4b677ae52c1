"""What the fabric is to be, as one value, and what it says of itself.

The plan is built anew after every change and compared with what stands: only what differs is touched. Addresses in it
are those of the clouds; `inner` gives the address that a public one has on the fabric's own internet, because
127.0.0.0/8 never leaves a machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from trunkline.network.model import BgpSession, Federation, Filter, RouterRoute

from ..tunnels import Offer

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
_INNER = ipaddress.IPv4Network("198.18.0.0/15")  # for tests of networks (RFC 2544): no site and no cloud uses it


def inner(public: str) -> str:
    """The address inside the fabric of a public one: 127.x.y.z is 198.18.y.z, any other is itself.

    A lab has one /24 of public addresses, so the second part tells no two of them apart.
    """
    address = ipaddress.IPv4Address(public)
    if address not in _LOOPBACK:
        return public
    return str(_INNER.network_address + (int(address) & 0xFFFF))


class Unknown(ValueError):
    """What was asked for is not there: a host, a router, an address; the message says which there are."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A test host, which answers ping, HTTP and iperf3.

    Parameters:
        name: What a person calls it, unique in the plan.
        interface: The id of its interface in the federation; empty when it stands at a site.
        site, address: The site's name and the host's address there; empty when it stands in a network.
    """

    name: str
    interface: str = ""
    site: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class BgpPassword:
    """What a BGP session is protected with (TCP MD5, RFC 2385): no part of the model, which holds no secret."""

    gateway: str
    neighbour: str
    password: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole fabric.

    Parameters:
        federation: The networks, routers and sites. Of a `Tunnel` only what is configured counts, never `up`; routes
            that are `learned` are left to BGP.
        offers: What each tunnel's end brings to the negotiation: `gateway` is the router's id or "site/NAME",
            `tunnel` the number that is the model's `Tunnel.id`. A tunnel without an offer never comes up.
        hosts: The test hosts. An interface that is neither a host's nor a router's stands too, and answers ping.
        passwords: Those of BGP sessions that have one.
    """

    federation: Federation
    offers: tuple[Offer, ...] = ()
    hosts: tuple[HostPlan, ...] = ()
    passwords: tuple[BgpPassword, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway stands: a namespace whose wires are laid.

    Whoever lays the wires gives it an uplink with the gateway's own address and a default route, and for a site the
    wires to its hosts; the gateway does the rest (forwarding, tunnels, routes, filters).

    Parameters:
        namespace: The namespace's name under /run/netns.
        uplink: The interface that leads out ("eth0").
        address: The gateway's address on it: the private one of a router, the inner public one of a site.
        next_hop: The address to which packets go out of the uplink.
    """

    namespace: str
    uplink: str
    address: str
    next_hop: str


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """One end of a tunnel with everything that a gateway needs for it.

    Parameters:
        id: The model's `Tunnel.id`; at a site the router's id and that.
        offer: What it brings to the negotiation.
        identity, expected: The IKE identity that it shows, and the one that it takes ("%any" for all).
        inside: Its own address on the tunnel's interface, with its prefix length; None without one.
        begins: Whether this end calls the other one. Only one does: were it both, their calls would open the groups
            of either side to each other, and no forgotten rule for IKE would ever be noticed.
    """

    id: str
    offer: Offer
    identity: str
    expected: str
    inside: str | None = None
    begins: bool = True

    @property
    def route_based(self) -> bool:
        """Whether it is an interface; else its selectors alone say what it carries."""
        return self.offer.kind in ("vti", "gre")


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """A router or a site's gateway as it is to run: all that is its own, nothing of the wires around it.

    Parameters:
        id: The router's id, or "site/NAME".
        tunnels: Its ends of tunnels.
        routes: Its own routes, without those that BGP is to bring.
        attached: The CIDR of the subnet in which it stands.
        filters: What it lets pass, first match wins; `forwards` is for what no filter names.
        sessions: Its BGP sessions.
        asn: Its BGP number.
        passwords: Of BGP sessions.
        site: Whether it is a site's; then `announced` are the prefixes behind it.
    """

    id: str
    tunnels: tuple[TunnelPlan, ...] = ()
    routes: tuple[RouterRoute, ...] = ()
    attached: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    forwards: bool = True
    sessions: tuple[BgpSession, ...] = ()
    asn: int | None = None
    passwords: tuple[BgpPassword, ...] = ()
    site: bool = False
    announced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TunnelState:
    """How one end of a tunnel stands, as its own charon says.

    Parameters:
        gateway, tunnel: Whose end it is, and the `TunnelPlan.id` of it.
        up: Whether both the IKE and the child association stand.
        since: When that began, in epoch seconds; 0.0 when it is down.
        reason: Why it is down, where that is known.
        ike, esp: The proposals that both ends took ("aes256-sha2_256-dh14"); empty when down.
        returning: Whether it was lost and has just come back: routes into it are taken last for some seconds.
    """

    gateway: str
    tunnel: str
    up: bool
    since: float = 0.0
    reason: str = ""
    ike: str = ""
    esp: str = ""
    returning: bool = False


@dataclass(frozen=True, slots=True)
class SessionState:
    """A BGP session as bird says: `state` is "Established", "Active", "Connect", "OpenSent", "Idle"..."""

    gateway: str
    tunnel: str
    neighbour: str
    state: str
    learned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayState:
    """How a gateway stands; `running` is False when its charon does not answer."""

    id: str
    running: bool
    tunnels: tuple[TunnelState, ...] = ()
    sessions: tuple[SessionState, ...] = ()


class Gateways(Protocol):
    """All routers and sites of a fabric: what the wires call, and the gateways' half implements."""

    def retire(self, places: Mapping[str, Place]) -> None:
        """End every gateway that has another place there or none: its namespace is about to go."""
        ...

    def apply(self, plan: Plan, places: Mapping[str, Place]) -> None:
        """Make every gateway that has a place as the plan says; those without one end. Only differences are touched.

        A gateway whose place changed is begun anew. Tunnels are negotiated in the background.
        """
        ...

    def state(self) -> tuple[GatewayState, ...]:
        """How all gateways stand now."""
        ...

    def renegotiate(self, gateway: str, tunnel: str | None = None) -> None:
        """Take a tunnel, or all of a gateway, down; they come up anew. A gateway that does not run is left alone."""
        ...

    def fault(self, gateway: str, kind: str, tunnel: str | None = None) -> None:
        """Break something: "kill" (its daemons), "freeze" (SIGSTOP), "cut" (its uplink, or one tunnel's packets)."""
        ...

    def mend(self, gateway: str | None = None) -> None:
        """Undo every fault of one gateway, or of all."""
        ...

    def stop(self) -> None:
        """End every daemon. May be called twice."""
        ...
