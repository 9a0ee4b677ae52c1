"""What the service's model says of a request's values: patterns, lengths, words to choose from.

boto3 checks none of these but the least lengths. API reference: the "Constraints" and "Valid Values" of each parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from moto.core.utils import get_service_model

from trunkline_lab.aws.calls import Call
from trunkline_lab.aws.cloudformation.errors import invalid

# The model lets CreateStack take any name; its page does not (API reference, CreateStack: StackName).
NAME, LONGEST_NAME = "[a-zA-Z][-a-zA-Z0-9]*", 128
# A template's length is said in the words of `limits`.
_ELSEWHERE = {"TemplateBody"}


def check(call: Call) -> None:
    """Refuse a request with values that the model does not allow, all of them at once as CloudFormation does."""
    shape = get_service_model("cloudformation").operation_model(call.operation).input_shape
    found = list(_broken(shape, call.params, "")) if shape else []
    if call.operation == "CreateStack":
        found += _name(call.params.get("StackName"))
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        raise invalid(f"{count}: {'; '.join(found)}")


def _name(name: Any) -> Iterator[str]:
    if isinstance(name, str) and not re.fullmatch(NAME, name):
        yield _text(name, "stackName", f"Member must satisfy regular expression pattern: {NAME}")
    if isinstance(name, str) and len(name) > LONGEST_NAME:
        yield _text(name, "stackName", f"Member must have length less than or equal to {LONGEST_NAME}")


def _broken(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Every constraint that a value, or one inside it, does not keep."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value and name not in _ELSEWHERE:
                yield from _broken(member, value[name], f"{path}.{name[0].lower()}{name[1:]}".lstrip("."))
    elif shape.type_name == "list" and isinstance(value, list):
        yield from (_text(value, path, rule) for rule in _sizes(shape.metadata, len(value), "length"))
        for index, item in enumerate(value, 1):
            if isinstance(item, str):
                rules = _of_text(shape.member.metadata, item)
                yield from (_text(value, path, f"Member must satisfy constraint: [{rule}]") for rule in rules)
            else:
                yield from _broken(shape.member, item, f"{path}.{index}.member")
    elif isinstance(value, str):
        yield from (_text(value, path, rule) for rule in _of_text(shape.metadata, value))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from (_text(value, path, rule) for rule in _sizes(shape.metadata, value, "value"))


def _of_text(allowed: Any, value: str) -> Iterator[str]:
    if "enum" in allowed and value not in allowed["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(allowed['enum'])}]"
    if "pattern" in allowed and not re.fullmatch(allowed["pattern"], value):
        yield f"Member must satisfy regular expression pattern: {allowed['pattern']}"
    yield from _sizes(allowed, len(value), "length")


def _sizes(allowed: Any, size: int, what: str) -> Iterator[str]:
    if size > allowed.get("max", size):
        yield f"Member must have {what} less than or equal to {allowed['max']}"
    if size < allowed.get("min", size):
        yield f"Member must have {what} greater than or equal to {allowed['min']}"


def _text(value: Any, path: str, rule: str) -> str:
    shown = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else value
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: {rule}"
