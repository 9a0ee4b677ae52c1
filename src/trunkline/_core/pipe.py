"""pipe and apipe: run the steps."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Coroutine, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal

from trunkline._core import events
from trunkline._core.errors import Misuse
from trunkline._core.recorder import Recorder
from trunkline._core.state import State, checked_data
from trunkline._core.steps import Nodes, Steps, nodes, outline
from trunkline._core.walk import Place, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GRACE = 30.0
Retrace = Literal["ask", "undo", "pay"]


def pipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    run: str | None = None,
    observers: Iterable[events.Observer] = (),
    grace: float = GRACE,
    recorder: Recorder | None = None,
) -> State:
    """Run the steps, one after the other, each with the state that those before it left.

    Plain functions run in the caller's thread and without an event loop, until the first step that is async,
    stands side by side with others, is inside a scope or has a timeout. From there on, plain functions run in
    threads. Ctrl-C lets what is in flight end, closes the open scopes, and raises KeyboardInterrupt.

    Parameters:
        data: The state to begin with; never changed.
        steps: A list of ("name", callable), ("name", [callables side by side]), `during`, `each`, or any Node. A
            callable takes the state as a dict of its own and returns a mapping or None; with a key "outputs" only
            that mapping is passed along, otherwise the keys whose value changed.
        run: The run's name, part of every step's token; by default made up.
        observers: Whoever follows the run's events.
        grace: Seconds that an interrupted run may take to end: a third for what is in flight, the rest for the
            scopes to close; a second interrupt leaves 3.5. Without one, each closing has 30 seconds, or these if more.
        recorder: Where progress is kept; none in memory mode.

    Returns:
        The state at the end, the caller's to keep.

    Raises:
        Misuse: the steps or the data are written wrongly; before anything ran, where that can be known.
        Conflict: steps side by side gave one key different values.
        StepTimeout: a step took longer than its timeout.
        Whatever a step raises, with the note "in step PATH"; several side by side as an ExceptionGroup.
    """
    shared = _shared(run, observers, recorder, grace, in_loop=False)
    return _drive(shared, _whole(shared, checked_data(data), nodes(steps), "go"))


def retrace(
    data: Mapping[str, Any],
    steps: Steps,
    recorder: Recorder,
    mode: Retrace,
    *,
    run: str,
    observers: Iterable[events.Observer] = (),
    grace: float = GRACE,
) -> None:
    """Undo what a recorded run did, newest first; ask first who uses it; or pay, which closes what it left open.

    Parameters:
        data: What the run began with.
        steps: The run's steps.
        recorder: What is known of the run; told of what is undone and closed.
        mode: "ask" has no effect, and raises InUse when an undo must not begin; "undo"; or "pay".
        run, observers: As for pipe.
        grace: As for pipe, and what each closing may take at all: a cancel does not say why it came.
    """
    shared = _shared(run, observers, recorder, grace, in_loop=False)
    _drive(shared, _whole(shared, checked_data(data), nodes(steps), mode))


async def aretrace(
    data: Mapping[str, Any],
    steps: Steps,
    recorder: Recorder,
    mode: Retrace,
    *,
    run: str,
    observers: Iterable[events.Observer] = (),
    grace: float = GRACE,
) -> None:
    """`retrace` for callers inside an event loop."""
    shared = _shared(run, observers, recorder, grace, in_loop=True)
    await _awaited(_whole(shared, checked_data(data), nodes(steps), mode))


async def apipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    run: str | None = None,
    observers: Iterable[events.Observer] = (),
    grace: float = GRACE,
    recorder: Recorder | None = None,
) -> State:
    """`pipe` for callers inside an event loop; a cancel of the calling task closes the open scopes first."""
    shared = _shared(run, observers, recorder, grace, in_loop=True)
    return await _awaited(_whole(shared, checked_data(data), nodes(steps), "go"))


async def _awaited(walk: Coroutine[None, None, State]) -> State:
    from trunkline._core.waiting import Fatal

    try:
        return await walk
    except Fatal as fatal:
        raise fatal.cause from None


async def _whole(run: Run, data: State, steps: Nodes, mode: Literal["go"] | Retrace) -> State:
    place = Place(run)
    if run.recorder is not None:
        from trunkline._core.kept import Kept

        place = Kept(run, run.recorder, mode)
    if mode == "ask":
        return await place.walk(steps, data)
    started = time.monotonic()
    if run.observers:
        run.emit(events.RunStarted(run.name, time.time(), outline(steps), mode))
    error: BaseException | None = None
    try:
        return {**data, **await place.walk(steps, data)}
    except BaseException as raised:
        error = raised
        raise
    finally:
        run.emit(events.RunEnded(run.name, time.time(), time.monotonic() - started, error))


def _shared(
    run: str | None, observers: Iterable[events.Observer], recorder: Recorder | None, grace: float, in_loop: bool
) -> Run:
    """What a run's places share. Raises Misuse for a word that cannot be used, before anything runs."""
    if not isinstance(grace, (int, float)) or not grace >= 0:
        raise Misuse(f"grace={grace!r} is no number of seconds", hint="give seconds, 0 or more")
    watching = list(observers) if isinstance(observers, Iterable) else [observers]
    for observer in watching:
        if not callable(getattr(observer, "on", None)):
            raise Misuse(f"observers: {observer!r} has no method on(event)", hint="pass a list of Observers")
    return Run(run_name(run), watching, recorder, grace, in_loop)


def run_name(run: str | None) -> str:
    """The run's name, made up when none is given. Raises Misuse for what is no name."""
    if run is None:
        return f"run-{os.urandom(4).hex()}"
    if not isinstance(run, str) or not run.strip() or not run.isprintable():
        raise Misuse(f"run={run!r} is no name for a run", hint="give it printable text, such as acme-10.1")
    return run


def _drive(run: Run, walk: Coroutine[None, None, State]) -> State:
    """Run the walk until it ends or asks for an event loop; then go on in one."""
    try:
        walk.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _in_loop(run, walk)
    return _in_thread(run, walk)


class _Resumed:
    """Awaits a coroutine that is already under way."""

    def __init__(self, walk: Coroutine[None, None, State]) -> None:
        self.walk = walk

    def __await__(self) -> Generator[Any, Any, State]:
        return (yield from self.walk.__await__())


def _in_loop(
    run: Run, walk: Coroutine[None, None, State], started: Callable[[Callable[[], None]], None] | None = None
) -> State:
    """Go on with the walk in a new event loop; `started` is told how to cancel it."""
    import asyncio

    from trunkline._core.waiting import Fatal

    interrupted = False

    async def main() -> State:
        nonlocal interrupted
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            run.ending.hurry()
            loop.call_soon_threadsafe(task.cancel)

        if started is not None:
            started(interrupt)
        with _on_interrupt(interrupt):
            return await _Resumed(walk)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError as cancel:
        if not interrupted:
            raise
        interrupt = KeyboardInterrupt()
        for note in getattr(cancel, "__notes__", ()):
            interrupt.add_note(note)
        raise interrupt from None
    except Fatal as fatal:
        raise fatal.cause from None


@contextmanager
def _on_interrupt(interrupt: Callable[[], None]) -> Iterator[None]:
    """Every Ctrl-C calls `interrupt`, where it would raise KeyboardInterrupt: that could break a close half-way."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        or not callable(signal.getsignal(signal.SIGINT))
    ):
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: interrupt())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_thread(run: Run, walk: Coroutine[None, None, State]) -> State:
    """A loop already runs in this thread (a notebook): go on in a thread that has a loop of its own."""
    outcome: list[tuple[State | None, BaseException | None]] = []
    interrupts: list[Callable[[], None]] = []

    def work() -> None:
        try:
            outcome.append((_in_loop(run, walk, interrupts.append), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=copy_context().run, args=(work,), name="trunkline pipe", daemon=True)
    thread.start()
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt:
            for interrupt in interrupts:
                interrupt()
    state, error = outcome[0]
    if error is not None:
        raise error
    assert state is not None
    return state
