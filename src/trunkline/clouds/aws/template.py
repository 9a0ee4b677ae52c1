"""A CloudFormation template as a step sees it: what its parameters need and its outputs give."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline._core.fields import Field, Kind
from trunkline.clouds.names import kind_of

if TYPE_CHECKING:
    import yaml

LARGEST = 51_200  # bytes; CloudFormation's limit for a template that travels in the request


@dataclass(frozen=True)
class Template:
    """One template, read.

    Parameters:
        path: Where it was read.
        body: Its text, as CloudFormation gets it.
        parameters: What each parameter needs, by its name.
        outputs: What each output gives, by its name.
        defaults: The parameters' own defaults as CloudFormation's text, by name.
        resources: The type of every resource, by logical id.
        transforms: True when it asks for macros, which CloudFormation wants acknowledged.
    """

    path: Path
    body: str
    parameters: dict[str, Field]
    outputs: dict[str, Field]
    defaults: dict[str, str]
    resources: dict[str, str]
    transforms: bool = False

    @property
    def capabilities(self) -> list[str]:
        """What CloudFormation wants acknowledged because the template itself asks for it."""
        identity = any(kind.startswith("AWS::IAM::") for kind in self.resources.values())
        return ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"] * identity + ["CAPABILITY_AUTO_EXPAND"] * self.transforms


def read(path: str | Path) -> Template:
    """Read a template, YAML (with CloudFormation's short forms) or JSON.

    Raises:
        Error: There is no such file, it does not parse, it is no template, or it is too large.
    """
    path = Path(path)
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Error(f"template {path}: {error}", hint="give the path of a CloudFormation template") from error
    if len(body.encode()) > LARGEST:
        raise Error(f"template {path}: larger than {LARGEST} bytes", hint="split it into two stacks")
    document = _parse(path, body)
    parameters, outputs = (_section(path, document, name) for name in ("Parameters", "Outputs"))
    resources = _section(path, document, "Resources")
    if not resources:
        raise Error(f"template {path}: it has no Resources", hint="is it a CloudFormation template?")
    return Template(
        path=path,
        body=body,
        parameters={name: _need(name, spec) for name, spec in parameters.items()},
        outputs={
            name: Field(kind=kind_of(name), note=str(spec.get("Description", ""))) for name, spec in outputs.items()
        },
        defaults={name: as_text(spec["Default"]) for name, spec in parameters.items() if "Default" in spec},
        resources={name: str(spec.get("Type", "")) for name, spec in resources.items()},
        transforms="Transform" in document,
    )


def as_text(value: object) -> str:
    """A value as CloudFormation takes it: booleans in small letters, lists joined by commas.

    Raises:
        TypeError: It is neither text, number, boolean, address nor a list of these.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(as_text(item) for item in value)
    if value is None or isinstance(value, dict | set | bytes):
        raise TypeError(f"{type(value).__name__} cannot be a parameter's value")
    return str(value)


def _need(name: str, spec: dict[str, Any]) -> Field:
    kind = _kind(name, str(spec.get("Type", "String")))
    return Field(
        kind=kind,
        required="Default" not in spec,
        allowed=_allowed(kind, spec.get("AllowedValues", ())),
        pattern=_pattern(spec.get("AllowedPattern")),
        secret=as_text(spec.get("NoEcho", False)) == "true",
        note=str(spec.get("Description", "")),
    )


def _gift(name: str, spec: dict[str, Any]) -> Field:
    return Field(kind=kind_of(name), note=str(spec.get("Description", "")))


def _kind(name: str, cloud_type: str) -> Kind:
    if cloud_type == "Number":
        return "number"
    guess = kind_of(name)
    if cloud_type.startswith("List<") or cloud_type == "CommaDelimitedList":
        return guess if guess in ("cidrs", "addresses") else "list"
    return guess if cloud_type == "String" else "str"


def _allowed(kind: Kind, values: Any) -> tuple[object, ...]:
    if kind == "number":
        return tuple(values)
    texts = tuple(as_text(value) for value in values)
    # A boolean of the state becomes this text on its way, so it is as good.
    return (*texts, True, False) if set(texts) == {"true", "false"} else texts


def _pattern(pattern: object) -> str | None:
    """The pattern where Python reads it too; CloudFormation's dialect is Java's, and it checks in any case."""
    try:
        return re.compile(str(pattern)).pattern if pattern else None
    except re.error:
        return None


def _section(path: Path, document: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    section = document.get(name) or {}
    if not isinstance(section, dict) or not all(isinstance(spec, dict) for spec in section.values()):
        raise Error(f"template {path}: {name} must map names to objects", hint="run cfn-lint on it")
    return section


def _parse(path: Path, body: str) -> dict[str, Any]:
    import yaml

    try:
        # JSON is nearly YAML, but not where it is indented with tabs.
        document = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, Loader=_loader())
    except (yaml.YAMLError, ValueError) as error:
        raise Error(f"template {path}: {error}", hint="mend the template; cfn-lint shows where") from error
    if not isinstance(document, dict):
        raise Error(f"template {path}: it is no mapping", hint="is it a CloudFormation template?")
    return document


@cache
def _loader() -> type[yaml.SafeLoader]:
    """A safe YAML loader that knows CloudFormation's short forms (!Ref, !Sub ...) and leaves dates as text."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            value: Any = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        elif isinstance(node, yaml.MappingNode):
            value = loader.construct_mapping(node, deep=True)
        else:
            raise yaml.constructor.ConstructorError(None, None, f"nothing follows !{tag}", node.start_mark)
        return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}

    def plain_text(loader: yaml.SafeLoader, node: Any) -> str:
        return str(node.value)

    Loader.add_multi_constructor("!", short_form)
    # A template's version is a date to YAML, and text to CloudFormation.
    Loader.add_constructor("tag:yaml.org,2002:timestamp", plain_text)
    return Loader
