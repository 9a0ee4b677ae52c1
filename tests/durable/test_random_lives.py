"""Random trees of steps with random histories: whatever happened, nothing is doubled, orphaned or open.

A history is a list of lives, each with its own trouble (imagined.py): forward ones, sweeps and payments between them,
then undo. In the end a life without trouble finishes, and the world is judged.
"""

import signal
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagined import Life, World

from trunkline._core.context import Here
from trunkline._core.kept import Kept
from trunkline._core.walk import Place
from trunkline.cli import access
from trunkline.durable.kept_run import KeptRun

lives = Counter()  # by what was done, and by what trouble came


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C interrupts, also where the tests themselves were started in the background and would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def live(tree, world, kept, what, trouble="", at=0):
    """One life, or what happens between two; answers whether it came to its end."""
    if what in ("sweep", "sweep run"):  # nobody lives now
        lives[what] += 1
        if what == "sweep":
            world.pass_time()
        world.sweep("run" if what == "sweep run" else None)
        assert not world.open
        return False
    life = Life(world, kept, trouble, at)
    ended = life.live(tree, what)
    lives[what] += 1
    lives[f"with {trouble}"] += bool(trouble and life.met)
    return ended and what != "pay"


def leaves(tree):
    return sum(1 if kind == "leaf" else leaves(rest[0]) * (2 if kind == "each" else 1) for kind, *rest in tree)


trees = st.lists(
    st.recursive(
        st.just(("leaf",)),
        lambda inner: st.tuples(st.sampled_from(["group", "scope", "each"]), st.lists(inner, min_size=1, max_size=3)),
        max_leaves=5,
    ),
    min_size=1,
    max_size=3,
)
troubles = st.tuples(st.sampled_from(["death", "cancel", "twice", "fault", "lost", "sweep"]), st.integers(1, 60))
between = st.tuples(st.sampled_from(["pay", "sweep", "sweep run"]), troubles)
forwards = st.lists(st.one_of(st.tuples(st.just("forward"), troubles), between), max_size=5)
undos = st.lists(st.one_of(st.tuples(st.just("undo"), troubles), between), max_size=4)


def check(tree, before, after, end):
    """Live a history. `end`: whether the run goes on to its end before it is undone, or is undone as it is."""
    world, kept = World(), []
    for what, (trouble, at) in before:
        if (kept or what == "forward") and live(tree, world, kept, what, trouble, at):
            break
    if end == "forward":
        assert live(tree, world, kept, "forward")
        assert len(world.things) == len(set(world.things.values())) == leaves(tree)
        assert not world.open
    for what, (trouble, at) in after:
        if live(tree, world, kept, what, trouble, at):
            break
    assert live(tree, world, kept, "undo")
    assert (world.things, world.open) == ({}, {})


def told(before):
    """What was lived since."""
    since = lives - before
    number = sum(count for what, count in since.items() if not what.startswith("with "))
    print(f"{number} lives in random trees, {dict(sorted(since.items()))}: 0 doubled, 0 orphaned, 0 open")
    return number


histories = given(trees, forwards, undos, st.sampled_from(["forward", "undo"]))


def test_random_lives():
    before = Counter(lives)
    settings(max_examples=150, deadline=None)(histories(check))()
    assert told(before) > 200


@pytest.mark.long
def test_ten_thousand_random_lives():
    before = Counter(lives)
    settings(max_examples=4000, deadline=None)(histories(check))()
    assert told(before) >= 10_000


def pay_nothing(monkeypatch):
    async def pay(self, closing, known):
        return None

    monkeypatch.setattr(Kept, "_pay", pay)


def undo_only_what_is_known_to_be_done(monkeypatch):
    original = Kept._undo

    async def undo(self, step, state):
        if self.recorder.recorded(self.path).outcome == "done":
            await original(self, step, state)

    monkeypatch.setattr(Kept, "_undo", undo)


def intend_without_keeping(monkeypatch):
    async def intend(self, path):
        self.tell("intend", path)

    monkeypatch.setattr(KeptRun, "intend", intend)


def a_token_for_each_life(monkeypatch):
    monkeypatch.setattr(Here, "token", property(lambda self: f"{self.path} {lives.total()}"))


def a_cancel_skips_the_close(monkeypatch):
    original = Place._close

    async def close(self, closing, inside, started):
        import asyncio

        if asyncio.current_task().cancelling():
            return None, None
        return await original(self, closing, inside, started)

    monkeypatch.setattr(Place, "_close", close)


def a_close_without_its_shield(monkeypatch):
    async def close(self, closing, inside, started):
        await self._perform(f"{self.path}#close", closing.fn, closing, inside, ignore=True)
        return None, None

    monkeypatch.setattr(Place, "_close", close)


def a_sweep_closes_what_has_not_expired(monkeypatch):
    original = access.ask

    def ask(accounts, **words):
        found = original(accounts, **words)
        return replace(found, exposures=[replace(one, expires=one.opened) for one in found.exposures])

    monkeypatch.setattr(access, "ask", ask)


def a_sweep_closes_nothing(monkeypatch):
    monkeypatch.setattr(access, "_close", lambda due, accounts: {})


PLANTS = [
    (pay_nothing, "death"),
    (undo_only_what_is_known_to_be_done, "death"),
    (intend_without_keeping, "death"),
    (a_token_for_each_life, "death"),
    (a_cancel_skips_the_close, "cancel"),
    (a_close_without_its_shield, "twice"),
    (a_sweep_closes_what_has_not_expired, "sweep"),
    (a_sweep_closes_nothing, "death"),
    (undo_only_what_is_known_to_be_done, "lost"),
]


@pytest.mark.parametrize(("plant", "trouble"), PLANTS, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_fault_is_caught(plant, trouble, monkeypatch):
    plant(monkeypatch)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        every_moment(trouble, swept="sweep" in plant.__name__)


@pytest.mark.parametrize("trouble", ["death", "cancel", "twice", "fault", "lost", "sweep"])
def test_every_moment_of_one_tree(trouble):
    every_moment(trouble, swept=False)


def every_moment(trouble, swept):
    """One tree, with the trouble at each of its points, then gone on with or undone; perhaps swept in between."""
    tree = [("leaf",), ("scope", [("leaf",), ("scope", [("leaf",), ("leaf",)])]), ("group", [("leaf",)])]
    for at in range(1, 50):
        for end in ("forward", "undo"):
            check(tree, [("forward", (trouble, at)), *([("sweep", ("", 0))] if swept else [])], [], end)
