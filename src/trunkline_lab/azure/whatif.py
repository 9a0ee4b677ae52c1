"""What-if: what a deployment would change, down to single properties.

Both sides are documents as the cloud would store them, so defaults that Azure fills in make no noise.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from trunkline_lab.azure.deployment import Deployment
from trunkline_lab.azure.deployments import Deployments
from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.reading import groups_in
from trunkline_lab.azure.store import Document
from trunkline_lab.azure.template import Item

_SECRETS = {"adminPassword"}


def what_if(deployments: Deployments, deployment: Deployment, ids_only: bool = False) -> Document:
    """The result of a what-if of `deployment`, which changes nothing. Raises ArmError as a deployment would."""
    deployments.check(deployment)
    with deployments.provider.site.store.lock:
        changes = list(_changes(deployments, deployment))
    touched = {ResourceId.parse(change["resourceId"]).top.key for change in changes}
    subscription, group = deployment.template.place.group_path
    for resource in deployments.provider.site.store.resources(subscription, group) if group else ():
        if resource.id.key not in touched:
            kind = "Delete" if deployment.mode == "Complete" else "Ignore"
            changes.append(
                {"resourceId": str(resource.id), "changeType": kind, "before": _safe(resource.document)}
                | ({} if kind == "Delete" else {"after": _safe(resource.document)})
            )
    if ids_only:
        changes = [{"resourceId": one["resourceId"], "changeType": _coarse(one["changeType"])} for one in changes]
    changes.sort(key=lambda change: str(change["resourceId"]).lower())
    return {"status": "Succeeded", "properties": {"correlationId": deployment.correlation, "changes": changes}}


def _coarse(kind: str) -> str:
    return "Deploy" if kind in ("Modify", "NoChange") else kind


def _changes(deployments: Deployments, deployment: Deployment) -> Iterator[Document]:
    """One change a resource, those of nested deployments among them."""
    reference = deployments.reference(deployment.template)
    for item in deployment.template.wanted():
        item = replace(item, scope=replace(item.scope, lenient=True))
        if item.nested:
            yield from _changes(deployments, deployments.nested(item, reference, deployment, groups_in(deployment)))
            continue
        if not deployments.provider.exists(item.id):
            shown = _redacted(item).body(reference)
            after = {
                "id": str(item.id),
                "type": item.id.type,
                "name": item.id.path_name,
                "apiVersion": item.api_version,
            }
            yield {"resourceId": str(item.id), "changeType": "Create", "after": {**after, **shown}}
            continue
        yield _change(deployments, item, item.body(reference))


def _redacted(item: Item) -> Item:
    """The item as it would be with its secret parameters hidden."""
    scope = item.scope
    values = {name: _hide(value) if name in scope.secrets else value for name, value in scope.parameters.items()}
    return replace(item, scope=replace(scope, parameters=values))


def _hide(value: Any) -> Any:
    """A value of the same shape, so that expressions on it still work."""
    if isinstance(value, dict):
        return {name: _hide(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_hide(part) for part in value]
    return "*" * len(value) if isinstance(value, str) else value


def _change(deployments: Deployments, item: Item, body: Document) -> Document:
    """The change to a resource that is there."""
    provider = deployments.provider
    if item.id.is_group:
        return _group_change(provider.get(item.id), body)
    current = provider.site.store.find(item.id)
    assert current is not None
    try:
        _, whole = provider.compose(item.id, body, replace(provider.site, dry=True, version=item.api_version))
    except ArmError as refused:
        return {"resourceId": str(item.id), "changeType": "Unsupported", "unsupportedReason": refused.message}
    before, after = (_safe(_part(document, item.id)) for document in (current.document, whole))
    delta = _delta(before, after)
    change: Document = {
        "resourceId": str(item.id),
        "changeType": "Modify" if delta else "NoChange",
        "before": before,
        "after": after,
    }
    return {**change, "delta": delta} if delta else change


def _group_change(before: Document, body: Document) -> Document:
    """The change to a resource group, of which only the tags can change."""
    after = {**before, "tags": body.get("tags") or {}}
    delta = _delta(before, after)
    change: Document = {
        "resourceId": before["id"],
        "changeType": "Modify" if delta else "NoChange",
        "before": before,
        "after": after,
    }
    return {**change, "delta": delta} if delta else change


def _part(document: Document, id_: ResourceId) -> Document:
    """The resource's document, or the child's in it."""
    if len(id_.types) == 1:
        return document
    items = document["properties"][id_.types[-1]]
    return next(item for item in items if same(item["name"], id_.name))


def _safe(document: Document) -> Document:
    """A copy without secrets."""

    def clean(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: clean(value) for name, value in node.items() if name not in _SECRETS}
        return [clean(item) for item in node] if isinstance(node, list) else copy.copy(node)

    cleaned: Document = clean(document)
    return cleaned


def _delta(before: Document, after: Document, path: str = "") -> list[Document]:
    """The properties that differ, by dotted path."""
    found: list[Document] = []
    for name in [*before, *(name for name in after if name not in before)]:
        here = f"{path}.{name}" if path else name
        old, new = before.get(name), after.get(name)
        if name in before and name in after:
            found += _difference(here, old, new)
        elif name in after:
            found.append({"path": here, "propertyChangeType": "Create", "after": new})
        else:
            found.append({"path": here, "propertyChangeType": "Delete", "before": old})
    return found


def _difference(path: str, old: Any, new: Any) -> list[Document]:
    """The difference of two values of one property: none, or one entry, or those further in."""
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return _delta(old, new, path)
    if isinstance(old, list) and isinstance(new, list):
        return [
            {"path": path, "propertyChangeType": "Array", "before": old, "after": new, "children": _elements(old, new)}
        ]
    return [{"path": path, "propertyChangeType": "Modify", "before": old, "after": new}]


def _elements(old: list[Any], new: list[Any]) -> list[Document]:
    """The elements that differ; those with names are compared by name, others by place."""
    before, after = _keyed(old), _keyed(new)
    found: list[Document] = []
    for at, (key, value) in enumerate(before.items()):
        if key not in after:
            found.append({"path": str(at), "propertyChangeType": "Delete", "before": value})
        elif after[key] != value:
            children = _delta(value, after[key]) if isinstance(value, dict) and isinstance(after[key], dict) else []
            found.append(
                {
                    "path": str(at),
                    "propertyChangeType": "Modify",
                    "before": value,
                    "after": after[key],
                    "children": children,
                }
            )
    for at, (key, value) in enumerate(after.items()):
        if key not in before:
            found.append({"path": str(at), "propertyChangeType": "Create", "after": value})
    return found


def _keyed(items: list[Any]) -> dict[str, Any]:
    named = all(isinstance(item, dict) and "name" in item for item in items)
    return {str(item["name"]).lower() if named else str(at): item for at, item in enumerate(items)}
