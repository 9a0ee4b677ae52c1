"""The words by which a run was asked for, so that it can be asked for again."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from trunkline.cli.home import open_journal
from trunkline.durable import history
from trunkline.durable.errors import RunState


def asked(run: str, config: Path | None, extra: list[str]) -> list[str]:
    """The words by which the run was asked for, its name and what is said now added."""
    with closing(open_journal(config)) as store:
        told = history.run(store, run)
    directory, _, *words = [word for word in told.words if word != "--web"] or ["", ""]
    if not words:
        raise RunState(
            f"run {run} was not begun by the command line", hint="call pipe(..., journal=, run=) again, or undo(...)"
        )
    if Path(directory).is_dir():
        os.chdir(directory)
    given: list[Any] = ["--config", str(config.absolute())] if config is not None else []
    return [*_without(words, ["--name", *(["--config"] if config else [])]), "--name", run, *given, *extra]


def _without(words: list[str], options: list[str]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in options:
            skip = True
        elif not word.startswith(tuple(f"{option}=" for option in options)):
            kept.append(word)
    return kept
