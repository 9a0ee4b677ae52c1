"""A journal of every earlier version is brought to the present one when it is opened, and its runs go on."""

import sqlite3

import pytest

from trunkline import pipe, undo
from trunkline.durable import store as store_module
from trunkline.durable.store import VERSION, Store
from trunkline.errors import JournalError

VERSION_1 = """
    CREATE TABLE runs (
        name TEXT PRIMARY KEY, fence INTEGER NOT NULL DEFAULT 0, owner TEXT, pid INTEGER, boot TEXT, host TEXT,
        expires REAL NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, fence INTEGER NOT NULL, at REAL NOT NULL,
        kind TEXT NOT NULL, path TEXT NOT NULL, value TEXT
    ) STRICT;
    CREATE INDEX log_by_run ON log (run, seq);
    INSERT INTO runs (name, fence) VALUES ('r', 1), ('other', 1);
    INSERT INTO log (run, fence, at, kind, path, value) VALUES
        ('r', 1, 1.0, 'start', '', '{"data":{"x":1},"outline":["a","b"],"words":[]}'),
        ('other', 1, 1.5, 'start', '', '{"data":{},"outline":["c"],"words":[]}'),
        ('r', 1, 2.0, 'intend', 'a', 'null'),
        ('r', 1, 3.0, 'done', 'a', '{"a":1}'),
        ('other', 1, 3.5, 'intend', 'c', 'null'),
        ('r', 1, 4.0, 'intend', 'b', 'null');
    PRAGMA application_id = 1953655660;
    PRAGMA user_version = 1;
"""


def journal_of(file, sql):
    db = sqlite3.connect(file)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(sql)
    db.close()
    return file


def test_a_journal_of_version_1_keeps_its_log_and_its_run_goes_on(tmp_path):
    file = journal_of(tmp_path / "journal.db", VERSION_1)
    store = Store(file)
    assert store.query("PRAGMA user_version") == [(VERSION,)]
    assert [(one.kind, one.path, one.at) for one in store.entries("r")] == [
        ("start", "", 1.0),
        ("intend", "a", 2.0),
        ("done", "a", 3.0),
        ("intend", "b", 4.0),
    ]
    store.close()
    undone = []
    steps = [("a", lambda s: 1 / 0), ("b", lambda s: {"b": s["a"] + 1})]
    assert pipe({"x": 1}, steps, journal=file, run="r") == {"x": 1, "a": 1, "b": 2}
    assert undo([("c", lambda s: undone.append(1))], journal=file, run="other") == ["c"]


def test_an_upgrade_that_breaks_off_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    file = journal_of(tmp_path / "journal.db", VERSION_1)
    with sqlite3.connect(file) as db:
        before = list(db.iterdump())
    with monkeypatch.context() as broken:
        broken.setitem(store_module._UPGRADES, 1, store_module._UPGRADES[1] + "; SELECT no_such_function()")
        with pytest.raises(JournalError, match="no_such_function"):
            Store(file)
    assert list(db.iterdump()) == before
    db.close()
    Store(file).close()
