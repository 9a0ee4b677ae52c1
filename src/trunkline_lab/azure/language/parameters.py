"""A template's parameters: their types and limits, held against the values that a deployment gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.language.expressions import calls_in
from trunkline_lab.azure.language.scope import Place, Scope

# Type in lower case: how ARM spells it, the JSON type it takes, and what Newtonsoft calls that in messages.
_TYPES: Mapping[str, tuple[str, type, str]] = {
    "string": ("String", str, "String, Uri"),
    "securestring": ("SecureString", str, "String, Uri"),
    "int": ("Int", int, "Integer"),
    "bool": ("Bool", bool, "Boolean"),
    "object": ("Object", dict, "Object"),
    "secureobject": ("SecureObject", dict, "Object"),
    "array": ("Array", list, "Array"),
}
_SEE = "Please see https://aka.ms/arm-pass-parameter-values for usage details"
_ACTUAL = {str: "String", int: "Integer", bool: "Boolean", dict: "Object", list: "Array", float: "Float"}


@dataclass(frozen=True)
class Parameters:
    """Values by lower-case name, and the same as a deployment may show them (secrets without value)."""

    values: dict[str, Any]
    shown: dict[str, Any]


def read_parameters(definitions: Any, given: Any, place: Place) -> Parameters:
    """Hold `given` ({name: {"value": ...}}) against a template's definitions. Raises ArmError (InvalidTemplate)."""
    definitions = definitions or {}
    given = {name.lower(): entry for name, entry in (given or {}).items()}
    known = {name.lower() for name in definitions}
    strangers = [name for name in given if name not in known]
    if strangers:
        raise invalid_template(
            f"The template parameters '{', '.join(strangers)}' in the parameters file are not valid; they are not "
            "present in the original template and can therefore not be provided at deployment time. The only "
            f"supported parameters for this template are '{', '.join(definitions)}'. {_SEE}"
        )
    values: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    for name, definition in definitions.items():
        spelling, expected, _ = _type(name, definition)
        value = _value(name, definition, given.get(name.lower()), Scope(place, values, {}, defaults=True))
        if value is None and definition.get("nullable") is True:
            values[name.lower()], shown[name] = None, {"type": spelling, "value": None}
            continue
        _check(name, definition, value, expected)
        values[name.lower()] = value
        shown[name] = {"type": spelling} if spelling.startswith("Secure") else {"type": spelling, "value": value}
    return Parameters(values, shown)


def _type(name: str, definition: Any) -> tuple[str, type, str]:
    wanted = str(definition.get("type")).lower() if isinstance(definition, dict) else ""
    if wanted not in _TYPES:
        raise invalid_template(
            f"The type of the template parameter '{name}' is not one of "
            f"'{', '.join(spelling for spelling, _, _ in _TYPES.values())}'"
        )
    return _TYPES[wanted]


def _value(name: str, definition: Mapping[str, Any], entry: Any, scope: Scope) -> Any:
    """What was given, else the default. Raises ArmError when there is neither."""
    if isinstance(entry, dict) and "value" in entry:
        return entry["value"]
    if isinstance(entry, dict) and "reference" in entry:
        raise ArmError(
            400, "KeyVaultParameterReferenceNotFound", f"The key vault that parameter '{name}' refers to was not found."
        )
    if entry is not None:
        raise invalid_template(f"The template parameter '{name}' is given as an object with a value. {_SEE}")
    if "defaultValue" not in definition:
        if definition.get("nullable") is True:
            return None
        raise invalid_template(f"The value for the template parameter '{name}' is not provided. {_SEE}")
    if any(call.name == "variables" for call in calls_in(definition["defaultValue"])):
        raise invalid_template(f"The default value of the template parameter '{name}' cannot use variables")
    return replace(scope, parameters=dict(scope.parameters)).value(definition["defaultValue"])


def _check(name: str, definition: Mapping[str, Any], value: Any, expected: type) -> None:
    """Hold a value to its type and limits. Raises ArmError."""
    if type(value) is not expected:
        wanted = next(words for _, kind, words in _TYPES.values() if kind is expected)
        raise invalid_template(
            f"Template parameter JToken type is not valid. Expected '{wanted}'. Actual "
            f"'{_ACTUAL.get(type(value), 'Null')}'. Parameter '{name}'. {_SEE}"
        )
    secure = str(definition["type"]).lower().startswith("secure")
    words = "the value given" if secure else f"the provided value '{_show(value)}'"
    allowed = definition.get("allowedValues")
    if (
        allowed is not None
        and value not in allowed
        and not (isinstance(value, list) and all(v in allowed for v in value))
    ):
        raise invalid_template(
            f"{words.capitalize() if secure else 'T' + words[1:]} for the template parameter '{name}' is not valid. "
            f"The value is not part of the allowed value(s): '{','.join(_show(one) for one in allowed)}'"
        )
    size = len(value) if isinstance(value, str | list | dict) else value
    for low, high, what in (("minLength", "maxLength", "length"), ("minValue", "maxValue", "value")):
        least, most = definition.get(low), definition.get(high)
        if (least is not None and size < least) or (most is not None and size > most):
            raise invalid_template(
                f"The {what} of the template parameter '{name}' is not valid: it is {size}, and it is "
                f"between {least if least is not None else 'any'} and {most if most is not None else 'any'}. {_SEE}"
            )


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
