"""Routes to a router, in route tables."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

from trunkline._core.errors import Error
from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.errors import azure_errors, status_of
from trunkline.clouds.azure.ids import parse
from trunkline.clouds.cloud import CloudError, NextHop

_PATIENCE = 300.0  # seconds for one route to be written
_ATTEMPTS = 30
_BUSY = ("AnotherOperationInProgress", "RetryableError", "TooManyRequests", "OperationPreempted", "Canceled")


class Routes:
    """The routes of one subscription's route tables."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def route(self, table: str, prefix: str, via: NextHop) -> None:
        """Send `prefix` to `via`; nothing happens when it goes there already; see `Account.route`."""
        where, prefix = parse(table, "routeTables", "table"), canonical(prefix)
        address = _address(via)
        body = {"addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": address}
        from azure.mgmt.network.models import Route

        for attempt in range(_ATTEMPTS):
            if self._leads_there(where.group, where.name, prefix, address):
                return
            try:
                with azure_errors(f"route {prefix} in {where.name}"):
                    self._clients.network.routes.begin_create_or_update(
                        where.group, where.name, route_name(prefix), Route({"properties": body})
                    ).result(_PATIENCE)
                return
            except CloudError as error:
                # A conflict means that somebody was faster: the next look says where that route leads.
                if attempt == _ATTEMPTS - 1 or not ("Conflict" in error.code or error.code in _BUSY):
                    raise
                time.sleep(min(0.05 * 1.5**attempt, 5.0))

    def unroute(self, table: str, prefix: str, via: NextHop | None) -> None:
        """Remove the route, only while it leads to `via` when that is given; nothing happens when it is gone."""
        where, prefix = parse(table, "routeTables", "table"), canonical(prefix)
        address = None if via is None else _address(via)
        for attempt in range(_ATTEMPTS):
            try:
                found = self._find(where.group, where.name, prefix)
                if found is None or (address is not None and found.next_hop_ip_address != address):
                    return
                with azure_errors(f"remove route {prefix} from {where.name}"):
                    self._clients.network.routes.begin_delete(where.group, where.name, found.name).result(_PATIENCE)
                return
            except CloudError as error:
                if status_of(error) == 404:
                    return  # the route, or its whole table
                if error.code not in _BUSY or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(min(0.05 * 1.5**attempt, 5.0))

    def _leads_there(self, group: str, table: str, prefix: str, address: str) -> bool:
        found = self._find(group, table, prefix)
        if found is None:
            return False
        if found.next_hop_type == "VirtualAppliance" and found.next_hop_ip_address == address:
            return True
        target = found.next_hop_ip_address or found.next_hop_type
        raise Error(
            f"route table {table}: {prefix} leads to {target} (route {found.name}), not to {address}",
            hint="remove that route first, if it is not needed any more",
        )

    def _find(self, group: str, table: str, prefix: str) -> Any | None:
        with azure_errors(f"read route table {table}"):
            for route in self._clients.network.routes.list(group, table):
                if _same_prefix(route.address_prefix, prefix):
                    return route
        return None


def route_name(prefix: str) -> str:
    """The name of trunkline's route for a prefix: the same for the same prefix."""
    return f"trunkline-{prefix.replace('/', '-').replace(':', '_')}"


def canonical(prefix: str) -> str:
    """The prefix as Azure writes it. Raises Error when it is no CIDR, or has bits set beyond its length."""
    try:
        return str(ipaddress.ip_network(prefix.strip()))
    except ValueError as error:
        raise Error(f"prefix={prefix!r} is no CIDR: {error}", hint='like "10.1.0.0/16"') from None


def _same_prefix(one: str | None, other: str) -> bool:
    try:
        return str(ipaddress.ip_network(one or "")) == other
    except ValueError:
        return False  # a service tag


def _address(via: NextHop) -> str:
    try:
        return str(ipaddress.ip_address(via.address))
    except ValueError:
        raise Error(f"via.address={via.address!r} is no address", hint="the router's private address") from None
