"""Reading ARM's what-if: is there a change, what does it come to, and what of ours would it take away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trunkline.clouds.azure.ids import OURS
from trunkline.clouds.azure.words import word

_CHILDREN = {
    "microsoft.network/routetables": ("routes", "Microsoft.Network/routeTables/routes"),
    "microsoft.network/networksecuritygroups": (
        "securityRules",
        "Microsoft.Network/networkSecurityGroups/securityRules",
    ),
}
_READ_ONLY = ("provisioningState", "etag", "id", "resourceGuid", "hasBgpOverride")


def is_change(change: Any) -> bool:
    """Whether a WhatIfChange would do anything that matters.

    What ARM cannot predict (Unsupported) is no change by itself, nor is the removal of routes and rules that
    trunkline itself added beside the template.
    """
    if change.change_type == "Modify":
        return any(_matters(delta) for delta in change.delta or ())
    return change.change_type in ("Create", "Delete", "Deploy")


def existing(changes: Iterable[Any]) -> list[str]:
    """The ids of resources that are there already although the deployment is to make them."""
    return [str(c.resource_id) for c in changes if c.change_type in ("Modify", "NoChange", "Delete")]


def carried(changes: Iterable[Any], api_version: str) -> list[dict[str, Any]]:
    """Trunkline's own routes and rules that the deployment would remove, as resources to deploy along with it.

    A route table (or NSG) that is deployed anew loses what is not in its template; so these go into the same
    deployment, right behind their parent. Temporary rules do not: one that its run closes meanwhile would be
    opened again, and nobody would close it.
    """
    return [
        {
            "type": kind,
            "apiVersion": api_version,
            "name": f"{parent.rsplit('/', 1)[-1]}/{child['name']}",
            "dependsOn": [parent],
            "properties": {k: v for k, v in child.get("properties", {}).items() if k not in _READ_ONLY},
        }
        for parent, kind, child in _removed(changes)
    ]


def lines(changes: Iterable[Any], secrets: Iterable[object] = ()) -> Iterator[str]:
    """Changes as text: a line for each resource, and one for each property that changes.

    Parameters:
        secrets: Values that are shown as (secret).
    """
    hidden = [str(secret) for secret in secrets if secret]
    for change in changes:
        if change.change_type == "NoChange" or (change.change_type == "Modify" and not is_change(change)):
            continue
        if change.change_type == "Ignore":
            continue
        verb = word(change.change_type).lower()
        yield f"{verb} {_label(str(change.resource_id or change.symbolic_name))}"
        for line in _property_lines(change):
            for secret in hidden:
                line = line.replace(secret, "(secret)")
            yield f"    {line}"


def _matters(delta: Any) -> bool:
    if delta.property_change_type == "NoEffect":
        return False
    if delta.property_change_type == "Delete" and _is_ours(delta.before):
        return False
    if delta.children:
        return any(_matters(child) for child in delta.children)
    return True


def _is_ours(element: Any) -> bool:
    return isinstance(element, Mapping) and str(element.get("name", "")).startswith(OURS)


def _is_temporary(element: Mapping[str, Any]) -> bool:
    return " expires=" in str((element.get("properties") or {}).get("description", ""))


def _removed(changes: Iterable[Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for change in changes:
        kind = "/".join(_type_and_name(str(change.resource_id))[0]).lower()
        if change.change_type != "Modify" or kind not in _CHILDREN:
            continue
        before = change.before or {}
        after = {e.get("name") for e in _elements(change.after, _CHILDREN[kind][0])}
        for element in _elements(before, _CHILDREN[kind][0]):
            if _is_ours(element) and element["name"] not in after and not _is_temporary(element):
                yield str(change.resource_id), _CHILDREN[kind][1], element


def _elements(resource: Mapping[str, Any] | None, collection: str) -> list[Mapping[str, Any]]:
    return list(((resource or {}).get("properties") or {}).get(collection) or ())


def _property_lines(change: Any) -> Iterator[str]:
    if change.change_type == "Create":
        for path, value in _flat(change.after or {}):
            if path not in ("id", "name", "type", "apiVersion", "resourceGroup"):
                yield f"{path} = {value}"
    for delta in change.delta or ():
        yield from _delta_lines(delta, "")


def _delta_lines(delta: Any, prefix: str) -> Iterator[str]:
    path = f"{prefix}[{delta.path}]" if re.fullmatch(r"\d+", str(delta.path)) else f"{prefix}.{delta.path}".lstrip(".")
    if not _matters(delta):
        return
    if delta.children:
        for child in delta.children:
            yield from _delta_lines(child, path)
    elif delta.property_change_type == "Create":
        yield f"{path} = {_text(delta.after)} (new)"
    elif delta.property_change_type == "Delete":
        yield f"{path}: {_text(delta.before)} removed"
    else:
        yield f"{path}: {_text(delta.before)} -> {_text(delta.after)}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)) and any(isinstance(inner, (Mapping, list)) for inner in value):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{index}]")
    else:
        yield path, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "name" in value:
        return str(value["name"])
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _label(resource_id: str) -> str:
    kinds, names = _type_and_name(resource_id)
    return f"{'/'.join(kinds)} {'/'.join(names)}" if kinds else resource_id


def _type_and_name(resource_id: str) -> tuple[list[str], list[str]]:
    """Type and name, each in parts: what stands behind the last /providers/ of a resource id."""
    parts = resource_id.rpartition("/providers/")[2].split("/")
    return [parts[0], *parts[1::2]] if len(parts) > 2 else [], parts[2::2]
