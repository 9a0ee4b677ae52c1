"""Routes to a router, in route tables."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import Any

from trunkline._core.errors import Error
from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.errors import azure_errors, status_of
from trunkline.clouds.azure.ids import OURS, ResourceId, parse
from trunkline.clouds.azure.waiting import write
from trunkline.clouds.azure.words import word
from trunkline.clouds.cloud import CloudError, NextHop


class Routes:
    """The routes of one subscription's route tables."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def route(self, table: str, prefix: str, via: NextHop) -> None:
        """Send `prefix` to `via`; nothing happens when it goes there already; see `Account.route`."""
        where, prefix, address = parse(table, "routeTables", "table"), canonical(prefix), _address(via)
        from azure.mgmt.network.models import Route

        hop = {"addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": address}
        begin = partial(
            self._clients.network.routes.begin_create_or_update,
            where.group,
            where.name,
            route_name(prefix),
            Route({"properties": hop}),
        )
        if self._leads_there(where, prefix, address):
            return
        try:
            with azure_errors(f"route {prefix} in {where.name}"):
                write(begin, f"the route {prefix}")
        except CloudError as error:
            # Somebody was faster: the next look says where the route leads now.
            if "Conflict" not in error.code or not self._leads_there(where, prefix, address):
                raise

    def unroute(self, table: str, prefix: str, via: NextHop | None) -> None:
        """Remove the route, only while it leads to `via` when that is given; nothing happens when it is gone."""
        where, prefix = parse(table, "routeTables", "table"), canonical(prefix)
        address = None if via is None else _address(via)
        try:
            found = self._find(where, prefix)
            if found is None or (address is not None and found.next_hop_ip_address != address):
                return
            begin = partial(self._clients.network.routes.begin_delete, where.group, where.name, found.name)
            with azure_errors(f"remove route {prefix} from {where.name}"):
                write(begin, f"the removal of route {prefix}")
        except CloudError as error:
            if status_of(error) != 404:  # the route is gone, or its whole table
                raise

    def _leads_there(self, where: ResourceId, prefix: str, address: str) -> bool:
        found = self._find(where, prefix)
        if found is None:
            return False
        if found.next_hop_type == "VirtualAppliance" and found.next_hop_ip_address == address:
            return True
        target = found.next_hop_ip_address or word(found.next_hop_type)
        raise Error(
            f"route table {where.name}: {prefix} leads to {target} (route {found.name}), not to {address}",
            hint="remove that route first, if it is not needed any more",
        )

    def _find(self, where: ResourceId, prefix: str) -> Any | None:
        with azure_errors(f"read route table {where.name}"):
            for route in self._clients.network.routes.list(where.group, where.name):
                if _same_prefix(route.address_prefix, prefix):
                    return route
        return None


def route_name(prefix: str) -> str:
    """The name of trunkline's route for a prefix: the same for the same prefix."""
    return f"{OURS}{prefix.replace('/', '-').replace(':', '_')}"


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
