"""What the lab's faces share: public addresses, the pace of things, and news of changes.

A face (AWS, Azure) knows nothing of routers, and a router knows no cloud: they meet here, over `Machine`.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Machine:
    """A running instance of the router's image, as a cloud's face tells it.

    Parameters:
        id: The provider's id, unique in the lab ("i-0abc", "/subscriptions/...").
        name: What a person calls it.
        account: The cloud's account or subscription number.
        network: The provider's id of its VPC or virtual network.
        private_address: Its primary private address.
        public_address: Its public (loopback) address; None until one is associated.
        default_password: The factory password of its API.
    """

    id: str
    name: str
    account: str
    network: str
    private_address: str
    public_address: str | None
    default_password: str


class Face(Protocol):
    """One cloud's API on loopback."""

    endpoint: str

    def machines(self) -> list[Machine]:
        """All running instances of the router's image."""
        ...

    def admits(self, machine: str, protocol: str, port: int, source: str) -> bool:
        """Whether the cloud's own rules now let a packet from `source` (an address) in to `machine` and an answer back.

        Asks what the real network asks: a rule of the machine's group (and subnet) for protocol, port and
        source, and a route of its subnet that leads back to the source.
        """
        ...


@dataclass(frozen=True)
class Pace:
    """How long things take, in seconds. Zero makes a lab for fast tests."""

    resource: float = 0.05
    boot: float = 1.0
    reboot: float = 4.0
    keyset: float = 1.5


FAST = Pace(resource=0.0, boot=0.0, reboot=0.3, keyset=0.1)


class PublicAddresses:
    """The lab's public addresses: one loopback /24 of its own, handed out once each.

    Attributes:
        gate: Asked before each is handed out; raises RuntimeError to say that there is none.
    """

    def __init__(self, prefix: str) -> None:
        self.gate: Callable[[], None] = lambda: None
        self._prefix = prefix
        self._free = [f"{prefix}.{n}" for n in range(250, 1, -1)]
        self._lock = threading.Lock()

    def take(self) -> str:
        """The next free address. Raises RuntimeError when all 249 are in use."""
        self.gate()
        with self._lock:
            if not self._free:
                raise RuntimeError("the lab has no public address left")
            return self._free.pop()

    def take_block(self, length: int) -> str:
        """The highest free block of neighbours with this prefix length, 24 or more. Raises RuntimeError without one."""
        with self._lock:
            free = set(self._free)
            network = ipaddress.IPv4Network(f"{self._prefix}.0/24")
            for block in reversed(list(network.subnets(new_prefix=length))):
                wanted = {str(address) for address in block}
                if wanted <= free:
                    self._free = [address for address in self._free if address not in wanted]
                    return str(block)
            raise RuntimeError(f"the lab has no free block of public addresses with the length {length}")

    def give_back(self, address: str) -> None:
        """Return an address; it is handed out again last."""
        with self._lock:
            if address not in self._free:
                self._free.insert(0, address)


@dataclass
class World:
    """One lab's common ground, given to every face."""

    addresses: PublicAddresses
    pace: Pace = field(default_factory=Pace)
    _listeners: list[Callable[[], None]] = field(default_factory=list)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change in any cloud; it must return at once."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """A face calls this after every request that may have changed something."""
        for listener in self._listeners:
            listener()
