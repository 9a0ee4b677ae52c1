"""IPsec endpoints, tunnels and BGP peers as a controller keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..tunnels import DEFAULT_PHASE1, DEFAULT_PHASE2, Offer


@dataclass
class Tunnel:
    """One pair of traffic selectors of an endpoint."""

    id: int
    local_subnet: str
    remote_subnet: str
    enabled: bool = True
    description: str = ""
    ping_ipaddress: str = ""
    ping_interface: str = ""
    ping_interval: int = 30


@dataclass
class TrafficPair(Tunnel):
    """A pair of subnets that a route-based endpoint carries."""

    created: float = 0.0
    updated: float = 0.0


@dataclass
class BgpPeer:
    """An eBGP neighbour behind an endpoint."""

    id: int
    ipaddress: str
    asn: int
    local_asn_alias: int | None = None
    access_list: str = ""
    bgp_password: str = ""
    add_network_distance: bool = False
    add_network_distance_direction: str = ""
    add_network_distance_hops: int = 0
    hold_time: int = 180
    keepalive_interval: int = 60


@dataclass
class Endpoint:
    """A remote IPsec gateway."""

    id: int
    name: str
    ipaddress: str
    secret: str
    description: str = ""
    pfs: bool = True
    ike_version: int = 2
    nat_t_enabled: bool = True
    private_ipaddress: str = ""
    extra_config: list[str] = field(default_factory=list)
    vpn_type: str = "policy"
    gre_interface_address: str = ""
    route_based_int_address: str = ""
    route_based_local: str = ""
    route_based_remote: str = ""
    tunnels: dict[int, Tunnel] = field(default_factory=dict)
    traffic_pairs: dict[int, TrafficPair] = field(default_factory=dict)
    bgp_peers: dict[int, BgpPeer] = field(default_factory=dict)

    def option(self, name: str) -> str | None:
        """The value of the line `name=value` in the extra configuration, None when it is not there."""
        for line in self.extra_config:
            key, _, value = line.partition("=")
            if key.strip() == name:
                return value.strip()
        return None


def offer(controller: str, public: str, private: str, endpoint: Endpoint, tunnel: Tunnel) -> Offer:
    """A tunnel of a controller as its end of a negotiation.

    Behind a cloud's address translation a controller shows its private address unless the extra configuration says
    `local-peer-id=`; the other end expects what its `private_ipaddress` (or `remote-peer-id=`) says, else `ipaddress`.
    An end that says neither is taken by either of its addresses.
    """
    shown = endpoint.option("local-peer-id")
    expected = endpoint.option("remote-peer-id") or endpoint.private_ipaddress or endpoint.ipaddress
    return Offer(
        gateway=controller,
        tunnel=tunnel.id,
        address=public,
        peer=endpoint.ipaddress,
        identities=frozenset({shown} if shown else {public, private}),
        expected=frozenset({expected}),
        secret=endpoint.secret,
        ike_version=endpoint.ike_version,
        phase1=_proposals(endpoint.option("phase1"), DEFAULT_PHASE1),
        phase2=_proposals(endpoint.option("phase2"), DEFAULT_PHASE2),
        pfs=endpoint.pfs,
        kind=endpoint.vpn_type,
        local=(tunnel.local_subnet,),
        remote=(tunnel.remote_subnet,),
        enabled=tunnel.enabled,
    )


def _proposals(given: str | None, default: frozenset[str]) -> frozenset[str]:
    return frozenset(word.strip() for word in given.split(",")) if given else default
