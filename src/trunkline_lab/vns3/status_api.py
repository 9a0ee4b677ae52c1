"""Status: tunnels, subnets that are reachable, histories and jobs."""

from __future__ import annotations

import ipaddress

from .connected import connected_subnets
from .controller import Call
from .operations import Operations
from .refusals import bad_argument
from .state import stamp
from .views import tunnel_view

operations = Operations()
_NO_CLIENTS: dict[str, object] = {}  # client packs are not part of these controllers


def _tunnels(call: Call) -> dict[str, dict[str, object]]:
    reports = call.controller.surroundings.tunnels(call.controller)
    return {
        str(tunnel.id): tunnel_view(endpoint, tunnel, reports[tunnel.id])
        for endpoint in call.controller.settings.endpoints.values()
        for tunnel in endpoint.tunnels.values()
    }


@operations("GET", "/status/ipsec", licensed=True)
def get_ipsec_status(call: Call) -> object:
    """All tunnels by id."""
    return _tunnels(call)


@operations("GET", "/status", licensed=True)
def get_status(call: Call) -> object:
    """Clients, subnets and tunnels."""
    subnets = [[found.network, found.netmask] for found in connected_subnets(call.controller)]
    return {"connected_clients": _NO_CLIENTS, "connected_subnets": subnets, "ipsec": _tunnels(call)}


@operations("GET", "/status/connected_subnets")
def get_connected_subnets(call: Call) -> object:
    """The subnets that this controller reaches, as [network, netmask] or as objects."""
    found = connected_subnets(call.controller)
    if call.query.get("extended_output", "false").lower() != "true":
        return [[subnet.network, subnet.netmask] for subnet in found]
    return [
        {
            "subnet": subnet.cidr,
            "network": subnet.network,
            "cidr_mask": subnet.cidr.partition("/")[2],
            "managerid": subnet.manager,
            "netmask": subnet.netmask,
            "origin": subnet.origin,
        }
        for subnet in found
    ]


@operations("GET", "/status/link_history", licensed=True)
def get_link_history(call: Call) -> object:
    """When a tunnel went up and down, named by its id or by its two subnets."""
    for endpoint in call.controller.settings.endpoints.values():
        for tunnel in endpoint.tunnels.values():
            if _asked_for(call, tunnel.id, tunnel.local_subnet, tunnel.remote_subnet):
                events = call.controller.surroundings.history(call.controller, tunnel.id)
                history = [{"event": word, "timestamp": stamp(at), "timestamp_i": int(at)} for at, word in events]
                named = {"remote": tunnel.remote_subnet, "local": tunnel.local_subnet, "tunnelid": tunnel.id}
                return named | {"history": history}
    raise bad_argument("tunnelid is invalid: no such tunnel")


def _asked_for(call: Call, number: int, local: str, remote: str) -> bool:
    if "tunnelid" in call.query:
        return call.query["tunnelid"] == str(number)
    return _same(call.query.get("local"), local) and _same(call.query.get("remote"), remote)


def _same(asked: str | None, cidr: str) -> bool:
    try:
        return asked is not None and ipaddress.ip_network(asked, strict=False) == ipaddress.ip_network(cidr)
    except ValueError:
        return False


@operations("GET", "/status/task", licensed=True)
def get_task(call: Call) -> object:
    """The state of a job; its token comes in the query or in the body."""
    token = call.query.get("token") or call.body.text("token")
    if token not in call.controller.settings.jobs:
        raise bad_argument(f"token is invalid: there is no job {token!r}")
    return {"task_status": "finished_ok"}
