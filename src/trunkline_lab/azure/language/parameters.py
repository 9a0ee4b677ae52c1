"""A template's parameters: their types and limits, held against the values that a deployment gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.language.expressions import Literal, calls_in
from trunkline_lab.azure.language.scope import Place, Scope
from trunkline_lab.azure.language.types import check, resolve, type_of

_SEE = "Please see https://aka.ms/arm-pass-parameter-values for usage details"


@dataclass(frozen=True)
class Parameters:
    """Values by lower-case name, and the same as a deployment may show them (secrets without value)."""

    values: dict[str, Any]
    shown: dict[str, Any]


def read_parameters(definitions: Any, given: Any, place: Place, types: Any = None) -> Parameters:
    """Hold `given` ({name: {"value": ...}}) against a template's definitions. Raises ArmError (InvalidTemplate).

    Parameters:
        definitions: The template's parameters.
        given: The values.
        place: What functions in default values see.
        types: The template's own types, its `definitions`.
    """
    definitions = {name: resolve(name, one, types or {}) for name, one in (definitions or {}).items()}
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
    for name in _in_turn(definitions, given):
        definition = definitions[name]
        spelling = type_of(name, definition)[0]
        value = _value(name, definition, given.get(name.lower()), Scope(place, values, {}, defaults=True))
        if value is None and definition.get("nullable") is True:
            values[name.lower()], shown[name] = None, {"type": spelling, "value": None}
            continue
        check(name, definition, value, types or {})
        values[name.lower()] = value
        shown[name] = {"type": spelling} if spelling.startswith("Secure") else {"type": spelling, "value": value}
    return Parameters(values, {name: shown[name] for name in definitions})


def _in_turn(definitions: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """The parameters' names, each after those that its default value uses, wherever they stand."""
    by_key = {name.lower(): name for name in definitions}
    uses = {
        name: [
            by_key[str(argument.value).lower()]
            for call in calls_in(definition.get("defaultValue"))
            for argument in call.arguments[:1]
            if call.name == "parameters" and isinstance(argument, Literal) and str(argument.value).lower() in by_key
        ]
        if name.lower() not in given
        else []
        for name, definition in definitions.items()
    }
    try:
        return list(TopologicalSorter(uses).static_order())
    except CycleError as circle:
        raise invalid_template(
            f"Circular dependency detected on template parameter: '{circle.args[1][0]}'. {_SEE}"
        ) from None


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
