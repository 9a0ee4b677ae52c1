"""All controllers of a lab: booted when a cloud starts a machine of the router's image, gone when it ends one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from trunkline.network.model import Router

from ..loop import LoopThread
from ..site import Site
from ..tunnels import Gateway, Offer
from ..world import Face, Machine, World
from . import links, reading
from .connected import connected_subnets
from .controller import Controller, Hook, LoggedCall
from .doors import Doors
from .links import Links
from .reports import TunnelReport
from .server import make_protocol
from .standing import Standing

CALLER = "127.0.0.1"
_NEGOTIATION = 4  # times the pace's resource
_SOON = 0.01  # seconds within which changes are looked at together
_REST = 9.0  # times as long as a look took
_REMEMBERED = 100  # routers that are gone
_log = logging.getLogger(__name__)


class Controllers:
    """The lab's VNS3 controllers, in an event loop of their own.

    Parameters:
        world: The lab's common ground.
        callers: The addresses of this computer from which the lab's users call. A controller listens while its
            cloud admits at least one of them; each connection is then judged by its own address.
        thread: The event loop to live in; one is made when none is given.

    Attributes:
        before, after: Hooks of every controller, as `Controller.before` and `.after`; append to them before use.
        standing: Says how tunnels and BGP sessions stand; may be replaced before the first controller is there.

    Thread safe: every public method may be called from any thread.
    """

    def __init__(self, world: World, *, callers: Iterable[str] = (CALLER,), thread: LoopThread | None = None) -> None:
        self.world = world
        self.pace = world.pace
        self.callers = tuple(callers)
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self._own_thread = thread is None
        self.thread = thread or LoopThread("vns3")
        self._faces: list[Face] = []
        self._sites: list[Site] = []
        self._controllers: dict[str, Controller] = {}
        self._gone: deque[Controller] = deque(maxlen=_REMEMBERED)  # for their logs
        self._face_of: dict[str, Face] = {}
        self._doors = Doors()
        self.standing: Standing = Links(self.gateways, self.pace.resource * _NEGOTIATION)
        self._stopped = False
        self._reconcile_task: asyncio.Task[None] | None = None
        self._observe_timer: asyncio.TimerHandle | None = None
        self._rested = 0.0  # before this moment of the loop's time tunnels are not looked at again
        self._listeners: list[Callable[[], None]] = []
        self._wanted = self.thread.call(asyncio.Event)
        self.thread.call(self._start)
        world.listen(self._changed)

    # -- for the lab ---------------------------------------------------------------------------------------------

    def add_face(self, face: Face) -> None:
        """Watch the machines of a cloud from now on."""
        self._faces.append(face)
        self.thread.soon(self._wanted.set)

    def add_site(self, site: Site) -> None:
        """Make a datacentre's gateway part of the lab."""
        self.thread.call(lambda: self._sites.append(site))

    def all(self) -> list[Controller]:
        """Every controller, oldest first."""
        return self.thread.call(lambda: list(self._controllers.values()))

    def logs(self) -> list[tuple[Machine, list[LoggedCall]]]:
        """The calls of every controller that there is or was."""
        return self.thread.call(
            lambda: [(one.machine, list(one.calls)) for one in [*self._gone, *self._controllers.values()]]
        )

    def ends(self) -> set[str]:
        """Every public address at which an IPsec gateway of this lab is."""
        return self.thread.call(lambda: {end.address for end in self.gateways() if end.address})

    def reports(self) -> list[dict[str, object]]:
        """How each controller stands, as plain data; secrets only where they are the factory's."""
        return self.thread.call(lambda: [self._describe(one) for one in self._controllers.values()])

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a controller may have changed, or its cloud; it must return at once."""
        self._listeners.append(listener)

    def routers(self, interfaces: Mapping[str, str]) -> list[tuple[Router, list[Offer], dict[str, str]]]:
        """Every controller as the network model, its ends of tunnels, and its BGP passwords by neighbour.

        Parameters:
            interfaces: The interface of each machine, by the machine's id; one without is left out.
        """
        return self.thread.call(
            lambda: [
                (reading.router(one, interfaces[one.id]), one.offers() if one.running else [], reading.passwords(one))
                for one in self._controllers.values()
                if one.id in interfaces
            ]
        )

    def site_tunnels(self, site: Site) -> list[dict[str, object]]:
        """What a datacentre's gateway says of the tunnels that end at it."""
        return self.thread.call(lambda: [_incoming(other, report) for other, report in self.standing.incoming(site)])

    def counts(self) -> dict[str, int]:
        """How often each operation was answered, over all controllers."""
        return self.thread.call(self._counts)

    def settle(self) -> None:
        """Take the clouds' present state over before returning, instead of soon."""
        self.thread.run(self._reconcile())

    def stop(self) -> None:
        """Stop all controllers. May be called twice."""
        if self._stopped:
            return
        self._stopped = True
        self.thread.call(self._stop)
        if self._own_thread:
            self.thread.stop()

    # -- for the controllers (Surroundings); in the loop ---------------------------------------------------------

    def admits(self, machine: Machine, protocol: str, port: int, source: str) -> bool:
        """Whether the machine's cloud lets such a packet in now; no, when its cloud cannot say."""
        return self._doors.admits(self._face_of.get(machine.id), machine.id, protocol, port, source)

    def seen_from(self, controller: Controller, address: str) -> tuple[Controller, str] | None:
        """The controller that `address` leads to from here, and the source address that it sees."""
        for other in self._controllers.values():
            source = links.source_address(controller, address, other) if other is not controller else None
            if source is not None:
                return other, source
        return None

    def tunnels(self, controller: Controller) -> dict[int, TunnelReport]:
        """How each of the controller's tunnels stands now."""
        return self.standing.tunnels(controller)

    def peering(self, controller: Controller) -> dict[int, bool]:
        """Whether each peer is reachable now."""
        return links.peering(controller, self._controllers.values())

    def reachable_peers(self, controller: Controller) -> list[Controller]:
        """The controllers that this one peers with now."""
        return links.reachable(controller, self._controllers.values())

    def bgp(self, controller: Controller) -> dict[int, str]:
        """The state of each BGP session now."""
        return self.standing.bgp(controller)

    def learned(self, controller: Controller) -> list[str]:
        """The CIDRs that BGP brings."""
        return self.standing.learned(controller)

    def history(self, controller: Controller, tunnel: int) -> list[tuple[float, str]]:
        """When a tunnel came up and went down."""
        self.standing.observe()
        return self.standing.history(controller.id, tunnel)

    def renegotiate(self, controller: Controller, tunnel: int | None = None) -> None:
        """Start a tunnel's (or all tunnels') negotiation anew."""
        self.standing.renegotiate(controller.id, tunnel)

    def touched(self) -> None:
        """Look at all tunnels soon, and once more when negotiations that begin now are over."""
        for listener in self._listeners:
            listener()
        self._observe_soon(_SOON)

    def gateways(self) -> list[Gateway]:
        """Every controller and every site's gateway."""
        return [*self._controllers.values(), *self._sites]

    # -- inside --------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._doors.forget()
        self.thread.soon(self._wanted.set)

    def _start(self) -> None:
        self._reconcile_task = asyncio.get_running_loop().create_task(self._keep_reconciled())

    def _stop(self) -> None:
        if self._reconcile_task is not None:
            self._reconcile_task.cancel()
        if self._observe_timer is not None:
            self._observe_timer.cancel()
        for controller in self._controllers.values():
            controller.stop()
        self._controllers.clear()

    def _observe_soon(self, seconds: float) -> None:
        """Look after `seconds`, or when it was to be done anyway; looking takes a tenth of the loop's time at most."""
        loop = asyncio.get_running_loop()
        when = max(loop.time() + seconds, self._rested)
        if self._observe_timer is not None and self._observe_timer.when() <= when:
            return
        if self._observe_timer is not None:
            self._observe_timer.cancel()
        self._observe_timer = loop.call_at(when, self._observe)

    def _observe(self) -> None:
        self._observe_timer, loop = None, asyncio.get_running_loop()
        begun = loop.time()
        settling = self.standing.observe()
        self._rested = loop.time() + _REST * (loop.time() - begun)
        if settling:
            self._observe_soon(self.pace.resource * _NEGOTIATION + _SOON)

    async def _keep_reconciled(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._reconcile()
            except Exception:
                _log.exception("cannot take over the clouds' state")

    async def _reconcile(self) -> None:
        machines: dict[str, Machine] = {}
        owners: dict[str, Face] = {}
        for face in list(self._faces):
            for machine in await asyncio.to_thread(face.machines):
                machines[machine.id], owners[machine.id] = machine, face
        self._face_of = owners
        for gone in self._controllers.keys() - machines.keys():
            self._gone.append(self._controllers.pop(gone))
            self._gone[-1].stop()
        for machine in machines.values():
            await self._take_over(machine)
        for controller in self._controllers.values():
            controller.mind_the_door()
        self.touched()

    async def _take_over(self, machine: Machine) -> None:
        known = self._controllers.get(machine.id)
        if known is not None:
            known.move(machine)
        elif machine.public_address is not None:
            controller = Controller(machine, self)
            controller.before += self.before
            controller.after += self.after
            self._controllers[machine.id] = controller
            controller.start(await make_protocol(controller))

    def _counts(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for controller in self._controllers.values():
            for name, count in controller.counts.items():
                total[name] = total.get(name, 0) + count
        return total

    def _describe(self, controller: Controller) -> dict[str, object]:
        machine, settings = controller.machine, controller.settings
        factory = settings.password == machine.default_password
        return {
            "id": machine.id,
            "name": machine.name,
            "account": machine.account,
            "address": machine.public_address,
            "private_address": machine.private_address,
            "default_password": machine.default_password if factory else None,
            "licensed": settings.licensed,
            "up": controller.up,
            "listening": controller.listening,
            "tunnels": [_outgoing(controller, n, report) for n, report in self.tunnels(controller).items()],
            "peers": [{"id": n, "reachable": up} for n, up in sorted(self.peering(controller).items())],
            "bgp": [_session(controller, number, state) for number, state in self.bgp(controller).items()],
            "connected_subnets": [subnet.cidr for subnet in connected_subnets(controller)],
        }


def _outgoing(controller: Controller, tunnel: int, report: TunnelReport) -> dict[str, object]:
    endpoint = next(e for e in controller.settings.endpoints.values() if tunnel in e.tunnels)
    return {"endpoint": endpoint.name, "peer_address": endpoint.ipaddress} | _standing(report)


def _session(controller: Controller, number: int, state: str) -> dict[str, object]:
    peer = next(e.bgp_peers[number] for e in controller.settings.endpoints.values() if number in e.bgp_peers)
    return {"address": peer.ipaddress, "asn": peer.asn, "state": state}


def _incoming(other: Gateway, report: TunnelReport) -> dict[str, object]:
    return {"peer": other.name, "peer_address": other.address} | _standing(report)


def _standing(report: TunnelReport) -> dict[str, object]:
    return {"connected": report.connected, "since": report.since, "reason": report.reason}
