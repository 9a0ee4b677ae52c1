"""How IPsec endpoints, tunnels and BGP peers look in answers."""

from __future__ import annotations

from collections.abc import Mapping

from .controller import Controller
from .ipsec_state import BgpPeer, Endpoint, TrafficPair, Tunnel
from .reports import TunnelReport
from .state import stamp


def tunnel_view(endpoint: Endpoint, tunnel: Tunnel, report: TunnelReport) -> dict[str, object]:
    """A tunnel with its state."""
    return {
        "id": tunnel.id,
        "local_subnet": tunnel.local_subnet,
        "remote_subnet": tunnel.remote_subnet,
        "endpointid": endpoint.id,
        "endpoint_id": endpoint.id,
        "endpoint_name": endpoint.name,
        "enabled": tunnel.enabled,
        "active": tunnel.enabled,
        "connected": report.connected,
        "description": tunnel.description,
        "ping_ipaddress": tunnel.ping_ipaddress,
        "ping_interface": tunnel.ping_interface,
        "ping_interval": tunnel.ping_interval,
        "tunnel_params": dict(report.parameters),
    }


def pair_view(endpoint: Endpoint, pair: TrafficPair) -> dict[str, object]:
    """A traffic pair."""
    return {
        "id": pair.id,
        "remote_subnet": pair.remote_subnet,
        "local_subnet": pair.local_subnet,
        "ping_ipaddress": pair.ping_ipaddress,
        "ping_interface": pair.ping_interface,
        "ping_interval": pair.ping_interval,
        "enabled": pair.enabled,
        "description": pair.description,
        "ipsec_endpoint_id": endpoint.id,
        "endpoint_id": endpoint.id,
        "created_at": stamp(pair.created),
        "updated_at": stamp(pair.updated),
    }


def bgp_view(peer: BgpPeer, state: str) -> dict[str, object]:
    """A BGP peer with the state of its session."""
    return {
        "id": peer.id,
        "asn": peer.asn,
        "ipaddress": peer.ipaddress,
        "access_list": peer.access_list,
        "local_asn_alias": peer.local_asn_alias,
        "keepalive_interval": peer.keepalive_interval,
        "hold_time": peer.hold_time,
        "bgp_password": peer.bgp_password,
        "add_network_distance": peer.add_network_distance,
        "add_network_distance_direction": peer.add_network_distance_direction,
        "add_network_distance_hops": peer.add_network_distance_hops,
        "connection_detail": state,
    }


def endpoint_view(controller: Controller, endpoint: Endpoint) -> dict[str, object]:
    """An endpoint with all that belongs to it; the secret is in clear, as on the real one."""
    reports, sessions = controller.surroundings.tunnels(controller), controller.surroundings.bgp(controller)
    return _endpoint(endpoint, reports, sessions)


def ipsec_view(controller: Controller) -> dict[str, object]:
    """This end and all endpoints by id."""
    settings, machine = controller.settings, controller.machine
    reports, sessions = controller.surroundings.tunnels(controller), controller.surroundings.bgp(controller)
    return {
        "this_endpoint": {
            "ipaddress": machine.public_address,
            "private_ipaddress": machine.private_address,
            "ipsec_local_ipaddress": settings.ipsec_local_ipaddress or machine.private_address,
            "overlay_subnet": settings.license.topology.subnet if settings.license else None,
            "asn": settings.asn,
            "nat_traversal": True,
        },
        "remote_endpoints": {str(e.id): _endpoint(e, reports, sessions) for e in settings.endpoints.values()},
    }


def _endpoint(
    endpoint: Endpoint, reports: Mapping[int, TunnelReport], sessions: Mapping[int, str]
) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "ipaddress": endpoint.ipaddress,
        "description": endpoint.description,
        "pfs": endpoint.pfs,
        "ike_version": endpoint.ike_version,
        "nat_t_enabled": endpoint.nat_t_enabled,
        "private_ipaddress": endpoint.private_ipaddress,
        "extra_config": list(endpoint.extra_config),
        "tunnels": {str(t.id): tunnel_view(endpoint, t, reports[t.id]) for t in endpoint.tunnels.values()},
        "traffic_pairs": {str(pair.id): pair_view(endpoint, pair) for pair in endpoint.traffic_pairs.values()},
        "bgp_peers": {str(p.id): bgp_view(p, sessions[p.id]) for p in endpoint.bgp_peers.values()},
        "type": "ipsec",
        "vpn_type": endpoint.vpn_type,
        "gre_interface_address": endpoint.gre_interface_address,
        "route_based_int_address": endpoint.route_based_int_address,
        "route_based_local": endpoint.route_based_local,
        "route_based_remote": endpoint.route_based_remote,
        "psk": endpoint.secret,
    }
