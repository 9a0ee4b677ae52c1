"""How long the end of a run that is told to stop may take, and how the scopes share it."""

import pytest

from trunkline._core import ending
from trunkline._core.ending import HASTE, UNHURRIED, Ending


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(ending.time, "monotonic", lambda: now[0])
    return now


def test_without_an_interrupt_each_wait_has_the_whole_grace(clock):
    end = Ending(30.0)
    assert (end.in_flight(5.0), end.closing("s", 7.0), end.asked) == (35.0, 37.0, False)
    assert Ending(2 * UNHURRIED, UNHURRIED).closing("s", 7.0) == 7.0 + 2 * UNHURRIED


def test_a_short_grace_hurries_nothing_before_the_interrupt(clock):
    """In a CI the grace is 5 s; a stack that is closed as usual may take longer than that."""
    end = Ending(5.0, UNHURRIED)
    assert (end.in_flight(1000.0), end.closing("s", 1000.0)) == (1000.0 + UNHURRIED, 1000.0 + UNHURRIED)
    clock[0] += 8.0
    end.hurry()
    assert end.closing("s", 1000.0) == 1013.0


def test_a_closing_has_its_own_longer_timeout_until_an_interrupt(clock):
    end = Ending(5.0, UNHURRIED)
    assert end.closing("s", 1000.0, own=600.0) == 1600.0
    assert end.closing("s", 1000.0, own=1.0) == 1000.0 + UNHURRIED  # the step itself sees to a shorter one
    end.hurry()
    assert end.closing("s", 1000.0, own=600.0) == 1005.0


def test_after_an_interrupt_all_ends_within_the_grace_and_the_outermost_scope_has_its_share(clock):
    end = Ending(12.0)
    end.open |= {"a", "a/b", "a/b/e[x]/c"}
    end.hurry()
    clock[0] = end.in_flight(clock[0])
    assert clock[0] == 1004.0
    clock[0] = end.closing("a/b/e[x]/c", clock[0])
    assert clock[0] == 1008.0
    end.open.discard("a/b/e[x]/c")
    clock[0] = end.closing("a/b", clock[0])
    assert clock[0] == 1010.0
    end.open.discard("a/b")
    assert end.closing("a", clock[0]) == 1012.0


def test_a_second_interrupt_shortens_what_is_left_and_never_prolongs_it(clock):
    end = Ending(30.0)
    end.open |= {"a", "ab"}
    end.hurry()
    clock[0] += 10.0
    end.hurry()
    assert end.in_flight(1000.0) == 1010.0 + HASTE / 3
    assert end.closing("a", 1000.0) == 1010.0 + HASTE  # a scope with a like name is not around it
    clock[0] += 3.0
    end.hurry()
    assert end.closing("a", 1000.0) == 1010.0 + HASTE
