"""A run that fails and is undone at once, in memory and with a journal; and an undo that must not begin."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from trunkline import apipe, during, each, pipe, step, undo
from trunkline.durable.store import Store
from trunkline.errors import InUse, Misuse, RunState


@pytest.fixture(params=["memory", "journal"])
def words(request, tmp_path):
    """Where a run is kept: nowhere, or in a journal."""
    return {"run": "r"} | ({"journal": tmp_path / "journal.db"} if request.param == "journal" else {})


class World:
    """What exists, in the order in which it was made; `seen` is what each undo saw."""

    def __init__(self):
        self.things, self.order, self.seen = [], [], {}

    def thing(self, name, fail=None, stuck=(), value=1):
        def make(state):
            self.things.append(name)
            if fail:
                raise fail
            return {name: value}

        def unmake(state):
            if name in stuck:
                raise OSError(f"{name} is stuck")
            self.order.append(name)
            self.seen[name] = state
            if name in self.things:
                self.things.remove(name)

        return name, step(make, undo=unmake)

    def scope(self, *steps):
        return during(
            "s", open=lambda s: self.things.append("s"), close=lambda s: self.things.remove("s"), steps=list(steps)
        )


FAILURE = ValueError("planted")


def failing(world, stuck=()):
    bad = world.thing("bad", fail=ValueError("planted"))  # it fails after its effect
    inside = world.scope(world.thing("c"), each("e", over=lambda s: ["x", "y"], steps=[world.thing("d")]), bad)
    return [world.thing("a", stuck=stuck), ("g", [world.thing("b1"), world.thing("b2")]), inside]


@pytest.mark.parametrize("driven", ["sync", "async"])
def test_a_run_that_fails_is_undone_newest_first_and_the_failure_is_what_is_raised(words, driven):
    world = World()
    run = pipe if driven == "sync" else lambda *more, **named: asyncio.run(apipe(*more, **named))
    with pytest.raises(ValueError, match="planted") as caught:
        run({"data": 0}, failing(world), on_failure="undo", **words)
    assert world.things == []
    assert world.order[0] == "bad"  # whether it had its effect is not known, so it is undone too
    assert sorted(world.order[1:3]) == ["d", "d"]
    assert world.order[3] == "c"
    assert world.order[-1] == "a"
    assert world.seen["c"] == {"data": 0, "a": 1, "b1": 1, "b2": 1, "c": 1}
    assert caught.value.__notes__ == ["in step s/bad", "what the run had done was undone"]


def test_in_memory_values_may_be_of_any_type_and_are_undone_as_they_are():
    world, handle = World(), threading.Lock()
    with pytest.raises(ValueError, match="planted"):
        pipe({}, [world.thing("a", value=handle), world.thing("b", fail=FAILURE)], on_failure="undo")
    assert world.seen["a"]["a"] is handle


def test_what_has_no_undo_is_named(words):
    world = World()
    with pytest.raises(ValueError, match="planted") as caught:
        pipe({}, [("plain", lambda s: {"x": 1}), world.thing("b", fail=ValueError("planted"))],
             on_failure="undo", **words)  # fmt: skip
    assert "no undo: plain" in caught.value.__notes__


def test_an_undo_that_fails_is_told_beside_the_failure_and_with_a_journal_it_goes_on_later(words):
    world = World()
    with pytest.raises(ExceptionGroup, match="undoing it failed too") as caught:
        pipe({}, failing(world, stuck=["a"]), on_failure="undo", **words)
    assert [type(error) for error in caught.value.exceptions] == [ValueError, OSError]
    assert world.things == ["a"]
    if "journal" in words:
        with pytest.raises(RunState, match="is being undone"):
            pipe({}, failing(world), **words)
        undo(failing(world), **words)
        assert world.things == []


def test_a_run_that_ends_well_is_not_undone_nor_is_one_that_is_kept(words):
    world = World()
    assert pipe({}, [world.thing("a")], on_failure="undo", **words) == {"a": 1}
    with pytest.raises(ValueError, match="planted"):
        pipe({}, [world.thing("a"), world.thing("b", fail=FAILURE)], **words)
    assert world.order == []


def test_a_run_undone_at_once_may_begin_anew(tmp_path):
    world, words = World(), {"journal": tmp_path / "journal.db", "run": "r"}
    with pytest.raises(ValueError, match="planted"):
        pipe({}, failing(world), on_failure="undo", **words)
    world.things.clear()
    assert pipe({}, [world.thing("other")], **words) == {"other": 1}


def test_another_word_is_refused_before_anything_runs(words):
    world = World()
    with pytest.raises(Misuse, match="on_failure='rollback' is not known"):
        pipe({}, [world.thing("a")], on_failure="rollback", **words)
    assert world.things == []


def test_an_interrupt_is_no_failure_and_leaves_the_run_to_be_resumed(words):
    world = World()
    with pytest.raises(KeyboardInterrupt):
        pipe({}, [world.thing("a"), world.thing("b", fail=KeyboardInterrupt())], on_failure="undo", **words)
    assert world.things == ["a", "b"]


INTERRUPTED = textwrap.dedent("""
    import sys, time
    from trunkline import pipe, step

    def fail(state):
        raise ValueError("planted")

    def slow_undo(state):
        print("undoing", flush=True)
        time.sleep(0.4)
        print("b undone", flush=True)

    words = {"journal": sys.argv[1], "run": "r"} if len(sys.argv) > 1 else {}
    steps = [
        ("a", step(lambda s: None, undo=lambda s: print("a undone", flush=True))),
        ("g", [("b", step(lambda s: None, undo=slow_undo))]),
        ("bad", fail),
    ]
    try:
        pipe({}, steps, on_failure="undo", **words)
    except KeyboardInterrupt as stop:
        print(type(stop.__cause__).__name__, flush=True)
        sys.exit(130)
""")


@pytest.mark.parametrize("kept", [False, True])
def test_ctrl_c_during_that_undo_lets_the_undo_in_flight_end_and_stops(tmp_path, kept):
    file = tmp_path / "journal.db"
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *([str(file)] if kept else [])], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "undoing\n"
    os.kill(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert (out.split("\n")[:-1], child.returncode) == (["b undone", "ValueError"], 130)
    if kept:
        store = Store(file)
        told = [(entry.kind, entry.path) for entry in store.entries("r")]
        store.close()
        assert told[-2:] == [("undone", "g/b"), ("end", "")]


def used(world, users, name="hub"):
    name, made = world.thing(name)
    return name, step(made.fn, undo=made.undo, in_use=lambda state: users[0] if users else None)


def test_what_is_in_use_is_not_undone_nor_is_anything_newer_and_the_run_stands_as_before(tmp_path):
    world, users, words = World(), ["vpc 10.1.0.0/16"], {"journal": tmp_path / "journal.db", "run": "r"}

    def steps():
        return [used(world, users), world.scope(world.thing("late"))]

    pipe({}, steps(), **words)
    with pytest.raises(InUse, match=r"hub is in use: vpc 10\.1\.0\.0/16") as caught:
        undo(steps(), **words)
    assert caught.value.hint
    assert (world.things, world.order) == (["hub", "late"], [])
    more = [*steps(), world.thing("more")]
    assert pipe({}, more, **words)["more"] == 1  # it goes forward as if nobody had asked
    users.clear()
    undo(more, **words)
    assert world.things == []


def test_what_is_undone_already_is_not_asked_again(tmp_path):
    world, asked, words = World(), [], {"journal": tmp_path / "journal.db", "run": "r"}
    stuck = ["a"]
    name, made = world.thing("hub")
    hub = (name, step(made.fn, undo=made.undo, in_use=lambda state: asked.append(state["hub"])))
    steps = [world.thing("a", stuck=stuck), hub]
    pipe({}, steps, **words)
    with pytest.raises(OSError, match="a is stuck"):
        undo(steps, **words)
    stuck.clear()
    undo(steps, **words)
    assert asked == [1]


def test_a_failed_run_whose_undo_must_not_begin_says_both(words):
    world = World()
    with pytest.raises(ExceptionGroup) as caught:
        pipe({}, [used(world, ["a vpc"]), world.thing("bad", fail=ValueError("planted"))], on_failure="undo", **words)
    assert [type(error) for error in caught.value.exceptions] == [ValueError, InUse]
    assert world.order == []
