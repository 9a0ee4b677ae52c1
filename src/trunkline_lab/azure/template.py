"""A template made ready: its parameters held to their types, its loops unrolled, its dependencies known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.language.expressions import calls_in
from trunkline_lab.azure.language.parameters import read_parameters
from trunkline_lab.azure.language.scope import Place, Reference, Scope, VariableLoop, loop_count
from trunkline_lab.azure.provider import DEPLOYMENTS
from trunkline_lab.azure.store import Document

_SECTIONS = {
    "$schema", "contentVersion", "apiProfile", "metadata", "parameters", "variables", "functions", "resources",
    "outputs",
}  # fmt: skip
_RESOURCE = {
    "type", "apiVersion", "name", "location", "tags", "dependsOn", "condition", "copy", "properties", "sku", "zones",
    "plan", "kind", "identity", "comments", "resources", "resourceGroup", "subscriptionId", "scope", "metadata",
}  # fmt: skip
_BODY = ("location", "tags", "sku", "zones", "plan", "kind", "identity")
Known = Callable[[str, object], str]


@dataclass
class Item:
    """One resource to deploy, out of the template and its loops.

    Parameters:
        id: Its id.
        api_version: As the template gives it.
        raw: Its part of the template.
        scope: What its expressions are evaluated in.
        wanted: Its condition.
        depends: The keys of the ids that must be there before it.
    """

    id: ResourceId
    api_version: str
    raw: Document
    scope: Scope
    wanted: bool
    depends: set[str] = field(default_factory=set)

    @property
    def nested(self) -> bool:
        """Whether it is a deployment of its own."""
        return same(self.id.type, DEPLOYMENTS)

    @property
    def inner(self) -> bool:
        """Whether a nested template is evaluated by itself; by default it sees its parent's parameters."""
        options = (self.raw.get("properties") or {}).get("expressionEvaluationOptions") or {}
        return str(options.get("scope", "outer")).lower() == "inner"

    def body(self, reference: Reference | None) -> Document:
        """The request's body, with every expression evaluated. Raises ArmError."""
        scope = replace(self.scope, reference=reference)
        body = {name: scope.value(self.raw[name]) for name in _BODY if name in self.raw}
        if "properties" in self.raw:
            body["properties"] = scope.value(self.raw["properties"])
        return body

    def settings(self, reference: Reference | None) -> Document:
        """A nested deployment's properties, its template left as it is. Raises ArmError."""
        properties = self.raw.get("properties") or {}
        scope = replace(self.scope, reference=reference)
        return {name: value if name == "template" else scope.value(value) for name, value in properties.items()}

    def asks(self) -> bool:
        """Whether its body waits for what reference() answers."""
        return any(call.name == "reference" for call in calls_in(self._evaluated()))

    def _evaluated(self) -> Document:
        """The parts of it that are evaluated when its turn comes."""
        parts = {name: self.raw[name] for name in (*_BODY, "properties") if name in self.raw}
        if self.nested and self.inner:
            parts["properties"] = {name: part for name, part in parts["properties"].items() if name != "template"}
        return parts

    def references(self) -> Iterator[str]:
        """What its reference() calls name, as far as that can be told before anything runs."""
        for call in calls_in(self._evaluated()):
            if call.name == "reference" and call.arguments:
                try:
                    yield str(self.scope.evaluate(call.arguments[0]))
                except ArmError:
                    continue


@dataclass
class Template:
    """A template with the values of one deployment."""

    source: Document
    place: Place
    scope: Scope
    shown: Document
    items: list[Item]

    @property
    def hash(self) -> str:
        """A number that is the same for the same template."""
        text = json.dumps(self.source, sort_keys=True)
        return str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))

    def wanted(self) -> list[Item]:
        """The resources whose condition holds."""
        return [item for item in self.items if item.wanted]

    def find(self, name: str) -> ResourceId | None:
        """The id of the template's resource with this name or id, None when there is none."""
        found = _matches(self.items, name)
        return found[0].id if len(found) == 1 else None


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
    _check_form(source)
    if outer is None:
        parameters = read_parameters(source.get("parameters"), given, place)
        shown = parameters.shown
        secrets = frozenset(name.lower() for name, entry in shown.items() if str(entry["type"]).startswith("Secure"))
        scope = Scope(place, parameters.values, _variables(source), _functions(source), secrets=secrets)
    else:
        scope, shown = replace(outer, place=replace(outer.place, deployment=place.deployment)), {}
    items, loops = _items(source, scope, place, known)
    _depend(items, loops)
    return Template(source, place, scope, shown, items)


def _check_form(source: Any) -> None:
    """Refuse what is no template. Raises ArmError."""
    if not isinstance(source, dict):
        raise invalid_template("The template is missing, or is no object")
    for name in ("$schema", "contentVersion", "resources"):
        if name not in source:
            raise ArmError(
                400,
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: "
                f"'Required property '{name}' not found in JSON. Path 'properties.template'.'.",
            )
    strangers = set(source) - _SECTIONS
    if strangers:
        raise ArmError(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: "
            f"'Could not find member '{min(strangers)}' on object of type 'Template'. "
            f"Path 'properties.template.{min(strangers)}'.'.",
        )
    for name, output in (source.get("outputs") or {}).items():
        if not isinstance(output, dict) or not isinstance(output.get("type"), str):
            raise invalid_template(f"The template output '{name}' is an object with a type and a value")
    if not isinstance(source["resources"], list):
        raise invalid_template(
            "The template's resources are a list; symbolic names (languageVersion 2.0) are not taken"
        )


def _variables(source: Document) -> dict[str, Any]:
    """The template's variables by lower-case name, its copy loops among them."""
    found = dict(source.get("variables") or {})
    loops = found.pop("copy", [])
    made: dict[str, Any] = {name.lower(): value for name, value in found.items()}
    for loop in loops:
        made[str(loop.get("name")).lower()] = VariableLoop(loop)
    return made


def _functions(source: Document) -> dict[str, Any]:
    """The template's own functions by lower-case "namespace.name"."""
    return {
        f"{space['namespace']}.{name}".lower(): function
        for space in source.get("functions") or []
        for name, function in (space.get("members") or {}).items()
    }


def _flat(resources: list[Any], parent: Document | None = None) -> Iterator[Document]:
    """All resources, those nested in another with their full type and name."""
    for raw in resources:
        if not isinstance(raw, dict):
            raise invalid_template("A resource of the template is an object")
        for name in ("type", "name", "apiVersion"):
            if not isinstance(raw.get(name), str):
                raise invalid_template(f"The template resource '{raw.get('name')}' needs the property '{name}'")
        strangers = set(raw) - _RESOURCE
        if strangers:
            raise invalid_template(f"The template resource '{raw['name']}' has the unknown property '{min(strangers)}'")
        if parent is not None:
            raw = {**raw, "type": f"{parent['type']}/{raw['type']}", "name": _join(parent["name"], raw["name"])}
        yield raw
        yield from _flat(raw.get("resources") or [], raw)


def _join(parent: str, name: str) -> str:
    """The name of a nested resource; each of the two may be an expression."""
    if not parent.startswith("[") and not name.startswith("["):
        return f"{parent}/{name}"
    one, other = (part[1:-1] if part.startswith("[") else f"'{part}'" for part in (parent, name))
    return f"[concat({one}, '/', {other})]"


def _items(source: Document, scope: Scope, place: Place, known: Known) -> tuple[list[Item], Mapping[str, set[str]]]:
    """All resources after their loops, and the keys that each loop made."""
    items: list[Item] = []
    loops: dict[str, set[str]] = {}
    for raw in _flat(source["resources"]):
        loop = raw.get("copy")
        if loop is None:
            items.append(_item(raw, scope, place, known))
            continue
        name = str(loop.get("name"))
        made: list[Item] = []
        for index in range(loop_count(scope, loop)):
            item = _item(raw, scope.looped(name, index), place, known)
            if str(loop.get("mode", "parallel")).lower() == "serial":
                batch = _batch(loop)
                item.depends |= {other.id.key for other in made[: index // batch * batch]}
            made.append(item)
        items += made
        loops[name.lower()] = {item.id.key for item in made}
    seen: set[str] = set()
    for item in items:
        if item.id.key in seen:
            raise invalid_template(
                f"The resource '{item.id}' is defined multiple times in a template. "
                "Please see https://aka.ms/arm-syntax-resources for usage details"
            )
        seen.add(item.id.key)
    return items, loops


def _batch(loop: Mapping[str, Any]) -> int:
    """How many of a serial loop are made at a time. Raises ArmError."""
    size = loop.get("batchSize", 1)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise invalid_template(f"The copy loop '{loop.get('name')}' has the batchSize {size}; it is 1 or more")
    return size


def _item(raw: Document, scope: Scope, place: Place, known: Known) -> Item:
    """One resource: its id and its condition. Raises ArmError."""
    names = scope.value(raw["name"])
    if not isinstance(names, str) or not names:
        raise invalid_template(f"The name '{raw['name']}' of a template resource is not a text")
    type_, version = scope.value(raw["type"]), scope.value(raw["apiVersion"])
    types = type_.split("/")
    if len(types) - 1 != len(names.split("/")):
        raise invalid_template(
            f"The template resource '{names}' for type '{type_}' has incorrect segment lengths. A nested resource type "
            "must have identical number of segments as its resource name. A root resource type must have segment "
            "length one greater than its resource name. Please see https://aka.ms/arm-template/#resources"
        )
    spelt = known(type_, version).split("/")
    condition = scope.value(raw.get("condition", True))
    if not isinstance(condition, bool):
        raise invalid_template(f"The condition of the template resource '{names}' is neither true nor false")
    subscription, group = place.group_path
    group = scope.value(raw["resourceGroup"]) if raw.get("resourceGroup") else group
    subscription = scope.value(raw["subscriptionId"]) if raw.get("subscriptionId") else subscription
    id_ = ResourceId(subscription, group, spelt[0], tuple(spelt[1:]), tuple(names.split("/")))
    return Item(id_, version, raw, scope, condition)


def _matches(items: list[Item], name: str) -> list[Item]:
    """The items with this id, "type/name" or name."""
    wanted = name.lower()
    exact = [item for item in items if item.id.key == wanted]
    return exact or [
        item for item in items if wanted in (item.id.path_name.lower(), f"{item.id.type}/{item.id.path_name}".lower())
    ]


def _depend(items: list[Item], loops: Mapping[str, set[str]]) -> None:
    """Find what each item waits for. Raises ArmError for strangers and circles."""
    for item in items:
        for entry in item.raw.get("dependsOn") or []:
            name = item.scope.value(entry)
            found = loops.get(str(name).lower()) or {other.id.key for other in _matches(items, str(name))}
            if not found:
                raise invalid_template(
                    f"The resource '{name}' is not defined in the template. "
                    "Please see https://aka.ms/arm-syntax for usage details"
                )
            item.depends |= found
        for name in item.references():
            item.depends |= {other.id.key for other in _matches(items, name)} - {item.id.key}
    try:
        TopologicalSorter({item.id.key: item.depends for item in items}).prepare()
    except CycleError as circle:
        raise invalid_template(
            f"Circular dependency detected on resource: '{circle.args[1][0]}'. "
            "Please see https://aka.ms/arm-syntax-resources for usage details"
        ) from None
