"""Template parameters: defaults, types and constraints, refused in CloudFormation's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from trunkline_lab.aws.cloudformation import limits
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.values import text

HIDDEN = "****"
_SSM = re.compile(r"AWS::SSM::Parameter::Value<(?P<inner>.+)>")
_LIST = re.compile(r"List<(?P<inner>.+)>")
_PLAIN = {"String", "Number", "CommaDelimitedList"}
# AWS-specific types whose values must exist, with the EC2 call that tells and the argument that names them.
EXISTING: dict[str, tuple[str, str]] = {
    "AWS::EC2::VPC::Id": ("describe_vpcs", "VpcIds"),
    "AWS::EC2::Subnet::Id": ("describe_subnets", "SubnetIds"),
    "AWS::EC2::SecurityGroup::Id": ("describe_security_groups", "GroupIds"),
    "AWS::EC2::Image::Id": ("describe_images", "ImageIds"),
    "AWS::EC2::Instance::Id": ("describe_instances", "InstanceIds"),
    "AWS::EC2::KeyPair::KeyName": ("describe_key_pairs", "KeyNames"),
    "AWS::EC2::AvailabilityZone::Name": ("describe_availability_zones", "ZoneNames"),
    "AWS::EC2::SecurityGroup::GroupName": ("describe_security_groups", "GroupNames"),
    "AWS::EC2::Volume::Id": ("describe_volumes", "VolumeIds"),
}
# The name of a parameter in Systems Manager, which must exist; the template sees the name.
NAME = "AWS::SSM::Parameter::Name"
_ABSENT = {"AWS::Route53::HostedZone::Id"}
_MEMBERS = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
}


def settle(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str | None], previous: Mapping[str, str]
) -> dict[str, str]:
    """Every parameter's text: what was given, else the previous value where asked for (None), else the default.

    Parameters:
        declared: The template's Parameters.
        given: Values by name; None means UsePreviousValue.
        previous: The stack's values now.

    Raises Refused for unknown, missing and forbidden values.
    """
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    settled: dict[str, str] = {}
    missing: list[str] = []
    for name, spec in declared.items():
        check_declaration(name, spec)
        value = previous.get(name) if name in given and given[name] is None else given.get(name)
        value = text(spec["Default"]) if value is None and "Default" in spec else value
        if value is None:
            missing.append(name)
        else:
            settled[name] = value
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in settled.items():
        limits.check_value(name, value)
        check(name, declared[name], value)
    return settled


def check_declaration(name: str, spec: Mapping[str, Any]) -> None:
    """Refuse a declaration whose type or constraints make no sense."""
    unknown = sorted(spec.keys() - _MEMBERS)
    if unknown:
        raise invalid(f"Invalid template parameter property '{unknown[0]}'")
    _check_type(name, spec)

    def refuse(member: str, rule: str) -> Exception:
        return invalid(f"Template format error: [/Parameters/{name}/{member}] {rule}")

    for member in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        try:
            float(spec.get(member, 0))
        except (TypeError, ValueError):
            raise refuse(member, "must be a number") from None
    options = spec.get("AllowedValues", [])
    if not isinstance(options, list) or any(isinstance(option, list | dict) for option in options):
        raise refuse("AllowedValues", "must be a list of strings")
    if str(spec.get("NoEcho", "false")).lower() not in {"true", "false"}:
        raise refuse("NoEcho", "must be true or false")
    for member in ("AllowedPattern", "Default"):
        if isinstance(spec.get(member, ""), list | dict | None):
            raise refuse(member, "must be a string")
    try:
        re.compile(str(spec.get("AllowedPattern", "")))
    except re.error as error:
        raise refuse("AllowedPattern", f"must be a regular expression: {error}") from None


def check(name: str, spec: Mapping[str, Any], value: str) -> None:
    """Refuse a value that the parameter's type or constraints forbid."""
    described = spec.get("ConstraintDescription")

    def refuse(rule: str) -> Exception:
        return invalid(f"Parameter '{name}' " + (f"failed to satisfy constraint: {described}" if described else rule))

    kind = str(spec["Type"])
    values = items(kind, value) if is_list(kind) else [value]
    allowed = [text(option) for option in spec.get("AllowedValues", [])]
    for item in values:
        if allowed and item not in allowed:
            raise refuse(f"must be one of AllowedValues [{', '.join(allowed)}]")
        if "AllowedPattern" in spec and not re.fullmatch(str(spec["AllowedPattern"]), item):
            raise refuse(f"must match pattern {spec['AllowedPattern']}")
        if "Number" in kind:
            _check_number(name, spec, item, refuse)
    if len(value) < float(spec.get("MinLength", 0)):
        raise refuse(f"must contain at least {spec['MinLength']} characters")
    if "MaxLength" in spec and len(value) > float(spec["MaxLength"]):
        raise refuse(f"must contain at most {spec['MaxLength']} characters")


def is_list(kind: str) -> bool:
    """Whether a parameter of this type is a list to the template."""
    inner = _SSM.fullmatch(kind)
    kind = inner["inner"] if inner else kind
    return kind == "CommaDelimitedList" or bool(_LIST.fullmatch(kind))


def items(kind: str, value: str) -> list[str]:
    """A list parameter's items; a lone empty text is no item."""
    return [item.strip() for item in value.split(",")] if value else []


def stored(kind: str) -> bool:
    """Whether the value is the name of an SSM parameter that holds it."""
    return bool(_SSM.fullmatch(kind))


def existing(kind: str) -> tuple[str, str] | None:
    """The EC2 call and argument that prove a value of this type, None when nothing has to exist."""
    return EXISTING.get(bare(kind))


def bare(kind: str) -> str:
    """The type of one value: without the list, and without the Systems Manager that holds it."""
    inner = _SSM.fullmatch(kind)
    kind = inner["inner"] if inner else kind
    listed = _LIST.fullmatch(kind)
    return listed["inner"] if listed else kind


def shown(spec: Mapping[str, Any], value: str) -> str:
    """The value as describing a stack shows it."""
    return HIDDEN if hidden(spec) else value


def hidden(spec: Mapping[str, Any]) -> bool:
    """Whether the parameter's value is shown to nobody."""
    return str(spec.get("NoEcho", False)).lower() == "true"


def _check_type(name: str, spec: Mapping[str, Any]) -> None:
    if "Type" not in spec:
        raise invalid(f"Template format error: Every Parameters object must contain a Type member: {name}")
    kind = str(spec["Type"])
    if bare(kind) in _ABSENT:
        raise invalid(f"The lab does not support parameter type {kind} (parameter {name})")
    if bare(kind) not in _PLAIN | EXISTING.keys() and kind != NAME:
        raise invalid(f"Template format error: Unrecognized parameter type: {kind} of parameter {name}")


def _check_number(name: str, spec: Mapping[str, Any], item: str, refuse: Callable[[str], Exception]) -> None:
    try:
        number = float(item)
    except ValueError:
        raise refuse("must be a number") from None
    if "MinValue" in spec and number < float(spec["MinValue"]):
        raise refuse(f"must be a number not less than {spec['MinValue']}")
    if "MaxValue" in spec and number > float(spec["MaxValue"]):
        raise refuse(f"must be a number not greater than {spec['MaxValue']}")
