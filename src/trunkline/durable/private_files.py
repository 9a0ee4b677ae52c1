"""Files of mode 0600 in trunkline's own directory: written whole, synced, and shared by processes under a lock."""

from __future__ import annotations

import fcntl
import json
import os
import secrets as random_source
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trunkline._core.errors import Error


class SharedJson:
    """A JSON object in a file. Writers hold a lock; readers always see a whole file.

    Parameters:
        path: The file; made with the first change, in a directory of mode 0700.
        remedy: What to do when it is no JSON, for the error.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        self.path, self._remedy = path, remedy

    def read(self) -> dict[str, Any]:
        """What it holds; empty when there is no file. Raises Error when it is no JSON."""
        try:
            found = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise Error(f"{self.path}: not JSON: {error}", hint=self._remedy) from None
        if not isinstance(found, dict):
            raise Error(f"{self.path}: not a JSON object", hint=self._remedy)
        return found

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """What it holds, to be changed in place; written at the end, unless it is the same or something is raised."""
        private_directory(self.path.parent)
        with open(os.open(self.path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = json.dumps(self.read(), indent=1, sort_keys=True)
            found: dict[str, Any] = json.loads(text)
            yield found
            changed = json.dumps(found, indent=1, sort_keys=True)
            if changed != text:
                replaced(self.path, changed.encode() + b"\n")


def private_directory(directory: Path) -> None:
    """Make the directory with mode 0700 if it is missing. Raises Error when others may write to it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o022:
        raise Error(f"{directory}: others may write to this directory", hint=f"chmod 700 {directory}")


def replaced(path: Path, content: bytes) -> None:
    """Write the file whole, in one step, over what was there."""
    os.replace(written_beside(path, content), path)
    synced(path.parent)


def created(path: Path, content: bytes) -> bool:
    """Write the file if there is none of that name; whether it was this call that made it."""
    fresh = written_beside(path, content)
    try:
        # A link fails where the name is taken: of two processes one wins, and both read the winner's.
        os.link(fresh, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(fresh)
    synced(path.parent)
    return True


def written_beside(path: Path, content: bytes) -> Path:
    """A whole, synced file of mode 0600 in the directory of `path`, under a name of its own."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{random_source.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return fresh


def synced(directory: Path) -> None:
    """Wait until the directory's names are on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
