"""What the journal tells of runs: who, when, from where, what changed, how long, what was exposed, what is owed."""

import getpass
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from trunkline import during, each, step, undo
from trunkline.durable import history, runs
from trunkline.durable.store import Store
from trunkline.durable.usual import usual


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.db"


def fail(state):
    raise ValueError("planted")


def nap(seconds, **gives):
    return lambda state: time.sleep(seconds) or gives


def told(file, name="r"):
    with closing(Store(file)) as store:
        return history.run(store, name)


def test_each_attempt_says_who_when_what_changed_and_how_it_ended(file):
    def build(second, **first):
        return [("a", step(nap(0.01, **first), undo=lambda s: None)), ("b", second)]

    begun = time.time()
    with pytest.raises(ValueError, match="planted"):
        runs.pipe({}, build(fail, x=1), journal=file, run="r")
    runs.pipe({}, build(nap(0, y=1), x=1), journal=file, run="r")
    runs.pipe({}, build(nap(0, y=1), x=2, z=3), journal=file, run="r", again=True)
    undo(build(nap(0), x=1), journal=file, run="r")
    attempts = told(file).attempts
    assert [(one.what, one.outcome, one.changes) for one in attempts] == [
        ("run", "failed", {"a": "made", "b": "ValueError: planted"}),
        ("run", "done", {"b": "made"}),
        ("run", "done", {"a": "changed: x, z", "b": "as before"}),
        ("undo", "undone", {"b": "passed by", "a": "undone"}),
    ]
    assert attempts[0].error == "ValueError('planted')"
    assert {(one.user, one.host) for one in attempts} == {(getpass.getuser(), socket.gethostname())}
    assert begun <= attempts[0].begun <= attempts[1].begun <= time.time()
    assert attempts[0].seconds >= 0.01


def test_what_was_exposed_for_how_long_and_what_is_owed(file):
    def build(close):
        scope = during("api-access", open=lambda s: None, close=close, steps=[("in", nap(0.02))])
        return [("g", [("one", nap(0))]), scope]

    before = time.time()
    with pytest.raises(ValueError, match="planted"):
        runs.pipe({}, build(fail), journal=file, run="r")
    with closing(Store(file)) as store:
        (owed,) = history.owed(store)
    assert (owed.run, owed.path, owed.user, owed.alive) == ("r", "api-access", getpass.getuser(), False)
    assert before <= owed.since <= time.time()
    assert str(told(file).exposed[0]) == "api-access OPEN"
    runs.pay(build(lambda s: None), journal=file, run="r")
    (exposed,) = told(file).exposed
    assert exposed.seconds >= 0.02
    with closing(Store(file)) as store:
        assert history.owed(store) == []


def test_what_is_left_after_an_undo(file):
    steps = [
        ("plain", nap(0, vpc_id="vpc-1")),
        ("kept", step(nap(0, y=1), undo=fail)),
        ("gone", step(nap(0), undo=nap(0))),
    ]
    runs.pipe({}, steps, journal=file, run="r")
    with pytest.raises(ValueError, match="planted"):
        undo(steps, journal=file, run="r")
    with closing(Store(file)) as store:
        assert history.left(store, "r") == ("undoing", {"kept": {"y": 1}, "plain": {"vpc_id": "vpc-1"}})
        assert history.left(store, "nobody") is None
    undo([steps[0], ("kept", step(nap(0), undo=nap(0))), steps[2]], journal=file, run="r")
    with closing(Store(file)) as store:
        assert history.left(store, "r") == ("undone", {"plain": {"vpc_id": "vpc-1"}})


def test_the_usual_time_is_the_median_of_first_times_in_runs_of_the_same_pipeline(file):
    def one(name, seconds, pipeline="p", **words):
        tunnels = each("e", over=lambda s: ["x", "y"], steps=[("t", nap(0))])
        runs.pipe({}, [("a", nap(seconds)), tunnels], journal=file, run=name, pipeline=pipeline, **words)

    for name, seconds in (("r1", 0.1), ("r2", 0.2), ("r3", 0.9)):
        one(name, seconds)
    for _ in range(3):
        one("r2", 0.0, again=True)  # found again, in no time
    one("other", 0.0, pipeline="q")
    with closing(Store(file)) as store:
        times = usual(store, "p")
        assert usual(store, "unknown") == {}
    assert 0.2 <= times["a"] < 0.9
    assert set(times) == {"a", "e[]/t"}


def test_a_user_without_a_name_is_told_by_number(file, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: {}["nobody"])
    runs.pipe({}, [("a", nap(0))], journal=file, run="r")
    assert told(file).user.isdigit()
    assert Path(file).exists()
