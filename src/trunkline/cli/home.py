"""Where the command line keeps its runs."""

from __future__ import annotations

import os
from pathlib import Path

from trunkline.config import Config, ConfigError, find, load
from trunkline.durable.errors import RunState
from trunkline.durable.store import Store

FILE = "journal.db"


def journal_file(config: Config | None) -> Path:
    """Where runs are kept: in the configuration's home, or without one in $XDG_STATE_HOME/trunkline."""
    if config is not None:
        return config.home / FILE
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "trunkline" / FILE


def configured(path: Path | None) -> Config | None:
    """The configuration; None where none is given and none is found."""
    try:
        find(path)
    except ConfigError:
        if path is not None:
            raise
        return None
    return load(path)


def open_journal(config: Path | None) -> Store:
    """The journal that is there. Raises RunState when there is none."""
    file = journal_file(configured(config))
    if not file.exists():
        raise RunState(f"there is no journal at {file}", hint="it is made by the first `trunkline up`")
    return Store(file)
