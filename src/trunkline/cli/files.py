"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from trunkline._core.errors import Error


class CannotWrite(Error):
    """A file that was asked for cannot be written."""


def write(path: Path, text: str) -> None:
    """Write what `--output` asks for, as UTF-8. Raises CannotWrite naming the file."""
    try:
        path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"--output {path}: {error.strerror}", hint="name a file that can be written") from error
