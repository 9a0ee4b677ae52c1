"""The controller's routes."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .controller import Call, Controller
from .operations import Operations
from .refusals import bad_argument
from .reports import TunnelReport
from .state import RouteEntry
from .views import tunnel_view

operations = Operations()
_UNSET = "_notset"
_INTERFACES = ("eth0", "tun0", "plugin0", _UNSET)


def route_map(controller: Controller, table: str | None = None) -> dict[str, dict[str, object]]:
    """All routes by id, of one table or of all."""
    routes, reports = controller.settings.routes.values(), controller.surroundings.tunnels(controller)
    return {str(route.id): _route(controller, route, reports) for route in routes if table in (None, route.table)}


def _route(controller: Controller, route: RouteEntry, reports: Mapping[int, TunnelReport]) -> dict[str, object]:
    network = ipaddress.ip_network(route.cidr)
    view: dict[str, object] = {
        "id": route.id,
        "cidr": route.cidr,
        "netmask": str(network.netmask),
        "interface": route.interface,
        "gateway": route.gateway,
        "description": route.description,
        "advertise": route.advertise,
        "metric": route.metric,
        "enabled": route.enabled,
        "editable": route.editable,
        "table": route.table,
    }
    if route.tunnel is not None:
        endpoint = next(e for e in controller.settings.endpoints.values() if route.tunnel in e.tunnels)
        view["tunnel"] = tunnel_view(endpoint, endpoint.tunnels[route.tunnel], reports[route.tunnel])
        view["route_based_interface"] = f"vti{endpoint.id}" if endpoint.vpn_type == "vti" else ""
    return view


@operations("GET", "/routes", licensed=True)
def get_routes(call: Call) -> object:
    """All routes by id."""
    return route_map(call.controller, call.query.get("table"))


@operations("POST", "/routes", licensed=True)
def post_route(call: Call) -> object:
    """Add a route; answers with all routes. The same route twice is two routes, as on the real one."""
    settings, body = call.controller.settings, call.body
    cidr = _cidr(call)
    interface = body.choice("interface", _INTERFACES, _UNSET)
    gateway = body.text("gateway", _UNSET) or _UNSET
    if gateway != _UNSET:
        gateway = body.address("gateway")
    tunnel = _tunnel(call)
    if tunnel is None and interface == _UNSET and gateway == _UNSET:
        raise bad_argument("one of interface, gateway, tunnel is required")
    route = RouteEntry(
        id=next(settings.ids),
        cidr=cidr,
        interface=interface,
        gateway=gateway,
        description=body.text("description", ""),
        advertise=body.flag("advertise", False),
        metric=body.integer("metric", 0),
        table=body.text("table", "main"),
        tunnel=tunnel,
    )
    settings.routes[route.id] = route
    return route_map(call.controller)


def _cidr(call: Call) -> str:
    text = call.body.text("cidr")
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise bad_argument(f"cidr is invalid: {error}") from None


def _tunnel(call: Call) -> int | None:
    if "tunnel" not in call.body or call.body.text("tunnel") in ("", _UNSET):
        return None
    number = call.body.integer("tunnel")
    if not any(number in endpoint.tunnels for endpoint in call.controller.settings.endpoints.values()):
        raise bad_argument(f"tunnel is invalid: no tunnel has the id {number}")
    return number


def _find(call: Call) -> RouteEntry:
    number = call.id("route_id")
    route = call.controller.settings.routes.get(number)
    if route is None:
        raise bad_argument(f"route_id is invalid: no route has the id {number}")
    if not route.editable:
        raise bad_argument(f"route_id is invalid: route {number} is not editable")
    return route


@operations("DELETE", "/routes/{route_id}", licensed=True)
def delete_route(call: Call) -> object:
    """Remove a route; answers with those that remain."""
    del call.controller.settings.routes[_find(call).id]
    return route_map(call.controller)


@operations("PUT", "/routes/{route_id}/enable", licensed=True)
def enable_route(call: Call) -> object:
    """Put a route to use."""
    return _switch(call, True)


@operations("PUT", "/routes/{route_id}/disable", licensed=True)
def disable_route(call: Call) -> object:
    """Take a route out of use, and keep it."""
    return _switch(call, False)


def _switch(call: Call, enabled: bool) -> object:
    route = _find(call)
    route.enabled = enabled
    return _route(call.controller, route, call.controller.surroundings.tunnels(call.controller))
