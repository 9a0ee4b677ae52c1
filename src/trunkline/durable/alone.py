"""One process a run: what two of the same name would do at once is refused, not muddled through."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trunkline._core.errors import Error

FILE = "runs.lock"


class InProgress(Error):
    """Another process of this machine works on the run."""


@contextmanager
def alone(home: Path, run: str) -> Iterator[None]:
    """While inside, no other process of this machine is inside for the same run and home.

    Two that share a run's name share its rules and tokens, so the first to end would close the access that the other
    still needs. A run is one byte of one file, locked; the lock goes with the process, however it ends.

    Parameters:
        home: The directory of trunkline's own files; made when missing.
        run: The run's name.

    Raises:
        InProgress: Another process is inside.
        Error: The directory cannot be written to.
    """
    place = int.from_bytes(hashlib.sha256(run.encode()).digest()[:7], "big")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (home / FILE).open("a")
    except OSError as error:
        raise Error(
            f"home = {str(home)!r} cannot be written to: {error.strerror}",
            hint='make it writable, or give another directory as home = "..." in the configuration',
        ) from None
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            raise InProgress(
                f"run {run!r} is in progress in another process of this machine",
                hint="wait until it ends, or give this run another --name",
            ) from None
        yield
