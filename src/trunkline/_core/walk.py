"""The walk: what a node may do at its place in a running pipe.

The nodes are coroutines. As long as every step is a plain function, nothing ever suspends, and the walk is driven
by a single `send`. The first step that needs more (an async function, steps side by side, a scope, a timeout) makes
the walk yield once; `pipe` then goes on with the same coroutine inside an event loop. In the loop a plain function
runs in a thread of its own.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from trunkline._core import events
from trunkline._core.context import Here, current
from trunkline._core.ending import UNHURRIED, Ending
from trunkline._core.errors import StepTimeout
from trunkline._core.recorder import Recorder
from trunkline._core.state import Changes, State, View, changes_of
from trunkline._core.steps import Node, Step, StepFunction, Steps, is_async, nodes

Late = BaseException | None  # a cancel or a timeout, raised once the outcome of the step is known and recorded


class Run:
    """What all places of one run share."""

    def __init__(
        self, name: str, observers: Iterable[events.Observer], recorder: Recorder | None, grace: float, in_loop: bool
    ) -> None:
        self.name, self.recorder, self.in_loop = name, recorder, in_loop
        self.ending = Ending(grace, 0.0 if in_loop else UNHURRIED)
        if recorder is not None:
            recorder.in_loop = in_loop
        self.observers = list(observers)
        self._lock = threading.Lock()

    def emit(self, event: events.Event) -> None:
        """Tell all observers. One that fails is dropped: watching a run must not break it."""
        with self._lock:
            for observer in tuple(self.observers):
                try:
                    observer.on(event)
                except Exception as error:
                    self.observers.remove(observer)
                    warnings.warn(f"observer {observer!r} failed and was dropped: {error!r}", stacklevel=2)

    async def need_loop(self) -> None:
        """Go on inside an event loop."""
        if not self.in_loop:
            await _LoopNeeded()
            self.in_loop = True
            if self.recorder is not None:
                self.recorder.in_loop = True


class _LoopNeeded:
    def __await__(self) -> Generator[None, None, None]:
        yield


class Place:
    """A node's place in the pipe, and what it may do there (`At`)."""

    __slots__ = ("path", "run")

    def __init__(self, run: Run, path: str = "") -> None:
        self.run, self.path = run, path

    async def walk(self, steps: Steps, state: Mapping[str, Any]) -> State:
        """Run steps one after the other; answers what they changed together."""
        prefix = f"{self.path}/" if self.path else ""
        now = dict(state)
        changes: State = {}
        for node in nodes(steps):
            given = await node.run(now, self.at(prefix + node.name))
            if given:
                now.update(given)
                changes.update(given)
        return changes

    async def gather(self, parts: Sequence[tuple[str, Node | Steps, Mapping[str, Any]]]) -> list[Changes]:
        """Run parts side by side; all end before this does. Several failures are an ExceptionGroup."""
        if not parts:
            return []
        await self.run.need_loop()
        import asyncio

        from trunkline._core.waiting import all_ended, error_of

        tasks = [asyncio.ensure_future(self._part(*part)) for part in parts]
        await all_ended(tasks)
        errors = [error for task in tasks if (error := error_of(task)) is not None]
        signals = [error for error in errors if not isinstance(error, Exception)]
        if signals or len(errors) == 1:
            raise (signals or errors)[0]
        if errors:
            raise BaseExceptionGroup(f"{len(errors)} of the steps side by side in {self.path} failed", errors)
        return [task.result() for task in tasks]

    async def leaf(self, step: Step, state: Mapping[str, Any]) -> Changes:
        """Run one step here; answers what it changed."""
        changes, late = await self._perform(self.path, step.fn, step, state)
        if late is not None:
            raise late
        return changes or {}

    async def scope(self, opening: Step, closing: Step, steps: Steps, state: Mapping[str, Any]) -> Changes:
        """Open, run the steps, and close whatever happened; answers what the steps changed."""
        await self.run.need_loop()
        started, inside = self._owed_from_now(), dict(state)
        changes: State = {}
        failure: BaseException | None = None
        try:
            opened, late = await self._perform(f"{self.path}#open", opening.fn, opening, state)
            inside.update(opened or {})
            if late is not None:
                raise late
            changes = await self.walk(steps, inside)
        except BaseException as error:  # a cancel too: from here on closing is owed
            failure = error
        owed, cancel = await self._close(closing, inside, started)
        raise_all(failure or cancel, owed, self.path)
        return changes

    def at(self, path: str) -> Place:
        """The place at another path of this run."""
        return Place(self.run, path)

    def _owed_from_now(self) -> float:
        self.run.ending.open.add(self.path)
        self.run.emit(events.ScopeOpened(self.run.name, self.path, time.time()))
        return time.monotonic()

    async def _part(self, suffix: str, part: Node | Steps, state: Mapping[str, Any]) -> Changes:
        place = self.at(self.path + suffix)
        return await (part.run(state, place) if isinstance(part, Node) else place.walk(part, state))

    async def _close(self, closing: Step, inside: Mapping[str, Any], started: float) -> tuple[Late, Late]:
        """Close, shielded from cancels for a time: why it is still owed, and what cancel came meanwhile."""
        import asyncio

        from trunkline._core.waiting import error_of, outlast

        run, path, begun = self.run, f"{self.path}#close", time.monotonic()
        limit = partial(run.ending.closing, self.path, begun, closing.timeout or 0.0)
        task = asyncio.ensure_future(self._perform(path, closing.fn, closing, inside, ignore=True))
        cancel = await outlast(task, limit)
        run.ending.open.discard(self.path)
        if task.done():
            owed = error_of(task) or task.result()[1]
        else:
            task.cancel()
            owed = StepTimeout(f"closing {self.path} took longer than {limit() - begun:.3g} s")
        run.emit(events.ScopeClosed(run.name, self.path, time.time(), time.monotonic() - started, owed))
        return owed, cancel

    async def _perform(
        self, path: str, fn: StepFunction, step: Step, state: Mapping[str, Any], ignore: bool = False
    ) -> tuple[Changes | None, Late]:
        """Call `fn` as the step at `path`, watched by the observers; its changes, None when it answered None.

        With `ignore` its answer does not count, whatever it is (close, undo).
        """
        started = time.monotonic()
        if self.run.observers:
            self.run.emit(events.StepStarted(self.run.name, path, time.time()))
        try:
            result, late = await self._call(path, fn, step, state)
            changes = None if result is None or ignore else changes_of(result, state, path)
        except BaseException as error:
            _note_path(error, path)
            self._ended(path, started, error=error)
            raise
        if self.run.observers:
            self._ended(path, started, tuple(changes or ()), error=late)
        return changes, late

    async def _call(self, path: str, fn: StepFunction, step: Step, state: Mapping[str, Any]) -> tuple[Any, Late]:
        run, timeout = self.run, step.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        asynchronous = step.asynchronous if fn is step.fn else is_async(fn)
        view = View(state)
        if asynchronous or deadline is not None:
            await run.need_loop()
        # Whoever cancels a closing has waited for it already.
        patience = _no_longer if path.endswith("#close") else run.ending.in_flight
        stop = threading.Event() if run.in_loop else None
        place = Here(run.name, path.partition("#")[0], deadline, lambda text: self._noted(path, text), stop)
        if run.in_loop:
            return await _call_in_loop(fn, view, place, asynchronous, timeout, patience)
        token = current.set(place)
        try:
            result = fn(view)
        finally:
            current.reset(token)
        if hasattr(result, "__await__"):  # a plain function that answers with a coroutine
            await run.need_loop()
            return await _call_in_loop(lambda _: result, view, place, True, timeout, patience)
        return result, None

    def _noted(self, path: str, text: str) -> None:
        if self.run.observers:
            self.run.emit(events.StepNoted(self.run.name, path, time.time(), text))

    def _ended(
        self,
        path: str,
        started: float,
        keys: tuple[str, ...] = (),
        error: BaseException | None = None,
        replayed: bool = False,
    ) -> None:
        if self.run.observers:
            seconds = time.monotonic() - started
            self.run.emit(events.StepEnded(self.run.name, path, time.time(), seconds, keys, error, replayed))


async def _call_in_loop(
    fn: StepFunction,
    view: View,
    place: Here,
    asynchronous: bool,
    timeout: float | None,
    patience: Callable[[float], float],
) -> tuple[Any, Late]:
    import asyncio

    from trunkline._core.waiting import Fatal, in_thread, outlast

    if not asynchronous:
        future = in_thread(fn, view, place)
        late: Late = None
        try:
            done, _ = await asyncio.wait((future,), timeout=timeout)
            if not done:
                late = _timed_out(place, timeout)
        except asyncio.CancelledError as cancel:
            late = cancel
        if late is not None:  # a running thread cannot be stopped, only asked to; its outcome is waited for
            if place._stop is not None:
                place._stop.set()
            told = time.monotonic()
            await outlast(future, lambda: patience(told))
            if not future.done() or future.exception() is not None:
                raise late from (future.exception() if future.done() else None)
        result = future.result()
        if not hasattr(result, "__await__"):
            return result, late
        fn = lambda _: result  # noqa: E731
    token = current.set(place)
    try:
        async with asyncio.timeout(timeout) as limit:
            return await fn(view), None  # type: ignore[misc]
    except TimeoutError:
        if limit.expired():
            raise _timed_out(place, timeout) from None
        raise
    except (KeyboardInterrupt, SystemExit) as stop:
        raise Fatal(stop) from None
    finally:
        current.reset(token)


def _no_longer(begun: float) -> float:
    return begun


def _timed_out(place: Here, timeout: float | None) -> StepTimeout:
    return StepTimeout(
        f"step {place.path} took longer than its timeout of {timeout:g} s", hint="give it a longer timeout="
    )


def _note_path(error: BaseException, path: str) -> None:
    from trunkline._core.waiting import Fatal

    (error.cause if isinstance(error, Fatal) else error).add_note(f"in step {path}")


def raise_all(failure: BaseException | None, owed: BaseException | None, path: str) -> None:
    """Raise what went wrong inside a scope and in closing it; nothing when nothing did."""
    if owed is not None:
        owed.add_note(f"closing of {path} is still owed")
    if failure is None or owed is None:
        if (error := failure or owed) is not None:
            raise error
    elif isinstance(failure, Exception) and isinstance(owed, Exception):
        raise ExceptionGroup(f"{path} failed, and closing it failed too", [failure, owed])
    else:
        failure.add_note(f"and closing of {path} failed and is still owed: {owed!r}")
        raise failure
