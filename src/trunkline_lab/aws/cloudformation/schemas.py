"""What AWS's published resource schemas say of a type: its properties, what replaces it, what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from trunkline_lab.aws.cloudformation.errors import Impossible
from trunkline_lab.aws.cloudformation.values import Unknown, text

_TEXT_OF_BOOL = {"true": True, "false": False}


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
        shaped = self._shape(properties, self.raw, name)
        return dict(shaped)

    def _shape(self, value: Any, spec: Mapping[str, Any], where: str) -> Any:
        while "$ref" in spec:
            spec = self.raw["definitions"][spec["$ref"].rpartition("/")[2]]
        if isinstance(value, Mapping) and "properties" in spec:
            return self._members(value, spec, where)
        if isinstance(value, list):
            items = spec.get("items", {})
            return [self._shape(item, items, where) for item in value]
        kinds = spec.get("type", [])
        return _scalar(value, [kinds] if isinstance(kinds, str) else kinds, where)

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
    if not kinds or value is None or isinstance(value, list | dict | Unknown):
        return value
    if "string" in kinds:
        return text(value)
    try:
        if "boolean" in kinds:
            return _TEXT_OF_BOOL[str(value).lower()]
        if "integer" in kinds:
            return int(value)
        if "number" in kinds:
            return float(value)
    except (KeyError, ValueError):
        name = where.rpartition(".")[2]
        raise Impossible(f"Value of property {name} must be of type {kinds[0].capitalize()}") from None
    return value


@cache
def of(kind: str, region: str) -> Schema:
    """The schema of a resource type that the lab makes."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    found = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind)
    raw = found.schema
    tags = raw["properties"].get("Tags", {})
    return Schema(
        raw=raw,
        create_only=_top(raw, "createOnlyProperties"),
        conditional=_top(raw, "conditionalCreateOnlyProperties"),
        attributes=frozenset(name.split(".")[0] for name in found.get_atts),
        tagged=tags.get("type") == "array",
    )


def _top(raw: Mapping[str, Any], key: str) -> frozenset[str]:
    return frozenset(path.split("/")[2] for path in raw.get(key, []))
