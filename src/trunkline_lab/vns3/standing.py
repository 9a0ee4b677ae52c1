"""Where controllers have it from how their tunnels and BGP sessions stand: worked out (`Links`), or measured."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from ..tunnels import Gateway
from .controller import Controller
from .reports import TunnelReport


class Standing(Protocol):
    """How things stand between gateways, now."""

    def tunnels(self, gateway: Gateway) -> dict[int, TunnelReport]:
        """How each tunnel of a gateway stands, by its id there."""
        ...

    def incoming(self, gateway: Gateway) -> list[tuple[Gateway, TunnelReport]]:
        """The tunnels of others that end at `gateway`: for one that takes anyone."""
        ...

    def bgp(self, controller: Controller) -> dict[int, str]:
        """The state of each BGP session of a controller, by peer id: "Established", "Active", "Idle"..."""
        ...

    def learned(self, controller: Controller) -> list[str]:
        """The CIDRs that BGP brings to a controller."""
        ...

    def renegotiate(self, gateway: str, tunnel: int | None = None) -> None:
        """Take a tunnel (or all of a gateway) down; it negotiates anew."""
        ...

    def observe(self) -> bool:
        """Look at every tunnel: ups and downs are written down.

        Returns:
            Whether any tunnel negotiates now, so that another look soon is worth while.
        """
        ...

    def history(self, gateway: str, tunnel: int) -> list[tuple[float, str]]:
        """When a tunnel went "up" and "down", oldest first."""
        ...


class History:
    """When tunnels came up and went down."""

    def __init__(self) -> None:
        self._events: defaultdict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)

    def note(self, up: Iterable[tuple[str, int]], known: Iterable[tuple[str, int]]) -> None:
        """Write down what changed: of the `known` ends of tunnels those in `up` are up; all others are down or gone."""
        up, now = set(up), time.time()
        for end in {*known, *self._events}:
            self._write(end, end in up, now)

    def down(self, ends: Iterable[tuple[str, int]]) -> None:
        """Write down that these are down now."""
        for end in ends:
            self._write(end, False, time.time())

    def _write(self, end: tuple[str, int], up: bool, now: float) -> None:
        events = self._events[end]
        if up != (bool(events) and events[-1][1] == "up"):
            events.append((now, "up" if up else "down"))

    def of(self, gateway: str, tunnel: int) -> list[tuple[float, str]]:
        """What became of one end, oldest first."""
        return list(self._events.get((gateway, tunnel), ()))
