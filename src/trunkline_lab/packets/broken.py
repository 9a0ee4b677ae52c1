"""What can be done to a gateway: kill its daemons, freeze the machine, cut its wires; and all of it undone."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from typing import Protocol

from . import inside
from .plan import Place, inner

KINDS = ("kill", "freeze", "cut")
_TABLE = "broken"


class Daemon(Protocol):
    """A process of the gateway's."""

    @property
    def pid(self) -> int | None:
        """Its number, None when it does not run."""
        ...

    def stop(self) -> None:
        """End it at once."""
        ...


class Broken:
    """The faults of one gateway; packets that a fault stops are lost without a word."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._cut = False
        self._peers: set[str] = set()
        self.killed = False
        self.frozen = False

    @property
    def silent(self) -> bool:
        """Whether nothing of it can be asked or told."""
        return self.killed or self.frozen

    def strike(self, kind: str, daemons: Iterable[Daemon], peer: str | None = None) -> None:
        """Do one of `KINDS`; "cut" with a `peer` (its public address) loses only what goes to it or comes from it.

        Raises ValueError for another kind.
        """
        if kind == "kill":
            self.killed = True
            for daemon in daemons:
                daemon.stop()
        elif kind == "freeze":
            self.frozen = True
            _signal(daemons, signal.SIGSTOP)
        elif kind == "cut" and peer is not None:
            self._peers.add(inner(peer))
        elif kind == "cut":
            self._cut = True
        else:
            raise ValueError(f"{kind!r} is no fault of a gateway: {', '.join(KINDS)}")
        self._lose()

    def mend(self, daemons: Iterable[Daemon]) -> None:
        """Let packets pass and frozen daemons go on; killed ones are for the caller to start."""
        _signal(daemons, signal.SIGCONT)
        self.killed = self.frozen = self._cut = False
        self._peers.clear()
        self._lose()

    def _lose(self) -> None:
        uplink = self._place.uplink
        came, went = [], []
        if self.silent:
            came, went = ["drop"], ["drop"]
        elif self._cut:
            came, went = [f'iifname "{uplink}" drop'], [f'oifname "{uplink}" drop']
        came += [f"ip saddr {peer} drop" for peer in sorted(self._peers)]
        went += [f"ip daddr {peer} drop" for peer in sorted(self._peers)]
        inside.nft(self._place.namespace, _script(came, went))


def _script(came: list[str], went: list[str]) -> str:
    chains = [
        line
        for hook, rules in (("prerouting", came), ("postrouting", went))
        for line in (f"chain {hook} {{", f"type filter hook {hook} priority raw; policy accept;", *rules, "}")
    ]
    return "\n".join([f"table ip {_TABLE}", f"delete table ip {_TABLE}", f"table ip {_TABLE} {{", *chains, "}", ""])


def _signal(daemons: Iterable[Daemon], number: signal.Signals) -> None:
    for daemon in daemons:
        if daemon.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(daemon.pid, number)
