"""here(): what a step may ask about the place where it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from trunkline._core.errors import Stopped


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Here:
    """The place where a step runs.

    Parameters:
        run: The run's name.
        path: The step's identity: names joined by "/", an item of `each` as "[key]".
        deadline: When its timeout ends, in seconds of `time.monotonic()`; None without a timeout.
    """

    run: str
    path: str
    deadline: float | None
    _note: Callable[[str], None]
    _stop: threading.Event | None = None

    @property
    def token(self) -> str:
        """32 hex digits, the same for every attempt of this step in this run; open and close of a scope share one."""
        return token(self.run, self.path)

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline (negative when it is over); None without a timeout."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    @property
    def cancelled(self) -> bool:
        """Whether the run is to stop, or this step's time is over: a wait had better end now."""
        return self._stop is not None and self._stop.is_set()

    def pause(self, seconds: float) -> None:
        """Wait between two looks at something. Raises Stopped at once when the run is to stop meanwhile."""
        if self._stop is None:
            time.sleep(seconds)
        elif self._stop.wait(seconds):
            raise Stopped(f"{self.path} was told to stop while it waited", hint="run it again to go on")

    def note(self, text: str) -> None:
        """Tell the observers what this step does or waits for now, as one line."""
        self._note(text)


current: ContextVar[Here] = ContextVar("trunkline.here")


def here() -> Here:
    """The running step's own run, path, token and deadline. Raises LookupError outside of a step."""
    try:
        return current.get()
    except LookupError:
        raise LookupError("here() is only known inside a step that a pipe runs") from None


def pause(seconds: float) -> None:
    """Wait between two looks at something, inside a step or outside of any; `Here.pause` says how it ends early."""
    place = current.get(None)
    if place is None:
        time.sleep(seconds)
    else:
        place.pause(seconds)


def token(run: str, path: str) -> str:
    """The idempotency token of step `path` in `run`, as 32 hex digits."""
    import hashlib  # on first need: it is a tenth of what importing trunkline costs

    return hashlib.sha256(f"{run}\0{path}".encode()).hexdigest()[:32]
