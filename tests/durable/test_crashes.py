"""A real process, really killed, at every point; then resumed, undone, or only made to close what it owes."""

import pytest
from crash_world import World, child, judge_forward, judge_undone

from trunkline._core import kept
from trunkline._core.context import Here
from trunkline.durable import journal
from trunkline.durable.kept_run import KeptRun
from trunkline.durable.ledger import Ledger


def points(directory, what):
    """The points of a whole life: every number, and the name of every effect's."""
    directory.mkdir()
    if what != "forward":
        child(directory, "forward")
    passed = child(directory, what)
    assert passed is not None
    return [*range(1, len(passed) + 1), *filter(None, passed)]


def place(tmp_path, *names):
    """A directory for one life."""
    directory = tmp_path / "-".join(map(str, names)).replace("/", "-")
    directory.mkdir()
    return directory


def sweep(tmp_path, then, plant=None):
    """Kill forward at every point, then go on: resume, undo or pay. Answers how many lives were lived."""
    lives, judge = 0, judge_forward if then == "forward" else judge_undone
    for target in points(tmp_path / "whole", "forward"):
        directory = place(tmp_path, target)
        if child(directory, "forward", target, plant) is not None:
            assert plant or isinstance(target, int), f"it never came to {target}"
            continue  # this life had fewer points
        known = (directory / "journal.db").exists() and _known(directory)
        if then == "pay":
            if known:
                child(directory, "pay", plant=plant)
            assert World(directory).read()["open"] == []
        elif then == "forward" or known:
            child(directory, then, plant=plant)
            judge(directory)
        lives += 1
    return lives


def _known(directory):
    """Whether the run had begun when its process died."""
    with journal.Journal(directory / "journal.db") as book:
        return bool(list(book.store.entries("acme")))


@pytest.mark.parametrize("then", ["forward", "undo", "pay"])
def test_killed_at_every_point_then_gone_on(tmp_path, then):
    lives = sweep(tmp_path, then)
    print(f"{lives} lives: killed forward, then {then}")
    assert lives > 50


def test_undo_killed_at_every_point_then_undone(tmp_path):
    lives = 0
    for target in points(tmp_path / "whole", "undo"):
        directory = place(tmp_path, target)
        child(directory, "forward")
        if child(directory, "undo", target) is not None:
            assert isinstance(target, int), f"it never came to {target}"
            continue  # this life had fewer points
        child(directory, "undo")
        judge_undone(directory)
        lives += 1
    print(f"{lives} lives: undo killed, then undone")
    assert lives > 40


@pytest.mark.long
@pytest.mark.parametrize("then", ["forward", "undo"])
def test_killed_again_at_every_point_of_the_recovery(tmp_path, then):
    lives = 0
    for target in points(tmp_path / "whole", "forward"):
        again = 0
        while True:
            again += 1
            directory = place(tmp_path, target, again)
            if child(directory, "forward", target) is not None:
                break
            if then == "undo" and not ((directory / "journal.db").exists() and _known(directory)):
                break
            killed = child(directory, then, again) is None
            child(directory, then)
            (judge_forward if then == "forward" else judge_undone)(directory)
            lives += 1
            if not killed:
                break
    print(f"{lives} lives: killed forward, killed again in {then}, then {then}")
    assert lives > 1000


# Faults planted in our own code: a sweep that does not catch them is no sweep.


def no_intent_before_the_effect():
    async def intend(self, path):
        self.tell("intend", path)  # told, but not kept before the effect

    KeptRun.intend = intend


def effect_before_its_record():
    async def go(self, step, state, begun):
        changes, _ = await self._perform(self.path, step.fn, step, state)
        await self.recorder.intend(self.path)
        return await self.recorder.done(self.path, changes or {})

    kept.Kept._go = go


def find_skipped():
    original = kept.Kept._go

    async def go(self, step, state, begun):
        return await original(self, step, state, begun=False)

    kept.Kept._go = go


def find_and_token_forgotten():
    Here.token = property(lambda self: f"{self.path}-{id(self)}")
    find_skipped()


def token_of_the_attempt():
    import os

    Here.token = property(lambda self: f"{self.path}-{os.getpid()}")


def scope_owed_only_after_it_opened():
    async def owe(self, path, state):
        self._given("owe", path, state)  # not kept before open

    KeptRun.owe = owe


def scope_gone_into_again():
    async def pay(self, closing, known):
        return None

    kept.Kept._pay = pay


def undo_in_forward_order():
    original = reversed

    def forwards(things):
        return iter(things) if isinstance(things, list) else original(things)

    kept.reversed = forwards


def undo_outside_of_the_scope():
    async def opened(self, opening, closing, steps, state):
        return await self.walk(steps, state)

    original = kept.Kept._opened

    async def scoped(self, *words):
        return await (opened if self.mode == "undo" else original)(self, *words)

    kept.Kept._opened = scoped


def undo_trusts_what_is_not_recorded_as_done():
    original = kept.Kept._undo

    async def undo(self, step, state):
        if self.recorder.recorded(self.path).outcome == "done":
            await original(self, step, state)
        else:
            await self.recorder.undone(self.path, skipped=False)

    kept.Kept._undo = undo


def done_forgotten():
    original = Ledger.apply

    def apply(self, entry):
        if entry.kind == "done" and entry.path == "router":
            entry = entry._replace(value={})
        original(self, entry)

    Ledger.apply = apply


def close_that_is_paid_before_it_happened():
    original = kept.Kept._close

    async def close(self, closing, inside, started):
        await self.recorder.paid(self.path)
        return await original(self, closing, inside, started)

    kept.Kept._close = close


def nothing_is_replayed():
    Ledger.recorded = lambda self, path: None


def body_said_to_have_ended_when_it_begins():
    original = KeptRun.opened

    async def opened(self, path, outputs):
        given = await original(self, path, outputs)
        self.tell("body", path)
        return given

    KeptRun.opened = opened


@pytest.mark.parametrize(
    ("plant", "then"),
    [
        (effect_before_its_record, "undo"),
        (find_skipped, "forward"),
        (find_and_token_forgotten, "forward"),
        (token_of_the_attempt, "forward"),
        (scope_owed_only_after_it_opened, "forward"),
        (scope_gone_into_again, "forward"),
        (undo_in_forward_order, "undo"),
        (undo_outside_of_the_scope, "undo"),
        (undo_trusts_what_is_not_recorded_as_done, "undo"),
        (close_that_is_paid_before_it_happened, "pay"),
        (no_intent_before_the_effect, "undo"),
        (done_forgotten, "forward"),
        (nothing_is_replayed, "undo"),
        (body_said_to_have_ended_when_it_begins, "forward"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_fault_planted_in_our_own_code_is_caught(tmp_path, plant, then):
    with pytest.raises(AssertionError):
        sweep(tmp_path, then, plant)
