"""A template made ready: its parameters held to their types, its loops unrolled, its dependencies known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from trunkline_lab.azure import form
from trunkline_lab.azure.errors import invalid_template, naming
from trunkline_lab.azure.items import Item, Known, read_items
from trunkline_lab.azure.language.parameters import read_parameters
from trunkline_lab.azure.language.scope import Place, Scope
from trunkline_lab.azure.store import Document

__all__ = ["Item", "Template", "read_template"]


@dataclass
class Template:
    """A template with the values of one deployment."""

    source: Document
    place: Place
    scope: Scope
    shown: Document
    items: list[Item]
    loops: Mapping[str, set[str]]

    @property
    def hash(self) -> str:
        """A number that is the same for the same template."""
        text = json.dumps(self.source, sort_keys=True)
        return str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))

    def wanted(self) -> list[Item]:
        """The resources that are deployed: those whose condition holds."""
        return [item for item in self.items if item.wanted and not item.existing]

    def find(self, name: str) -> Item | None:
        """The template's resource with this symbol, name or id; None when there is none, or more than one."""
        found = _matches(self.items, name)
        return found[0] if len(found) == 1 else None

    def many(self, symbol: str) -> list[Item]:
        """The resources that the loop with this symbol made. Raises ArmError when there is none."""
        keys = self.loops.get(symbol.lower())
        if keys is None:
            raise invalid_template(f"The template reference '{symbol}' is not valid: it names no loop of resources")
        return [item for item in self.items if item.id.key in keys]


def read_template(source: Any, given: Any, place: Place, known: Known, outer: Scope | None = None) -> Template:
    """Make a template ready.

    Parameters:
        source: The template.
        given: {name: {"value": ...}}.
        place: Where it is deployed.
        known: Answers a type's right spelling for (type, API version), or raises ArmError.
        outer: For a nested template that sees its parent's parameters and variables, the parent's scope.

    Raises:
        ArmError: InvalidTemplate, or what `known` raises.
    """
    try:
        return _read(source, given, place, known, outer)
    except (AttributeError, KeyError, TypeError, ValueError) as unread:
        raise invalid_template(f"A part of the template has the wrong shape: {unread}") from unread


def _read(source: Any, given: Any, place: Place, known: Known, outer: Scope | None) -> Template:
    """Make a template ready. Raises ArmError, and whatever a wrong shape leads to."""
    form.check_form(source)
    if outer is None:
        parameters = read_parameters(source.get("parameters"), given, place, source.get("definitions"))
        shown = parameters.shown
        secrets = frozenset(name.lower() for name, entry in shown.items() if str(entry["type"]).startswith("Secure"))
        scope = Scope(place, parameters.values, form.variables(source), form.functions(source), secrets=secrets)
    else:
        scope, shown = replace(outer, place=replace(outer.place, deployment=place.deployment)), {}
    items, loops = read_items(source, scope, place, known)
    _depend(items, loops)
    return Template(source, place, scope, shown, items, loops)


def _matches(items: list[Item], name: str) -> list[Item]:
    """The items with this symbol, id (also without its beginning), "type/name", name, or last name."""
    wanted = name.strip("/").lower() if not name.startswith("/") else name.lower()
    exact = [item for item in items if wanted == item.id.key or (item.symbol and wanted == item.symbol.lower())]
    found = exact or [
        item for item in items if wanted in (item.id.path_name.lower(), f"{item.id.type}/{item.id.path_name}".lower())
    ]
    found = found or [item for item in items if item.id.key.endswith(f"/providers/{wanted}")]
    found = found or [item for item in items if item.id.name.lower() == wanted]
    # Of two that share an id, such as a new and an existing one, the one that is deployed is meant.
    return [item for item in found if item.wanted] if len(found) > 1 else found


def _depend(items: list[Item], loops: Mapping[str, set[str]]) -> None:
    """Find what each item waits for. Raises ArmError for strangers and circles."""
    for item in items:
        for entry in item.raw.get("dependsOn") or []:
            with naming(f"The template resource '{item.raw['name']}'"):
                name = str(item.scope.value(entry))
            found = loops.get(name.lower()) or {other.id.key for other in _matches(items, name)}
            if not found and name.lower() not in loops:
                raise invalid_template(
                    f"The resource '{name}' is not defined in the template. "
                    "Please see https://aka.ms/arm-syntax for usage details"
                )
            item.depends |= found
        for name in item.references():
            found = loops.get(name.lower()) or {other.id.key for other in _matches(items, name)}
            item.depends |= found - {item.id.key}
    try:
        TopologicalSorter({item.id.key: item.depends for item in items}).prepare()
    except CycleError as circle:
        raise invalid_template(
            f"Circular dependency detected on resource: '{circle.args[1][0]}'. "
            "Please see https://aka.ms/arm-syntax-resources for usage details"
        ) from None
