"""Scopes: what is opened is closed, whatever happens."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from trunkline import apipe, during, here, pipe, step
from trunkline._core.events import ScopeClosed, ScopeOpened
from trunkline.errors import StepTimeout


class Door:
    """A thing to open and close; remembers what it saw."""

    def __init__(self, fail_open=None, fail_close=None):
        self.seen, self.open_now = [], 0
        self.fail_open, self.fail_close = fail_open, fail_close

    def open(self, state):
        self.open_now += 1
        self.seen.append(("open", dict(state), here().path, here().token))
        if self.fail_open:
            raise self.fail_open
        return {"key": "k1"}

    def close(self, state):
        self.seen.append(("close", dict(state), here().path, here().token))
        if self.fail_close:
            raise self.fail_close
        self.open_now = 0
        return {"ignored": True}

    def around(self, *steps, name="door"):
        return during(name, open=self.open, close=self.close, steps=list(steps))


def bad(state):
    raise ValueError("inside")


def test_opens_runs_closes():
    door = Door()
    inner = ("use", lambda state: {"used": state["key"]})
    assert pipe({"a": 1}, [door.around(inner), ("after", lambda s: {"keys": sorted(s)})]) == {
        "a": 1, "used": "k1", "keys": ["a", "used"],
    }  # fmt: skip
    (opened, at_open, path, token), (closed, at_close, path2, token2) = door.seen
    assert (opened, closed) == ("open", "close")
    assert at_open == {"a": 1}
    assert at_close == {"a": 1, "key": "k1"}
    assert (path, token) == (path2, token2) == ("door", token)


def test_what_close_returns_is_ignored_even_when_it_is_nonsense_for_a_step():
    assert pipe({}, [during("s", open=lambda s: None, close=lambda s: {"x": 1}, steps=[])]) == {}


def test_closes_when_a_step_fails_and_the_error_is_the_steps():
    door = Door()
    with pytest.raises(ValueError, match="inside") as caught:
        pipe({}, [door.around(("bad", bad))])
    assert caught.value.__notes__ == ["in step door/bad"]
    assert [word for word, *_ in door.seen] == ["open", "close"]


def test_closes_when_open_itself_failed_since_it_may_have_opened():
    door = Door(fail_open=ValueError("lost answer"))
    ran = []
    with pytest.raises(ValueError, match="lost answer") as caught:
        pipe({}, [door.around(("never", lambda s: ran.append(1)))])
    assert caught.value.__notes__ == ["in step door#open"]
    assert door.open_now == 0
    assert not ran


def test_a_close_that_fails_is_loud_alone_and_beside_another_failure():
    door = Door(fail_close=OSError("cannot"))
    with pytest.raises(OSError, match="cannot") as caught:
        pipe({}, [door.around()])
    assert caught.value.__notes__ == ["in step door#close", "closing of door is still owed"]
    with pytest.raises(ExceptionGroup) as both:
        pipe({}, [door.around(("bad", bad))])
    assert [type(error) for error in both.value.exceptions] == [ValueError, OSError]


def test_scopes_nest_and_close_inside_out():
    order = []

    def scope(name, steps):
        return during(
            name,
            open=lambda s: order.append(f"open {name}"),
            close=lambda s: order.append(f"close {name}"),
            steps=steps,
        )

    with pytest.raises(ValueError, match="inside"):
        pipe({}, [scope("a", [scope("b", [("bad", bad)])])])
    assert order == ["open a", "open b", "close b", "close a"]


def test_a_step_that_exits_closes_first():
    door = Door()
    with pytest.raises(SystemExit):
        pipe({}, [door.around(("exit", lambda s: sys.exit(3)))])
    assert door.open_now == 0


def test_a_sibling_of_a_failing_step_keeps_its_scope_until_it_is_done():
    door = Door()

    def slow(state):
        time.sleep(0.05)
        assert door.open_now == 1

    with pytest.raises(ValueError, match="inside"):
        pipe({}, [("g", [("bad", bad), door.around(("slow", slow))])])
    assert door.open_now == 0


@pytest.mark.parametrize("cancels", [1, 2, 5])
def test_any_number_of_cancels_cannot_keep_close_from_ending(cancels):
    events = []

    async def close(state):
        events.append("closing")
        await asyncio.sleep(0.1)
        events.append("closed")

    async def main():
        scope = during("s", open=lambda s: None, close=close, steps=[("wait", lambda s: asyncio.sleep(60))])
        task = asyncio.create_task(apipe({}, [scope]))
        await asyncio.sleep(0.05)
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0.02)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert events == ["closing", "closed"]


def test_a_cancel_during_close_alone_is_not_lost():
    async def main():
        scope = during("s", open=lambda s: None, close=lambda s: asyncio.sleep(0.1), steps=[])
        task = asyncio.create_task(apipe({}, [scope, ("never", bad)]))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@pytest.mark.parametrize("cancels", [1, 3])
def test_a_running_thread_ends_before_close_begins_however_often_cancelled(cancels):
    order, running = [], threading.Event()

    def slow(state):
        running.set()
        time.sleep(0.2)
        order.append("effect")

    async def main():
        scope = during("s", open=lambda s: None, close=lambda s: order.append("close"), steps=[("slow", slow)])
        task = asyncio.create_task(apipe({}, [scope]))
        await asyncio.to_thread(running.wait)
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0.02)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert order == ["effect", "close"]


def test_what_open_gave_is_known_to_close_also_when_cancelled_while_opening():
    door, running = Door(), threading.Event()

    def slow_open(state):
        running.set()
        time.sleep(0.1)
        return door.open(state)

    async def main():
        task = asyncio.create_task(apipe({}, [during("s", open=slow_open, close=door.close, steps=[("never", bad)])]))
        await asyncio.to_thread(running.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert door.seen[-1][:2] == ("close", {"key": "k1"})


def test_a_close_that_hangs_is_given_up_after_a_time_and_said_to_be_owed(monkeypatch):
    monkeypatch.setattr("trunkline._core.walk.UNHURRIED", 0.1)
    release, log = threading.Event(), Log()
    scope = during("s", open=lambda s: None, close=lambda s: release.wait() and None, steps=[])
    with pytest.raises(StepTimeout, match=r"closing s took longer than 0\.1 s") as caught:
        pipe({}, [scope], grace=0.1, observers=[log])
    assert "closing of s is still owed" in caught.value.__notes__
    assert isinstance(log.of(ScopeClosed)[0].error, StepTimeout)
    release.set()


def test_a_close_with_a_longer_timeout_of_its_own_is_waited_for(monkeypatch):
    monkeypatch.setattr("trunkline._core.walk.UNHURRIED", 0.1)
    closed = []
    slow = step(lambda s: time.sleep(0.4) or closed.append(1), timeout=20.0)
    pipe({}, [during("s", open=lambda s: None, close=slow, steps=[])], grace=0.1)
    assert closed == [1]


class Log:
    def __init__(self):
        self.events = []

    def on(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def test_observers_see_how_long_a_scope_stood_open():
    log = Log()
    pipe({}, [Door().around(("wait", lambda s: time.sleep(0.05)))], observers=[log])
    (opened,), (closed,) = log.of(ScopeOpened), log.of(ScopeClosed)
    assert opened.path == closed.path == "door"
    assert 0.05 <= closed.seconds < 5
    assert closed.error is None
    steps = [event.path for event in log.events if type(event).__name__ == "StepStarted"]
    assert steps == ["door#open", "door/wait", "door#close"]


def test_a_timeout_on_close():
    async def hang(state):
        await asyncio.sleep(60)

    scope = during("s", open=lambda s: None, close=step(hang, timeout=0.05), steps=[])
    with pytest.raises(StepTimeout, match=r"0\.05"):
        pipe({}, [scope])


INTERRUPTED = """
    import sys, time
    from trunkline import during, pipe

    def say(*words):
        print(*words, flush=True)

    def slow(state):
        say("running")
        time.sleep(0.5)
        say("ran")

    def close(state):
        say("closing")
        time.sleep(0.3)
        say("closed")

    try:
        steps = [("slow", slow), ("never", lambda s: say("never"))]
        pipe({}, [during("s", open=lambda s: say("open"), close=close, steps=steps)])
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
"""


@pytest.mark.parametrize("times", [1, 2, 4])
def test_ctrl_c_lets_what_is_in_flight_end_and_closes(times):
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    lines = [child.stdout.readline().strip(), child.stdout.readline().strip()]
    for _ in range(times):
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.2)
    lines += child.stdout.read().split("\n")[:-1]
    assert lines == ["open", "running", "ran", "closing", "closed", "interrupted"]
    assert child.wait(10) == 130


def test_a_wait_ends_at_once_when_the_run_is_to_stop():
    running, ended = threading.Event(), []

    def wait(state):
        running.set()
        try:
            here().pause(60)
        finally:
            ended.append(here().cancelled)

    async def main():
        task = asyncio.create_task(apipe({}, [("wait", wait)]))
        await asyncio.to_thread(running.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = time.monotonic()
    asyncio.run(main())
    assert ended == [True]
    assert time.monotonic() - started < 10
    with pytest.raises(StepTimeout):
        pipe({}, [("wait", step(wait, timeout=0.05))])
    assert pipe({}, [("quick", lambda s: here().pause(0.01))]) == {}
