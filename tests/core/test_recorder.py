"""The port for a journal: what a recorder sees, and what it makes a second attempt do."""

import pytest

from trunkline import during, each, step
from trunkline._core.events import RunEnded, RunStarted, StepEnded, StepNoted
from trunkline._core.pipe import pipe
from trunkline.durable.kept_run import KeptRun
from trunkline.durable.ledger import Entry


class Memory(KeptRun):
    """A run whose lines stay in memory; `lines` of an earlier one may be gone on with."""

    def __init__(self, earlier=()):
        super().__init__(self, "run", 1)
        self.lines = []
        for entry in earlier:
            self.apply(entry)

    def add(self, line):
        self.lines.append(line.entry)

    def commit(self):
        pass

    async def committed(self):
        pass

    @property
    def told(self):
        return [(entry.kind, entry.path) for entry in self.lines]


def build(made, fail=()):
    def make(name):
        def fn(state):
            if name in fail:
                raise ValueError(name)
            made.append(name)
            return {name: f"{name} of {len(state)}"}

        return fn

    return [
        ("a", make("a")),
        ("g", [("b", make("b")), ("c", make("c"))]),
        during("s", open=lambda s: {"key": 1}, close=lambda s: None, steps=[("d", make("d"))]),
        each("e", over=lambda s: ["x"], steps=[("f", make("f"))]),
    ]


def test_the_intent_is_told_before_the_effect_and_the_outcome_after_it():
    memory, made = Memory(), []
    pipe({}, build(made), recorder=memory)
    for path in ("a", "g/b", "g/c", "s/d", "e[x]/f"):
        assert memory.told.index(("intend", path)) < memory.told.index(("done", path))
    order = [memory.told.index(told) for told in [("owe", "s"), ("intend", "s/d"), ("done", "s/d"), ("paid", "s")]]
    assert order == sorted(order)
    assert sorted(made) == ["a", "b", "c", "d", "f"]


def test_what_is_done_is_replayed_and_gives_the_same_state():
    memory, made = Memory(), []
    first = pipe({}, build(made), recorder=memory)
    again, log = [], Log()
    assert pipe({}, build(again), recorder=Memory(memory.lines), observers=[log]) == first
    assert again == []
    assert all(event.replayed for event in log.events if isinstance(event, StepEnded) and "#" not in event.path)


def test_a_second_attempt_goes_on_where_the_first_failed():
    memory, made = Memory(), []
    with pytest.raises(ValueError, match="d"):
        pipe({}, build(made, fail=["d"]), recorder=memory)
    assert ("unknown", "s/d") in memory.told
    assert ("paid", "s") in memory.told
    again = []
    result = pipe({}, build(again), recorder=Memory(memory.lines))
    assert again == ["d", "f"]
    assert result["b"] == "b of 1"


def test_what_is_unknown_is_looked_for_before_it_is_made_again():
    made = []
    found = step(lambda s: made.append("fn") or {"id": "new"}, find=lambda s: {"id": "old"})
    lost = step(lambda s: made.append("fn") or {"id": "new"}, find=lambda s: None)
    unknown = [Entry("intend", "vpc", None, 0.0)]
    assert pipe({}, [("vpc", found)], recorder=Memory(unknown)) == {"id": "old"}
    assert made == []
    assert pipe({}, [("vpc", lost)], recorder=Memory(unknown)) == {"id": "new"}
    assert pipe({}, [("vpc", found)], recorder=Memory()) == {"id": "new"}  # never begun: nothing to find


def test_values_come_back_as_the_recorder_keeps_them_in_the_first_run_too():
    result = pipe({}, [("a", lambda s: {"t": (1, 2)}), ("b", lambda s: {"saw": repr(s["t"])})], recorder=Memory())
    assert result == {"t": [1, 2], "saw": "[1, 2]"}


class Log:
    def __init__(self):
        self.events = []

    def on(self, event):
        self.events.append(event)


def test_observers_see_the_whole_run():
    from trunkline import here

    log, made = Log(), []
    pipe({}, [("n", lambda s: here().note("halfway")), *build(made)], run="r1", observers=[log])
    started, *_, ended = log.events
    assert isinstance(started, RunStarted)
    assert [(part.name, part.kind) for part in started.outline] == [
        ("n", "step"), ("a", "step"), ("g", "group"), ("s", "scope"), ("e", "each"),
    ]  # fmt: skip
    assert isinstance(ended, RunEnded)
    assert ended.error is None
    assert [event.text for event in log.events if isinstance(event, StepNoted)] == ["halfway"]
    ends = {event.path: event.keys for event in log.events if isinstance(event, StepEnded)}
    assert ends["a"] == ("a",)
    assert set(ends) == {"n", "a", "g/b", "g/c", "s#open", "s/d", "s#close", "e[x]/f"}


def test_an_observer_that_fails_is_dropped_with_a_warning_and_the_run_goes_on():
    class Broken:
        def on(self, event):
            raise BrokenPipeError

    log = Log()
    with pytest.warns(UserWarning, match="was dropped"):
        assert pipe({}, [("a", lambda s: {"x": 1})], observers=[Broken(), log]) == {"x": 1}
    assert len(log.events) == 4
