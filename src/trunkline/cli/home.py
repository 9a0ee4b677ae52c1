"""Where the command line keeps its runs."""

from __future__ import annotations

import os
from pathlib import Path

from trunkline.config import Config

FILE = "journal.db"


def journal_file(config: Config | None) -> Path:
    """Where runs are kept: in the configuration's home, or without one in $XDG_STATE_HOME/trunkline."""
    if config is not None:
        return config.home / FILE
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "trunkline" / FILE
