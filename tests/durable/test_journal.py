"""The journal's file and its writer: shared commits, leases, and what is told when something is wrong."""

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from functools import partial

import pytest

from trunkline import apipe, during, each, pipe, step, undo
from trunkline.durable.journal import Journal
from trunkline.durable.store import Store
from trunkline.errors import Changed, JournalError, LeaseLost, Misuse, NotJson, RunState


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.db"


def give(**values):
    return lambda state: values


def fail(state):
    raise ValueError("planted")


def entries(file, run="r"):
    store = Store(file)
    try:
        return [(entry.kind, entry.path) for entry in store.entries(run)]
    finally:
        store.close()


def test_a_finished_run_is_replayed_with_no_effect_and_the_same_state(file):
    ran = []
    steps = [("a", lambda s: ran.append("a") or {"t": (1, 2)}), ("g", [("b", give(b=1)), ("c", give(c={"k": [None]}))])]
    first = pipe({"x": 1}, steps, journal=file, run="r")
    assert first == {"x": 1, "t": [1, 2], "b": 1, "c": {"k": [None]}}
    assert pipe({"x": 1}, steps, journal=file, run="r") == first
    assert ran == ["a"]
    assert pipe({"x": 1}, steps, journal=file, run="other") == first
    assert ran == ["a", "a"]


def test_a_failed_run_goes_on_where_it_failed_also_with_a_mended_body(file):
    ran = []
    build = lambda second: [("one", lambda s: ran.append(1) or {"one": 1}), ("two", second)]  # noqa: E731
    with pytest.raises(ValueError, match="planted"):
        pipe({}, build(fail), journal=file, run="r")
    assert pipe({}, build(give(two=2)), journal=file, run="r") == {"one": 1, "two": 2}
    assert ran == [1]


def test_outcome_and_next_intent_are_one_commit(file, monkeypatch):
    commits = []
    append = Store.append
    monkeypatch.setattr(
        Store, "append", lambda self, lines, *more: commits.append(len(lines)) or append(self, lines, *more)
    )
    pipe({}, [(f"s{n}", give(x=n)) for n in range(50)], journal=file, run="r")
    assert len(commits) <= 50 + 15  # one a step; some outcomes are written by the lingering writer


def test_runs_side_by_side_share_commits(file, monkeypatch):
    commits = []
    append = Store.append
    monkeypatch.setattr(
        Store, "append", lambda self, lines, *more: commits.append(len(lines)) or append(self, lines, *more)
    )

    async def work(state):
        await asyncio.sleep(0.01)
        return {"n": 1}

    async def main():
        steps = [(f"s{n}", work) for n in range(5)]
        with Journal(file) as book:
            return await asyncio.gather(*(apipe({}, steps, journal=book, run=f"r{n}") for n in range(100)))

    assert asyncio.run(main()) == [{"n": 1}] * 100
    assert sum(commits) == 100 * (5 * 2 + 2)
    assert len(commits) < 250


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (object(), "step a gives x, which is of type object"),
        ({"deep": [1, {2, 3}]}, r"step a gives x.deep\[1\], which is of type set"),
        (float("nan"), "step a gives x, which is the number nan"),
        ({"m": {1: 2}}, "step a gives x.m with the key 1 of type int"),
        (b"raw", "of type bytes"),
    ],
)
def test_a_value_that_is_no_json_is_named_and_the_step_counts_as_unknown(file, value, says):
    with pytest.raises(NotJson, match=says):
        pipe({}, [("a", give(x=value))], journal=file, run="r")
    assert ("unknown", "a") in entries(file)
    with pytest.raises(NotJson, match="data gives x"):
        pipe({"x": object()}, [("a", give())], journal=file, run="other")


def test_a_journal_needs_a_name(file):
    with pytest.raises(Misuse, match="without run="):
        pipe({}, [], journal=file)


def test_a_run_goes_on_with_the_data_it_began_with(file):
    with pytest.raises(ValueError, match="planted"):
        pipe({"who": "me", "n": 1}, [("a", fail)], journal=file, run="r")
    with pytest.warns(UserWarning, match="goes on with the data it began with; n, who would differ"):
        state = pipe({"who": "you"}, [("a", lambda s: {"saw": s["who"]})], journal=file, run="r")
    assert state == {"who": "me", "n": 1, "saw": "me"}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["b", "c"], "step a was begun, and is no longer"),
        (["a", "c"], "step b was begun, and is no longer"),
        (["b", "a", "c"], "another order"),
        (["new", "a", "b", "c"], "step new is new, and stands before"),
        (["a", "new", "b", "c"], "step new is new"),
    ],
)
def test_changed_steps_are_refused_before_any_effect(file, names, says):
    def build(names, third=fail):
        return [(name, third if name == "c" else give(**{name: 1})) for name in names]

    with pytest.raises(ValueError, match="planted"):
        pipe({}, build(["a", "b", "c"]), journal=file, run="r")
    ran = []
    with pytest.raises(Changed, match=says):
        pipe({}, [(name, lambda s: ran.append(1)) for name in names], journal=file, run="r")
    assert not ran
    with pytest.raises(Changed, match=says):
        undo(build(names), journal=file, run="r")
    result = pipe({}, [*build(["a", "b", "c"], give(c=1)), ("d", give(d=1))], journal=file, run="r")
    assert result == {"a": 1, "b": 1, "c": 1, "d": 1}  # what comes after may change


def test_undo_newest_first_passes_by_what_has_none_and_the_run_may_begin_anew(file):
    order = []

    def thing(name):
        return step(give(**{name: 1}), undo=lambda s: order.append((name, sorted(s))))

    steps = [("a", thing("a")), ("b", give(b=1)), each("e", over=lambda s: ["x"], steps=[("c", thing("c"))])]
    pipe({"d": 0}, steps, journal=file, run="r")
    assert undo(steps, journal=file, run="r") == ["b"]
    assert order == [("c", ["a", "b", "c", "d", "item"]), ("a", ["a", "d"])]
    assert undo(steps, journal=file, run="r") == ["b"]
    assert len(order) == 2
    assert pipe({"d": 1}, steps, journal=file, run="r")["d"] == 1
    undo(steps, journal=file, run="r")
    assert len(order) == 4


def test_an_undo_that_fails_goes_on_later_and_there_is_no_way_forward(file):
    stuck, order = [True], []

    def undo_a(state):
        if stuck:
            raise ValueError("still in use")
        order.append("a")

    steps = [("a", step(give(a=1), undo=undo_a)), ("b", step(give(b=1), undo=lambda s: order.append("b")))]
    pipe({}, steps, journal=file, run="r")
    with pytest.raises(ValueError, match="still in use") as caught:
        undo(steps, journal=file, run="r")
    assert "in step a" in caught.value.__notes__
    with pytest.raises(RunState, match="is being undone"):
        pipe({}, steps, journal=file, run="r")
    stuck.clear()
    undo(steps, journal=file, run="r")
    assert order == ["b", "a"]


def test_undo_of_a_run_that_is_not_known(file):
    with pytest.raises(RunState, match="no run 'nobody'"):
        undo([("a", fail)], journal=file, run="nobody")


SYNCED = textwrap.dedent("""
    import sys
    from trunkline import pipe

    pipe({}, [(f"s{n}", lambda s: None) for n in range(30)], journal=sys.argv[1], run="r")
""")


def synced(file, plant=""):
    """How often a run of 30 steps has its file brought to the disk, as the kernel sees it."""
    trace = file.with_suffix(".trace")
    words = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
    subprocess.run([*words, sys.executable, "-c", plant + SYNCED, str(file)], check=True, timeout=120)
    return len(re.findall(r"(?:fsync|fdatasync)\(", trace.read_text()))


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_every_step_is_brought_to_the_disk_and_one_that_is_not_is_seen(tmp_path):
    assert synced(tmp_path / "journal.db") >= 31
    plant = """
from trunkline.durable.store import Store

opened = Store._open

def lazily(self):
    opened(self)
    self._db.execute("PRAGMA synchronous = NORMAL")

Store._open = lazily
"""
    assert synced(tmp_path / "lazy.db", plant) < 31


def test_a_lost_lease_is_swallowed_by_no_step(file):
    class Swallow:
        name = "swallow"

        def __init__(self, steps):
            self.steps = steps

        def parts(self):
            return self.steps

        async def run(self, state, at):
            try:
                return await at.walk(self.steps, state)
            except Exception:
                return {}

    def steal(state):
        db = sqlite3.connect(file)
        db.execute("UPDATE runs SET fence = fence + 1")
        db.commit()
        db.close()

    ran = []
    steps = [Swallow([("steal", steal), ("next", lambda s: ran.append(1))]), ("after", lambda s: ran.append(2))]
    with pytest.raises(LeaseLost, match="taken over"):
        pipe({}, steps, journal=file, run="r")
    assert not ran


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda file: file.write_bytes(b"no database at all" * 100), "not a database"),
        (lambda file: sqlite3.connect(file).executescript("CREATE TABLE t (x)"), "is a database, but no journal"),
        (lambda file: _version(file, 99), "has version 99; this trunkline knows 2"),
        (lambda file: file.mkdir(), "unable to open|directory"),
    ],
)
def test_a_file_that_is_no_journal_is_named_and_left_alone(file, make, says):
    make(file)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(JournalError, match=says) as caught:
        pipe({}, [("a", give())], journal=file, run="r")
    assert str(file) in str(caught.value)
    assert caught.value.hint
    assert before is None or file.read_bytes() == before


def _version(file, version):
    pipe({}, [("a", give())], journal=file, run="r")
    db = sqlite3.connect(file)
    db.execute(f"PRAGMA user_version = {version}")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def test_a_disk_that_is_full_ends_the_run_loudly_closes_what_is_open_and_loses_nothing(file, monkeypatch):
    closed, ran = [], []
    append = Store.append

    def build(full):
        def fill(state):
            if full:
                monkeypatch.setattr(Store, "append", _full)

        inside = [("fill", fill), ("next", lambda s: ran.append("next"))]
        scope = during("s", open=lambda s: None, close=lambda s: closed.append(1), steps=inside)
        return [("a", lambda s: ran.append("a") or {"x": 1}), scope]

    def _full(self, *lines):
        with self._told():
            raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(JournalError, match="disk is full") as caught:
        pipe({}, build(full=True), journal=file, run="r")
    assert "make room" in caught.value.hint
    assert closed == [1]
    assert ran == ["a"]
    monkeypatch.setattr(Store, "append", append)
    assert pipe({}, build(full=False), journal=file, run="r") == {"x": 1}
    assert ran == ["a", "next"]


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_ctrl_c_inside_a_commit_loses_nothing_that_was_told(file, monkeypatch, commit):
    """A run of plain functions commits in the thread that Ctrl-C interrupts."""
    append, commits, ran = Store.append, [0], []

    def interrupted(self, lines, *more):
        commits[0] += any(line.entry.kind == "intend" for line in lines)
        if commits[0] == commit:
            commits[0] += 100
            raise KeyboardInterrupt
        return append(self, lines, *more)

    steps = [(name, lambda s, name=name: ran.append(name) or {name: 1}) for name in ("a", "b", "c")]
    monkeypatch.setattr(Store, "append", interrupted)
    monkeypatch.setattr(Journal, "_start_writer", lambda self: None)  # signals come to the main thread alone
    with pytest.raises(KeyboardInterrupt):
        pipe({"x": 1}, steps, journal=file, run="r")
    monkeypatch.setattr(Store, "append", append)
    assert pipe({"x": 1}, steps, journal=file, run="r") == {"x": 1, "a": 1, "b": 1, "c": 1}
    assert ran == ["a", "b", "c"]


def test_a_writer_that_dies_fails_everyone(file, monkeypatch):
    def die(self, *lines):
        raise MemoryError

    async def main():
        with Journal(file) as book:
            monkeypatch.setattr(Store, "append", die)
            runs = [apipe({}, [("a", partial(asyncio.sleep, 0))], journal=book, run=f"r{n}") for n in range(5)]
            return await asyncio.gather(*runs, return_exceptions=True)

    errors = asyncio.run(main())
    assert [type(error) for error in errors] == [JournalError] * 5


def test_every_commit_is_on_disk_before_it_counts(file):
    with Journal(file) as book:
        assert book.store.query("PRAGMA synchronous") == [(2,)]  # FULL
        assert book.store.query("PRAGMA journal_mode") == [("wal",)]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_kept_is_json_that_other_programs_can_read(file):
    pipe({"ü": 1}, [("a", give(x=[1, None, True], y={"b": 1, "a": 2}))], journal=file, run="r")
    db = sqlite3.connect(file)
    (value,) = db.execute("SELECT value FROM log WHERE kind = 'done'").fetchone()
    assert value == '{"x":[1,null,true],"y":{"a":2,"b":1}}'
    (start,) = db.execute("SELECT value FROM log WHERE kind = 'start'").fetchone()
    assert json.loads(start)["data"] == {"ü": 1}


@pytest.mark.parametrize("written", [False, True])
def test_a_ctrl_c_in_the_middle_of_a_commit_loses_no_line(file, monkeypatch, written):
    append, pressed = Store.append, []

    def interrupted(self, lines, *more):
        now = not pressed and ("intend", "c") in [line.entry[:2] for line in lines]
        if written or not now:
            lost = append(self, lines, *more)
        if now:
            pressed.append(1)
            raise KeyboardInterrupt
        return lost

    monkeypatch.setattr(Store, "append", interrupted)
    ran = []
    steps = [(name, lambda s, name=name: ran.append(name) or {name: 1}) for name in "abc"]
    with pytest.raises(KeyboardInterrupt):
        pipe({}, steps, journal=file, run="r")
    assert ("done", "b") in entries(file)
    assert pipe({}, steps, journal=file, run="r") == {"a": 1, "b": 1, "c": 1}
    assert ran == ["a", "b", "c"]
    assert [kind for kind, path in entries(file) if path == "c"] == ["intend", "intend", "done"]


MAKER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from trunkline.durable.store import Store

    for number in range(20):
        time.sleep(max(0.0, float(sys.argv[2]) + number * 0.03 - time.time()))
        Store(Path(sys.argv[1]) / f"{number}.db").close()
""")


def test_processes_that_make_a_journal_at_once_get_one(tmp_path):
    words = [sys.executable, "-c", MAKER, str(tmp_path), str(time.time() + 0.5)]
    makers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(5)]
    assert [maker.communicate(timeout=60)[1] for maker in makers] == [""] * 5
