"""ARM's REST API: what each path means."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.groups import delete_group, put_group
from trunkline_lab.azure.http import Answer, Request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.operations import SOON
from trunkline_lab.azure.provider import DEPLOYMENTS, refuse_but_tags
from trunkline_lab.azure.resources.kind import regions
from trunkline_lab.azure.resources.virtual_machines import POWER
from trunkline_lab.azure.routing import Api, on
from trunkline_lab.azure.whatif import what_if

__all__ = ["Api"]  # with every handler below registered

_SUB = "/subscriptions/(?P<sub>[^/]+)"
_GROUP = _SUB + "/resourcegroups/(?P<group>[^/]+)"
_DEPLOYMENTS = _GROUP + "/providers/microsoft.resources/deployments"
_DEPLOYMENT = _DEPLOYMENTS + "/(?P<name>[^/]+)"
_GROUPS = "Microsoft.Resources/resourceGroups"


def _id(parts: dict[str, str]) -> ResourceId:
    """The id that a path names. Raises ArmError."""
    return ResourceId.parse(f"/subscriptions/{parts['sub']}/resourceGroups/{parts['group']}/providers/{parts['path']}")


def _deployment_id(parts: dict[str, str]) -> ResourceId:
    return ResourceId(parts["sub"], parts["group"], "Microsoft.Resources", ("deployments",), (parts["name"],))


def _location(base: str, kind: str, id_: str, request: Request) -> str:
    return f"{request.base}{base}/{kind}/{id_}?api-version={request.query['api-version']}"


# Operations


@on("GET", r"(?P<base>/subscriptions/(?P<sub>[^/]+)(?:/.*)?)/operations/(?P<id>[0-9a-f-]{36})", "", "poll")
def _operation_status(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    operation = api.operations.find(parts["id"])
    return Answer(200, operation.status(), SOON if operation.state == "InProgress" else {})


@on("GET", r"(?P<base>/subscriptions/(?P<sub>[^/]+)(?:/.*)?)/operationResults/(?P<id>[0-9a-f-]{36})", "", "poll")
def _operation_result(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    operation = api.operations.find(parts["id"])
    if operation.state == "InProgress":
        return Answer(
            202, None, {**SOON, "location": f"{request.base}{request.path}?api-version={request.query['api-version']}"}
        )
    if operation.error is not None:
        raise operation.error
    body = operation.result()
    return Answer(204) if body is None else Answer(200, body)


# Subscriptions and providers


@on("GET", "/subscriptions", "Microsoft.Resources/subscriptions", "list")
def _subscriptions(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"value": [api.subscription(one) for one in api.store.subscriptions]})


@on("GET", _SUB, "Microsoft.Resources/subscriptions", "get")
def _subscription(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, api.subscription(parts["sub"]))


@on("GET", _SUB + "/locations", "Microsoft.Resources/subscriptions/locations", "list")
def _locations(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    found = [
        {"id": f"/subscriptions/{parts['sub']}/locations/{one}", "name": one, "displayName": one} for one in regions()
    ]
    return Answer(200, {"value": found})


def _namespace(api: Api, name: str, subscription: str) -> dict[str, Any]:
    """A resource provider with its types. Raises ArmError."""
    types = [type_.partition("/")[2] for type_ in api.provider.types() if same(type_.partition("/")[0], name)]
    if not types:
        raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{name}' is invalid.")
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "registrationState": "Registered",
        "resourceTypes": [{"resourceType": type_, "locations": regions(), "apiVersions": []} for type_ in types],
    }


@on("GET", _SUB + "/providers", "Microsoft.Resources/providers", "list")
def _providers(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    names = dict.fromkeys(type_.partition("/")[0] for type_ in api.provider.types())
    return Answer(200, {"value": [_namespace(api, name, parts["sub"]) for name in names]})


@on("GET", _SUB + "/providers/(?P<namespace>[^/]+)", "Microsoft.Resources/providers", "get")
@on("POST", _SUB + "/providers/(?P<namespace>[^/]+)/register", "Microsoft.Resources/providers", "register")
def _provider(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, _namespace(api, parts["namespace"], parts["sub"]))


# Resource groups


@on("GET", _SUB + "/resourcegroups", _GROUPS, "list")
def _list_groups(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    tests = _filter(request)
    found = [group.view() for group in api.store.groups(parts["sub"])]
    return Answer(200, {"value": [one for one in found if all(test(one) for test in tests)]})


@on("PUT", _GROUP, _GROUPS, "put")
def _put_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group, fresh = put_group(api.provider, parts["sub"], parts["group"], request.document())
    return Answer(201 if fresh else 200, group.view())


@on("PATCH", _GROUP, _GROUPS, "patch")
def _patch_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group = api.store.group(parts["sub"], parts["group"])
    refuse_but_tags(request.document())
    group.tags = dict(request.document().get("tags") or {})
    return Answer(200, group.view())


@on("GET", _GROUP, _GROUPS, "get")
def _get_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, api.store.group(parts["sub"], parts["group"]).view())


@on("HEAD", _GROUP, _GROUPS, "head")
def _has_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(204 if api.store.has_group(parts["sub"], parts["group"]) else 404)


@on("DELETE", _GROUP, _GROUPS, "delete")
def _delete_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group = api.store.group(parts["sub"], parts["group"])
    if group.state != "Deleting":
        group.state = "Deleting"

    async def work() -> None:
        await delete_group(api.provider, group)
        api.deployments.forget_group(group.subscription, group.name)

    base = f"/subscriptions/{parts['sub']}"
    operation = api.operations.start(base, work())
    return Answer(202, None, {**SOON, "location": _location(base, "operationresults", operation.id, request)})


@on("GET", _SUB + "/resources", "Microsoft.Resources/resources", "list")
@on("GET", _GROUP + "/resources", "Microsoft.Resources/resources", "list")
def _list_resources(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group = parts.get("group")
    if group is not None:
        api.store.group(parts["sub"], group)
    tests = _filter(request)
    found = []
    for resource in api.store.resources(parts["sub"], group):
        view = api.provider.view(resource)
        if all(test(view) for test in tests):
            del view["properties"]
            found.append(view)
    return Answer(200, {"value": found})


_CLAUSE = re.compile(r"^\s*(tagName|tagValue|resourceType|name|location|resourceGroup) eq '([^']*)'\s*$", re.I)


def _filter(request: Request) -> list[Callable[[dict[str, Any]], bool]]:
    """The tests of `$filter`, clauses joined by "and". Raises ArmError (InvalidFilterInQueryString)."""
    text = request.query.get("$filter")
    tests: list[Callable[[dict[str, Any]], bool]] = []
    clauses = [_CLAUSE.match(clause) for clause in re.split(r" and ", text)] if text else []
    tag = next((clause[2] for clause in clauses if clause and clause[1].lower() == "tagname"), None)
    for clause in clauses:
        if clause is None:
            raise invalid_request(
                "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string."
            )
        tests.append(_test(clause[1].lower(), clause[2], tag))
    return tests


def _test(name: str, value: str, tag: str | None) -> Callable[[dict[str, Any]], bool]:
    if name == "tagname":
        return lambda one: value in (one.get("tags") or {})
    if name == "tagvalue":
        return lambda one: (one.get("tags") or {}).get(tag) == value
    if name == "resourcegroup":
        return lambda one: f"/resourcegroups/{value.lower()}/" in one["id"].lower()
    key = "type" if name == "resourcetype" else name
    return lambda one: same(str(one[key]), value)


# Deployments


@on("PUT", _DEPLOYMENT, DEPLOYMENTS, "put")
def _put_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    deployment = api.deployments.read(_deployment_id(parts), request.document())
    api.deployments.check(deployment)
    fresh = api.deployments.begin(deployment)
    body = deployment.view()
    operation = api.operations.start(str(deployment.id), api.deployments.run(deployment))
    headers = {**SOON, "azure-asyncoperation": _location(operation.base, "operations", operation.id, request)}
    return Answer(201 if fresh else 200, body, headers)


@on("GET", _DEPLOYMENT, DEPLOYMENTS, "get")
def _get_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, api.deployments.find(_deployment_id(parts)).view())


@on("HEAD", _DEPLOYMENT, DEPLOYMENTS, "head")
def _has_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    try:
        api.deployments.find(_deployment_id(parts))
    except ArmError:
        return Answer(404)
    return Answer(204)


@on("DELETE", _DEPLOYMENT, DEPLOYMENTS, "delete")
def _delete_deployment(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = _deployment_id(parts)
    try:
        api.deployments.delete(id_)
    except ArmError as refused:
        if refused.code == "DeploymentNotFound":
            return Answer(204)
        raise
    base = f"/subscriptions/{parts['sub']}"
    operation = api.operations.start(base, _nothing())
    return Answer(202, None, {**SOON, "location": _location(base, "operationresults", operation.id, request)})


async def _nothing() -> None:
    """The work of an operation whose effect was there at once."""


@on("GET", _DEPLOYMENTS, DEPLOYMENTS, "list")
def _list_deployments(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    found = api.deployments.in_group(parts["sub"], parts["group"])
    wanted = re.match(r"^provisioningState eq '(\w+)'$", request.query.get("$filter", ""), re.I)
    views = [one.view() for one in found if wanted is None or same(one.state, wanted[1])]
    return Answer(200, {"value": views[: int(request.query.get("$top") or len(views))]})


@on("POST", _DEPLOYMENT + "/validate", DEPLOYMENTS, "validate")
def _validate(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    deployment = api.deployments.read(_deployment_id(parts), request.document())
    api.deployments.check(deployment)
    properties = {
        **deployment.summary(),
        "provisioningState": "Succeeded",
        "validatedResources": [{"id": str(item.id)} for item in deployment.template.wanted()],
    }
    return Answer(
        200, {"id": str(deployment.id), "name": deployment.id.name, "type": DEPLOYMENTS, "properties": properties}
    )


@on("POST", _DEPLOYMENT + "/whatIf", DEPLOYMENTS, "whatIf")
def _what_if(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    body = request.document()
    deployment = api.deployments.read(_deployment_id(parts), body)
    settings = (body["properties"].get("whatIfSettings") or {}).get("resultFormat", "FullResourcePayloads")
    found = what_if(api.deployments, deployment, ids_only=str(settings) == "ResourceIdOnly")
    base = f"/subscriptions/{parts['sub']}"
    operation = api.operations.start(base, _nothing(), lambda: found)
    return Answer(202, None, {**SOON, "location": _location(base, "operationresults", operation.id, request)})


@on("POST", _DEPLOYMENT + "/cancel", DEPLOYMENTS, "cancel")
def _cancel(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    api.deployments.cancel(_deployment_id(parts))
    return Answer(204)


@on("POST", _DEPLOYMENT + "/exportTemplate", DEPLOYMENTS, "exportTemplate")
def _export(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"template": api.deployments.find(_deployment_id(parts)).template.source})


# The SDK leaves "/providers/Microsoft.Resources" out of these two.
_STEPS = _GROUP + "(?:/providers/microsoft.resources)?/deployments/(?P<name>[^/]+)/operations"


@on("GET", _STEPS, DEPLOYMENTS + "/operations", "list")
def _list_steps(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"value": [step.view() for step in api.deployments.find(_deployment_id(parts)).steps]})


@on("GET", _STEPS + "/(?P<step>[^/]+)", DEPLOYMENTS + "/operations", "get")
def _get_step(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    for step in api.deployments.find(_deployment_id(parts)).steps:
        if same(step.id, parts["step"]):
            return Answer(200, step.view())
    raise ArmError(
        404, "DeploymentOperationNotFound", f"The deployment operation '{parts['step']}' could not be found."
    )


# Resources of every type

_RESOURCE = _GROUP + "/providers/(?P<path>[^/]+(?:/[^/]+/[^/]+)+)"
_COLLECTION = _GROUP + "/providers/(?P<path>[^/]+(?:/[^/]+/[^/]+)*/[^/]+)"


def _lro(api: Api, request: Request, id_: ResourceId, work: Any, location: bool = False) -> dict[str, str]:
    """Begin the slow part of a change; the headers that tell where to ask."""
    found = api.store.find(id_)
    region = found.document["location"] if found else "global"
    base = f"/subscriptions/{id_.subscription}/providers/{id_.namespace}/locations/{region}"
    operation = api.operations.start(base, work)
    headers = {**SOON, "azure-asyncoperation": _location(base, "operations", operation.id, request)}
    if location:
        headers["location"] = _location(base, "operationResults", operation.id, request)
    return headers


@on("POST", _RESOURCE + "/(?P<action>[^/]+)", "", "")
def _action(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_, action = _id(parts), parts["action"]
    power = next((state for name, state in POWER.items() if same(name, action)), None)
    if power is None or not same(id_.type, api.provider.machines.type):
        raise ArmError(404, "InvalidResourceAction", f"The action '{action}' is unknown for {id_.type}.")
    change = api.provider.power(id_, power)
    return Answer(202, None, _lro(api, request, id_, api.provider.finish_put(change), location=True))


@on("GET", _RESOURCE + "/instanceView", "", "get")
def _instance_view(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = _id(parts)
    api.provider.get(id_)
    found = api.store.find(id_)
    if found is None or not same(id_.type, api.provider.machines.type):
        raise ArmError(404, "InvalidResourceType", f"{id_.type} has no instance view.")
    return Answer(200, api.provider.machines.instance_view(found))


@on("PUT", _RESOURCE, "", "put")
def _put(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    change = api.provider.put(
        _id(parts), request.document(), request.headers.get("if-match"), request.headers.get("if-none-match")
    )
    body = api.provider.get(change.id)
    return Answer(201 if change.fresh else 200, body, _lro(api, request, change.id, api.provider.finish_put(change)))


@on("PATCH", _RESOURCE, "", "patch")
def _patch(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    change = api.provider.tag(_id(parts), request.document())
    api.operations.spawn(api.provider.finish_put(change))
    return Answer(200, api.provider.get(change.id))


@on("GET", _RESOURCE, "", "get")
def _get(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = _id(parts)
    body = api.provider.get(id_)
    found = api.store.find(id_)
    if found is not None and request.query.get("$expand") == "instanceView" and "vmId" in body["properties"]:
        body["properties"]["instanceView"] = api.provider.machines.instance_view(found)
    return Answer(200, body)


@on("HEAD", _RESOURCE, "", "head")
def _has(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(204 if api.provider.exists(_id(parts)) else 404)


@on("DELETE", _RESOURCE, "", "delete")
def _delete(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    id_ = _id(parts)
    change = api.provider.delete(id_, request.headers.get("if-match"))
    if change is None:
        return Answer(204)
    return Answer(202, None, _lro(api, request, id_, api.provider.finish_delete(change), location=True))


@on("GET", _COLLECTION, "", "list")
def _list(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    namespace, *rest = parts["path"].split("/")
    if len(rest) == 1:
        return Answer(200, {"value": api.provider.all_of(f"{namespace}/{rest[0]}", parts["sub"], parts["group"])})
    parent = _id({**parts, "path": "/".join([namespace, *rest[:-1]])})
    return Answer(200, {"value": api.provider.children(parent, rest[-1])})


@on("GET", _SUB + "/providers/(?P<path>[^/]+/[^/]+)", "", "list")
def _list_all(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"value": api.provider.all_of(parts["path"], parts["sub"], None)})
