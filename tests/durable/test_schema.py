"""A journal of every version that there has been is brought to this one, and works."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline import during, pipe, step, undo
from trunkline.durable import history, schema
from trunkline.durable.store import Store
from trunkline.errors import JournalError

SCHEMAS = Path(__file__).with_name("schemas")
VERSIONS = [1]  # each has a dump beside this file: what that version's own code wrote


@pytest.fixture(params=VERSIONS)
def old(request, tmp_path):
    """A journal of an earlier version, with a finished run, a failed one, and one of the library."""
    file = tmp_path / "journal.db"
    db = sqlite3.connect(file)
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript((SCHEMAS / f"version-{request.param}.sql").read_text())
    db.close()
    return file


def steps(router=lambda s: {"up": True}, undone=()):
    vpc = step(lambda s: {"vpc_id": "vpc-2"}, undo=lambda s: undone.append(s["vpc_id"]))
    return [("vpc", vpc), ("routers", router)]


def tables(file):
    db = sqlite3.connect(file)
    try:
        rows = db.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name").fetchall()
        columns = {name: db.execute(f"PRAGMA table_info({name})").fetchall() for name, sql in rows if "TABLE" in sql}
        return [name for name, _ in rows], columns, schema.version(db)
    finally:
        db.close()


def test_there_is_a_dump_of_every_earlier_version():
    assert list(range(1, schema.VERSION)) == VERSIONS
    assert sorted(schema.MIGRATIONS) == VERSIONS


def test_a_migrated_journal_has_the_tables_of_a_new_one(old, tmp_path):
    Store(old).close()
    Store(tmp_path / "new.db").close()
    assert tables(old) == tables(tmp_path / "new.db")


def test_its_runs_are_known_resumed_and_undone(old):
    store = Store(old)
    told = {each.name: each for each in history.runs(store)}
    store.close()
    assert {name: (each.standing, each.pipeline) for name, each in told.items()} == {
        "acme-10.1": ("done", "connect-vpc"),
        "acme-10.2": ("failed", ""),  # its words began with an option: the pipeline is not known
        "library": ("done", ""),
    }
    assert [str(each) for each in told["acme-10.1"].exposed] == ["api-access 0.0 s"]
    undone = []
    with pytest.warns(UserWarning, match="goes on with the data it began with; cidr would differ now"):
        state = pipe({}, steps(), journal=old, run="acme-10.2")
    assert state == {"cidr": "10.2.0.0/16", "vpc_id": "vpc-1", "up": True}
    assert undo(steps(undone=undone), journal=old, run="acme-10.2") == ["routers"]
    assert undone == ["vpc-1"]
    access = during("api-access", open=lambda s: None, close=lambda s: None, steps=[steps()[1]])
    undo([steps(undone=undone)[0], access], journal=old, run="acme-10.1")
    assert undone == ["vpc-1", "vpc-1"]


def test_the_file_is_copied_before(old):
    Store(old).close()
    (copy,) = old.parent.glob("*.bak")
    assert copy.name == "journal.db.v1.bak"
    assert copy.stat().st_mode & 0o777 == 0o600
    names, _, version = tables(copy)
    assert (version, "runs_by_pipeline" in names) == (1, False)
    db = sqlite3.connect(copy)
    assert db.execute("SELECT count(*) FROM log").fetchone() == (20,)
    db.close()
    before = copy.stat().st_mtime_ns
    Store(old).close()
    assert copy.stat().st_mtime_ns == before  # once is enough


def test_a_migration_that_fails_leaves_the_file_as_it_was_and_says_so(old, monkeypatch):
    before = tables(old)
    monkeypatch.setitem(schema.MIGRATIONS, 1, schema.MIGRATIONS[1] + "; SELECT * FROM nowhere")
    with pytest.raises(JournalError, match="no such table: nowhere") as caught:
        Store(old)
    assert caught.value.hint
    assert tables(old) == before
    monkeypatch.undo()
    Store(old).close()
    assert tables(old)[2] == schema.VERSION


def test_processes_that_open_an_old_file_at_once_migrate_it_once(old):
    program = (
        "import sys; from pathlib import Path; from trunkline.durable.store import Store; Store(Path(sys.argv[1]))"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(old)]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0] * 4
    assert tables(old)[2] == schema.VERSION


def test_an_older_trunkline_that_has_the_file_open_can_write_nothing_more_and_is_told(old):
    db = sqlite3.connect(old, isolation_level=None)
    db.execute("SELECT * FROM log").fetchone()
    Store(old).close()
    with pytest.raises(sqlite3.IntegrityError, match=r"log\.seq"):
        db.execute("INSERT INTO log (run, fence, at, kind, path, value) VALUES ('r', 1, 0, 'start', '', '{}')")
    db.close()
