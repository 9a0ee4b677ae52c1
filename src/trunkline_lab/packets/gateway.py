"""One gateway that runs: its tunnels' interfaces, its firewall, its charon and its bird, kept as the plan says."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from . import firewall, inside
from .bgp import Bird
from .bird_settings import TABLE, Neighbour, Routing, Way
from .broken import Broken
from .ipsec import Charon
from .keeper import Keeper
from .negotiation import connections
from .plan import GatewayPlan, GatewayState, Place, SessionState, TunnelPlan
from .tunnel_devices import FAR_END, TunnelDevices, device_name

_LAST = 1 << 32  # behind every metric that a route may have
_log = logging.getLogger(__name__)
# After strongSwan's own table (220): what the wires lead to, then bird's, and at last the wires' default route.
_RULES = (
    "rule add pref 299 lookup main suppress_prefixlength 0",
    f"rule add pref 300 lookup {TABLE}",
)


class Gateway:
    """A gateway in its place.

    Parameters:
        plan: What it is to do.
        place: Where it stands.
        directory: For its daemons' files; not under /run, which charon sees its own of.
    """

    def __init__(self, plan: GatewayPlan, place: Place, directory: Path) -> None:
        self.plan = plan
        self.place = place
        self._charon = Charon(place.namespace, directory)
        self._bird = Bird(place.namespace, directory)
        self._devices = TunnelDevices(place.namespace, returns=plan.site)
        self._broken = Broken(place)
        self._keeper = Keeper(self._charon, self._devices, self._defer)
        self._deferred: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._unsettled = False  # whether the last change broke off

    def start(self) -> None:
        """Have the daemons run; `begin` is next. Raises RuntimeError when one does not start."""
        space = self.place.namespace
        inside.sysctl(space, {"net.ipv4.ip_forward": 1})
        inside.ip(space, _RULES)
        with self._lock:
            self._settle()
            self._run()

    def begin(self) -> None:
        """Know the tunnels, and negotiate them in the background: at best when all other gateways run."""
        with self._lock:
            self._load()

    def apply(self, plan: GatewayPlan) -> None:
        """Do as this plan says; what is the same in both is left alone."""
        with self._lock:
            if plan == self.plan and not self._unsettled:
                return
            self.plan, self._unsettled = plan, True
            self._settle()
            if not self._broken.silent:  # what does not answer is told when it is mended
                self._load()
            self._unsettled = False

    def stop(self) -> None:
        """End the daemons. May be called twice."""
        self._keeper.stop()
        self._charon.stop()
        self._bird.stop()

    def state(self) -> GatewayState:
        """How it stands."""
        tunnels = self._keeper.states(self.plan)
        sessions: tuple[SessionState, ...] = ()
        with contextlib.suppress(OSError):
            told = self._bird.sessions() if self._bird.pid and not self._broken.frozen else {}
            sessions = tuple(
                SessionState(
                    self.plan.id, each.tunnel, each.neighbour, told[each.neighbour].state, told[each.neighbour].learned
                )
                for each in self.plan.sessions
                if each.neighbour in told
            )
        return GatewayState(self.plan.id, self._keeper.answers, tunnels, sessions)

    def renegotiate(self, tunnel: str | None) -> None:
        """See `Gateways.renegotiate`."""
        with self._lock, contextlib.suppress(OSError):
            self._keeper.renegotiate([each.id for each in self.plan.tunnels if tunnel in (None, each.id)])

    def fault(self, kind: str, tunnel: str | None) -> None:
        """Break it: see `Gateways.fault`."""
        with self._lock:
            peers = {each.id: each.offer.peer for each in self.plan.tunnels}
            self._broken.strike(kind, [self._charon, self._bird], peers[tunnel] if tunnel is not None else None)

    def mend(self) -> None:
        """Undo what `fault` did; killed daemons start anew."""
        with self._lock:
            was_killed = self._broken.killed
            self._broken.mend([self._charon, self._bird])
            if was_killed:
                self._run()
            self._load()

    def _run(self) -> None:
        self._charon.start()
        self._bird.start(Routing(self.place.address))
        self._keeper.start()

    def _settle(self) -> None:
        """Interfaces and firewall: all that stands without a daemon."""
        self._devices.apply(self.plan.tunnels)
        inside.nft(self.place.namespace, firewall.rules(self.plan))

    def _defer(self, tunnels: frozenset[str]) -> None:
        """Take routes into these tunnels only where there is no other."""
        with self._lock, contextlib.suppress(OSError):
            self._deferred = tunnels
            if not self._broken.silent:
                self._load_routes()

    def _load(self) -> None:
        self._keeper.keep(connections(self.plan.tunnels, self.place.address))
        self._load_routes()

    def _load_routes(self) -> None:
        try:
            self._bird.load(self._routing())
        except RuntimeError as refusal:  # it goes on with what it has; one router's nonsense stops no other's change
            _log.error("%s", refusal)

    def _routing(self) -> Routing:
        tunnels = {tunnel.id: tunnel for tunnel in self.plan.tunnels}
        return Routing(
            router_id=self.place.address,
            ways=tuple(self._ways(tunnels)),
            neighbours=tuple(self._neighbours(tunnels)),
            announced=frozenset(route.prefix for route in self.plan.routes if route.advertised),
            originated=self.plan.announced,
        )

    # What a policy-based tunnel protects strongSwan's own table leads into it, while the tunnel is up.
    def _ways(self, tunnels: Mapping[str, TunnelPlan]) -> Iterator[Way]:
        uplink, next_hop = self.place.uplink, self.place.next_hop
        watched = {each.tunnel: each.neighbour for each in self.plan.sessions if each.bfd}
        for cidr in self.plan.attached:
            yield Way(cidr, uplink, next_hop, metric=-1)
        for route in self.plan.routes:
            tunnel = tunnels.get(route.tunnel or _behind(tunnels.values(), route.gateway))
            if tunnel is not None and tunnel.route_based:
                device, far_end = device_name(tunnel.offer), watched.get(tunnel.id, FAR_END)
                metric = route.metric + _LAST * (tunnel.id in self._deferred)
                yield Way(route.prefix, device, far_end, metric, watched=tunnel.id in watched)
            elif route.tunnel is None:
                yield Way(route.prefix, uplink, route.gateway or next_hop, route.metric)

    def _neighbours(self, tunnels: Mapping[str, TunnelPlan]) -> Iterator[Neighbour]:
        passwords = {each.neighbour: each.password for each in self.plan.passwords}
        for session in self.plan.sessions:
            tunnel = tunnels.get(session.tunnel)
            if tunnel is None or tunnel.inside is None or self.plan.asn is None:
                continue
            yield Neighbour(
                device=device_name(tunnel.offer),
                address=session.neighbour,
                own=str(ipaddress.ip_interface(tunnel.inside).ip),
                asn=session.asn,
                local_asn=self.plan.asn,
                hold_time=session.hold_time,
                keepalive=session.keepalive,
                bfd=session.bfd,
                password=passwords.get(session.neighbour, ""),
            )


def _behind(tunnels: Iterable[TunnelPlan], gateway: str | None) -> str:
    """The tunnel in whose inside network a gateway's address lies, "" without one."""
    if gateway is None:
        return ""
    holding = (each for each in tunnels if each.inside is not None and _holds(each.inside, gateway))
    return next((each.id for each in holding), "")


def _holds(inside_address: str, gateway: str) -> bool:
    return ipaddress.ip_address(gateway) in ipaddress.ip_interface(inside_address).network
