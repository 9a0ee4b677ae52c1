"""Keeps a fabric as its lab is: reads the lab anew after every change, and applies what it finds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .child import Child
from .plan import GatewayState, Plan

_QUIET = 0.05  # seconds; what changes together is applied together
_log = logging.getLogger(__name__)


class Following:
    """A fabric that follows. Thread safe.

    Parameters:
        child: The fabric's process; ended by `stop`.
        read: Gives what the lab is now.
    """

    def __init__(self, child: Child, read: Callable[[], Plan]) -> None:
        self.child, self._read = child, read
        self._changed = threading.Event()
        self._over = False
        self._applying = threading.Lock()
        self._applied: Plan | None = None
        self._thread = threading.Thread(target=self._follow, name="packets-follow", daemon=True)
        self._thread.start()

    @property
    def applied(self) -> Plan | None:
        """The plan that the fabric stands by now; None while it is being changed."""
        return self._applied

    def changed(self) -> None:
        """Something of the lab may have changed. Returns at once."""
        self._changed.set()

    def settle(self) -> None:
        """Bring the fabric to the lab's present state before returning, instead of soon. Raises PacketsError."""
        with self._applying:
            wanted = self._read()
            if wanted != self._applied:
                self._applied = None
                self.child.apply(wanted)
                self._applied = wanted

    def ask(self, do: str, **arguments: Any) -> Any:
        """Ask the fabric as it is to be now (see `Child.ask`)."""
        self.settle()
        return self.child.ask(do, **arguments)

    def state(self) -> tuple[GatewayState, ...]:
        """How the gateways stand now."""
        return self.child.state()

    def stop(self) -> None:
        """End it. May be called twice."""
        self._over = True
        self._changed.set()
        self.child.stop()
        self._thread.join(5)

    def _follow(self) -> None:
        while True:
            self._changed.wait()
            if self._over:
                return
            time.sleep(_QUIET)
            self._changed.clear()
            try:
                self.settle()
            except Exception:
                if not self._over:
                    _log.exception("the fabric cannot follow")
