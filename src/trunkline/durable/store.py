"""The journal's file: SQLite in WAL mode, every commit on disk before it counts.

The log is append-only; the table of runs holds what changes: the lease. The schema stands in `schema`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from trunkline.durable import schema
from trunkline.durable.canonical import decoded, encoded
from trunkline.durable.errors import JournalError
from trunkline.durable.ledger import Entry


class Line(NamedTuple):
    """An entry on its way to the file: whose it is, under which fence."""

    run: str
    fence: int
    entry: Entry


class Store:
    """One open journal file. Safe among threads; other processes may have it open, too.

    Raises:
        JournalError: by every method; names the file, what is wrong and what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._told():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            self._db = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
            self._open()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def append(self, lines: Sequence[Line], releases: Sequence[tuple[str, int]] = ()) -> set[str]:
        """Write all lines in one commit, and give the leases of runs (name, fence) back.

        Returns:
            The runs whose fence is no longer theirs: their lines are left out.
        """
        with self.transaction() as db:
            fences = {line.run: line.fence for line in lines}
            lost = {run for run, fence in fences.items() if self._fence(db, run) != fence}
            rows = [
                (run, fence, entry.at, entry.kind, entry.path, encoded(entry.value, f"step {entry.path}"))
                for run, fence, entry in lines
                if run not in lost
            ]
            db.executemany("INSERT INTO log (run, fence, at, kind, path, value) VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.executemany("UPDATE runs SET owner = NULL, expires = 0 WHERE name = ? AND fence = ?", releases)
        return lost

    def entries(self, run: str) -> Iterator[Entry]:
        """A run's log, the oldest first."""
        for kind, path, value, at in self.query(
            "SELECT kind, path, value, at FROM log WHERE run = ? ORDER BY seq", (run,)
        ):
            yield Entry(kind, path, self._value(value), at)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a reading statement."""
        with self._lock, self._told():
            return self._db.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction: committed and on disk when the block ends, undone when it raises."""
        with self._lock, self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _open(self) -> None:
        db = self._db
        (application,), version = db.execute("PRAGMA application_id").fetchone(), schema.version(db)
        if version == 0 and not application and not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._make()
        elif application != schema.APPLICATION:
            raise JournalError(f"{self.path} is a database, but no journal", hint="give another file")
        elif version > schema.VERSION:
            raise JournalError(
                f"journal {self.path} has version {version}; this trunkline knows {schema.VERSION}",
                hint="update trunkline: a newer one has written to this file",
            )
        db.execute("PRAGMA synchronous = FULL")
        problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise JournalError(f"journal {self.path} is damaged: {problem}", hint=_SALVAGE)
        if 0 < version < schema.VERSION:
            schema.migrate(db, self.path)

    def _make(self) -> None:
        db = self._db
        if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise JournalError(
                f"journal {self.path} cannot use a write-ahead log there", hint="put it on a local file system"
            )
        schema.make(db)

    def _fence(self, db: sqlite3.Connection, run: str) -> int | None:
        found = db.execute("SELECT fence FROM runs WHERE name = ?", (run,)).fetchone()
        return found[0] if found else None

    def _value(self, text: str) -> Any:
        try:
            return decoded(text)
        except ValueError as error:
            raise JournalError(f"journal {self.path} is damaged: {error}", hint=_SALVAGE) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's and the system's errors into ones that say what to do."""
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise JournalError(f"journal {self.path}: {error}", hint=_hint(error)) from error


_SALVAGE = (
    "move it away and keep it; `sqlite3 FILE .recover` may save its log. What the run opened is closed by `trunkline "
    "sweep --run NAME`, which asks the clouds and needs no journal"
)


def _hint(error: Exception) -> str:
    text = str(error)
    remedies: tuple[tuple[str, str], ...] = (
        ("full", "make room on the disk and run again: nothing that was acknowledged is lost"),
        ("I/O", "the disk is full or failing: make room, look at it, and run again"),
        ("No such file", "make its directory, or give another one: `home` in the configuration, $XDG_STATE_HOME else"),
        ("Not a directory", "give another directory: `home` in the configuration, $XDG_STATE_HOME else"),
        ("readonly", "make file and directory writable, or give another one"),
        ("unable to open", "is its directory there and writable?"),
        ("Permission", "is its directory there and writable?"),
        ("locked", "another program holds the file; end it, or wait"),
        ("not a database", _SALVAGE),
        ("malformed", _SALVAGE),
        ("codec", _SALVAGE),
        ("decode", _SALVAGE),
    )
    return next((remedy for word, remedy in remedies if word in text), "look at the file and its disk, then run again")
