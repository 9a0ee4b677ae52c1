"""A controller: what it remembers, whether it is up, who may talk to it, and what was asked of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..certificate import of, self_signed
from ..tunnels import Offer
from ..world import Machine, Pace
from .arguments import Arguments, to_integer
from .ipsec_state import offer
from .listener import PORT, Listener
from .reports import TunnelReport
from .state import KeysetSetup, RouteEntry, Settings

_ANSWER_SECONDS = 0.05  # between "rebooting" and the dark: the answer must still get out
_LISTEN_AGAIN_SECONDS = 0.5  # after another program was found on the address
_LOG_LENGTH = 20_000
_log = logging.getLogger(__name__)


@dataclass
class Reply:
    """An answer on its way out: JSON, or a text or bytes of some other type; `half` breaks off in the middle of it."""

    status: int
    body: object
    content_type: str = "application/json"
    half: bool = False


@dataclass
class Call:
    """One request on its way through a controller.

    Parameters:
        controller: Whose API is asked.
        method, path: As sent, without "/api".
        client: The client's address.
        body: The JSON object sent; empty when there is none.
        text: A body that is no JSON (a licence).
        query: The query's parameters.
        parts: The path's variables.
        reply: The answer, once there is one; a hook may give or replace it.
        fault: What a fault on demand did to it, for the log; "" for nothing.
    """

    controller: Controller
    method: str
    path: str
    client: str
    body: Arguments
    text: str
    query: Mapping[str, str]
    parts: Mapping[str, str]
    reply: Reply | None = None
    fault: str = ""

    def id(self, name: str) -> int:
        """A number in the path; 400 when it is none."""
        return to_integer(name, self.parts[name])


Hook = Callable[[Call], Awaitable[None] | None]


@dataclass(frozen=True)
class LoggedCall:
    """One request: when (epoch seconds), by whom, what, with which status (0: no answer), in how many seconds."""

    at: float
    client: str
    method: str
    path: str
    operation: str
    status: int
    seconds: float
    fault: str = ""


class Surroundings(Protocol):
    """What a controller sees of the world around it."""

    pace: Pace
    callers: tuple[str, ...]

    def admits(self, machine: Machine, protocol: str, port: int, source: str) -> bool:
        """Whether the cloud lets such a packet in to the machine."""
        ...

    def seen_from(self, controller: Controller, address: str) -> tuple[Controller, str] | None:
        """The controller that `address` leads to from here, and the source address it would see."""
        ...

    def tunnels(self, controller: Controller) -> dict[int, TunnelReport]:
        """How each of the controller's tunnels stands now, by tunnel id."""
        ...

    def peering(self, controller: Controller) -> dict[int, bool]:
        """Whether each peer is reachable now, by peering id."""
        ...

    def reachable_peers(self, controller: Controller) -> list[Controller]:
        """The controllers that this one peers with now."""
        ...

    def learned(self, controller: Controller) -> list[str]:
        """The CIDRs that BGP brings now."""
        ...

    def bgp(self, controller: Controller) -> dict[int, str]:
        """The state of each BGP session now, by peer id ("Established", "Active")."""
        ...

    def history(self, controller: Controller, tunnel: int) -> list[tuple[float, str]]:
        """When a tunnel came up and went down."""
        ...

    def renegotiate(self, controller: Controller, tunnel: int | None = None) -> None:
        """Start a tunnel's (or all tunnels') negotiation anew."""
        ...

    def touched(self) -> None:
        """Something changed that others may see."""
        ...


class Controller:
    """One VNS3 controller. All methods belong to the lab's event loop.

    Parameters:
        machine: The instance it runs on.
        surroundings: The world around it.

    Attributes:
        settings: What survives a reboot.
        up: Whether its software runs.
        calls: The last requests, oldest first.
        counts: How often each operation was answered.
        before, after: Hooks around every request, for faults: each gets the Call and may wait, raise Refusal or
            ConnectionDropped, or set the call's `reply` (before: in place of doing anything).
    """

    def __init__(self, machine: Machine, surroundings: Surroundings) -> None:
        self.machine = machine
        self.surroundings = surroundings
        self.settings = Settings(password=machine.default_password, controller_name=machine.name)
        self._add_system_route()
        addresses = [a for a in (machine.public_address, machine.private_address) if a]
        self.certificate = self_signed(machine.name or machine.id, addresses)
        self.up = False
        self.boots = 0
        self.keyset_setup: KeysetSetup | None = None
        self.keyset_started = 0
        self.calls: deque[LoggedCall] = deque(maxlen=_LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self._listener: Listener | None = None
        self._down_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pace(self) -> Pace:
        """How long things take in this lab."""
        return self.surroundings.pace

    @property
    def listening(self) -> bool:
        """Whether its API's port is open to anybody."""
        return self._listener is not None and self._listener.address is not None

    @property
    def id(self) -> str:
        """Its machine's id."""
        return self.machine.id

    @property
    def name(self) -> str:
        """Its machine's name."""
        return self.machine.name

    @property
    def address(self) -> str | None:
        """Its public address."""
        return self.machine.public_address

    @property
    def running(self) -> bool:
        """Whether it negotiates tunnels now: up, licensed, and with a public address."""
        return self.up and self.settings.licensed and self.address is not None

    def offers(self) -> list[Offer]:
        """Its ends of tunnels."""
        if self.address is None:
            return []
        return [
            offer(self.id, self.address, self.machine.private_address, endpoint, tunnel)
            for endpoint in self.settings.endpoints.values()
            for tunnel in endpoint.tunnels.values()
        ]

    def admits(self, protocol: str, port: int, source: str) -> bool:
        """Whether the cloud lets such a packet in now."""
        return self.surroundings.admits(self.machine, protocol, port, source)

    def admitted(self, client: str) -> bool:
        """Whether `client` may talk to the API now."""
        return self.up and self.admits("tcp", PORT, client)

    def start(self, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        """Come up for the first time, with this HTTP protocol; a face tells of a machine once it has booted."""
        self._listener = Listener(protocol, self.certificate.context, self.admitted)
        self._come_up()

    def boot(self, seconds: float) -> None:
        """Be down for `seconds`, then up: a reboot. One that is under way is lengthened, never shortened."""
        self.up = False
        self._down_until = max(self._down_until, time.monotonic() + seconds)
        self.mind_the_door()
        self.after_a_while(seconds, self._come_up)

    def reboot_soon(self, seconds: float | None = None) -> None:
        """Answer what is being asked, then reboot."""
        outage = self.pace.reboot if seconds is None else seconds
        self.after_a_while(_ANSWER_SECONDS, lambda: self.boot(outage))

    def after_a_while(self, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` in the loop after `seconds`, unless the controller is gone by then."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            action()

        task = asyncio.get_running_loop().create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def mind_the_door(self) -> None:
        """Listen exactly while up and somebody is admitted; cut those who no longer are."""
        if self._listener is None:
            return
        address = self.machine.public_address
        if address is None or not any(self.admitted(caller) for caller in self.surroundings.callers):
            self._listener.close()
            return
        try:
            self._listener.open(address)
        except OSError as error:
            _log.error("%s cannot listen on %s:%d: %s", self.machine.name, address, PORT, error)
            self.after_a_while(_LISTEN_AGAIN_SECONDS, self.mind_the_door)
        self._listener.expel()

    def move(self, machine: Machine) -> None:
        """Take note of what the cloud says about the machine now; an address that it lost is free at once."""
        if self._listener is not None and machine.public_address != self.machine.public_address:
            self._listener.close()
        self.machine = machine

    def install(self, cert: str, key: str) -> None:
        """Show another certificate from the next connection on. Raises ssl.SSLError or ValueError."""
        self.certificate = of(cert, key)
        if self._listener is not None:
            self._listener.show(self.certificate.context)

    def record(
        self, began: float, client: str, method: str, path: str, operation: str, status: int, fault: str = ""
    ) -> None:
        """Write one request into the log."""
        self.calls.append(LoggedCall(began, client, method, path, operation, status, time.time() - began, fault))
        self.counts[operation] += 1

    def stop(self) -> None:
        """Gone for good."""
        self.up = False
        for task in self._tasks:
            task.cancel()
        if self._listener is not None:
            self._listener.close()

    def _come_up(self) -> None:
        if time.monotonic() + 0.001 < self._down_until:  # another reboot began meanwhile; its own timer ends it
            return
        self.up = True
        self.boots += 1
        self.mind_the_door()
        self.surroundings.touched()

    def _add_system_route(self) -> None:
        number = next(self.settings.ids)
        self.settings.routes[number] = RouteEntry(
            id=number,
            cidr="0.0.0.0/0",
            interface="eth0",
            gateway=self.subnet_gateway,
            description="default route",
            advertise=False,
            metric=0,
            table="main",
            tunnel=None,
            editable=False,
        )

    @property
    def subnet_gateway(self) -> str:
        """The first host of the private address's /24: where clouds put a subnet's gateway."""
        return self.machine.private_address.rpartition(".")[0] + ".1"
