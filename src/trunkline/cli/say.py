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


def out(text: str) -> None:
    """A line of the result. When whoever reads it has gone (`| head`) it is dropped: the exit code still counts."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def result(value: Any) -> None:
    """A result for programs: one JSON document on stdout."""
    out(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """A result for people: aligned columns on stdout."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for place, row in enumerate([heads, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out(painted(line, BOLD, sys.stdout) if place == 0 else line)


def error(text: str, hint: str | None = None) -> None:
    """An error and what to do about it."""
    print(painted("error:", RED, sys.stderr), text, file=sys.stderr)
    if hint:
        print(painted("hint:", BOLD, sys.stderr), hint, file=sys.stderr)


def warning(text: str, hint: str | None = None) -> None:
    """Something that does not stop the command."""
    print(painted("warning:", YELLOW, sys.stderr), text, file=sys.stderr)
    if hint:
        print(painted("hint:", BOLD, sys.stderr), hint, file=sys.stderr)


def line(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr)


def failure(raised: BaseException, *, debug: bool) -> None:
    """What a failed step or command raised; the errors of a group one by one. With `debug` the traceback too."""
    if debug:
        traceback.print_exception(raised)
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
