"""eBGP peers of IPsec endpoints."""

from __future__ import annotations

from .controller import Call
from .ipsec_api import find_endpoint
from .ipsec_state import BgpPeer, Endpoint
from .operations import Operations
from .refusals import bad_argument
from .views import bgp_view, endpoint_view

operations = Operations()
_LARGEST_ASN = 2**32 - 1


@operations("POST", "/ipsec/endpoints/{endpoint_id}/ebgp_peers", licensed=True)
def post_peer(call: Call) -> object:
    """Add a peer; answers with the endpoint."""
    endpoint = find_endpoint(call)
    call.body.require("ipaddress", "asn")
    peer = BgpPeer(0, call.body.address("ipaddress"), _asn(call, "asn"))
    _apply(call, peer)
    if any(known.ipaddress == peer.ipaddress for known in endpoint.bgp_peers.values()):
        raise bad_argument(f"ipaddress is invalid: {peer.ipaddress} is a peer already")
    peer.id = next(call.controller.settings.ids)
    endpoint.bgp_peers[peer.id] = peer
    return endpoint_view(call.controller, endpoint)


@operations("GET", "/ipsec/endpoints/{endpoint_id}/ebgp_peers/{bgp_peer_id}")
def get_peer(call: Call) -> object:
    """One peer, with the state of its session."""
    _, peer = _find(call)
    return bgp_view(peer, call.controller.surroundings.bgp(call.controller)[peer.id])


@operations("PUT", "/ipsec/endpoints/{endpoint_id}/ebgp_peers/{bgp_peer_id}", licensed=True)
def put_peer(call: Call) -> object:
    """Change a peer; answers with the endpoint."""
    endpoint, peer = _find(call)
    changed = BgpPeer(**vars(peer))
    _apply(call, changed)
    endpoint.bgp_peers[peer.id] = changed
    return endpoint_view(call.controller, endpoint)


@operations("DELETE", "/ipsec/endpoints/{endpoint_id}/ebgp_peers/{bgp_peer_id}", licensed=True)
def delete_peer(call: Call) -> object:
    """Remove a peer; answers with the endpoint."""
    endpoint, peer = _find(call)
    del endpoint.bgp_peers[peer.id]
    return endpoint_view(call.controller, endpoint)


def _find(call: Call) -> tuple[Endpoint, BgpPeer]:
    endpoint, number = find_endpoint(call), call.id("bgp_peer_id")
    if number not in endpoint.bgp_peers:
        raise bad_argument(f"bgp_peer_id is invalid: endpoint {endpoint.id} has no BGP peer {number}")
    return endpoint, endpoint.bgp_peers[number]


def _asn(call: Call, name: str, default: int | None = None) -> int:
    number = call.body.integer(name, default)
    if not 1 <= number <= _LARGEST_ASN:
        raise bad_argument(f"{name} is invalid: {number} is no autonomous system number")
    return number


def _apply(call: Call, peer: BgpPeer) -> None:
    body = call.body
    peer.ipaddress = body.address("ipaddress", peer.ipaddress)
    peer.asn = _asn(call, "asn", peer.asn)
    if "local_asn_alias" in body:
        peer.local_asn_alias = _asn(call, "local_asn_alias")
    peer.access_list = body.text("access_list", peer.access_list)
    peer.bgp_password = body.text("bgp_password", peer.bgp_password)
    peer.add_network_distance = body.flag("add_network_distance", peer.add_network_distance)
    direction = body.text("add_network_distance_direction", peer.add_network_distance_direction)
    if direction not in ("", "in", "out"):
        raise bad_argument(f"add_network_distance_direction is invalid: {direction!r} is neither in nor out")
    peer.add_network_distance_direction = direction
    peer.add_network_distance_hops = body.integer("add_network_distance_hops", peer.add_network_distance_hops)
    peer.hold_time = body.integer("hold_time", peer.hold_time)
    peer.keepalive_interval = body.integer("keepalive_interval", peer.keepalive_interval)
