"""What the command line says: results on stdout, errors and hints on stderr."""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

RED, YELLOW, BOLD, DIM = "1;31", "33", "1", "2"


def painted(text: str, colour: str, stream: TextIO) -> str:
    """`text` in a colour, where `stream` shows colours and nobody said NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return text
    shows = stream.isatty() and os.environ.get("TERM") != "dumb"
    return f"\x1b[{colour}m{text}\x1b[0m" if shows or os.environ.get("FORCE_COLOR") else text


def ready() -> None:
    """Make stdout and stderr fit to be written to: one that is closed leads nowhere, and no letter is an error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as the process lives
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def out(text: str) -> None:
    """A line of the result. When whoever reads it has gone (`| head`) it is dropped: the exit code still counts."""
    _print(text, sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def result(value: Any) -> None:
    """A result for programs: one JSON document on stdout."""
    out(as_json(value))


def as_json(value: Any) -> str:
    """A JSON document, in letters that stdout can write."""
    everything = (sys.stdout.encoding or "").lower() in ("utf-8", "utf8")
    return json.dumps(value, indent=2, ensure_ascii=not everything, default=str)


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """A result for people: aligned columns on stdout."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for place, row in enumerate([heads, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out(painted(line, BOLD, sys.stdout) if place == 0 else line)


def error(text: str, hint: str | None = None) -> None:
    """An error and what to do about it."""
    line(f"{painted('error:', RED, sys.stderr)} {text}")
    if hint:
        line(f"{painted('hint:', BOLD, sys.stderr)} {hint}")


def warning(text: str, hint: str | None = None) -> None:
    """Something that does not stop the command."""
    line(f"{painted('warning:', YELLOW, sys.stderr)} {text}")
    if hint:
        line(f"{painted('hint:', BOLD, sys.stderr)} {hint}")


def line(text: str) -> None:
    """A line of progress. Nobody has to read it: a run goes on when its terminal has gone."""
    _print(text, sys.stderr)


def failure(raised: BaseException, *, debug: bool) -> None:
    """What a failed step or command raised; the errors of a group one by one. With `debug` the traceback too."""
    if debug:
        line("".join(traceback.format_exception(raised)).rstrip())
    for each in flat(raised):
        from trunkline._core.errors import Error

        text = str(each) if isinstance(each, Error) and str(each) else f"{type(each).__name__}: {each}"
        places = [note for note in getattr(each, "__notes__", ()) if note.startswith("in step ")]
        error(f"{text.rstrip()} ({places[0]})" if places else text.rstrip(), hint_of(each))


def flat(raised: BaseException) -> Iterator[BaseException]:
    """The single errors in an error, which may be a group of groups."""
    if isinstance(raised, BaseExceptionGroup):
        for each in raised.exceptions:
            # A group's own place holds for all that is in it.
            for note in getattr(raised, "__notes__", ()):
                if not any(known.startswith("in step ") for known in getattr(each, "__notes__", ())):
                    each.add_note(note)
            yield from flat(each)
    else:
        yield raised


# The module that is missing says which extra of trunkline brings it.
EXTRAS = {
    "boto3": "aws", "botocore": "aws", "yaml": "aws", "azure": "azure", "cohesivenet": "vns3", "six": "vns3",
    "moto": "lab", "cfnlint": "lab", "aiohttp": "lab", "lark": "lab", "cryptography": "lab", "trunkline_lab": "lab",
    "keyring": "keyring",
}  # fmt: skip


def hint_of(raised: BaseException) -> str | None:
    """The hint that an error brings, or that follows from its kind."""
    if isinstance(raised, ModuleNotFoundError) and raised.name:
        extra = EXTRAS.get(raised.name.partition(".")[0])
        return f"pip install 'trunkline[{extra}]'" if extra else None
    hint = getattr(raised, "hint", None)
    return str(hint) if hint else None


def plain_warnings() -> None:
    """Show Python's own warnings as the command line's: one line, without a place in the code."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        warning(str(message))

    warnings.showwarning = show


def joined(words: Iterable[str]) -> str:
    """Words as a list that is read aloud: "A, B and C"; "none" for no words."""
    *first, last = [*words] or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
