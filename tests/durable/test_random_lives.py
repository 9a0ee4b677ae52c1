"""Random trees of steps with random histories of deaths: whatever happened, nothing is doubled, orphaned or open.

A death here ends a process that is only imagined: from its moment on no effect happens and no line is kept, and what
the journal had not committed is lost. So a life takes milliseconds; real processes die in test_crashes.py.
"""

import itertools
import threading
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline import during, each, here, step
from trunkline._core import pipe as core
from trunkline._core.context import Here
from trunkline._core.kept import Kept
from trunkline.durable.kept_run import KeptRun

lives = 0


class Dead(BaseException):
    """The imagined process is no more."""


class Life:
    """One imagined process: it dies at its `until`th point, and what it had not committed is lost."""

    def __init__(self, world, kept, until):
        self.world, self.kept, self.until = world, kept, until
        self.passed, self.dead, self.buffer = 0, False, []
        self.lock = threading.RLock()

    def point(self):
        self.passed += 1
        if self.dead or self.passed == self.until:
            self.dead = True
            raise Dead

    def effect(self, change):
        with self.lock:
            self.point()
            answer = change()
            self.point()
            return answer

    def add(self, line):
        with self.lock:
            if self.dead:
                raise Dead
            self.buffer.append(line.entry)

    def commit(self):
        with self.lock:
            self.point()
            self.kept += self.buffer
            self.buffer = []
            self.point()

    async def committed(self):
        self.commit()


class World:
    """Things by token, and the scopes that are open."""

    def __init__(self):
        self.things, self.open, self.looks = {}, set(), {}


def build(tree, life, scopes=(), numbers=None):
    """The steps of a described tree; each leaf needs every scope around it open, to be made and to be taken back."""
    steps, numbers = [], numbers or itertools.count()
    for kind, *rest in tree:
        name = f"{kind}{next(numbers)}"  # unique in the whole tree: an each gives its name as a key
        if kind == "leaf":
            steps.append((name, leaf(life, scopes)))
        elif kind == "group":
            steps.append((name, build(rest[0], life, scopes, numbers)))
        elif kind == "scope":
            inner = (*scopes, name)
            opening, closing = partial(open_scope, life, scopes), partial(close_scope, life, scopes)
            steps.append(during(name, open=opening, close=closing, steps=build(rest[0], life, inner, numbers)))
        else:
            steps.append(each(name, over=lambda state: ["x", "y"], steps=build(rest[0], life, scopes, numbers)))
    return steps


def leaf(life, scopes):
    def needs_open():
        here_scopes = {path for path in life.world.open if here().path.startswith(f"{path}/")}
        assert len(here_scopes) == len(scopes), f"{here().path} acts while a scope around it is closed"

    def make(state):
        def change():
            needs_open()
            life.world.things.setdefault(here().token, here().path)  # the provider honours the token

        life.effect(change)
        return {here().path: here().token}

    def find(state):
        token = here().token
        if token not in life.world.things:
            return None
        life.world.looks[token] = life.world.looks.get(token, 0) + 1
        return {here().path: token} if life.world.looks[token] > 1 else None  # the first look lags

    def undo(state):
        def change():
            needs_open()
            life.world.things.pop(here().token, None)

        life.effect(change)

    return step(make, undo=undo, find=find)


def open_scope(life, scopes, state):
    def change():
        assert here().path not in life.world.open, f"{here().path} is open already"
        life.world.open.add(here().path)

    life.effect(change)
    return {f"key of {here().path}": 1}


def close_scope(life, scopes, state):
    life.effect(lambda: life.world.open.discard(here().path))


def live(tree, world, kept, what, until=0):
    """One life; answers whether it came to its end."""
    global lives
    lives += 1
    life = Life(world, kept, until)
    run = KeptRun(life, "run", 1)
    for entry in kept:
        run.apply(entry)
    steps = build(tree, life)
    try:
        if what == "forward":
            core.pipe({}, steps, run="run", recorder=run)
        else:
            core.retrace({}, steps, run, "undo", run="run")
        life.commit()
    except BaseException:
        if not life.dead:
            raise
        return False
    return True


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
deaths = st.lists(st.integers(min_value=1, max_value=60), max_size=4)


def check(tree, forward_deaths, undo_deaths, end):
    world, kept = World(), []
    for until in forward_deaths:
        if live(tree, world, kept, "forward", until):
            break
    if end == "forward":
        assert live(tree, world, kept, "forward")
        assert len(world.things) == len(set(world.things.values())) == leaves(tree)
        assert world.open == set()
    for until in undo_deaths:
        if live(tree, world, kept, "undo", until):
            break
    assert live(tree, world, kept, "undo")
    assert (world.things, world.open) == ({}, set())


@settings(max_examples=150)
@given(trees, deaths, deaths, st.sampled_from(["forward", "undo"]))
def test_random_lives(tree, forward_deaths, undo_deaths, end):
    check(tree, forward_deaths, undo_deaths, end)


@pytest.mark.long
def test_ten_thousand_random_lives():
    before = lives

    @settings(max_examples=3000)
    @given(trees, deaths, deaths, st.sampled_from(["forward", "undo"]))
    def many(tree, forward_deaths, undo_deaths, end):
        check(tree, forward_deaths, undo_deaths, end)

    many()
    print(f"{lives - before} lives in random trees: 0 doubled, 0 orphaned, 0 open")
    assert lives - before >= 10_000


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
    monkeypatch.setattr(Here, "token", property(lambda self: f"{self.path} {lives}"))


@pytest.mark.parametrize(
    "plant", [pay_nothing, undo_only_what_is_known_to_be_done, intend_without_keeping, a_token_for_each_life]
)
def test_a_planted_fault_is_caught(plant, monkeypatch):
    plant(monkeypatch)
    tree = [("leaf",), ("scope", [("leaf",), ("group", [("leaf",), ("leaf",)])]), ("each", [("leaf",)])]
    caught = 0
    for until in range(1, 60):
        for end in ("forward", "undo"):
            try:
                check(tree, [until], [], end)
            except (AssertionError, BaseExceptionGroup):
                caught += 1
    assert caught
