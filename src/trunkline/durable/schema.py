"""The schema of the journal's file, and how a file of an earlier version becomes one of this.

SQLite's `user_version` holds the version, and `application_id` says that the file is a journal. An older trunkline that
has the file open while it is migrated can write nothing more there, and says so; its run is resumed by this one.

    1   runs and their log
    2   runs.pipeline: which pipeline a run is of, so that the usual time of a step is found without reading every log;
        a log that is its own index: a commit of one run writes one page, and two owners cannot write one place
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

APPLICATION = 0x74726B6C  # "trkl"
VERSION = 2
_LOG = """CREATE TABLE log (
        run TEXT NOT NULL, seq INTEGER NOT NULL, fence INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
        path TEXT NOT NULL, value TEXT, PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID"""
SCHEMA = f"""
    CREATE TABLE runs (
        name TEXT PRIMARY KEY, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, pid INTEGER, boot TEXT, host TEXT,
        expires REAL NOT NULL DEFAULT 0, pipeline TEXT
    ) STRICT;
    {_LOG};
    CREATE INDEX runs_by_pipeline ON runs (pipeline)
"""
# By the version that they start from. A run of version 1 tells its pipeline by the words that it was asked for with.
MIGRATIONS = {
    1: f"""
    ALTER TABLE runs ADD COLUMN pipeline TEXT;
    CREATE INDEX runs_by_pipeline ON runs (pipeline);
    UPDATE runs SET pipeline = (
        SELECT json_extract(value, '$.words[2]') FROM log
        WHERE run = runs.name AND kind = 'start' AND json_extract(value, '$.words[2]') NOT LIKE '-%'
        ORDER BY seq DESC LIMIT 1
    );
    ALTER TABLE log RENAME TO old;
    DROP INDEX log_by_run;
    {_LOG};
    INSERT INTO log
        SELECT run, row_number() OVER (PARTITION BY run ORDER BY seq), fence, at, kind, path, value FROM old;
    DROP TABLE old
"""
}


def version(db: sqlite3.Connection) -> int:
    """The version of an open file; 0 of one that is empty."""
    found: tuple[int] = db.execute("PRAGMA user_version").fetchone()
    return found[0]


def make(db: sqlite3.Connection) -> None:
    """Give an empty file its tables; another process that was quicker has done it already."""
    db.execute("BEGIN IMMEDIATE")
    if version(db) == 0:
        _execute(db, SCHEMA)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring an older file to this version, in one commit; before that it is copied to `PATH.vN.bak`."""
    _back_up(db, path)
    db.execute("BEGIN IMMEDIATE")
    try:
        for before in range(version(db), VERSION):  # asked again: another process may have been quicker
            _execute(db, MIGRATIONS[before])
            db.execute(f"PRAGMA user_version = {before + 1}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _back_up(db: sqlite3.Connection, path: Path) -> None:
    """A whole copy of what is committed; it takes its name only once it is whole and on disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.bak")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(draft)) as target:
            db.backup(target)
            copied = version(target)
        if copied < VERSION:  # else another process was quicker, and made the copy
            os.replace(draft, path.with_name(f"{path.name}.v{copied}.bak"))
    finally:
        draft.unlink(missing_ok=True)


def _execute(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):  # executescript would commit in between
        db.execute(statement)
