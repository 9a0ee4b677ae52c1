"""Waiting inside the event loop: for threads, for siblings, and past a cancel. Imported only once a loop runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from trunkline._core.context import Here, current


class Fatal(BaseException):
    """Carries a step's KeyboardInterrupt or SystemExit past the event loop, which would stop dead at it."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(cause)
        self.cause = cause


def in_thread(fn: Callable[[Any], Any], argument: Any, place: Here) -> asyncio.Future[Any]:
    """Call fn(argument) in a thread of its own, where here() is `place`.

    A thread a call, not a pool: a pool would make the 33rd step side by side wait for the first. They are daemons,
    because a thread that is given up must not keep the process.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        current.set(place)
        result: Any = None
        error: BaseException | None = None
        try:
            result = fn(argument)
        except (KeyboardInterrupt, SystemExit) as stop:
            error = Fatal(stop)
        except StopIteration as stop:  # no future can carry it
            error = RuntimeError("the step raised StopIteration")
            error.__cause__ = stop
        except BaseException as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits for this thread any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=copy_context().run, args=(work,), name=f"trunkline {place.path}", daemon=True).start()
    return future


async def outlast(future: asyncio.Future[Any], until: Callable[[], float]) -> asyncio.CancelledError | None:
    """Wait until `future` is done, however often we are cancelled; answers the last cancel.

    `until` says how long (in `time.monotonic()`); it is asked again after every cancel, which may have shortened it.
    """
    cancel = None
    while not future.done() and (left := until() - time.monotonic()) > 0:
        try:
            await asyncio.wait((future,), timeout=left)
        except asyncio.CancelledError as error:
            cancel = error
    return cancel


async def all_ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Wait until all tasks ended. A cancel is passed on to each of them, and raised when they ended."""
    tasks, cancel = list(tasks), None
    while not all(task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:
            cancel = error
            for task in tasks:
                task.cancel()
    if cancel is not None:
        raise cancel


def error_of(task: asyncio.Future[Any]) -> BaseException | None:
    """What an ended task raised, a cancel included."""
    if task.cancelled():
        return asyncio.CancelledError("the step was cancelled")
    return task.exception()
