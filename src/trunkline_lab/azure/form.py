"""A template's form: which sections and properties it may have, and its resources one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.language.scope import VariableLoop
from trunkline_lab.azure.store import Document

_SECTIONS = {
    "$schema", "contentVersion", "apiProfile", "metadata", "parameters", "variables", "functions", "resources",
    "outputs", "languageVersion", "definitions", "imports", "extensions", "asserts",
}  # fmt: skip
_RESOURCE = {
    "type", "apiVersion", "name", "location", "tags", "dependsOn", "condition", "copy", "properties", "sku", "zones",
    "plan", "kind", "identity", "comments", "resources", "resourceGroup", "subscriptionId", "scope", "metadata",
    "existing", "id",
}  # fmt: skip
_SPELT = {name.lower(): name for name in _RESOURCE}
# Sections that would change what a template means, and that the lab refuses instead of passing them over.
_REFUSED = ("imports", "extensions", "asserts")
# The profiles of API versions: https://learn.microsoft.com/azure-stack/user/azure-stack-profiles-azure-resource-manager-versions
_PROFILES = {
    "latest", "2015-sample", "2017-03-09-profile", "2017-03-09-profile-preview", "2018-03-01-hybrid",
    "2018-06-01-profile", "2019-03-01-hybrid", "2020-09-01-hybrid",
}  # fmt: skip


def check_form(source: Any) -> None:
    """Refuse what is no template. Raises ArmError."""
    if not isinstance(source, dict):
        raise invalid_template("The template is missing, or is no object")
    for name in ("$schema", "contentVersion", "resources"):
        if name not in source:
            raise _unread(f"Required property '{name}' not found in JSON. Path 'properties.template'.")
    strangers = set(source) - _SECTIONS
    if strangers:
        raise _unread(
            f"Could not find member '{min(strangers)}' on object of type 'Template'. "
            f"Path 'properties.template.{min(strangers)}'."
        )
    for name in _REFUSED:
        if source.get(name):
            raise invalid_template(f"The template's section '{name}' is not taken by the lab's Azure")
    for name, output in (source.get("outputs") or {}).items():
        if not isinstance(output, dict) or not isinstance(output.get("type", output.get("$ref")), str):
            raise invalid_template(f"The template output '{name}' is an object with a type and a value")
    if source.get("apiProfile") is not None and source["apiProfile"] not in _PROFILES:
        raise invalid_template(
            f"The apiProfile '{source['apiProfile']}' is not one of '{', '.join(sorted(_PROFILES))}'"
        )
    _check_language(source)


def _check_language(source: Document) -> None:
    """Hold the resources to the language version: a list in 1.0, an object by symbol in 2.0. Raises ArmError."""
    version = source.get("languageVersion", "1.0")
    if version not in ("1.0", "2.0"):
        raise invalid_template(f"The languageVersion '{version}' is not taken by the lab's Azure: 1.0 and 2.0 are")
    wanted = dict if version == "2.0" else list
    if not isinstance(source["resources"], wanted):
        words = "an object of resources by symbolic name" if version == "2.0" else "a list of resources"
        raise invalid_template(f"The template's resources are {words} in the language version {version}")


def symbolic(source: Document) -> bool:
    """Whether resources have symbolic names."""
    return isinstance(source["resources"], dict)


def _unread(words: str) -> ArmError:
    return ArmError(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{words}'."
    )


def variables(source: Document) -> dict[str, Any]:
    """The template's variables by lower-case name, its copy loops among them."""
    found = dict(source.get("variables") or {})
    loops = found.pop("copy", [])
    made: dict[str, Any] = {name.lower(): value for name, value in found.items()}
    for loop in loops:
        made[str(loop.get("name")).lower()] = VariableLoop(loop)
    return made


def functions(source: Document) -> dict[str, Any]:
    """The template's own functions by lower-case "namespace.name"."""
    return {
        f"{space['namespace']}.{name}".lower(): function
        for space in source.get("functions") or []
        for name, function in (space.get("members") or {}).items()
    }


def resources(source: Document) -> Iterator[tuple[str, Document, Any]]:
    """All resources, nested ones with their full type and name.

    Yields:
        Its symbolic name ("" where there is none), the resource, and the `copy` of what it stands in (or None).
    """
    yield from _flat(source["resources"], bool(source.get("apiProfile")))


def _flat(
    listed: Any, profiled: bool, parent: Document | None = None, above: str = "", around: Any = None
) -> Iterator[tuple[str, Document, Any]]:
    named = listed.items() if isinstance(listed, dict) else (("", raw) for raw in listed)
    for symbol, raw in named:
        if not isinstance(raw, dict):
            raise invalid_template("A resource of the template is an object")
        # However it is spelt (https://github.com/Azure/azure-quickstart-templates/pull/5849).
        raw = {_SPELT.get(name.lower(), name): value for name, value in raw.items()}
        raw = {"apiVersion": "profile", **raw} if profiled else raw
        _check_resource(raw)
        if parent is not None:
            raw = _under(parent, raw)
        full = f"{above}::{symbol}" if above and symbol else symbol
        yield full, raw, around
        yield from _flat(raw.get("resources") or [], profiled, raw, full, raw.get("copy") or around)


def _check_resource(raw: Document) -> None:
    """Refuse a resource without type, name or version, or with a property that none has. Raises ArmError."""
    for name in ("type", "name", "apiVersion"):
        if not isinstance(raw.get(name), str):
            raise invalid_template(f"The template resource '{raw.get('name')}' needs the property '{name}'")
    strangers = {name for name, value in raw.items() if name not in _RESOURCE and value is not None}
    if strangers:
        raise invalid_template(f"The template resource '{raw['name']}' has the unknown property '{min(strangers)}'")


def _under(parent: Document, raw: Document) -> Document:
    """A nested resource with its full type and name; some templates write both in full themselves."""
    if raw["type"].lower().startswith(parent["type"].lower() + "/"):
        return raw
    return {**raw, "type": f"{parent['type']}/{raw['type']}", "name": _join(parent["name"], raw["name"])}


def _join(parent: str, name: str) -> str:
    """The name of a nested resource; each of the two may be an expression."""
    if not parent.startswith("[") and not name.startswith("["):
        return f"{parent}/{name}"
    one, other = (part[1:-1] if part.startswith("[") else f"'{part}'" for part in (parent, name))
    return f"[concat({one}, '/', {other})]"
