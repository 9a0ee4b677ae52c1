"""Resources of every type: PUT, PATCH, GET, HEAD, DELETE, LIST and their actions."""

from __future__ import annotations

from typing import Any

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.http import Answer, Request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.operations import SOON
from trunkline_lab.azure.paths import GROUP, PLACE, SUBSCRIPTION, location, resource_id
from trunkline_lab.azure.resources.virtual_machines import POWER
from trunkline_lab.azure.routing import Api, on

_RESOURCE = PLACE + "/providers/(?P<path>[^/]+(?:/[^/]+/[^/]+)+)"
_COLLECTION = GROUP + "/providers/(?P<path>[^/]+(?:/[^/]+/[^/]+)*/[^/]+)"


def _lro(api: Api, request: Request, id_: ResourceId, work: Any, located: bool = False) -> dict[str, str]:
    """Begin the slow part of a change; the headers that tell where to ask."""
    found = api.store.find(id_)
    region = found.document.get("location", "global") if found else "global"
    base = f"/subscriptions/{id_.subscription}/providers/{id_.namespace}/locations/{region}"
    operation = api.operations.start(base, work)
    headers = {**SOON, "azure-asyncoperation": location(base, "operations", operation.id, request)}
    if located:
        headers["location"] = location(base, "operationResults", operation.id, request)
    return headers


@on("POST", _RESOURCE + "/(?P<action>[^/]+)", "", "")
def _action(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_, action = resource_id(parts), parts["action"]
    power = next((state for name, state in POWER.items() if same(name, action)), None)
    if action.lower().startswith("list"):
        return Answer(200, api.provider.listed(id_, action))
    if power is None or not same(id_.type, api.provider.machines.type):
        words = f"No HTTP resource was found that matches the request URI '{id_}/{action}'."
        raise ArmError(404, "NotFound", words)
    change = api.provider.power(id_, power)
    return Answer(202, None, _lro(api, request, id_, api.provider.finish_put(change), located=True))


@on("GET", _RESOURCE + "/instanceView", "", "get")
def _instance_view(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = resource_id(parts)
    api.provider.get(id_)
    found = api.store.find(id_)
    if found is None or not same(id_.type, api.provider.machines.type):
        raise ArmError(404, "InvalidResourceType", f"{id_.type} has no instance view.")
    return Answer(200, api.provider.machines.instance_view(found))


@on("PUT", _RESOURCE, "", "put")
def _put(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    match, none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    version = request.query["api-version"]
    change = api.provider.put(resource_id(parts), request.document(), match, none_match, version)
    body = api.provider.get(change.id)
    status = change.created if change.fresh else 200
    return Answer(status, body, _lro(api, request, change.id, api.provider.finish_put(change)))


@on("PATCH", _RESOURCE, "", "patch")
def _patch(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    body = request.document()
    change = api.provider.patch(resource_id(parts), body, request.headers.get("if-match"))
    told = api.provider.get(change.id)
    if set(body) <= {"tags"}:
        api.operations.spawn(api.provider.finish_put(change))
        return Answer(200, told)
    return Answer(200, told, _lro(api, request, change.id, api.provider.finish_put(change)))


@on("GET", _RESOURCE, "", "get")
def _get(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = resource_id(parts)
    body = api.provider.get(id_)
    found = api.store.find(id_)
    if found is not None and request.query.get("$expand") == "instanceView" and "vmId" in body["properties"]:
        body["properties"]["instanceView"] = api.provider.machines.instance_view(found)
    return Answer(200, body)


@on("HEAD", _RESOURCE, "", "head")
def _has(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(204 if api.provider.exists(resource_id(parts)) else 404)


@on("DELETE", _RESOURCE, "", "delete")
def _delete(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = resource_id(parts)
    change = api.provider.delete(id_, request.headers.get("if-match"))
    if change is None:
        return Answer(204)
    return Answer(202, None, _lro(api, request, id_, api.provider.finish_delete(change), located=True))


@on("GET", _COLLECTION, "", "list")
def _list(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    namespace, *rest = parts["path"].split("/")
    if len(rest) == 1:
        return Answer(200, {"value": api.provider.all_of(f"{namespace}/{rest[0]}", parts["sub"], parts["group"])})
    parent = resource_id({**parts, "path": "/".join([namespace, *rest[:-1]])})
    return Answer(200, {"value": api.provider.children(parent, rest[-1])})


@on("GET", SUBSCRIPTION + "/providers/(?P<path>[^/]+/[^/]+)", "", "list")
def _list_all(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"value": api.provider.all_of(parts["path"], parts["sub"], None)})
