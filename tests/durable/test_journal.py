"""The journal's file and its writer: shared commits, leases, and what is told when something is wrong."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest

from trunkline import apipe, during, each, pipe, step, undo
from trunkline.durable.journal import Journal
from trunkline.durable.store import Store
from trunkline.errors import Changed, JournalError, LeaseHeld, LeaseLost, Misuse, NotJson, RunState


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


def test_a_second_process_is_told_who_has_the_run_and_a_dead_ones_lease_passes_at_once(file):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    try:
        with pytest.raises(LeaseHeld, match=rf"held by process {holder.pid} on .*, until \d\d:\d\d"):
            pipe({}, [("a", give())], journal=file, run="r")
    finally:
        holder.kill()
        holder.wait()
    assert pipe({}, [("a", give(x=1)), ("b", give())], journal=file, run="r") == {"x": 1}


HOLDER = textwrap.dedent("""
    import sys, time
    from trunkline import pipe

    def hold(state):
        print("held", flush=True)
        time.sleep(60)

    pipe({}, [("a", hold), ("b", lambda s: None)], journal=sys.argv[1], run="r")
""")

FROZEN = textwrap.dedent("""
    import sys, time
    from trunkline import pipe
    from trunkline.durable.journal import Journal

    def freeze(state):
        print("frozen", flush=True)
        time.sleep(1.5)

    try:
        with Journal(sys.argv[1], lease=0.5) as book:
            pipe({}, [("a", freeze), ("b", lambda s: print("b ran", flush=True))], journal=book, run="r")
    except Exception as error:
        print(type(error).__name__, flush=True)
""")


def test_a_frozen_owner_that_comes_back_can_write_nothing(file):
    frozen = subprocess.Popen([sys.executable, "-c", FROZEN, str(file)], stdout=subprocess.PIPE, text=True)
    assert frozen.stdout.readline() == "frozen\n"
    os.kill(frozen.pid, signal.SIGSTOP)
    try:
        time.sleep(0.7)  # its lease of half a second is over
        with Journal(file, lease=0.5) as book:
            assert pipe({}, [("a", give(x=1)), ("b", give(y=2))], journal=book, run="r") == {"x": 1, "y": 2}
        before = entries(file)
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    assert frozen.communicate(timeout=20)[0] == f"{LeaseLost.__name__}\n"
    assert entries(file) == before


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


RACER = textwrap.dedent("""
    import os, sys, time
    from trunkline import pipe
    from trunkline.errors import LeaseHeld

    def once(state):
        fd = os.open(sys.argv[2], os.O_CREAT | os.O_EXCL)  # a second effect at the same time fails
        time.sleep(0.001)
        os.close(fd)
        os.unlink(sys.argv[2])

    for round in range(int(sys.argv[3])):
        while True:
            try:
                pipe({}, [("a", once), ("b", once)], journal=sys.argv[1], run=f"r{round}")
                break
            except LeaseHeld:
                time.sleep(0.001)
""")


def race(tmp_path, processes, rounds):
    words = [sys.executable, "-c", RACER, str(tmp_path / "journal.db"), str(tmp_path / "mark"), str(rounds)]
    racers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(processes)]
    for racer in racers:
        _, err = racer.communicate(timeout=500)
        assert racer.returncode == 0, err
    db = sqlite3.connect(tmp_path / "journal.db")
    counts = db.execute("SELECT count(*) FROM log WHERE kind = 'done' GROUP BY run").fetchall()
    assert counts == [(2,)] * rounds


def test_processes_race_for_runs_and_every_step_happens_once(tmp_path):
    race(tmp_path, processes=4, rounds=15)


@pytest.mark.long
def test_eight_processes_a_thousand_rounds(tmp_path):
    race(tmp_path, processes=8, rounds=1000)


def whole(file):
    """A journal with a finished and a failed run, as one file without a log beside it."""
    pipe({}, [(f"s{n}", give(x="y" * 50)) for n in range(20)], journal=file, run="done")
    with pytest.raises(ValueError, match="planted"):
        pipe({}, [("a", give(x=1)), ("b", fail)], journal=file, run="r")
    db = sqlite3.connect(file)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return file.read_bytes()


def test_a_journal_cut_anywhere_works_or_says_what_to_do(file, tmp_path):
    content = whole(file)
    works = refused = 0
    for length in range(0, len(content), 997):
        cut = tmp_path / f"cut-{length}.db"
        cut.write_bytes(content[:length])
        try:
            pipe({}, [("a", give(x=1)), ("b", give(y=2))], journal=cut, run="r")
            works += 1
        except JournalError as error:
            refused += str(cut) in str(error) and bool(error.hint)
    print(f"{works} worked, {refused} were refused with a remedy")
    assert works + refused == len(range(0, len(content), 997))
    assert refused > 10


def test_a_journal_with_flipped_bytes_works_or_says_what_to_do(file, tmp_path):
    content = whole(file)
    bare = []
    for place in range(0, len(content), 499):
        spoilt = tmp_path / f"flip-{place}.db"
        spoilt.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            pipe({}, [("a", give(x=1)), ("b", give(y=2))], journal=spoilt, run="r")
        except (JournalError, Changed, RunState) as error:
            bare += [error] if not error.hint else []
    assert not bare


def test_the_log_beside_the_journal_cut_at_every_byte_loses_only_what_was_not_acknowledged(file, tmp_path):
    """After a kill the newest commits lie in the write-ahead log; a torn tail of it is what a power cut leaves."""
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    child.kill()
    child.wait()
    main, log = file.read_bytes(), Path(f"{file}-wal").read_bytes()
    assert log
    for length in range(0, len(log), 331):
        cut = tmp_path / f"cut-{length}.db"
        cut.write_bytes(main)
        Path(f"{cut}-wal").write_bytes(log[:length])
        assert pipe({}, [("a", give(x=1)), ("b", give())], journal=cut, run="r") == {"x": 1}


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
