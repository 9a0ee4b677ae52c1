"""What AWS's published resource schemas say of a type: its properties, what replaces it, what it gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.values import Unknown, text


@dataclass(frozen=True)
class Schema:
    """One resource type.

    Parameters:
        raw: The schema as published.
        create_only: Top-level properties whose change replaces the resource.
        conditional: Those whose change may replace it.
        attributes: Top-level names for Fn::GetAtt.
        tagged: True when its Tags are a list of Key and Value.
    """

    raw: Mapping[str, Any]
    create_only: frozenset[str]
    conditional: frozenset[str]
    attributes: frozenset[str]
    tagged: bool

    def shape(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Check evaluated properties and give their values the types that the schema wants.

        Raises Impossible for an unsupported property, a missing one, or a value of the wrong kind.
        """
        return self._members(properties, self.raw, name)

    def _shape(self, value: Any, spec: Mapping[str, Any], where: str) -> Any:
        while "$ref" in spec:
            spec = self.raw["definitions"][spec["$ref"].rpartition("/")[2]]
        kinds = spec.get("type", "object" if "properties" in spec else [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if isinstance(value, Unknown) or not kinds:
            return value
        if isinstance(value, Mapping) and "object" in kinds:
            return self._members(value, spec, where) if "properties" in spec else value
        if isinstance(value, list) and "array" in kinds:
            items = spec.get("items", {})
            return [self._shape(item, items, where) for item in value]
        return _scalar(value, kinds, where)

    def _members(self, value: Mapping[str, Any], spec: Mapping[str, Any], where: str) -> dict[str, Any]:
        known = spec["properties"]
        for key in spec.get("required", []):
            if key not in value:
                name, _, path = where.partition(".")
                absent = f"#/{path.replace('.', '/')}: required key [{key}] not found".replace("#/:", "#:")
                raise Impossible(f"Properties validation failed for resource {name} with message:\n[{absent}]")
        for key in value:
            if key not in known and spec.get("additionalProperties") is False:
                raise Impossible(f"Encountered unsupported property {key}")
        return {key: self._shape(item, known.get(key, {}), f"{where}.{key}") for key, item in value.items()}


def _scalar(value: Any, kinds: list[str], where: str) -> Any:
    """The value as the first scalar kind that it fits; a container, or no scalar wanted, fits none."""
    if not isinstance(value, list | Mapping):
        for kind in kinds:
            try:
                return _SCALARS[kind](value)
            except (KeyError, ValueError):
                continue
    kind = "List" if kinds[0] == "array" else kinds[0].capitalize()
    raise Impossible(f"Value of property {where.rpartition('.')[2]} must be of type {kind}")


def _boolean(value: object) -> bool:
    return {"true": True, "false": False}[str(value).lower()]


_SCALARS: dict[str, Callable[[Any], Any]] = {"string": text, "boolean": _boolean, "integer": int, "number": float}


@cache
def of(kind: str, region: str) -> Schema:
    """The schema of a resource type that the lab makes."""
    found = _published().get_resource_schema(region, kind)
    raw = found.schema
    tags = raw["properties"].get("Tags", {})
    return Schema(
        raw=raw,
        create_only=_top(raw, "createOnlyProperties"),
        conditional=_top(raw, "conditionalCreateOnlyProperties"),
        attributes=frozenset(name.split(".")[0] for name in found.get_atts),
        tagged=tags.get("type") == "array",
    )


@cache
def _published() -> Any:
    """cfn-lint's collection of the schemas, without its linter, which takes eight times as long to load and 50 MB."""
    if "cfnlint" in sys.modules:
        return import_module("cfnlint.schema").PROVIDER_SCHEMA_MANAGER
    package = find_spec("cfnlint")
    assert package is not None, "cfn-lint is one of the lab's own packages"
    sys.modules["cfnlint"] = module_from_spec(package)  # the package's place, and none of what it imports
    try:
        return import_module("cfnlint.schema").PROVIDER_SCHEMA_MANAGER
    finally:
        del sys.modules["cfnlint"]  # whoever wants the linter imports it whole


def _top(raw: Mapping[str, Any], key: str) -> frozenset[str]:
    return frozenset(path.split("/")[2] for path in raw.get(key, []))
