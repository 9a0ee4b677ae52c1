"""Types of parameters and outputs: the seven plain ones, and those that a template defines itself (`definitions`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.language.formats import kind

# Type in lower case: how ARM spells it, the JSON type it takes, and what Newtonsoft calls that in messages.
TYPES: Mapping[str, tuple[str, type, str]] = {
    "string": ("String", str, "String, Uri"),
    "securestring": ("SecureString", str, "String, Uri"),
    "int": ("Int", int, "Integer"),
    "bool": ("Bool", bool, "Boolean"),
    "object": ("Object", dict, "Object"),
    "secureobject": ("SecureObject", dict, "Object"),
    "array": ("Array", list, "Array"),
}
_SEE = "Please see https://aka.ms/arm-pass-parameter-values for usage details"
_PREFIX = "#/definitions/"
Types = Mapping[str, Any]


def resolve(name: str, definition: Any, types: Types) -> dict[str, Any]:
    """A definition with what its `$ref` says put in. Raises ArmError (InvalidTemplate)."""
    seen: set[str] = set()
    if not isinstance(definition, dict):
        return {}
    while "$ref" in definition:
        target = str(definition["$ref"])
        if target in seen or not target.startswith(_PREFIX) or target.removeprefix(_PREFIX) not in types:
            raise invalid_template(f"The type '{target}' of '{name}' is not one of the template's definitions")
        seen.add(target)
        rest = {key: value for key, value in definition.items() if key != "$ref"}
        definition = {**types[target.removeprefix(_PREFIX)], **rest}
    return dict(definition)


def type_of(name: str, definition: Any) -> tuple[str, type, str]:
    """The type's row in TYPES. Raises ArmError (InvalidTemplate)."""
    wanted = str(definition.get("type")).lower() if isinstance(definition, dict) else ""
    if wanted not in TYPES:
        raise invalid_template(
            f"The type of the template parameter '{name}' is not one of "
            f"'{', '.join(spelling for spelling, _, _ in TYPES.values())}'"
        )
    return TYPES[wanted]


def check(name: str, definition: Mapping[str, Any], value: Any, types: Types) -> None:
    """Hold a value to its type and limits, and its parts to theirs. Raises ArmError (InvalidTemplate)."""
    _, expected, wanted = type_of(name, definition)
    if type(value) is not expected:
        raise invalid_template(
            f"Template parameter JToken type is not valid. Expected '{wanted}'. Actual "
            f"'{kind(value)}'. Parameter '{name}'. {_SEE}"
        )
    _check_allowed(name, definition, value)
    _check_size(name, definition, value)
    if isinstance(value, list):
        _check_elements(name, definition, value, types)
    elif isinstance(value, dict):
        _check_properties(name, definition, value, types)


def _check_allowed(name: str, definition: Mapping[str, Any], value: Any) -> None:
    secure = str(definition["type"]).lower().startswith("secure")
    words = "The value" if secure else f"The value '{_show(value)}'"
    allowed = definition.get("allowedValues")
    if (
        not allowed
        or _among(value, allowed)
        or (isinstance(value, list) and all(_among(one, allowed) for one in value))
    ):
        return
    raise invalid_template(
        f"The provided value for the template parameter '{name}' is not valid. "
        f"{words} is not part of the allowed value(s): '{','.join(_show(one) for one in allowed)}'"
    )


def _among(value: Any, allowed: list[Any]) -> bool:
    """Whether a value is one of those, however a text is spelt (https://github.com/Azure/bicep/issues/2489)."""
    small = value.lower() if isinstance(value, str) else value
    return any(small == (one.lower() if isinstance(one, str) else one) for one in allowed)


def _check_size(name: str, definition: Mapping[str, Any], value: Any) -> None:
    size = len(value) if isinstance(value, str | list | dict) else value
    for low, high, what in (("minLength", "maxLength", "Length of the value"), ("minValue", "maxValue", "The value")):
        least, most = definition.get(low), definition.get(high)
        wrong = "less than or equal to" if most is not None and size > most else ""
        wrong = "greater than or equal to" if least is not None and size < least else wrong
        if wrong:
            raise invalid_template(
                f"The provided value for the template parameter '{name}' is not valid. {what} should be {wrong} "
                f"'{least if wrong.startswith('greater') else most}'. {_SEE}"
            )


def _check_part(name: str, definition: Any, value: Any, types: Types) -> None:
    """Hold an element or a property to its own definition."""
    if not isinstance(definition, dict):
        return
    part = resolve(name, definition, types)
    if not (value is None and part.get("nullable") is True):
        check(name, part, value, types)


def _check_elements(name: str, definition: Mapping[str, Any], value: list[Any], types: Types) -> None:
    first = definition.get("prefixItems") or []
    for at, element in enumerate(value):
        part = first[at] if at < len(first) else definition.get("items")
        if part is False:
            raise invalid_template(f"The array '{name}' has no element {at}")
        _check_part(f"{name}[{at}]", part, element, types)


def _check_properties(name: str, definition: Mapping[str, Any], value: dict[str, Any], types: Types) -> None:
    if isinstance(definition.get("discriminator"), dict):
        definition = {**definition, **_chosen(name, definition["discriminator"], value, types)}
    known = definition.get("properties") or {}
    given = {key.lower(): part for key, part in value.items()}
    for key, part in known.items():
        if key.lower() in given:
            _check_part(f"{name}.{key}", part, given[key.lower()], types)
        elif resolve(f"{name}.{key}", part, types).get("nullable") is not True:
            raise invalid_template(f"The property '{key}' of the template parameter '{name}' is missing. {_SEE}")
    more = definition.get("additionalProperties")
    for key in [key for key in value if key.lower() not in {one.lower() for one in known}]:
        if more is False:
            raise invalid_template(f"The template parameter '{name}' has no property '{key}'. {_SEE}")
        _check_part(f"{name}.{key}", more, value[key], types)


def _chosen(name: str, discriminator: Mapping[str, Any], value: dict[str, Any], types: Types) -> dict[str, Any]:
    """The one of several types that an object's own property names. Raises ArmError."""
    key = discriminator["propertyName"]
    found = discriminator["mapping"].get(value.get(key))
    if found is None:
        raise invalid_template(
            f"The property '{key}' of the template parameter '{name}' is one of "
            f"'{', '.join(discriminator['mapping'])}'. {_SEE}"
        )
    return resolve(name, found, types)


def fits(output: Mapping[str, Any], value: Any, types: Types) -> str | None:
    """How ARM spells an output's type; None when the value is not of it."""
    try:
        definition = resolve("output", output, types)
        spelling, expected, _ = type_of("output", definition)
    except ArmError:
        return None
    return spelling if type(value) is expected or (value is None and definition.get("nullable") is True) else None


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
