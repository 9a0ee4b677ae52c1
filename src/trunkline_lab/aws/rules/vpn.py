"""VPN connections as EC2 has them and moto has not: options, static routes, propagation, another end.

Sources: the EC2 API reference's pages of the operations named in `_ANSWERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline_lab.aws import wire
from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

_ENDS = {"CustomerGatewayId": "customer_gateway_id", "VpnGatewayId": "vpn_gateway_id"}


def _connection(ec2: Any, call: Call) -> Any:
    identity = call.params["VpnConnectionId"]
    found = ec2.vpn_connections.get(identity)
    if found is None or found.state == "deleted":
        raise Refused("InvalidVpnConnectionID.NotFound", f"The vpnConnection ID '{identity}' does not exist")
    return found


def _create_route(ec2: Any, call: Call) -> dict[str, Any]:
    connection, prefix = _connection(ec2, call), call.params["DestinationCidrBlock"]
    if not connection.options.get("StaticRoutesOnly"):
        raise Refused("InvalidParameterValue", "Static routes are only supported for static routing VPN connections.")
    if all(route["DestinationCidrBlock"] != prefix for route in connection.routes):
        connection.routes.append({"DestinationCidrBlock": prefix, "Source": "Static", "State": "available"})
    return {}


def _delete_route(ec2: Any, call: Call) -> dict[str, Any]:
    connection, prefix = _connection(ec2, call), call.params["DestinationCidrBlock"]
    left = [route for route in connection.routes if route["DestinationCidrBlock"] != prefix]
    if len(left) == len(connection.routes):
        raise Refused("InvalidRoute.NotFound", f"The specified route {prefix} does not exist.")
    connection.routes = left
    return {}


def _modify(ec2: Any, call: Call) -> dict[str, Any]:
    connection = _connection(ec2, call)
    for name, attribute in _ENDS.items():
        if name in call.params:
            setattr(connection, attribute, call.params[name])
    shown = {name: getattr(connection, attribute) for name, attribute in _ENDS.items()}
    return {"VpnConnection": {"VpnConnectionId": connection.id, "State": "modifying", **shown}}


def _enable(ec2: Any, call: Call) -> dict[str, Any]:
    table, gateway = _propagation(ec2, call)
    if not any(each.vpc_id == table.vpc_id and each.state == "attached" for each in gateway.attachments.values()):
        text = f"route table {table.id} and network gateway {gateway.id} belong to different networks"
        raise Refused("Gateway.NotAttached", text)
    _propagating(table)[gateway.id] = {"GatewayId": gateway.id}
    table.propagating_vgws = list(_propagating(table).values())
    return {}


def _disable(ec2: Any, call: Call) -> dict[str, Any]:
    table, gateway = _propagation(ec2, call)
    _propagating(table).pop(gateway.id, None)
    table.propagating_vgws = list(_propagating(table).values())
    return {}


def _propagation(ec2: Any, call: Call) -> tuple[Any, Any]:
    return ec2.get_route_table(call.params["RouteTableId"]), ec2.get_vpn_gateway(call.params["GatewayId"])


def _propagating(table: Any) -> dict[str, dict[str, str]]:
    if not hasattr(table, "propagating"):
        table.propagating = {}
    found: dict[str, dict[str, str]] = table.propagating
    return found


_ANSWERS: dict[str, Callable[[Any, Call], dict[str, Any]]] = {
    "CreateVpnConnectionRoute": _create_route,
    "DeleteVpnConnectionRoute": _delete_route,
    "ModifyVpnConnection": _modify,
    "EnableVgwRoutePropagation": _enable,
    "DisableVgwRoutePropagation": _disable,
}


class Vpn:
    """Answers what moto does not know, and keeps what it forgets."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2" or "V" not in call.operation:
            return proceed(call)
        ec2 = self._backend.ec2(call.account, call.region)
        if call.operation in _ANSWERS:
            return wire.answer(call, _ANSWERS[call.operation](ec2, call))
        if call.operation != "CreateVpnConnection":
            return proceed(call)
        before = set(ec2.vpn_connections)
        given = proceed(call)
        options = {"StaticRoutesOnly": False, **call.params.get("Options", {})}
        for identity in set(ec2.vpn_connections) - before:
            connection = ec2.vpn_connections[identity]
            connection.options, connection.routes = options, []
            made = wire.result(call, given)
            made["VpnConnection"]["Options"] = options
            given = wire.answer(call, made)
        return given
