"""Templates: from text to what they declare, with CloudFormation's own refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import Any

from trunkline_lab.aws.cloudformation import schemas
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.parameters import check_declaration
from trunkline_lab.aws.cloudformation.resources import TYPES

VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")
PSEUDO = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}
_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
}
_MEMBERS = {
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
}
_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")


@dataclass(frozen=True)
class Resource:
    """One member of a template's Resources."""

    name: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"


@dataclass(frozen=True)
class Template:
    """What a template declares; expressions are still unevaluated.

    Parameters:
        body: The text as it was given.
        order: For each resource the resources that must be there before it.
    """

    body: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Mapping[str, Any]]
    metadata: Mapping[str, Any]
    order: Mapping[str, frozenset[str]]

    def sequence(self) -> list[str]:
        """All resources in an order in which each comes after what it needs."""
        return list(TopologicalSorter(self.order).static_order())


def parse(body: str, region: str) -> Template:
    """Read a template (YAML with its short forms, or JSON). Raises Refused as CloudFormation does."""
    raw = _decode(body)
    unknown = sorted(set(raw) - _SECTIONS)
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if raw.get("Transform"):
        names = raw["Transform"] if isinstance(raw["Transform"], list) else [raw["Transform"]]
        raise invalid(f"No transform named {names[0] if names else ''} found.")
    resources = _resources(_section(raw, "Resources"), region)
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    for name, spec in _section(raw, "Parameters").items():
        check_declaration(name, spec)
    template = Template(
        body=body,
        description=str(raw.get("Description", "")),
        parameters=_section(raw, "Parameters"),
        mappings=_section(raw, "Mappings"),
        conditions=_section(raw, "Conditions"),
        resources=resources,
        outputs=_outputs(_section(raw, "Outputs")),
        metadata=_section(raw, "Metadata"),
        order={name: _needs(resource, resources) for name, resource in resources.items()},
    )
    _check(template, region)
    return template


def references(node: object) -> Iterator[tuple[str, str]]:
    """Every name that an expression refers to, with the attribute that it wants ("" for a Ref)."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    if not isinstance(node, dict):
        return
    bound: set[str] = set()
    for key, value in node.items():
        if key == "Ref" and isinstance(value, str):
            yield value, ""
        elif key == "Fn::GetAtt":
            parts = value.split(".", 1) if isinstance(value, str) else value
            if isinstance(parts, list) and len(parts) == 2 and isinstance(parts[1], str):
                yield str(parts[0]), parts[1]
        elif key == "Fn::Sub":
            text, values = (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else (value, {})
            bound = set(values) if isinstance(values, dict) else set()
            yield from references(values)
            for name in VARIABLE.findall(text if isinstance(text, str) else ""):
                if name not in bound:
                    target, _, attribute = name.strip().partition(".")
                    yield target, attribute
        else:
            yield from references(value)


def _decode(body: str) -> dict[str, Any]:
    from cfnlint.decode import decode_str

    raw, matches = decode_str(body)
    if matches:
        form = "JSON" if body.lstrip().startswith("{") else "YAML"
        at = matches[0]
        raise invalid(
            f"Template format error: {form} not well-formed. (line {at.linenumber}, column {at.columnnumber})"
        )
    plain = _plain(raw, "")
    if not isinstance(plain, dict):
        raise invalid("Template format error: unsupported structure.")
    return plain


def _plain(node: Any, path: str) -> Any:
    """cfn-lint's nodes remember their place and are slow to copy: plain data instead."""
    if node is None:
        raise invalid(f"Template format error: [{path}] 'null' values are not allowed in templates")
    if isinstance(node, dict):
        return {str(key): _plain(value, f"{path}/{key}") for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, f"{path}/{index}") for index, value in enumerate(node)]
    if isinstance(node, date):
        return node.isoformat()
    return str(node) if isinstance(node, str) else node


def _section(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = raw.get(name) or {}
    if not isinstance(section, dict):
        raise invalid(f"Template format error: {name} must be an object.")
    for key, value in section.items():
        if name not in {"Metadata", "Conditions"} and not isinstance(value, dict):
            raise invalid(f"Template format error: Every {name} member must be an object: {key}.")
    return section


def _resources(section: Mapping[str, Any], region: str) -> dict[str, Resource]:
    for name, raw in section.items():
        if not isinstance(raw.get("Type"), str):
            raise invalid(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
        for member in raw.keys() - _MEMBERS:
            raise invalid(f"Invalid template resource property '{member}'")
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if raw.get(policy, "Delete") not in _POLICIES:
                raise invalid(f"Template format error: Unrecognized {policy} {raw[policy]} for resource {name}")
    unknown = sorted({raw["Type"] for raw in section.values()} - set(TYPES))
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    return {name: _resource(name, raw) for name, raw in section.items()}


def _resource(name: str, raw: Mapping[str, Any]) -> Resource:
    depends = raw.get("DependsOn", [])
    if isinstance(depends, str):
        depends = [depends]
    if not isinstance(depends, list) or not all(isinstance(each, str) for each in depends):
        raise invalid(f"Template format error: [/Resources/{name}/DependsOn] must be a string or a list of strings.")
    if not isinstance(raw.get("Condition"), str | None):
        raise invalid(f"Template format error: [/Resources/{name}/Condition] must be a string.")
    properties = raw.get("Properties") or {}
    if not isinstance(properties, dict):
        raise invalid(f"Template format error: [/Resources/{name}] Properties must be an object.")
    return Resource(
        name=name,
        type=raw["Type"],
        properties=properties,
        depends_on=tuple(depends),
        condition=raw.get("Condition"),
        deletion_policy=raw.get("DeletionPolicy", "Delete"),
        update_replace_policy=raw.get("UpdateReplacePolicy", "Delete"),
    )


def _outputs(section: dict[str, Any]) -> dict[str, Any]:
    for name, raw in section.items():
        if "Value" not in raw:
            raise invalid(f"Template format error: Output {name} is malformed. It must contain a Value member.")
    return section


def _needs(resource: Resource, resources: Mapping[str, Resource]) -> frozenset[str]:
    named = {name for name, _ in references(dict(resource.properties))} | set(resource.depends_on)
    return frozenset(named & resources.keys())


def _check(template: Template, region: str) -> None:
    known = template.resources.keys() | template.parameters.keys() | PSEUDO
    parts: list[tuple[str, object]] = [("Resources", dict(r.properties)) for r in template.resources.values()]
    parts += [("Outputs", dict(output)) for output in template.outputs.values()]
    for block, node in parts:
        for name, attribute in references(node):
            if attribute:
                _check_attribute(template, name, attribute, region)
            elif name not in known:
                raise unresolved(name, block)
    for resource in template.resources.values():
        for name in resource.depends_on:
            if name not in template.resources:
                raise unresolved(name, "Resources")
        if resource.condition is not None and resource.condition not in template.conditions:
            text = f"Unresolved condition dependency {resource.condition} in the Resources block of the template"
            raise invalid(f"Template format error: {text}")
    try:
        TopologicalSorter(template.order).prepare()
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise invalid(f"Circular dependency between resources: [{names}]") from None


def _check_attribute(template: Template, name: str, attribute: str, region: str) -> None:
    if name not in template.resources:
        raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
    kind = template.resources[name].type
    if attribute.split(".")[0] not in schemas.of(kind, region).attributes:
        raise invalid(f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt")


def unresolved(name: str, block: str) -> Exception:
    """The refusal of a name that nothing in the template bears."""
    where = f"in the {block} block of the template"
    return invalid(f"Template format error: Unresolved resource dependencies [{name}] {where}")
