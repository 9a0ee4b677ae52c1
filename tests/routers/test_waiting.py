"""The adaptive wait: quick at first, never past a deadline, and it says what it waits for."""

import time

import pytest

from trunkline import pipe, step
from trunkline._core.context import Here, current
from trunkline._core.errors import StepTimeout
from trunkline.routers import waiting
from trunkline.routers.waiting import Deadline, NotYet, until


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves; its `slept` are the pauses."""

    class Clock:
        now = 1000.0
        slept: list[float] = []  # noqa: RUF012

        def sleep(self, seconds):
            self.slept.append(seconds)
            self.now += seconds

        def monotonic(self):
            return self.now

    clock = Clock()
    clock.slept = []
    monkeypatch.setattr(waiting, "time", clock)
    monkeypatch.setattr(waiting, "pause", clock.sleep)
    return clock


def after(count, value="done"):
    """An attempt that succeeds at its `count`th call."""
    calls = []

    def attempt():
        calls.append(1)
        if len(calls) < count:
            raise NotYet(f"attempt {len(calls)}")
        return value

    return attempt


def test_what_is_there_is_not_waited_for(clock):
    assert until(after(1), "it", Deadline(10)) == "done"
    assert clock.slept == []


def test_pauses_are_short_at_first_and_a_tenth_of_the_wait_later(clock):
    until(after(120), "it", Deadline(None))
    assert clock.slept[:5] == [0.05] * 5
    waited = 0.0
    for pause in clock.slept:
        assert pause == pytest.approx(min(2.0, max(0.05, waited / 10)))
        waited += pause
    assert max(clock.slept) == 2.0


def test_the_deadline_ends_it_on_time_and_tells_what_was_seen_last(clock):
    with pytest.raises(StepTimeout, match=r"waiting for the API of r1 after 7\.0 s: attempt \d+") as late:
        until(after(10_000), "the API of r1", Deadline(7), hint="is it on?")
    assert clock.now == pytest.approx(1007.0)
    assert late.value.hint == "is it on?"


def test_an_attempt_is_made_even_when_the_time_is_over(clock):
    assert until(after(1), "it", Deadline(0)) == "done"


def test_other_errors_pass_through(clock):
    with pytest.raises(ZeroDivisionError):
        until(lambda: 1 / 0, "it", Deadline(5))


def in_step(deadline, notes):
    return current.set(Here("run", "vpc/contact", deadline, notes.append))


def test_inside_a_step_its_deadline_counts_and_its_observers_hear():
    notes = []
    mark = in_step(time.monotonic() + 0.2, notes)
    try:
        start = time.monotonic()
        with pytest.raises(StepTimeout):
            until(after(10_000), "the API of r1", Deadline(60))
        assert 0.15 < time.monotonic() - start < 2
    finally:
        current.reset(mark)
    assert notes[0] == "waits for the API of r1: attempt 1"


def test_the_wait_ends_a_moment_before_the_steps_timeout_and_so_tells_what_did_not_come():
    def wait(state):
        until(after(10_000), "the API of r1", Deadline(60))

    with pytest.raises(StepTimeout, match="the API of r1"):
        pipe({}, [("contact", step(wait, timeout=0.5))])
    with pytest.raises(StepTimeout, match="the API of r1"):
        pipe({}, [("both", [("one", step(wait, timeout=0.5)), ("other", lambda state: None)])])


def test_the_nearer_of_two_deadlines_counts():
    mark = in_step(time.monotonic() + 1000, [])
    try:
        assert Deadline(5).remaining <= 5
        assert Deadline(None).remaining > 900
    finally:
        current.reset(mark)
    assert Deadline(None).remaining == float("inf")
