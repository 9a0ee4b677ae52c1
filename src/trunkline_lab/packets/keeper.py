"""Keeps a gateway's tunnels up: begins negotiations, sees ups and downs as they happen, and knows the reasons."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .ipsec import Association, Charon, Connection
from .plan import GatewayPlan, TunnelState
from .tunnel_devices import TunnelDevices

_LOOK_SECONDS = 1.0  # without news from charon
_RETURN_SECONDS = 6.0  # a dead peer is given up after four
_AGAIN_SECONDS = 0.5  # between two tries of one connection
_log = logging.getLogger(__name__)
# What charon writes when a negotiation fails, and what a person calls it.
_REASONS = {
    "AUTHENTICATION_FAILED": "the peer does not accept the secret or the identity",
    "no shared key found": "there is no secret for the peer's identity",
    "MAC mismatched": "the pre-shared secrets differ",
    "tried 1 shared key": "the pre-shared secrets differ",
    "NO_PROPOSAL_CHOSEN": "no common proposal",
    "TS_UNACCEPTABLE": "the traffic selectors do not match",
    "INVALID_MAJOR_VERSION": "the IKE versions differ",
    "giving up after": "the peer does not answer",
    "peer not responding": "the peer does not answer",
    "constraint check failed": "the IKE identities do not match",
}


class Keeper:
    """The thread that looks after one charon's tunnels, and the one that listens to it.

    Parameters:
        returning: Called with the tunnels that were lost and have just come back, whenever these change.

    Attributes:
        answers: Whether charon answered when it was last asked.
    """

    def __init__(
        self, charon: Charon, devices: TunnelDevices, returning: Callable[[frozenset[str]], None] = lambda _: None
    ) -> None:
        self._charon = charon
        self._devices = devices
        self._tell_returning = returning
        self._seen: set[str] = set()  # tunnels that were up at least once as they are configured now
        self._up: set[str] = set()
        self._returning: dict[str, float] = {}  # until when
        self._told: frozenset[str] = frozenset()
        self._connections: dict[str, Connection] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._associations: dict[str, Association] = {}
        self._since: dict[str, float] = {}
        self._reasons: dict[str, str] = {}
        self._next: dict[str, float] = {}
        self.answers = False

    def start(self) -> None:
        """Look after a charon that has just been started."""
        self.answers = True
        self._since.clear()
        self._seen.clear()
        threading.Thread(target=self._listen, name=f"ears {self._charon.namespace}", daemon=True).start()
        if not self._threads:
            self._threads = [threading.Thread(target=self._keep, name=f"keeper {self._charon.namespace}", daemon=True)]
            self._threads[0].start()
        self._wake.set()

    def stop(self) -> None:
        """Look no more. May be called twice."""
        self._ended = True
        self._wake.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def keep(self, connections: Mapping[str, Connection]) -> None:
        """Have exactly these connections up from now on."""
        with self._lock:
            self._charon.load(connections)
            for name, connection in connections.items():
                if self._connections.get(name) != connection:
                    self._next[name] = 0.0
                    self._reasons.pop(name, None)
                    self._associations.pop(name, None)
                    self._seen -= {child.name for child in connection.children}
            self._connections = dict(connections)
        self._wake.set()

    def renegotiate(self, tunnels: Collection[str]) -> None:
        """Take the connections of these tunnels down; they are negotiated anew."""
        with self._lock:
            for name, connection in self._connections.items():
                if any(child.name in tunnels for child in connection.children):
                    self._charon.terminate(name)
                    self._associations.pop(name, None)
        self._wake.set()

    def states(self, plan: GatewayPlan) -> tuple[TunnelState, ...]:
        """How each tunnel of the plan stands, as charon said last."""
        with self._lock:
            owners = {child.name: c.name for c in self._connections.values() for child in c.children}
            return tuple(self._state(plan.id, tunnel.id, owners.get(tunnel.id, "")) for tunnel in plan.tunnels)

    def _state(self, gateway: str, tunnel: str, connection: str) -> TunnelState:
        found = self._associations.get(connection)
        if found is None or tunnel not in found.children:
            return TunnelState(gateway, tunnel, False, reason=self._reasons.get(connection, "negotiating"))
        since, returning = self._since.get(tunnel, 0.0), tunnel in self._told
        return TunnelState(gateway, tunnel, True, since, "", found.proposal, found.children[tunnel], returning)

    def _keep(self) -> None:
        while not self._ended:
            try:
                self._look()
            except Exception:
                if not self._ended:
                    _log.exception("cannot look after the tunnels in %s", self._charon.namespace)
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()

    def _look(self) -> None:
        found, answers = self._asked()
        with self._lock:
            self._associations, self.answers = found, answers
            up = {child for found in self._associations.values() for child in found.children}
            now = time.time()
            self._since = {child: self._since.get(child, now) for child in up}
        self._welcome(up)
        with self._lock:
            self._devices.show(up)
            if self.answers:
                with contextlib.suppress(OSError):
                    self._begin()

    def _welcome(self, up: set[str]) -> None:
        """Tell, before their interfaces are up, which tunnels have just come back: nobody is to rush to them.

        A router that was away has tunnels to others, too, which need up to a dead peer's time to be there again.
        """
        now = time.monotonic()
        back = (up - self._up) & self._seen
        self._returning = {n: until for n, until in self._returning.items() if n in up and now < until}
        self._returning |= dict.fromkeys(back, now + _RETURN_SECONDS)
        self._seen |= up
        self._up = up
        told = frozenset(self._returning)
        if told != self._told:
            self._told = told
            self._tell_returning(told)

    def _asked(self) -> tuple[dict[str, Association], bool]:
        """What charon says, and whether it says anything; one that is frozen takes a while, and nobody waits for it."""
        try:
            return (self._charon.associations(), True) if self._charon.pid is not None else ({}, False)
        except OSError:
            return {}, False

    def _begin(self) -> None:
        """Begin what is missing and not under way."""
        now = time.monotonic()
        for name, connection in self._connections.items():
            found = self._associations.get(name)
            under_way = found is not None and found.connecting
            if not connection.begins or under_way or now < self._next.get(name, 0.0):
                continue
            for child in connection.children:
                if found is None or child.name not in found.children:
                    self._charon.initiate(name, child.name)
                    self._next[name] = now + _AGAIN_SECONDS

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            for name, fields in self._charon.events():
                if name == "log":
                    self._note(fields)
                else:
                    self._wake.set()

    def _note(self, fields: Mapping[str, Any]) -> None:
        text, connection = fields.get("msg", b"").decode(), fields.get("ikesa-name", b"").decode()
        reason = next((reason for words, reason in _REASONS.items() if words in text), None)
        if reason is not None and connection:
            self._reasons[connection] = reason
