"""Leases: one process at a time has a run, one that is dead loses it at once, and a frozen one can write nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest

from trunkline import pipe
from trunkline.durable.journal import Journal
from trunkline.durable.store import Store
from trunkline.errors import LeaseHeld, LeaseLost


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.db"


def give(**values):
    return lambda state: values


def entries(file, run="r"):
    store = Store(file)
    try:
        return [(entry.kind, entry.path) for entry in store.entries(run)]
    finally:
        store.close()


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


def freeze(file, plant=""):
    """An owner is stopped until its lease is over and another has finished the run; what it says when it comes back."""
    words = [sys.executable, "-c", plant + FROZEN, str(file)]
    frozen = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
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


def test_a_frozen_owner_that_comes_back_can_write_nothing(file):
    freeze(file)


def test_a_fence_that_is_ignored_is_caught(file):
    plant = """
from trunkline.durable.store import Store

class Ours(int):
    def __ne__(self, other):
        return False

Store._fence = lambda self, db, run: Ours()
"""
    with pytest.raises(AssertionError, match="b ran"):
        freeze(file, plant)


def test_a_living_owner_keeps_its_lease_however_long_a_step_takes(file):
    """The writer's thread renews it, also while a step blocks the only other one."""

    def second(state):
        time.sleep(1.5)
        with Journal(file) as other, pytest.raises(LeaseHeld):
            other.hold("r")

    with Journal(file, lease=0.6) as book:
        pipe({}, [("a", second), ("b", give())], journal=book, run="r")


def test_a_writer_that_waits_for_company_does_not_let_the_lease_pass(file, monkeypatch):
    """Each commit of a run that never pauses makes the writer wait anew: here it waits for ever."""
    monkeypatch.setattr("trunkline.durable.journal.LINGER", 1000.0)

    def last(state):
        time.sleep(1.5)
        with Journal(file) as other, pytest.raises(LeaseHeld):
            other.hold("r")

    with Journal(file, lease=0.6) as book:
        pipe({}, [("a", give()), ("b", last)], journal=book, run="r")


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
        _, err = racer.communicate(timeout=3000)
        assert racer.returncode == 0, err
    db = sqlite3.connect(tmp_path / "journal.db")
    counts = db.execute("SELECT count(*) FROM log WHERE kind = 'done' GROUP BY run").fetchall()
    assert counts == [(2,)] * rounds


def test_processes_race_for_runs_and_every_step_happens_once(tmp_path):
    race(tmp_path, processes=4, rounds=15)


@pytest.mark.long
def test_eight_processes_a_thousand_rounds(tmp_path):
    race(tmp_path, processes=8, rounds=1000)
