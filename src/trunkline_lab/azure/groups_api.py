"""Subscriptions, providers, resource groups, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.groups import delete_group, put_group
from trunkline_lab.azure.http import Answer, Request
from trunkline_lab.azure.ids import GROUPS, same
from trunkline_lab.azure.operations import SOON
from trunkline_lab.azure.paths import GROUP, SUBSCRIPTION, location
from trunkline_lab.azure.provider import refuse_but
from trunkline_lab.azure.resources.kind import regions
from trunkline_lab.azure.routing import Api, on
from trunkline_lab.azure.versions import known_range


@on("GET", "/subscriptions", "Microsoft.Resources/subscriptions", "list")
def _subscriptions(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, {"value": [api.subscription(one) for one in api.store.subscriptions]})


@on("GET", SUBSCRIPTION, "Microsoft.Resources/subscriptions", "get")
def _subscription(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, api.subscription(parts["sub"]))


@on("GET", SUBSCRIPTION + "/locations", "Microsoft.Resources/subscriptions/locations", "list")
def _locations(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    found = [
        {"id": f"/subscriptions/{parts['sub']}/locations/{one}", "name": one, "displayName": one} for one in regions()
    ]
    return Answer(200, {"value": found})


def _versions(namespace: str, type_: str) -> list[str]:
    """The last and the first API version that the type knows."""
    return list(reversed(known_range(f"{namespace}/{type_}")))


def _namespace(api: Api, name: str, subscription: str) -> dict[str, Any]:
    """A resource provider with its types. Raises ArmError."""
    types = [type_.partition("/")[2] for type_ in api.provider.types() if same(type_.partition("/")[0], name)]
    if not types:
        raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{name}' is invalid.")
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "registrationState": "Registered",
        "resourceTypes": [
            {"resourceType": type_, "locations": regions(), "apiVersions": _versions(name, type_)} for type_ in types
        ],
    }


@on("GET", SUBSCRIPTION + "/providers", "Microsoft.Resources/providers", "list")
def _providers(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    names = dict.fromkeys(type_.partition("/")[0] for type_ in api.provider.types())
    return Answer(200, {"value": [_namespace(api, name, parts["sub"]) for name in names]})


@on("GET", SUBSCRIPTION + "/providers/(?P<namespace>[^/]+)", "Microsoft.Resources/providers", "get")
@on("POST", SUBSCRIPTION + "/providers/(?P<namespace>[^/]+)/register", "Microsoft.Resources/providers", "register")
def _provider(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, _namespace(api, parts["namespace"], parts["sub"]))


# Resource groups


@on("GET", SUBSCRIPTION + "/resourcegroups", GROUPS, "list")
def _list_groups(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    tests = _filter(request, _TAGS)
    found = [group.view() for group in api.store.groups(parts["sub"])]
    return Answer(200, {"value": [one for one in found if all(test(one) for test in tests)]})


@on("PUT", GROUP, GROUPS, "put")
def _put_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group, fresh = put_group(api.provider, parts["sub"], parts["group"], request.document())
    return Answer(201 if fresh else 200, group.view())


@on("PATCH", GROUP, GROUPS, "patch")
def _patch_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group = api.store.group(parts["sub"], parts["group"])
    refuse_but(frozenset({"tags"}), request.document())
    group.tags = dict(request.document().get("tags") or {})
    return Answer(200, group.view())


@on("GET", GROUP, GROUPS, "get")
def _get_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(200, api.store.group(parts["sub"], parts["group"]).view())


@on("HEAD", GROUP, GROUPS, "head")
def _has_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    return Answer(204 if api.store.has_group(parts["sub"], parts["group"]) else 404)


@on("DELETE", GROUP, GROUPS, "delete")
def _delete_group(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group = api.store.group(parts["sub"], parts["group"])
    if group.state != "Deleting":
        group.state = "Deleting"

    async def work() -> None:
        await delete_group(api.provider, group)
        api.deployments.forget_group(group.subscription, group.name)

    base = f"/subscriptions/{parts['sub']}"
    operation = api.operations.start(base, work())
    return Answer(202, None, {**SOON, "location": location(base, "operationresults", operation.id, request)})


@on("GET", SUBSCRIPTION + "/resources", "Microsoft.Resources/resources", "list")
@on("GET", GROUP + "/resources", "Microsoft.Resources/resources", "list")
def _list_resources(api: Api, request: Request, parts: dict[str, str]) -> Answer:
    group = parts.get("group")
    if group:
        api.store.group(parts["sub"], group)
    tests = _filter(request)
    found = []
    for resource in api.store.resources(parts["sub"], group or None):
        view = api.provider.view(resource)
        if all(test(view) for test in tests):
            del view["properties"]
            found.append(view)
    return Answer(200, {"value": found})


_CLAUSE = re.compile(r"^\s*(tagName|tagValue|resourceType|name|location|resourceGroup) eq '([^']*)'\s*$", re.I)


# What groups can be asked for (Azure/azure-sdk-for-go#2480), and what goes with no other clause
# (Azure/azure-sdk-for-net#2757).
_TAGS = frozenset({"tagname", "tagvalue"})


def _filter(request: Request, known: frozenset[str] = frozenset()) -> list[Callable[[dict[str, Any]], bool]]:
    """The tests of `$filter`, clauses joined by "and". Raises ArmError (InvalidFilterInQueryString).

    Parameters:
        request: The request.
        known: The clauses that there are, in lower case; all when there is none.
    """
    text = request.query.get("$filter")
    tests: list[Callable[[dict[str, Any]], bool]] = []
    clauses = [_CLAUSE.match(clause) for clause in re.split(r" and ", text)] if text else []
    tag = next((clause[2] for clause in clauses if clause and clause[1].lower() == "tagname"), None)
    named = {clause[1].lower() for clause in clauses if clause}
    mixed = bool(named & _TAGS and named - _TAGS)
    for clause in clauses:
        if clause is None or mixed or (known and clause[1].lower() not in known):
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
