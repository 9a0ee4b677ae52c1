"""How a command that failed says so, and with which exit code."""

from __future__ import annotations

import typer

from trunkline.cli import say
from trunkline.cli.exits import Exit


def failed(raised: BaseException, *, debug: bool) -> int:
    """Say what went wrong, and answer the exit code for it."""
    if isinstance(raised, SystemExit):
        return raised.code if isinstance(raised.code, int) else Exit.FAILED
    if isinstance(raised, (KeyboardInterrupt, typer.Abort)):
        say.error("interrupted")
        return Exit.INTERRUPTED
    if isinstance(raised, typer.TyperException):
        context = getattr(raised, "ctx", None)
        say.error(_said(raised), f"see {context.command_path if context else 'trunkline'} --help")
        return Exit.USAGE
    from trunkline._core.errors import Misuse  # what most commands never need is imported here
    from trunkline.cli.pipelines import Refused, UnknownPipeline
    from trunkline.config import ConfigError
    from trunkline.durable.errors import LeaseHeld
    from trunkline.network.reachability.endpoints import UnknownEnd
    from trunkline.views.choose import UnknownProgress

    say.failure(raised, debug=debug)
    if isinstance(raised, LeaseHeld):
        return Exit.HELD
    if isinstance(raised, (ConfigError, Misuse, Refused, UnknownEnd, UnknownPipeline, UnknownProgress)):
        return Exit.USAGE
    return Exit.FAILED


def _said(wrong: typer.TyperException) -> str:
    """What is wrong with an option: typer's words, and the value, which they leave out for numbers."""
    text = wrong.format_message().replace("Value error, ", "")
    errors = getattr(wrong.__cause__, "errors", None)  # pydantic's, which typer reads values with
    if errors is None:
        return text
    value, (head, colon, rest) = repr(errors()[0]["input"]), text.partition(": ")
    return text if value in rest else f"{head}{colon}{value}: {rest[:1].lower()}{rest[1:]}"
