"""Which view fits where the progress goes: the word that was given, and what the stream can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, Protocol, TextIO, get_args

from trunkline._core.errors import Error
from trunkline._core.events import Event

Progress = Literal["auto", "tty", "plain", "json", "quiet"]
VARIABLE = "TRUNKLINE_PROGRESS"


class UnknownProgress(Error):
    """The word for how progress is shown is not known."""


class View(Protocol):
    """An observer that is closed at the end, whatever happened."""

    def on(self, event: Event) -> None:
        """Take one event."""
        ...

    def close(self) -> None:
        """Give back what is held (the terminal); may be called again."""
        ...


class QuietView:
    """Shows nothing."""

    def on(self, event: Event) -> None:
        """Take one event."""

    def close(self) -> None:
        """Nothing is held."""


def chosen(progress: str, stream: TextIO, environ: Mapping[str, str] = os.environ) -> Progress:
    """What "auto" comes down to: "tty" where a tree can be redrawn, else "plain".

    Parameters:
        progress: One of auto, tty, plain, json, quiet. With "auto", $TRUNKLINE_PROGRESS is asked first.
        stream: Where the progress goes.
        environ: TERM=dumb and CI=true (or any other CI) make it plain.

    Raises:
        UnknownProgress: The word is not one of these; says whose it is.
    """
    whose = "--progress"
    if progress == "auto" and environ.get(VARIABLE):
        progress, whose = environ[VARIABLE], VARIABLE
    for word in get_args(Progress):
        if word == progress != "auto":
            return word  # type: ignore[no-any-return]
    if progress != "auto":
        raise UnknownProgress(f"{whose}={progress!r} is not known", hint=f"one of {', '.join(get_args(Progress))}")
    redraws = stream.isatty() and environ.get("TERM", "") not in ("dumb", "")
    return "tty" if redraws and not in_ci(environ) else "plain"


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this runs in a continuous integration, by the variable CI."""
    return environ.get("CI", "").lower() not in ("", "0", "false", "no")


def view(progress: str, stream: TextIO, usual: Mapping[str, float] | None = None) -> View:
    """The view for `progress` (see `chosen`), writing to `stream`; `usual` as for `Tree`. Raises UnknownProgress."""
    match chosen(progress, stream):
        case "tty":
            from rich.console import Console

            from trunkline.views.live import LiveView

            console = Console(file=stream, force_terminal=True if progress == "tty" else None)
            return LiveView(console, usual=usual)
        case "json":
            from trunkline.views.jsonl import JsonLinesView

            return JsonLinesView(stream)
        case "quiet":
            return QuietView()
        case _:
            from trunkline.views.plain import PlainView

            return PlainView(stream, usual)
