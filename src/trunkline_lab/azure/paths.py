"""The beginnings of ARM's paths, and what handlers of all kinds share."""

from __future__ import annotations

from trunkline_lab.azure.http import Request
from trunkline_lab.azure.ids import ResourceId

SUBSCRIPTION = "/subscriptions/(?P<sub>[^/]+)"
GROUP = SUBSCRIPTION + "/resourcegroups/(?P<group>[^/]+)"
# A resource group, or the whole subscription.
PLACE = SUBSCRIPTION + "(?:/resourcegroups/(?P<group>[^/]+))?"


def resource_id(parts: dict[str, str]) -> ResourceId:
    """The id that a path names. Raises ArmError."""
    group = f"/resourceGroups/{parts['group']}" if parts.get("group") else ""
    return ResourceId.parse(f"/subscriptions/{parts['sub']}{group}/providers/{parts['path']}")


def deployment_id(parts: dict[str, str]) -> ResourceId:
    """The id of the deployment that a path names."""
    group = parts.get("group") or ""
    return ResourceId(parts["sub"], group, "Microsoft.Resources", ("deployments",), (parts["name"],))


def location(base: str, kind: str, id_: str, request: Request) -> str:
    """The address where an operation is asked for."""
    return f"{request.base}{base}/{kind}/{id_}?api-version={request.query['api-version']}"
