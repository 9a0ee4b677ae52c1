"""Where a named lab keeps its state, and whether its process lives.

The lab's process holds a lock on a file in its directory for as long as it lives. That answers "is it up?" without
process numbers, which another process may have by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEPT = {"lock", "lab.log"}


class Home:
    """A named lab's directory.

    Parameters:
        name: Lower-case letters, digits and hyphens, at most 40.

    Raises:
        ValueError: The name is not acceptable.
    """

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"name {name!r}: use lower-case letters, digits and hyphens, at most 40")
        self.name = name
        self.directory = _labs() / name
        self.log = self.directory / "lab.log"
        self._state = self.directory / "lab.json"

    def make(self) -> None:
        """Make the directory, for its owner only."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)

    def alive(self) -> bool:
        """Whether a lab's process lives here, ready or still starting."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), (self.directory / "lock").open("rb") as lock:
            return not _lock(lock.fileno())
        return False

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lab's lock, and give whether it could be had."""
        self.make()
        descriptor = self._acquire()
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _acquire(self) -> int | None:
        path = self.directory / "lock"
        while True:
            self.make()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
            os.close(descriptor)  # its last holder removed the directory just then: once more

    def sweep(self) -> None:
        """Remove what a dead lab left. Only for the holder of the lock."""
        for path in self.directory.iterdir():
            if path.name in _KEPT:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the directory. Only for the holder of the lock."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def write(self, state: dict[str, object]) -> None:
        """Say that the lab is ready, and how to reach it; all at once."""
        draft = self._state.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(state, file)
        draft.replace(self._state)

    def read(self) -> dict[str, object] | None:
        """What the lab wrote when it was ready; None before that."""
        try:
            state = json.loads(self._state.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return state if isinstance(state, dict) else None


def _labs() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "trunkline" / "labs"


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
