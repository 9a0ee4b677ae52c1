"""An imagined world, and processes that live in it: they die, fail, are cancelled, and are swept beside.

A death ends a process that is only imagined: from its moment on no effect happens and no line is kept, and what the
journal had not committed is lost. So a life takes milliseconds; real processes die in test_crashes.py. A cancel is
what Ctrl-C does: the handler that stands for SIGINT is called. A sweep is `trunkline sweep` itself, which knows of no
journal and asks the world what is open.
"""

import asyncio
import itertools
import signal
import threading
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from unittest import mock

from trunkline import during, each, here, step
from trunkline._core import pipe as core
from trunkline.cli import access
from trunkline.clouds.cloud import Exposure, Rule
from trunkline.durable.kept_run import KeptRun

LONG = timedelta(minutes=15)


class Dead(BaseException):
    """The imagined process is no more."""


class Refusal(Exception):
    """The world says no, this once."""


class World:
    """Things by token; the scopes that are open, each with the time when it expires; what should never have been."""

    name = "world"

    def __init__(self):
        self.things, self.open, self.looks, self.violations = {}, {}, {}, []

    def pass_time(self):
        """What stands open has expired."""
        self.open = {path: datetime.now(UTC) - LONG for path in self.open}

    def exposures(self):
        """As an account tells it."""
        now = datetime.now(UTC)
        rule = Rule("tcp", 8000, "127.0.0.1/32")
        return [Exposure("world", path, rule, "run", "x", now, expires, path) for path, expires in self.open.items()]

    def close(self, exposure):
        self.open.pop(exposure.handle, None)

    def sweep(self, run=None):
        """`trunkline sweep`, by a process that has no journal."""
        words = {"run": run, "dry_run": False, "as_json": True, "debug": False}
        with (
            mock.patch.object(access, "load"),
            mock.patch.object(access, "_accounts", return_value=[self]),
            redirect_stdout(StringIO()),
        ):
            assert access.sweep(None, (), **words) == 0


class Life:
    """One imagined process, and the trouble that it meets at its `at`th point.

    Parameters:
        world, kept: The world, and the log as it is on disk.
        trouble: "death", "cancel", "twice" (two cancels, the second in the midst of what the first began), "fault"
            (an effect that is refused), "lost" (one that happened, but says it did not), "sweep" (from another
            process, beside this one), or "".
        at: The number of the point, from 1.
    """

    def __init__(self, world, kept, trouble="", at=0):
        self.world, self.kept, self.trouble, self.at = world, kept, trouble, at
        self.passed, self.dead, self.buffer, self.close_failed = 0, False, [], False
        self.lock = threading.RLock()
        self.met = False  # whether the trouble came

    def point(self):
        self.passed += 1
        due = self.passed == self.at or (self.trouble == "twice" and self.passed == self.at + 2)
        self.met = self.met or due
        if self.dead or (due and self.trouble == "death"):
            self.dead = True
            raise Dead
        if due and self.trouble in ("cancel", "twice"):
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
        if due and self.trouble == "sweep":
            self.world.sweep()

    def effect(self, change, closes=False):
        with self.lock:
            before = self.passed
            self.point()
            hit = before < self.at <= before + 2 and self.trouble in ("fault", "lost")
            self.met, self.close_failed = self.met or hit, self.close_failed or (hit and closes)
            if hit and self.trouble == "fault":
                raise Refusal
            answer = change()
            if hit:
                raise Refusal
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

    def live(self, tree, what):
        """Forward, undo or pay; answers whether it came to its end.

        Raises:
            AssertionError: something happened that must not, whatever the trouble.
        """
        run = KeptRun(self, "run", 1)
        for entry in self.kept:
            run.apply(entry)
        steps, ended = build(tree, self), False
        try:
            if what == "forward":
                core.pipe({}, steps, run="run", recorder=run)
            else:
                core.retrace({}, steps, run, what, run="run")
            ended = True
        except BaseException as error:
            if not self.dead and not self.expects(error):
                raise
        try:
            if not self.dead:
                self.commit()  # as a process does that ends, well or badly
        except (Dead, KeyboardInterrupt):
            ended = False
        if not self.dead and not self.close_failed and self.trouble != "death":
            assert not self.world.open, f"{what} ended, and left {self.world.open} open"
        assert not self.world.violations, self.world.violations
        return ended

    def expects(self, error):
        """Whether an error is of the trouble's own making."""
        if isinstance(error, BaseExceptionGroup):
            return all(map(self.expects, error.exceptions))
        mine = {"fault": Refusal, "lost": Refusal}.get(self.trouble, (KeyboardInterrupt, asyncio.CancelledError))
        return self.met and self.trouble not in ("", "sweep", "death") and isinstance(error, mine)


def build(tree, life, scopes=(), numbers=None):
    """The steps of a described tree; each leaf needs every scope around it open, to be made and to be taken back."""
    steps, numbers = [], numbers or itertools.count()
    for kind, *rest in tree:
        name = f"{kind}{next(numbers)}"  # unique in the whole tree: an each gives its name as a key
        if kind == "leaf":
            steps.append((name, leaf(life, scopes, asynchronous=bool(len(steps) % 2))))
        elif kind == "group":
            steps.append((name, build(rest[0], life, scopes, numbers)))
        elif kind == "scope":
            inner = (*scopes, name)
            close = slowly(life, close_scope) if len(steps) % 2 else partial(close_scope, life)
            inside = build(rest[0], life, inner, numbers)
            steps.append(during(name, open=partial(open_scope, life), close=close, steps=inside))
        else:
            steps.append(each(name, over=lambda state: ["x", "y"], steps=build(rest[0], life, scopes, numbers)))
    return steps


def slowly(life, function):
    """An async step that can be cancelled before its effect, as one in a thread cannot."""

    async def step(state):
        life.point()
        await asyncio.sleep(0)
        return function(life, state)

    return step


def leaf(life, scopes, asynchronous):
    world = life.world

    def needs_open():
        if sum(here().path.startswith(f"{path}/") for path in world.open) != len(scopes):
            world.violations.append(f"{here().path} acts while a scope around it is closed")

    def make(life, state):
        def change():
            needs_open()
            world.things.setdefault(here().token, here().path)  # the provider honours the token

        life.effect(change)
        return {here().path: here().token}

    def find(state):
        token = here().token
        if token not in world.things:
            return None
        world.looks[token] = world.looks.get(token, 0) + 1
        return {here().path: token} if world.looks[token] > 1 else None  # the first look lags

    def undo(state):
        def change():
            needs_open()
            world.things.pop(here().token, None)

        life.effect(change)

    return step(slowly(life, make) if asynchronous else partial(make, life), undo=undo, find=find)


def open_scope(life, state):
    world = life.world

    def change():
        if here().path in world.open:
            world.violations.append(f"{here().path} is open already")
        world.open[here().path] = datetime.now(UTC) + LONG

    life.effect(change)
    return {f"key of {here().path}": 1}


def close_scope(life, state):
    life.effect(lambda: life.world.open.pop(here().path, None), closes=True)
