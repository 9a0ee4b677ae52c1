"""What an update would do: the same comparison that executing it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trunkline_lab.aws.cloudformation import schemas
from trunkline_lab.aws.cloudformation.errors import Impossible, invalid
from trunkline_lab.aws.cloudformation.functions import Thing
from trunkline_lab.aws.cloudformation.language import NESTED, Resource, references
from trunkline_lab.aws.cloudformation.records import Built, Desired
from trunkline_lab.aws.cloudformation.resources import TYPES
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stack
from trunkline_lab.aws.cloudformation.values import UNKNOWN, is_unknown, text


@dataclass(frozen=True)
class Difference:
    """How a resource's new properties differ from those that it has.

    Parameters:
        properties: Names of the changed properties.
        tags: Whether its tags change.
        replacement: "True", "False", or "Conditional" when a replaced resource's new id decides.
    """

    properties: tuple[str, ...]
    tags: bool
    replacement: str

    def __bool__(self) -> bool:
        return bool(self.properties) or self.tags


def compare(built: Built, properties: Mapping[str, Any], tags: Mapping[str, str], region: str) -> Difference:
    """Compare what a resource has with what it shall have."""
    old = built.properties
    names = sorted(name for name in old.keys() | properties.keys() if old.get(name) != properties.get(name))
    schema, updates = schemas.of(built.type, region), _updates(built.type)
    replacing = [n for n in names if n in schema.create_only or (n in schema.conditional and n not in updates)]
    replacement = "False"
    if replacing:
        certain = any(not is_unknown(properties.get(name)) for name in replacing)
        replacement = "True" if certain else "Conditional"
    return Difference(tuple(names), built.tags != tags, replacement)


def plan(setting: Setting, stack: Stack, desired: Desired) -> list[dict[str, Any]]:
    """The changes that `desired` makes to the stack, as DescribeChangeSet lists them.

    Raises Refused where the template's expressions are wrong or a resource changes its type.
    """
    built = stack.resources
    things = {name: Thing(each.physical, each.attributes) for name, each in built.items()}
    scope = setting.scope(stack, desired, things)
    wanted = scope.wanted()
    things |= {name: Thing(UNKNOWN, UNKNOWN) for name in wanted if name not in built}
    changes: list[dict[str, Any]] = []
    for name in (name for name in desired.template.sequence() if name in wanted):
        resource = desired.template.resources[name]
        properties, tags = _evaluate(setting, stack, desired, resource, scope)
        if name not in built:
            changes.append(_change("Add", name, resource.type))
            continue
        check_type(built[name], resource)
        found = compare(built[name], properties, tags, stack.region)
        if resource.type == NESTED:
            # What its template now says, and what its outputs will be, shows only when it is updated.
            things[name] = Thing(built[name].physical, UNKNOWN)
        described = resource.metadata != built[name].metadata
        if found or described or resource.type == NESTED:
            details = [_detail(stack, desired, resource, each, properties) for each in found.properties]
            details += [_tag_detail()] if found.tags else []
            details += [_metadata_detail()] if described else []
            details += [_nested_detail()] if resource.type == NESTED else []
            policy = f"ReplaceAnd{_kept(resource.update_replace_policy)}" if found.replacement == "True" else ""
            change = _change("Modify", name, resource.type, built[name].physical, found, details, policy)
            change["ResourceChange"]["Scope"] += ["Metadata"] * described
            changes.append(change)
        if found.replacement != "False":
            things[name] = Thing(UNKNOWN, UNKNOWN)
    gone = [each for name, each in built.items() if name not in wanted]
    return changes + [
        _change("Remove", each.name, each.type, each.physical, policy=_kept(each.deletion_policy)) for each in gone
    ]


def outputs_differ(setting: Setting, stack: Stack, desired: Desired) -> bool:
    """Whether the outputs change, in their declaration or by a parameter: a change even when no resource does."""
    if stack.desired is None:
        return False
    if stack.desired.template.outputs != desired.template.outputs:
        return True
    things = {name: Thing(each.physical, each.attributes) for name, each in stack.resources.items()}
    scope = setting.scope(stack, desired, things)
    there = {output.key: output for output in stack.outputs}
    wanted = {
        key: raw
        for key, raw in desired.template.outputs.items()
        if "Condition" not in raw or scope.holds(raw["Condition"])
    }
    if there.keys() != wanted.keys():
        return True
    for key, raw in wanted.items():
        value, export = scope.value(raw["Value"]), scope.value(raw.get("Export", {"Name": ""})["Name"])
        changed = isinstance(value, str) and "{{resolve:" not in value and value != there[key].value
        if changed or text(export) != there[key].export:
            return True
    return False


def check_type(built: Built, resource: Resource) -> None:
    """Refuse another type under a name that is taken."""
    if built.type != resource.type:
        text = "Update of resource type is not permitted. The new template modifies resource type of the following"
        raise invalid(f"{text} resources: [{built.name}]")


def _kept(policy: str) -> str:
    """What a policy does to a resource that is there already."""
    return "Retain" if policy.startswith("Retain") else policy


def _updates(kind: str) -> frozenset[str]:
    return TYPES[kind].updates if kind in TYPES else frozenset()


def _evaluate(
    setting: Setting, stack: Stack, desired: Desired, resource: Resource, scope: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        return setting.evaluate(stack, desired, resource, scope)
    except Impossible:
        # A property that the schema forbids fails when the change set is executed, not when it is made.
        return scope.value(dict(resource.properties)), {}


def _change(
    action: str,
    name: str,
    kind: str,
    physical: str = "",
    found: Difference | None = None,
    details: list[dict[str, Any]] | None = None,
    policy: str = "",
) -> dict[str, Any]:
    change: dict[str, Any] = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, "Scope": []}
    change["Details"] = details or []
    if physical:
        change["PhysicalResourceId"] = physical
    if found is not None:
        change["Replacement"] = found.replacement
        change["Scope"] = ["Properties"] * (bool(found.properties) or kind == NESTED) + ["Tags"] * found.tags
    if policy:
        change["PolicyAction"] = policy
    return {"Type": "Resource", "ResourceChange": change}


def _detail(
    stack: Stack, desired: Desired, resource: Resource, name: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    schema, updates = schemas.of(resource.type, stack.region), _updates(resource.type)
    recreation = "Always" if name in schema.create_only else "Never"
    if name in schema.conditional:
        recreation = "Conditionally" if name in updates else "Always"
    detail: dict[str, Any] = {
        "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation},
        "Evaluation": "Dynamic" if is_unknown(properties.get(name)) else "Static",
        "ChangeSource": "DirectModification",
    }
    before = stack.desired.texts if stack.desired else {}
    for target, attribute in references(resource.properties.get(name)):
        if target in desired.template.resources and is_unknown(properties.get(name)):
            source = "ResourceAttribute" if attribute else "ResourceReference"
            entity = f"{target}.{attribute}" if attribute else target
            return detail | {"ChangeSource": source, "CausingEntity": entity}
        if target in desired.texts and before.get(target) != desired.texts[target]:
            return detail | {"ChangeSource": "ParameterReference", "CausingEntity": target}
    return detail


def _tag_detail() -> dict[str, Any]:
    target = {"Attribute": "Tags", "RequiresRecreation": "Never"}
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _metadata_detail() -> dict[str, Any]:
    target = {"Attribute": "Metadata", "RequiresRecreation": "Never"}
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def _nested_detail() -> dict[str, Any]:
    target = {"Attribute": "Properties", "RequiresRecreation": "Never"}
    return {"Target": target, "Evaluation": "Dynamic", "ChangeSource": "Automatic"}
