"""An ARM template, read once: what it needs, what it gives, and the values that one deployment of it gets."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunkline._core.errors import Error
from trunkline._core.fields import Field, Kind
from trunkline._core.secret import Secret
from trunkline.clouds.cloud import Value
from trunkline.clouds.names import kind_of, state_key

_TYPES: dict[str, tuple[Kind, type | tuple[type, ...]]] = {
    "string": ("str", str),
    "securestring": ("str", str),
    "int": ("int", int),
    "bool": ("bool", bool),
    "array": ("list", (list, tuple)),
    "object": ("dict", Mapping),
    "secureobject": ("dict", Mapping),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a template; `key` is where its value stands in the state."""

    name: str
    key: str
    type: str
    field: Field
    definition: Mapping[str, Any]

    @property
    def secret(self) -> bool:
        """Whether ARM never shows its value."""
        return self.field.secret

    def checked(self, value: object, template: str) -> object:
        """`value`, or Error when ARM would refuse it: wrong type, not allowed, too long or too short."""
        shown = "***" if self.secret else repr(value)
        where = f"template {template}: parameter {self.name}={shown}"
        kind, accepted = _TYPES[self.type]
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind != "bool"):
            raise Error(f"{where} is {type(value).__name__}", hint=f"it must be of ARM's type {self.type}")
        if self.field.allowed and value not in self.field.allowed:
            raise Error(f"{where} is not allowed", hint=f"one of {', '.join(map(str, self.field.allowed))}")
        if isinstance(value, (str, list, tuple)):
            self._check_size(len(value), "minLength", "maxLength", where)
        elif kind == "int":
            assert isinstance(value, int)
            self._check_size(value, "minValue", "maxValue", where)
        return list(value) if isinstance(value, tuple) else value

    def _check_size(self, size: int, least: str, most: str, where: str) -> None:
        low, high = self.definition.get(least), self.definition.get(most)
        if low is not None and size < low:
            raise Error(f"{where} is below {least} {low}")
        if high is not None and size > high:
            raise Error(f"{where} is above {most} {high}")


@dataclass(frozen=True)
class Template:
    """A template with the fixed values of one stack.

    Parameters:
        name: The file's name, for messages.
        body: The template itself.
        parameters: By name.
        fixed: Values by parameter name; these are not needed from the state.
        outputs: State key by output name.
    """

    name: str
    body: Mapping[str, Any]
    parameters: Mapping[str, Parameter]
    fixed: Mapping[str, Value]
    outputs: Mapping[str, str]

    @property
    def needs(self) -> dict[str, Field]:
        """What a step of this template needs from the state."""
        return {p.key: p.field for p in self.parameters.values() if p.name not in self.fixed}

    @property
    def gives(self) -> dict[str, Field]:
        """What a step of this template adds to the state."""
        definitions = self.body.get("outputs") or {}
        return {
            key: _field(name, definitions[name], required=True, secret=state_key(name).endswith("password"))
            for name, key in self.outputs.items()
        }

    def missing(self, state: Mapping[str, Any]) -> list[str]:
        """The state keys that are required and not there."""
        return [key for key, field in self.needs.items() if field.required and state.get(key) is None]

    def arguments(self, state: Mapping[str, Any]) -> dict[str, object]:
        """The values of one deployment by parameter name; parameters with a default that nobody gave are left out.

        Raises:
            Error: One is missing, or would be refused by ARM; names it, its value, and the state key.
        """
        if missing := self.missing(state):
            raise Error(
                f"template {self.name}: the state has no {', '.join(map(repr, missing))}",
                hint="give it in data, in a step before, or in stack(parameters=...)",
            )
        found: dict[str, object] = {}
        for parameter in self.parameters.values():
            if parameter.name in self.fixed:
                value = self.fixed[parameter.name]
                value = value() if callable(value) else value
                value = value.reveal() if isinstance(value, Secret) else value
                found[parameter.name] = parameter.checked(value, self.name)
            elif state.get(parameter.key) is not None:
                found[parameter.name] = parameter.checked(state[parameter.key], self.name)
        return found

    def digest(self, arguments: Mapping[str, object]) -> str:
        """32 hex digits that tell whether template or values changed. Secrets are left out: a tag shows it."""
        public = {name: value for name, value in arguments.items() if not self.parameters[name].secret}
        text = json.dumps([self.body, public], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def given(self, outputs: Mapping[str, Any] | None) -> dict[str, object]:
        """A deployment's outputs by state key.

        Parameters:
            outputs: As ARM tells them: name to {"type": ..., "value": ...}.
        """
        keys = {name.lower(): key for name, key in self.outputs.items()}
        return {keys.get(n.lower(), state_key(n)): entry.get("value") for n, entry in (outputs or {}).items()}

    def api_version(self, resource_type: str) -> str | None:
        """The API version that the template uses for a type of resource; None when the type is not in it."""
        for resource in resources(self.body):
            if str(resource["type"]).lower() == resource_type.lower():
                return str(resource["apiVersion"])
        return None


def read(path: str | Path, fixed: Mapping[str, Value] | None, keys: Mapping[str, str] | None) -> Template:
    """Read a template and bind it to fixed values and state keys.

    Parameters:
        path: Of an ARM template in JSON.
        fixed: Values by parameter name; `VpcCidr`, `vpcCidr` and `vpc_cidr` all name the same parameter, so that
            one caller serves the templates of several clouds. A function is asked at every deployment.
        keys: State keys by parameter or output name, where the default does not fit.

    Raises:
        Error: The file is no ARM template, a name in `fixed` or `keys` is not in it, a fixed value would be
            refused, or it has a nested deployment, whose resources a later undo could not see.
    """
    path, fixed, keys = Path(path), fixed or {}, keys or {}
    body = _load(path)
    definitions, outputs = body.get("parameters") or {}, body.get("outputs") or {}
    fixed = {_resolved(name, definitions, path.name, "parameters"): value for name, value in fixed.items()}
    renamed = {_resolved(name, [*definitions, *outputs], path.name, "keys"): key for name, key in keys.items()}
    parameters = {
        name: _parameter(name, renamed.get(name, state_key(name)), definition, path.name)
        for name, definition in definitions.items()
    }
    for name, value in fixed.items():
        if not callable(value):
            parameters[name].checked(value, path.name)
    given = {name: renamed.get(name, state_key(name)) for name in outputs}
    return Template(path.name, body, parameters, fixed, given)


def _load(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Error(f"template {path}: {error.strerror}", hint="give the path of an ARM template") from error
    except ValueError as error:
        raise Error(f"template {path} is no JSON: {error}", hint="Bicep is compiled first: az bicep build") from error
    if not isinstance(body, dict) or "resources" not in body or "deploymentTemplate" not in str(body.get("$schema")):
        raise Error(f"template {path} is no ARM template", hint="it needs $schema, contentVersion and resources")
    for resource in resources(body):
        if "type" not in resource or "apiVersion" not in resource:
            raise Error(f"template {path}: resource {resource.get('name')!r} lacks type or apiVersion")
        if str(resource["type"]).lower() == "microsoft.resources/deployments":
            raise Error(
                f"template {path}: {resource.get('name')!r} is a nested deployment",
                hint="make it a stack of its own, so that it can be undone",
            )
    return body


def resources(body: Mapping[str, Any], parent: str = "") -> Iterable[dict[str, Any]]:
    """All resources, children inside their parents too, each with its whole type."""
    listed = body.get("resources") or []
    for resource in listed.values() if isinstance(listed, dict) else listed:
        whole = {**resource, "type": parent + str(resource["type"])} if parent and "type" in resource else resource
        yield whole
        yield from resources(resource, f"{whole.get('type')}/")


def _resolved(name: str, names: Iterable[str], template: str, where: str) -> str:
    by_key = {state_key(each): each for each in names}
    if state_key(name) in by_key:
        return by_key[state_key(name)]
    near = difflib.get_close_matches(state_key(name), by_key, n=1)
    known = f"did you mean {by_key[near[0]]!r}?" if near else f"it has {', '.join(by_key.values()) or 'none'}"
    raise Error(f"template {template}: {where} names {name!r}, which it does not have", hint=known)


def _parameter(name: str, key: str, definition: Mapping[str, Any], template: str) -> Parameter:
    kind = str(definition.get("type", "")).lower()
    if kind not in _TYPES:
        raise Error(f"template {template}: parameter {name} has the type {definition.get('type')!r}, unknown to ARM")
    required = "defaultValue" not in definition
    return Parameter(name, key, kind, _field(name, definition, required, kind.startswith("secure")), definition)


def _field(name: str, definition: Mapping[str, Any], required: bool, secret: bool) -> Field:
    kind = _kind(name, str(definition.get("type", "")).lower())
    return Field(
        kind=kind,
        required=required,
        allowed=tuple(definition.get("allowedValues") or ()),
        pattern=_length_pattern(definition) if kind == "str" else None,
        secret=secret,
        note=str((definition.get("metadata") or {}).get("description", "")),
    )


def _kind(name: str, arm_type: str) -> Kind:
    kind, special = _TYPES.get(arm_type, ("any", object))[0], kind_of(name)
    if (arm_type == "string" and special in ("cidr", "address")) or (
        kind == "list" and special in ("cidrs", "addresses")
    ):
        return special
    return kind


def _length_pattern(definition: Mapping[str, Any]) -> str | None:
    low, high = definition.get("minLength"), definition.get("maxLength")
    return None if low is None and high is None else rf"(?s).{{{low or 0},{'' if high is None else high}}}"
