"""The options that several commands share, and the ones that follow from a pipeline's signature."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from trunkline._core.errors import Misuse

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The configuration; by default $TRUNKLINE_CONFIG, then ./trunkline.toml."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="ADDRESS", help="Your own address, for temporary API access; else the file's."),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="RUN", help="The run's name; by default made of the pipeline and its options."),
]
ProgressOption = Annotated[
    str,
    typer.Option(
        "--progress",
        metavar="HOW",
        help="How progress is shown on stderr: auto, tty, plain, json or quiet; also $TRUNKLINE_PROGRESS.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The result as one JSON document on stdout.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
WebOption = Annotated[
    bool, typer.Option("--web", help="Serve the run as a live page on 127.0.0.1; its address is printed.")
]
FailureOption = Annotated[
    Literal["keep", "undo"],
    typer.Option("--on-failure", help="What becomes of a run that fails: kept, to be resumed; or undone at once."),
]
FormatOption = Annotated[
    Literal["text", "dot", "mermaid"], typer.Option("--format", help="A tree of text, Graphviz, or Mermaid.")
]

# The options of the verbs that take a pipeline, and whether each is followed by a value.
COMMON: dict[str, tuple[str, Any, Any]] = {
    "--name": ("name", NameOption, None),
    "--config": ("config", ConfigOption, None),
    "--from": ("caller", FromOption, None),
    "--progress": ("progress", ProgressOption, "auto"),
    "--format": ("format", FormatOption, "text"),
    "--on-failure": ("on_failure", FailureOption, "keep"),
    "--web": ("web", WebOption, False),
    "--json": ("json", JsonOption, False),
    "--debug": ("debug", DebugOption, False),
}
FLAGS = ("--web", "--json", "--debug")

SIMPLE = (str, int, float, bool, Path)


@dataclass(frozen=True, slots=True)
class Input:
    """One parameter of a pipeline's function.

    Parameters:
        name: The parameter's own name.
        source: Where its value comes from: an "option", an "account" that an option names, the "config", or the
            "run"'s name.
        annotation: The option's type, without `| None`.
        default: `inspect.Parameter.empty` when it must be given.
        help: What the docstring says of it.
    """

    name: str
    source: Literal["option", "account", "config", "run"]
    annotation: Any
    default: Any
    help: str

    @property
    def flag(self) -> str:
        """The option as it is typed: `--vpc-cidr`."""
        return "--" + self.name.strip("_").replace("_", "-")


def inputs(fn: Callable[..., Any], reference: str) -> list[Input]:
    """The parameters of a pipeline's function, as inputs.

    Raises:
        Misuse: A parameter has no annotation, one that no option can have, or the name of a common option.
    """
    hints = get_type_hints(fn)
    described = descriptions(inspect.getdoc(fn) or "")
    found = [
        _input(parameter, hints.get(name), described.get(name, ""), reference)
        for name, parameter in inspect.signature(fn).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    for each in found:
        if each.source in ("option", "account") and each.flag in COMMON:
            raise Misuse(f"pipeline {reference!r}: its parameter {each.name!r} hides {each.flag}", hint="rename it")
    return found


def _input(parameter: inspect.Parameter, annotation: Any, text: str, reference: str) -> Input:
    plain = _without_none(annotation)
    if plain.__class__ is type and plain.__name__ == "Config" and plain.__module__ == "trunkline.config":
        return Input(parameter.name, "config", plain, parameter.default, text)
    if _is_account(plain):
        return Input(parameter.name, "account", str, parameter.default, text or "An account's name.")
    if parameter.name == "run" and plain is str:
        return Input(parameter.name, "run", str, parameter.default, text)
    if not _can_be_option(plain):
        known = (
            "str, int, float, bool, Path, IPv4Network, IPv4Address, Literal, an Enum, a list of these, Account, Config"
        )
        raise Misuse(
            f"pipeline {reference!r}: no option can have the type of its parameter {parameter.name!r}", hint=known
        )
    return Input(parameter.name, "option", plain, parameter.default, text)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        return rest[0] if len(rest) == 1 else None
    return annotation


def _is_account(annotation: Any) -> bool:
    # By its name: importing the clouds' Protocol for a pipeline without accounts would be work for nothing.
    return (getattr(annotation, "__module__", ""), getattr(annotation, "__name__", "")) == (
        "trunkline.clouds.cloud",
        "Account",
    )


def _can_be_option(annotation: Any) -> bool:
    if get_origin(annotation) is list:
        return _can_be_option(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return True
    return annotation in (*SIMPLE, IPv4Network, IPv4Address) or (
        isinstance(annotation, type) and issubclass(annotation, Enum)
    )


def parameter(item: Input) -> inspect.Parameter:
    """The typer parameter of an input that is an option; its name is made so that no common option has it."""
    element = get_args(item.annotation)[0] if get_origin(item.annotation) is list else item.annotation
    parsers: dict[Any, tuple[Callable[[str], Any], str]] = {
        IPv4Network: (cidr, "CIDR"),
        IPv4Address: (address, "ADDRESS"),
    }
    parser, metavar = parsers.get(element, (None, None))
    if item.source == "account":
        metavar = "ACCOUNT"
    flag = f"{item.flag}/--no-{item.flag[2:]}" if item.annotation is bool else item.flag
    option = typer.Option(flag, parser=parser, metavar=metavar, help=item.help or None)
    default = item.default
    kind = item.annotation if default is not None else item.annotation | None
    return inspect.Parameter(
        internal(item.name), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )


def internal(name: str) -> str:
    """The name under which a pipeline's own option reaches the command."""
    return f"pipeline_{name}"


def cidr(text: Any) -> IPv4Network:
    """An IPv4 prefix, strictly: no host bits. Raises BadParameter with the prefix that was meant."""
    if isinstance(text, IPv4Network):
        return text
    try:
        return IPv4Network(text)
    except ValueError as error:
        meant = ""
        try:
            meant = f"; did you mean {ip_network(text, strict=False)}?"
        except ValueError:
            meant = "; give one such as 10.1.0.0/16"
        raise typer.BadParameter(f"{text!r} is no IPv4 prefix ({error}){meant}") from None


def address(text: Any) -> IPv4Address:
    """An IPv4 address. Raises BadParameter."""
    if isinstance(text, IPv4Address):
        return text
    try:
        return IPv4Address(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no IPv4 address ({error}); give one such as 10.1.0.4") from None


def descriptions(doc: str) -> dict[str, str]:
    """What the section "Parameters:" of a docstring says of each parameter.

    A line "name: text" or "one, other: text" begins an entry; deeper lines go on with it; the section ends with the
    first line that is no deeper than its head.
    """
    found: dict[str, str] = {}
    lines = iter(doc.splitlines())
    for line in lines:
        if line.strip() in ("Parameters:", "Args:"):
            break
    depth, names = 0, list[str]()
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if indent == 0:
            break
        depth = depth or indent
        entry = re.match(r"\s*([\w, ]+):\s+(.*)", line) if indent == depth else None
        if entry:
            names = [name.strip() for name in entry[1].split(",")]
        for name in names:
            found[name] = f"{found.get(name, '')} {entry[2] if entry else line.strip()}".strip()
    return found
