"""How tunnels and BGP sessions stand in a lab with packets: as its charons and birds say.

What was measured is good for the configuration that it was measured under: a tunnel that was changed since is being
negotiated, whatever was seen before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from .packets.plan import GatewayState, Plan, TunnelState
from .tunnels import Gateway, Offer
from .vns3.controller import Controller
from .vns3.reports import TunnelReport
from .vns3.standing import History

_NEGOTIATING = TunnelReport(False, reason="negotiating")


@dataclass(frozen=True)
class _Seen:
    """One look at the fabric: what its plan offered, and how the gateways stood."""

    offers: Mapping[tuple[str, int], Offer] = field(default_factory=dict)
    gateways: Mapping[str, GatewayState] = field(default_factory=dict)


class Measured:
    """`vns3.standing.Standing`, by measuring. Thread safe.

    Parameters:
        gateways: Gives all gateways of the lab.
        bounce: Takes a tunnel (or all of a gateway) down in the fabric; may take its time.
    """

    def __init__(self, gateways: Callable[[], Iterable[Gateway]], bounce: Callable[[str, int | None], object]) -> None:
        self._gateways, self._bounce = gateways, bounce
        self._seen = _Seen()
        self._history = History()
        self._noting = threading.Lock()
        self._bounced: set[tuple[str, int | None]] = set()

    def take(self, plan: Plan, states: Iterable[GatewayState]) -> None:
        """Know what was just seen of a fabric that this plan was applied to."""
        offers = {(offer.gateway, offer.tunnel): offer for offer in plan.offers}
        self._seen = _Seen(offers, {state.id: state for state in states})
        self.observe()

    def tunnels(self, gateway: Gateway) -> dict[int, TunnelReport]:
        """See `Standing.tunnels`."""
        seen = self._seen
        return {offer.tunnel: self._report(seen, gateway, offer) for offer in gateway.offers()}

    def incoming(self, gateway: Gateway) -> list[tuple[Gateway, TunnelReport]]:
        """See `Standing.incoming`: as the gateway itself says, for every end that leads to it."""
        state = self._seen.gateways.get(gateway.id)
        own = {tunnel.tunnel: tunnel for tunnel in state.tunnels} if state else {}
        found = []
        for other in self._gateways():
            for theirs in other.offers() if other is not gateway else ():
                if theirs.peer == gateway.address:
                    tunnel = own.get(f"{other.id}/{theirs.tunnel}")
                    report = _NEGOTIATING if tunnel is None else _told(tunnel, other.name, theirs)
                    found.append((other, report))
        return found

    def bgp(self, controller: Controller) -> dict[int, str]:
        """See `Standing.bgp`."""
        state = self._seen.gateways.get(controller.id)
        states = {(s.tunnel, s.neighbour): s.state for s in state.sessions} if state else {}
        return {
            peer.id: next(
                (states[str(n), peer.ipaddress] for n in e.tunnels if (str(n), peer.ipaddress) in states), "Idle"
            )
            for e in controller.settings.endpoints.values()
            for peer in e.bgp_peers.values()
        }

    def learned(self, controller: Controller) -> list[str]:
        """See `Standing.learned`."""
        state = self._seen.gateways.get(controller.id)
        return sorted({cidr for session in state.sessions for cidr in session.learned}) if state else []

    def renegotiate(self, gateway: str, tunnel: int | None = None) -> None:
        """See `Standing.renegotiate`; until it is done, the tunnel counts as down."""
        key = (gateway, tunnel)
        self._bounced.add(key)
        self.observe()  # a short time down is not missed by whoever looks later
        threading.Thread(target=partial(self._renegotiate, key), name="bounce", daemon=True).start()

    def observe(self) -> bool:
        """See `Standing.observe`; what negotiates is told by the fabric when it is done."""
        ends = [(gateway.id, n, r.connected) for gateway in self._gateways() for n, r in self.tunnels(gateway).items()]
        with self._noting:
            self._history.note([(g, n) for g, n, up in ends if up], [(g, n) for g, n, _ in ends])
        return False

    def history(self, gateway: str, tunnel: int) -> list[tuple[float, str]]:
        """See `Standing.history`."""
        with self._noting:
            return self._history.of(gateway, tunnel)

    def _renegotiate(self, key: tuple[str, int | None]) -> None:
        try:
            self._bounce(*key)
        finally:
            self._bounced.discard(key)

    def _report(self, seen: _Seen, gateway: Gateway, ours: Offer) -> TunnelReport:
        if not ours.enabled:
            return TunnelReport(False, reason="the tunnel is disabled")
        state = seen.gateways.get(gateway.id)
        if not gateway.running or (state is not None and not state.running):
            return TunnelReport(False, reason=f"{gateway.name} is not running")
        stale = seen.offers.get((ours.gateway, ours.tunnel)) != ours
        if state is None or stale or {(gateway.id, None), (gateway.id, ours.tunnel)} & self._bounced:
            return _NEGOTIATING
        tunnel = next((each for each in state.tunnels if each.tunnel == str(ours.tunnel)), None)
        if tunnel is None:
            return _NEGOTIATING
        far = self._far_end(gateway, ours)
        return _told(tunnel, far[0].name if far else "", ours, (far[1].gateway, far[1].tunnel) if far else None)

    def _far_end(self, gateway: Gateway, ours: Offer) -> tuple[Gateway, Offer] | None:
        for other in self._gateways():
            if other is not gateway and other.address == ours.peer:
                for theirs in other.offers():
                    if theirs.peer in (None, ours.address):
                        return other, theirs
        return None


def _told(tunnel: TunnelState, peer: str, offer: Offer, far: tuple[str, int] | None = None) -> TunnelReport:
    if not tunnel.up:
        return TunnelReport(False, peer, reason=tunnel.reason)
    parameters = {"ike_version": str(offer.ike_version), "phase1": tunnel.ike, "phase2": tunnel.esp}
    return TunnelReport(True, peer, tunnel.since, "", parameters, far)
