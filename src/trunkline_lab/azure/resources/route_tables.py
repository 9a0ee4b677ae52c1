"""Microsoft.Network/routeTables and their routes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.addresses import any_address, any_prefix
from trunkline_lab.azure.resources.kind import Children, Kind, Site, inline, unconvertible
from trunkline_lab.azure.resources.service_tags import is_tag
from trunkline_lab.azure.store import Document, Resource

_HOPS = ("VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None")


class RouteTables(Kind):
    """Route tables. A PUT replaces all routes, also those that were added one by one."""

    type: ClassVar[str] = "Microsoft.Network/routeTables"
    known: ClassVar[frozenset[str]] = frozenset({"routes", "disableBgpRoutePropagation", "subnets"})
    children: ClassVar[Mapping[str, Children]] = {
        "routes": Children(
            "routes",
            frozenset({"addressPrefix", "nextHopType", "nextHopIpAddress", "hasBgpOverride"}),
            "Microsoft.Network/routeTables/routes",
        )
    }

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        self._routes(id_, body)

    def _routes(self, id_: ResourceId, body: Document) -> list[Document]:
        """The table's routes with their defaults. Raises ArmError."""
        routes = [_route(item) for item in inline(id_, self.children["routes"], "routes", body.get("properties") or {})]
        for one, other in combinations(routes, 2):
            if one["properties"]["addressPrefix"] == other["properties"]["addressPrefix"]:
                raise invalid_request(
                    "RouteConflict",
                    f"Route: {other['name']} conflicts with Route: {one['name']}. Routes cannot have the same "
                    "AddressPrefix.",
                    other["id"],
                )
        return routes

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        return {
            "disableBgpRoutePropagation": bool((body.get("properties") or {}).get("disableBgpRoutePropagation", False)),
            "routes": self._routes(id_, body),
        }

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a table that a subnet uses. Raises ArmError."""
        users = site.store.users(str(resource.id))
        if users:
            raise ArmError(
                400,
                "InUseRouteTableCannotBeDeleted",
                f"Route table {resource.id.name} is in use and cannot be deleted: {', '.join(users)}.",
            )

    def view(self, site: Site, resource: Resource) -> Document:
        """The table, with the subnets that use it."""
        document = super().view(site, resource)
        users = site.store.users(str(resource.id))
        if users:
            document["properties"]["subnets"] = [{"id": user} for user in users]
        return document


def _destination(value: object, id_: str) -> str:
    """A route's destination: a network of either version, or the name of a service. Raises ArmError."""
    return str(value) if is_tag(value) else str(any_prefix(value, id_))


def _route(item: Document) -> Document:
    """One route with its defaults. Raises ArmError."""
    given, id_ = item["properties"], item["id"]
    hop = next((known for known in _HOPS if known.lower() == str(given.get("nextHopType")).lower()), None)
    if hop is None:
        raise unconvertible(given.get("nextHopType"), "NextHopType", "nextHopType", id_)
    properties: Document = {"addressPrefix": _destination(given.get("addressPrefix"), id_), "nextHopType": hop}
    if hop == "VirtualAppliance" and not given.get("nextHopIpAddress"):
        raise invalid_request(
            "MissingNextHopIpAddress",
            f"NextHopIpAddress cannot be Null or Empty in route {item['name']} when NextHopType is VirtualAppliance.",
            id_,
        )
    if hop == "VirtualAppliance":
        properties["nextHopIpAddress"] = str(any_address(given.get("nextHopIpAddress"), id_))
    elif given.get("nextHopIpAddress"):
        raise invalid_request(
            "RouteNextHopIpAddressNotAllowed",
            f"Route {id_} has a next hop address, which only the next hop type VirtualAppliance takes.",
            id_,
        )
    properties["hasBgpOverride"] = False
    return {**item, "properties": properties}
