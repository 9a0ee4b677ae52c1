"""The journal's file: SQLite in WAL mode, every commit on disk before it counts.

The log is append-only; the table of runs holds what changes: the lease. The schema stands in `schema`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from trunkline.durable import schema
from trunkline.durable.canonical import decoded
from trunkline.durable.errors import JournalError
from trunkline.durable.ledger import Entry, Ledger

PATIENCE = 10.0  # seconds that another process may keep the file to itself
# A line that is there already was written by a commit that a Ctrl-C kept from saying so.
_INSERT = """
    INSERT INTO log (run, seq, fence, at, kind, path, value) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""


class Line(NamedTuple):
    """An entry on its way to the file: whose it is, its number there from 1, under which fence, its value as JSON."""

    run: str
    seq: int
    fence: int
    entry: Entry
    text: str


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
            self._db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

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
                (run, seq, fence, entry.at, entry.kind, entry.path, text)
                for run, seq, fence, entry, text in lines
                if run not in lost
            ]
            db.executemany(_INSERT, rows)
            if releases:
                db.executemany("UPDATE runs SET owner = NULL, expires = 0 WHERE name = ? AND fence = ?", releases)
        return lost

    def last(self, run: str) -> int:
        """The number of a run's last entry, 0 for none."""
        return int(self.query("SELECT coalesce(max(seq), 0) FROM log WHERE run = ?", (run,))[0][0])

    def entries(self, run: str) -> Iterator[Entry]:
        """A run's log, the oldest first. Each entry must fit those before it, or the file is damaged."""
        ledger = Ledger()
        for kind, path, value, at in self.query(
            "SELECT kind, path, value, at FROM log WHERE run = ? ORDER BY seq", (run,)
        ):
            entry = Entry(kind, path, self._value(value), at)
            try:
                ledger.apply(entry)
            except (KeyError, TypeError, AttributeError):
                what = f"an entry of run {run} that cannot be: {kind} {path}"
                raise JournalError(f"journal {self.path} is damaged: it has {what}", hint=_SALVAGE) from None
            yield entry

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a reading statement."""
        with self._lock, self._told():
            return self._db.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A writing transaction: committed and on disk when the block ends, undone when it raises."""
        db = self._db
        with self._lock:
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException as error:
                if db.in_transaction:
                    with self._told():
                        db.execute("ROLLBACK")
                if isinstance(error, _TROUBLE):
                    raise self._telling(error) from error
                raise

    def _open(self) -> None:
        db = self._db
        db.execute("BEGIN")  # what is read is of one moment: another process may be making the journal just now
        (application,), version = db.execute("PRAGMA application_id").fetchone(), schema.version(db)
        empty = not db.execute("SELECT 1 FROM sqlite_master").fetchone()
        db.execute("COMMIT")
        if version == 0 and not application and empty:
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
        if self._write_ahead() != "wal":
            raise JournalError(
                f"journal {self.path} cannot use a write-ahead log there", hint="put it on a local file system"
            )
        schema.make(db)

    def _write_ahead(self) -> str:
        """Ask for a write-ahead log; answers the mode that the file has now.

        SQLite does not wait here for another process that asks for the same, so we do.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return str(self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)

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
        except _TROUBLE as error:
            raise self._telling(error) from error

    def _telling(self, error: Exception) -> JournalError:
        return JournalError(f"journal {self.path}: {error}", hint=_hint(error))


_TROUBLE = (sqlite3.Error, OSError, UnicodeDecodeError)
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
