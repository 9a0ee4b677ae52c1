"""IPsec: endpoints, their tunnels and traffic pairs."""

from __future__ import annotations

import time

from .arguments import Arguments
from .controller import Call, Controller
from .ipsec_state import Endpoint, TrafficPair, Tunnel
from .operations import Operations
from .refusals import bad_argument, not_found
from .views import endpoint_view, ipsec_view, pair_view, tunnel_view

operations = Operations()
_KINDS = ("policy", "gre", "vti")
_ANYWHERE = "0.0.0.0/0"
_PING_INTERVAL = 30


@operations("GET", "/ipsec")
def get_ipsec(call: Call) -> object:
    """This end and all remote endpoints."""
    return ipsec_view(call.controller)


@operations("PUT", "/ipsec", licensed=True)
def put_ipsec(call: Call) -> object:
    """Choose the local address for IPsec; it must be one of the controller's own."""
    address = call.body.address("ipsec_local_ipaddress")
    machine = call.controller.machine
    if address not in (machine.private_address, call.controller.settings.overlay_address):
        raise bad_argument(f"ipsec_local_ipaddress is invalid: {address} is no address of this controller")
    call.controller.settings.ipsec_local_ipaddress = address
    call.controller.surroundings.renegotiate(call.controller)
    return ipsec_view(call.controller)


@operations("POST", "/ipsec", licensed=True)
def post_ipsec(call: Call) -> object:
    """Restart the IPsec subsystem: all tunnels go down and come back."""
    if not call.body.flag("restart"):
        raise bad_argument("restart is invalid: nothing to do")
    call.controller.surroundings.renegotiate(call.controller)
    return {"restart": True}


@operations("POST", "/ipsec/endpoints", licensed=True)
def post_endpoint(call: Call) -> object:
    """Add a remote endpoint. A route-based one (vti) has its tunnel from the start."""
    settings, body = call.controller.settings, call.body
    body.require("name", "ipaddress", "secret")
    assert settings.license is not None
    if len(settings.endpoints) >= settings.license.topology.max_endpoints:
        raise bad_argument(f"the license allows {settings.license.topology.max_endpoints} endpoints")
    endpoint = Endpoint(0, body.text("name"), body.address("ipaddress"), body.text("secret"))
    _apply(body, endpoint)
    endpoint.id = next(settings.ids)
    settings.endpoints[endpoint.id] = endpoint
    _keep_route_based_tunnel(call.controller, endpoint)
    return endpoint_view(call.controller, endpoint)


def _keep_route_based_tunnel(controller: Controller, endpoint: Endpoint) -> None:
    """A route-based endpoint has one tunnel, with the endpoint's own selectors."""
    if endpoint.vpn_type != "vti":
        return
    if not endpoint.tunnels:
        number = next(controller.settings.ids)
        endpoint.tunnels[number] = Tunnel(number, "", "")
    for tunnel in endpoint.tunnels.values():
        tunnel.local_subnet, tunnel.remote_subnet = endpoint.route_based_local, endpoint.route_based_remote


def _apply(body: Arguments, endpoint: Endpoint) -> None:
    """Take over what the request says; called on a copy, so that a refusal changes nothing."""
    endpoint.name = body.text("name", endpoint.name)
    endpoint.ipaddress = body.address("ipaddress", endpoint.ipaddress)
    endpoint.secret = body.text("secret", endpoint.secret)
    endpoint.description = body.text("description", endpoint.description)
    endpoint.pfs = body.flag("pfs", endpoint.pfs)
    endpoint.nat_t_enabled = body.flag("nat_t_enabled", endpoint.nat_t_enabled)
    endpoint.ike_version = body.integer("ike_version", endpoint.ike_version)
    if endpoint.ike_version not in (1, 2):
        raise bad_argument(f"ike_version is invalid: {endpoint.ike_version} is neither 1 nor 2")
    if body.text("private_ipaddress", ""):
        endpoint.private_ipaddress = body.address("private_ipaddress")
    if "extra_config" in body:
        endpoint.extra_config = [line.strip() for line in body.text("extra_config").splitlines() if line.strip()]
    _apply_kind(body, endpoint)


def _apply_kind(body: Arguments, endpoint: Endpoint) -> None:
    default = "gre" if body.flag("gre", False) else endpoint.vpn_type
    endpoint.vpn_type = body.choice("vpn_type", _KINDS, default)
    if body.text("gre_interface_address", ""):
        endpoint.gre_interface_address = body.interface("gre_interface_address")
    if endpoint.vpn_type == "gre" and not endpoint.gre_interface_address:
        raise bad_argument("gre_interface_address is required")
    if endpoint.vpn_type != "vti":
        return
    if body.text("route_based_int_address", ""):
        endpoint.route_based_int_address = body.interface("route_based_int_address")
    if not endpoint.route_based_int_address:
        raise bad_argument("route_based_int_address is required")
    endpoint.route_based_local = body.cidr("route_based_local", endpoint.route_based_local or _ANYWHERE)
    endpoint.route_based_remote = body.cidr("route_based_remote", endpoint.route_based_remote or _ANYWHERE)


def find_endpoint(call: Call) -> Endpoint:
    """The endpoint that the path names; 400 when there is none."""
    number = call.id("endpoint_id")
    endpoint = call.controller.settings.endpoints.get(number)
    if endpoint is None:
        raise bad_argument(f"endpoint_id is invalid: no endpoint has the id {number}")
    return endpoint


@operations("GET", "/ipsec/endpoints/{endpoint_id}")
def get_endpoint(call: Call) -> object:
    """One endpoint."""
    return endpoint_view(call.controller, find_endpoint(call))


@operations("PUT", "/ipsec/endpoints/{endpoint_id}", licensed=True)
def put_endpoint(call: Call) -> object:
    """Change an endpoint; its tunnels negotiate anew."""
    endpoint = find_endpoint(call)
    changed = Endpoint(**vars(endpoint))
    _apply(call.body, changed)
    call.controller.settings.endpoints[endpoint.id] = changed
    _keep_route_based_tunnel(call.controller, changed)
    for number in changed.tunnels:
        call.controller.surroundings.renegotiate(call.controller, number)
    return endpoint_view(call.controller, changed)


@operations("DELETE", "/ipsec/endpoints/{endpoint_id}", licensed=True)
def delete_endpoint(call: Call) -> object:
    """Remove an endpoint with its tunnels, and the routes into them."""
    endpoint = find_endpoint(call)
    del call.controller.settings.endpoints[endpoint.id]
    _drop_routes(call.controller, set(endpoint.tunnels))
    return ipsec_view(call.controller)


def _drop_routes(controller: Controller, tunnels: set[int]) -> None:
    routes = controller.settings.routes
    for route in [route for route in routes.values() if route.tunnel in tunnels]:
        del routes[route.id]


@operations("POST", "/ipsec/endpoints/{endpoint_id}/tunnels", licensed=True)
def post_tunnel(call: Call) -> object:
    """Add a tunnel to a policy-based endpoint."""
    endpoint, settings = find_endpoint(call), call.controller.settings
    if endpoint.vpn_type == "vti":
        raise bad_argument("endpoint_id is invalid: a route-based endpoint has one tunnel of its own")
    assert settings.license is not None
    if sum(len(e.tunnels) for e in settings.endpoints.values()) >= settings.license.topology.max_subnets:
        raise bad_argument(f"the license allows {settings.license.topology.max_subnets} tunnels")
    tunnel = Tunnel(0, "", "")
    _apply_tunnel(call, tunnel)
    tunnel.id = next(settings.ids)
    endpoint.tunnels[tunnel.id] = tunnel
    return endpoint_view(call.controller, endpoint)


def _apply_tunnel(call: Call, tunnel: Tunnel) -> None:
    """Take over what the request says, all of it or nothing."""
    body, license_ = call.body, call.controller.settings.license
    overlay = license_.topology.subnet if license_ else None
    given = {
        "remote_subnet": body.cidr("remote_subnet", tunnel.remote_subnet or None),
        "local_subnet": body.cidr("local_subnet", tunnel.local_subnet or overlay),
        "ping_interval": body.integer("ping_interval", tunnel.ping_interval or _PING_INTERVAL),
        "ping_ipaddress": body.address("ping_ipaddress") if body.text("ping_ipaddress", "") else tunnel.ping_ipaddress,
        "ping_interface": body.text("ping_interface", tunnel.ping_interface),
        "enabled": body.flag("enabled", tunnel.enabled),
        "description": body.text("description", tunnel.description),
    }
    for name, value in given.items():
        setattr(tunnel, name, value)


def _find_tunnel(call: Call) -> tuple[Endpoint, Tunnel]:
    endpoint, number = find_endpoint(call), call.id("tunnel_id")
    if number not in endpoint.tunnels:
        raise bad_argument(f"tunnel_id is invalid: endpoint {endpoint.id} has no tunnel {number}")
    return endpoint, endpoint.tunnels[number]


@operations("PUT", "/ipsec/endpoints/{endpoint_id}/tunnels/{tunnel_id}", licensed=True)
def put_tunnel(call: Call) -> object:
    """Change or bounce a tunnel."""
    endpoint, tunnel = _find_tunnel(call)
    _apply_tunnel(call, tunnel)
    if call.body.flag("bounce", False):
        call.controller.surroundings.renegotiate(call.controller, tunnel.id)
    return tunnel_view(endpoint, tunnel, call.controller.surroundings.tunnels(call.controller)[tunnel.id])


@operations("DELETE", "/ipsec/endpoints/{endpoint_id}/tunnels/{tunnel_id}", licensed=True)
def delete_tunnel(call: Call) -> object:
    """Remove a tunnel, and the routes into it."""
    endpoint, tunnel = _find_tunnel(call)
    del endpoint.tunnels[tunnel.id]
    _drop_routes(call.controller, {tunnel.id})
    return endpoint_view(call.controller, endpoint)


@operations("POST", "/ipsec/endpoints/{endpoint_id}/traffic_pairs", licensed=True)
def post_pair(call: Call) -> object:
    """Add a traffic pair."""
    endpoint, now = find_endpoint(call), time.time()
    call.body.require("remote_subnet", "local_subnet")
    pair = TrafficPair(0, "", "", created=now, updated=now)
    _apply_tunnel(call, pair)
    pair.id = next(call.controller.settings.ids)
    endpoint.traffic_pairs[pair.id] = pair
    return pair_view(endpoint, pair)


def _find_pair(call: Call) -> tuple[Endpoint, TrafficPair]:
    endpoint, number = find_endpoint(call), call.id("pair_id")
    if number not in endpoint.traffic_pairs:
        raise not_found(f"traffic pair {number} not found")
    return endpoint, endpoint.traffic_pairs[number]


@operations("PUT", "/ipsec/endpoints/{endpoint_id}/traffic_pairs/{pair_id}", licensed=True)
def put_pair(call: Call) -> object:
    """Change a traffic pair."""
    endpoint, pair = _find_pair(call)
    _apply_tunnel(call, pair)
    pair.updated = time.time()
    return pair_view(endpoint, pair)


@operations("PUT", "/ipsec/endpoints/{endpoint_id}/traffic_pairs/{pair_id}/enable", licensed=True)
def enable_pair(call: Call) -> object:
    """Switch a traffic pair on."""
    return _switch_pair(call, True)


@operations("PUT", "/ipsec/endpoints/{endpoint_id}/traffic_pairs/{pair_id}/disable", licensed=True)
def disable_pair(call: Call) -> object:
    """Switch a traffic pair off."""
    return _switch_pair(call, False)


def _switch_pair(call: Call, enabled: bool) -> object:
    endpoint, pair = _find_pair(call)
    pair.enabled, pair.updated = enabled, time.time()
    return pair_view(endpoint, pair)


@operations("DELETE", "/ipsec/endpoints/{endpoint_id}/traffic_pairs/{pair_id}", licensed=True)
def delete_pair(call: Call) -> object:
    """Remove a traffic pair."""
    endpoint, pair = _find_pair(call)
    del endpoint.traffic_pairs[pair.id]
    return pair_view(endpoint, pair)
