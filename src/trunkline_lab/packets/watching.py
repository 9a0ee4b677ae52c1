"""Keeps asking a fabric how its gateways stand, and tells what it says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from .child import PacketsError
from .following import Following
from .plan import GatewayState, Plan

_EVERY = 0.2  # seconds
_SHARE = 0.1  # at most so much of the time is spent asking
_log = logging.getLogger(__name__)


class Watching:
    """Tells of a fabric until it is stopped.

    Parameters:
        following: The fabric.
        tell: Called with the plan that was applied and the states measured under it, at first as soon as there are any.
    """

    def __init__(self, following: Following, tell: Callable[[Plan, tuple[GatewayState, ...]], None]) -> None:
        self._following, self._tell = following, tell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="packets-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more. May be called twice."""
        self._over.set()
        self._thread.join(5)

    def _watch(self) -> None:
        pause = _EVERY
        while not self._over.wait(pause):
            began = time.monotonic()
            try:
                self._look()
            except (PacketsError, TimeoutError) as error:
                if not self._over.is_set():
                    _log.error("the fabric does not say how its gateways stand: %s", error)
            pause = max(_EVERY, (time.monotonic() - began) / _SHARE)

    def _look(self) -> None:
        before = self._following.applied
        states = self._following.state()
        if before is not None and self._following.applied is before:
            self._tell(before, states)
