"""The verbs that take a pipeline: their options are the pipeline's own and the common ones, read by typer together."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from trunkline._core.errors import Error
from trunkline.cli import pipelines
from trunkline.cli.exits import Exit
from trunkline.cli.options import COMMON, FLAGS, Input, inputs, internal, parameter
from trunkline.config import Config, ConfigError, load, nearest

Action = Callable[["Call"], int]

EXAMPLES = {
    "up": ("trunkline up connect-vpc --config lab.toml", "trunkline up essay.py:deploy --vpc-cidr 10.1.0.0/16"),
    "check": ("trunkline check connect-vpc", "trunkline check federation --json"),
    "graph": ("trunkline graph connect-vpc", "trunkline graph connect-vpc --format mermaid"),
}
PURPOSE = {
    "up": "Run a pipeline: check its wiring, run its steps, and say what was made, opened and closed.",
    "check": "Look at a pipeline's wiring without running it or touching a cloud.",
    "graph": "Show a pipeline's steps without running it.",
}


@dataclass
class Call:
    """A verb with a pipeline and all of its options, read and found well-formed.

    Parameters:
        reference: The pipeline as it was named.
        words: The command as it was typed after "trunkline", to be shown for running it again.
        common: The common options by name.
        values: The pipeline's own options by parameter; accounts by their names.
    """

    reference: str
    words: Sequence[str]
    fn: pipelines.Pipeline
    inputs: list[Input]
    common: dict[str, Any]
    values: dict[str, Any]
    _config: Config | None = field(default=None, init=False)

    @property
    def run(self) -> str:
        """The run's name: --name, else made of the pipeline and its options, so that the same call is the same run."""
        if self.common.get("name") is not None:
            return str(self.common["name"])
        options = json.dumps({key: str(value) for key, value in sorted(self.values.items())})
        return f"{pipelines.short_name(self.reference)}-{hashlib.sha256(options.encode()).hexdigest()[:8]}"

    @property
    def config(self) -> Config | None:
        """The configuration; None while nothing asked for it and --config was not given."""
        return self._config

    def build(self) -> tuple[Any, dict[str, Any]]:
        """Call the pipeline's function with its options; answers its steps and its data. Touches no cloud.

        Raises:
            ConfigError: The configuration, or an option that refers to it, is wrong.
            Refused: The function refused its options, or returned no pipeline.
            Whatever else the function raises.
        """
        if not self.run.strip() or not self.run.isprintable():
            raise pipelines.Refused(f"--name {self.run!r} is no name for a run", hint="give it text, such as acme-10.1")
        if self.common["config"] is not None or any(each.source in ("account", "config") for each in self.inputs):
            self._config = load(self.common["config"])
            if self.common["caller"] is not None:
                self._config = self._config.with_caller(self.common["caller"])
        arguments = {each.name: self._argument(each) for each in self.inputs}
        try:
            steps, data = pipelines.parts(self.fn(**arguments), self.reference)
        except ConfigError:
            raise
        except Error as error:
            raise pipelines.Refused(str(error), hint=error.hint) from error
        return steps, dict(data)

    def _argument(self, item: Input) -> Any:
        match item.source:
            case "config":
                return self._config
            case "run":
                return self.run
            case "account":
                name = self.values[item.name]
                if name is None or not isinstance(name, str):
                    return name
                assert self._config is not None
                try:
                    return self._config.account(name)
                except ConfigError as error:
                    raise ConfigError(f"{item.flag} {name}: {error}", hint=error.hint) from error
            case _:
                return self.values[item.name]


def perform(verb: str, args: Sequence[str], action: Action, *, without: Sequence[str] = ()) -> int:
    """Read `args` as a verb's pipeline and options, and perform the action.

    Parameters:
        verb: "up", "check" or "graph".
        args: What was typed after the verb.
        action: What to do; answers the exit code.
        without: Common options that this verb does not have.
    """
    common = {flag: spec for flag, spec in COMMON.items() if flag not in without}
    reference, rest = split(args, common)
    if reference is None:
        return _help(verb, rest, common)
    fn = pipelines.find(reference)
    wanted = inputs(fn, reference)
    options = [each for each in wanted if each.source in ("option", "account")]

    def command(**values: Any) -> int:
        own = {each.name: values.pop(internal(each.name)) for each in options}
        return action(Call(reference, [verb, *args], fn, wanted, values, own))

    command.__doc__ = _described(verb, reference, fn)
    _sign(command, [parameter(each) for each in options] + _common_parameters(common))
    return _run(command, rest, f"trunkline {verb} {reference}")


def split(args: Sequence[str], common: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The pipeline in `args` and all the rest: it is the first word that is no option and no common option's value."""
    place = 0
    while place < len(args):
        word = args[place]
        if not word.startswith("-"):
            return word, [*args[:place], *args[place + 1 :]]
        if "=" not in word and word not in (*FLAGS, *common, "--help"):
            hint = nearest(word, [*common, "--help"], "options here")
            raise typer.BadParameter(f"{word} stands before the pipeline; {hint}", param_hint="PIPELINE")
        place += 1 if "=" in word or word in (*FLAGS, "--help") else 2
    return None, list(args)


def _common_parameters(common: dict[str, Any]) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation, default in common.values()
    ]


def _sign(command: Callable[..., int], parameters: list[inspect.Parameter]) -> None:
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}


def _run(command: Callable[..., int], args: Sequence[str], prog: str) -> int:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(command)
    code: int = app(list(args), prog_name=prog, standalone_mode=False) or Exit.DONE
    return code


def _described(verb: str, reference: str, fn: pipelines.Pipeline) -> str:
    return f"{pipelines.summary(fn) or reference}\n\n{PURPOSE[verb]}"


def _help(verb: str, args: Sequence[str], common: dict[str, Any]) -> int:
    """The verb's help where no pipeline was named; a usage error when no help was asked for."""

    def command(**_: Any) -> int:
        return Exit.USAGE  # not reached: typer shows the help, or says that the pipeline is missing

    command.__doc__ = "\n\n".join(
        [
            PURPOSE[verb],
            f"PIPELINE has options of its own: trunkline {verb} PIPELINE --help shows them.",
            "Installed pipelines:",
            *(f"  {name}" for name in pipelines.installed()),
            "Examples:",
            *(f"  {example}" for example in EXAMPLES[verb]),
        ]
    )
    argument = typer.Argument(metavar="PIPELINE", help="An installed pipeline's name, or FILE.py:FUNCTION.")
    first = inspect.Parameter("pipeline", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Annotated[str, argument])
    _sign(command, [first, *_common_parameters(common)])
    return _run(command, args, f"trunkline {verb}")
