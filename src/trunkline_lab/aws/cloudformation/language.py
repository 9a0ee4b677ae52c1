"""Templates: from text to what they declare, with CloudFormation's own refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from trunkline_lab.aws.cloudformation import dynamic, limits, schemas
from trunkline_lab.aws.cloudformation.checks import check_export, check_functions, check_rules, is_function
from trunkline_lab.aws.cloudformation.decode import decode
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
_VERSION = "2010-09-09"
_NAME = re.compile(r"[A-Za-z0-9]{1,255}")
_HEAD = {"AWSTemplateFormatVersion", "Description"}
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
NESTED = "AWS::CloudFormation::Stack"
# Types with something to make a snapshot of; the user guide's "DeletionPolicy attribute" lists them.
_SNAPSHOTS = {"AWS::EC2::Volume"}


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
    metadata: Mapping[str, Any] = field(default_factory=dict)


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
    rules: Mapping[str, Any] = field(default_factory=dict)

    def sequence(self) -> list[str]:
        """All resources in an order in which each comes after what it needs."""
        return list(TopologicalSorter(self.order).static_order())


def parse(body: str, region: str) -> Template:
    """Read a template (YAML with its short forms, or JSON). Raises Refused as CloudFormation does."""
    raw = decode(body)
    _check_head(raw)
    sections = {name: _section(raw, name) for name in sorted(_SECTIONS - {*_HEAD, "Transform"})}
    if not sections["Resources"]:
        raise invalid("Template format error: At least one Resources member must be defined.")
    limits.check_template(sections)
    resources = _resources(sections["Resources"], region)
    for name, spec in sections["Parameters"].items():
        check_declaration(name, spec)
    template = Template(
        body=body,
        description=str(raw.get("Description", "")),
        parameters=sections["Parameters"],
        mappings=_mappings(sections["Mappings"]),
        conditions=sections["Conditions"],
        resources=resources,
        outputs=_outputs(sections["Outputs"]),
        metadata=sections["Metadata"],
        order={name: _needs(resource, resources) for name, resource in resources.items()},
        rules=sections["Rules"],
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
                if name.strip() not in bound:
                    target, _, attribute = name.strip().partition(".")
                    yield target, attribute
        else:
            yield from references(value)


def _check_head(raw: Mapping[str, Any]) -> None:
    # The transform first: sections of its own (Globals) are no mistake.
    if raw.get("Transform"):
        names = raw["Transform"] if isinstance(raw["Transform"], list) else [raw["Transform"]]
        raise invalid(f"No transform named {names[0] if names else ''} found.")
    unknown = sorted(set(raw) - _SECTIONS)
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if raw.get("AWSTemplateFormatVersion", _VERSION) != _VERSION:
        raise invalid("Template format error: unsupported value for AWSTemplateFormatVersion.")
    description = raw.get("Description", "")
    if not isinstance(description, str):
        raise invalid("Template format error: every Description member must be a string.")
    if len(description.encode()) > limits.DESCRIPTION:
        raise invalid(f"Template format error: 'Description' length is greater than {limits.DESCRIPTION}.")


def _section(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = raw.get(name) or {}
    if not isinstance(section, dict):
        raise invalid(f"Template format error: {name} must be an object.")
    for key, value in section.items():
        if name != "Metadata" and key.startswith("Fn::"):
            check_functions({key: value}, name, {})
        if name not in {"Metadata", "Conditions"} and not isinstance(value, dict):
            raise invalid(f"Template format error: Every {name} member must be an object: {key}.")
        if name in {"Resources", "Parameters", "Outputs"} and not _NAME.fullmatch(key):
            raise invalid(f"Template format error: {name[:-1]} name {key} is non alphanumeric.")
    return section


def _mappings(section: dict[str, Any]) -> dict[str, Any]:
    for name, keys in section.items():
        for key, attributes in keys.items():
            where = f"[/Mappings/{name}/{key}]"
            if not isinstance(attributes, dict):
                raise invalid(f"Template format error: {where} Every Mappings member must be a map.")
            for value in attributes.values():
                texts = value if isinstance(value, list) else [value]
                if any(isinstance(each, dict | list) for each in texts):
                    rule = "Every Mappings attribute must be a String or a List."
                    raise invalid(f"Template format error: {where} {rule}")
    return section


def _resources(section: Mapping[str, Any], region: str) -> dict[str, Resource]:
    for name, raw in section.items():
        if not isinstance(raw.get("Type"), str):
            raise invalid(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
    # First of all: what a type of AWS's that the lab has not may or may not have is not known here.
    unknown = sorted({raw["Type"] for raw in section.values()} - {*TYPES, NESTED})
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    for name, raw in section.items():
        for member in sorted(raw.keys() - _MEMBERS):
            raise invalid(f"Invalid template resource property '{member}'")
        _check_policies(name, raw)
    return {name: _resource(name, raw) for name, raw in section.items()}


def _check_policies(name: str, raw: Mapping[str, Any]) -> None:
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        given = raw.get(policy, "Delete")
        # RetainExceptOnCreate is about creating, which a replacement is not.
        if given not in _POLICIES or (given == "RetainExceptOnCreate" and policy == "UpdateReplacePolicy"):
            raise invalid(f"Template format error: Unrecognized {policy} {given} for resource {name}")
        if given == "Snapshot" and raw["Type"] not in _SNAPSHOTS:
            text = f"resource type {raw['Type']} does not support deletion policy Snapshot"
            raise invalid(f"Template error: {text}")
    for policy in ("CreationPolicy", "UpdatePolicy"):
        if policy in raw:
            raise invalid(f"The lab does not support {policy} (resource {name}): no signal ever reaches it.")


def _resource(name: str, raw: Mapping[str, Any]) -> Resource:
    depends = raw.get("DependsOn", [])
    if isinstance(depends, str):
        depends = [depends]
    if not isinstance(depends, list) or not all(isinstance(each, str) for each in depends):
        raise invalid(f"Template format error: [/Resources/{name}/DependsOn] must be a string or a list of strings.")
    if not isinstance(raw.get("Condition"), str | None):
        raise invalid(f"Template format error: [/Resources/{name}] Every Condition member must be a string.")
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
        metadata=raw.get("Metadata") or {},
    )


def _outputs(section: dict[str, Any]) -> dict[str, Any]:
    for name, raw in section.items():
        unknown = sorted(raw.keys() - {"Condition", "Description", "Export", "Value"})
        if unknown:
            raise invalid(f"Invalid template output property '{unknown[0]}' of output {name}")
        if "Value" not in raw:
            raise invalid(f"Template format error: Output {name} is malformed. It must contain a Value member.")
        if not isinstance(raw.get("Condition"), str | None):
            raise invalid(f"Template format error: [/Outputs/{name}] Every Condition member must be a string.")
        export = raw.get("Export", {"Name": ""})
        if not isinstance(export, dict) or set(export) != {"Name"}:
            rule = "The Name field of every Export member must be specified"
            raise invalid(f"Template format error: Output {name} is malformed. {rule} and nothing else.")
    return section


def _needs(resource: Resource, resources: Mapping[str, Resource]) -> frozenset[str]:
    named = {name for name, _ in references(dict(resource.properties))} | set(resource.depends_on)
    return frozenset(named & resources.keys())


def _check(template: Template, region: str) -> None:
    known = template.resources.keys() | template.parameters.keys() | PSEUDO
    dynamic.check([[dict(r.properties) for r in template.resources.values()], list(template.outputs.values())])
    parts: list[tuple[str, object]] = [("Resources", dict(r.properties)) for r in template.resources.values()]
    parts += [("Outputs", dict(output)) for output in template.outputs.values()]
    for block, node in parts:
        check_functions(node, block, template.mappings)
        for name, attribute in references(node):
            if attribute:
                _check_attribute(template, name, attribute, region)
            elif name not in known:
                raise unresolved(name, block)
    for name, output in template.outputs.items():
        check_export(name, output.get("Export"), template.resources)
    for resource in template.resources.values():
        for name in resource.depends_on:
            if name not in template.resources:
                raise unresolved(name, "Resources")
    check_rules(template.rules, template.parameters)
    _check_conditions(template)
    _check_order(template)


def _check_conditions(template: Template) -> None:
    """Conditions may ask parameters, mappings and each other, never what is made later; none may ask itself."""
    known = template.parameters.keys() | PSEUDO
    named: dict[str, set[str]] = {}
    for name, node in template.conditions.items():
        if not is_function(node) and not (isinstance(node, dict) and set(node) == {"Condition"}):
            raise invalid(f"Template format error: Every Conditions member must contain one condition function: {name}")
        check_functions(node, "Conditions", template.mappings)
        unknown = sorted({target for target, _ in references(node)} - known)
        if unknown:
            rule = "Cannot reference resources in the Conditions block of the template"
            raise invalid(f"Template format error: Unresolved dependencies [{', '.join(unknown)}]. {rule}")
        named[name] = set(_conditions_of(node))
    asked = {condition for names in named.values() for condition in names}
    holders = [each.condition for each in template.resources.values()]
    holders += [output.get("Condition") for output in template.outputs.values()]
    holders += _ifs([dict(each.properties) for each in template.resources.values()])
    holders += _ifs(list(template.outputs.values()))
    for each in [*asked, *holders]:
        if each is not None and each not in template.conditions:
            text = f"Unresolved condition dependency {each} in the Resources block of the template"
            raise invalid(f"Template format error: {text}")
    try:
        TopologicalSorter(named).prepare()
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise invalid(f"Template format error: Circular dependency between conditions: [{names}]") from None


def _conditions_of(node: object) -> Iterator[str]:
    yield from _ifs(node)
    yield from (value for key, value in _members(node) if key == "Condition" and isinstance(value, str))


def _ifs(node: object) -> Iterator[str]:
    """The conditions that Fn::If asks; the functions' forms have been checked."""
    yield from (value[0] for key, value in _members(node) if key == "Fn::If")


def _members(node: object) -> Iterator[tuple[str, Any]]:
    """Every member of every object inside."""
    if isinstance(node, dict):
        yield from node.items()
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _members(inner)


def _check_order(template: Template) -> None:
    try:
        TopologicalSorter(template.order).prepare()
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise invalid(f"Circular dependency between resources: [{names}]") from None


def _check_attribute(template: Template, name: str, attribute: str, region: str) -> None:
    if name not in template.resources:
        raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
    kind = template.resources[name].type
    if kind == NESTED and attribute.startswith("Outputs."):
        return
    if attribute.split(".")[0] not in schemas.of(kind, region).attributes:
        raise invalid(f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt")


def unresolved(name: str, block: str) -> Exception:
    """The refusal of a name that nothing in the template bears."""
    where = f"in the {block} block of the template"
    return invalid(f"Template format error: Unresolved resource dependencies [{name}] {where}")
