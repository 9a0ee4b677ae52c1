"""How tunnels, peerings and BGP sessions stand, worked out at the moment of asking.

Nothing is remembered but when a pair of tunnel ends began to agree (a negotiation takes its time) and when tunnels
came up and went down.
"""

from __future__ import annotations

import ipaddress
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from ..tunnels import Gateway, Offer, chosen, closed_port, disagreement
from .connected import advertised
from .controller import Controller
from .ipsec_state import BgpPeer, Endpoint
from .reports import TunnelReport
from .standing import History
from .state import Peer

_PEERING_PORT = 1194  # plus the peering id of the one who listens: 1195 to 1203
_End = tuple[str, int]  # a gateway's id and a tunnel's id there


class _Look:
    """One look at all gateways: who is where, and which ends face which, each worked out once.

    Attributes:
        agreeing: The pairs of ends that were found to agree.
    """

    def __init__(self, gateways: Iterable[Gateway]) -> None:
        self.gateways = list(gateways)
        self.agreeing: set[frozenset[_End]] = set()
        self._at: defaultdict[str | None, list[Gateway]] = defaultdict(list)
        for gateway in self.gateways:
            self._at[gateway.address].append(gateway)
        self._offers: dict[str, list[Offer]] = {}
        self._facing: dict[str, defaultdict[str | None, list[Offer]]] = {}

    def at(self, address: str | None) -> list[Gateway]:
        """The gateways with this address."""
        return self._at.get(address, []) if address else []

    def offers(self, gateway: Gateway) -> list[Offer]:
        """A gateway's ends."""
        if gateway.id not in self._offers:
            self._offers[gateway.id] = gateway.offers()
        return self._offers[gateway.id]

    def facing(self, gateway: Gateway, address: str) -> list[Offer]:
        """The ends of a gateway that can answer `address`: those for it and those for anyone.

        Where there is none it is one that is for another, to say so.
        """
        if gateway.id not in self._facing:
            by_peer = self._facing[gateway.id] = defaultdict(list)
            for offer in self.offers(gateway):
                by_peer[offer.peer].append(offer)
        by_peer = self._facing[gateway.id]
        return [*by_peer.get(address, ()), *by_peer.get(None, ())] or self.offers(gateway)[:1]


class Links:
    """`standing.Standing`, worked out from what both ends are configured for.

    Parameters:
        gateways: Gives all gateways of the lab.
        negotiation: Seconds from the moment when all is right until a tunnel is up.
    """

    def __init__(self, gateways: Callable[[], Iterable[Gateway]], negotiation: float) -> None:
        self._gateways = gateways
        self._negotiation = negotiation
        self._agreed: dict[frozenset[_End], float] = {}
        self._history = History()

    def tunnels(self, gateway: Gateway) -> dict[int, TunnelReport]:
        """How each tunnel of a gateway stands, by its id there."""
        return self._tunnels(gateway, _Look(self._gateways()))

    def incoming(self, gateway: Gateway) -> list[tuple[Gateway, TunnelReport]]:
        """The tunnels of others that end at `gateway`, as it sees them: for one that takes anyone."""
        look = _Look(self._gateways())
        return [
            (other, self._report(other, theirs, look))
            for other in look.gateways
            if other is not gateway
            for theirs in look.offers(other)
            if theirs.peer == gateway.address
        ]

    def bgp(self, controller: Controller) -> dict[int, str]:
        """See `Standing.bgp`: "Established", "Active", or "Idle" without tunnel."""
        return bgp(controller, self._controllers(), self.tunnels(controller))

    def learned(self, controller: Controller) -> list[str]:
        """See `Standing.learned`: what those at the other end of established sessions advertise."""
        neighbours = bgp_neighbours(controller, self._controllers(), self.tunnels(controller))
        return list(dict.fromkeys(cidr for neighbour in neighbours for cidr in advertised(neighbour)))

    def observe(self) -> bool:
        """See `Standing.observe`; negotiations begin now."""
        look = _Look(self._gateways())
        ends = [
            ((gateway.id, number), report.connected)
            for gateway in look.gateways
            for number, report in self._tunnels(gateway, look).items()
        ]
        self._history.note([end for end, up in ends if up], [end for end, _ in ends])
        for pair in self._agreed.keys() - look.agreeing:
            del self._agreed[pair]
        return any(agreed + self._negotiation > time.time() for agreed in self._agreed.values())

    def renegotiate(self, gateway: str, tunnel: int | None = None) -> None:
        """Take a tunnel (or all of a gateway) down; it negotiates anew."""
        for pair in list(self._agreed):
            if any(end[0] == gateway and tunnel in (None, end[1]) for end in pair):
                del self._agreed[pair]
                self._history.down(pair)

    def history(self, gateway: str, tunnel: int) -> list[tuple[float, str]]:
        """When a tunnel went "up" and "down", oldest first."""
        return self._history.of(gateway, tunnel)

    def _controllers(self) -> list[Controller]:
        return [gateway for gateway in self._gateways() if isinstance(gateway, Controller)]

    def _tunnels(self, gateway: Gateway, look: _Look) -> dict[int, TunnelReport]:
        return {ours.tunnel: self._report(gateway, ours, look) for ours in look.offers(gateway)}

    def _report(self, gateway: Gateway, ours: Offer, look: _Look) -> TunnelReport:
        reasons: list[str] = []
        for other in look.at(ours.peer):
            if other is gateway:
                continue
            for theirs in look.facing(other, ours.address):
                pair = frozenset({(gateway.id, ours.tunnel), (other.id, theirs.tunnel)})
                reason = self._obstacle(gateway, ours, other, theirs)
                if reason is None:
                    look.agreeing.add(pair)
                    return self._negotiating(pair, ours, other, theirs)
                self._agreed.pop(pair, None)
                reasons.append(reason)
            if not reasons:
                reasons.append(f"{other.name} has no tunnel for {ours.address}")
        return TunnelReport(False, reason=reasons[0] if reasons else f"{ours.peer} does not answer")

    def _obstacle(self, here: Gateway, ours: Offer, there: Gateway, theirs: Offer) -> str | None:
        for gateway in (here, there):
            if not gateway.running:
                return f"{gateway.name} is not running"
        return disagreement(ours, theirs) or closed_port(here, there)

    def _negotiating(self, pair: frozenset[_End], ours: Offer, other: Gateway, theirs: Offer) -> TunnelReport:
        now = time.time()
        up_at = self._agreed.setdefault(pair, now) + self._negotiation
        if now < up_at:
            return TunnelReport(False, other.name, reason="negotiating")
        parameters = {
            "ike_version": str(ours.ike_version),
            "phase1": chosen(ours.phase1, theirs.phase1),
            "phase2": chosen(ours.phase2, theirs.phase2),
        }
        return TunnelReport(True, other.name, up_at, "", parameters, (theirs.gateway, theirs.tunnel))


def peering(controller: Controller, others: Iterable[Controller]) -> dict[int, bool]:
    """Whether each peer of a controller is reachable now, by peering id."""
    ids = {other.settings.peering_id for other in reachable(controller, others)}
    return {number: number in ids for number in controller.settings.peers}


def reachable(controller: Controller, others: Iterable[Controller]) -> list[Controller]:
    """The controllers that `controller` peers with now."""
    peers = controller.settings.peers.values()
    return [o for o in others if o is not controller and any(_peers(controller, peer, o) for peer in peers)]


def _peers(one: Controller, peer: Peer, other: Controller) -> bool:
    mine, theirs = one.settings, other.settings
    back = theirs.peers.get(mine.peering_id or 0)
    if not (one.running and other.running) or back is None or theirs.peering_id != peer.id:
        return False
    if mine.keyset is None or theirs.keyset is None or mine.keyset.uuid != theirs.keyset.uuid:
        return False
    return _carries(one, peer.address, other, peer.id) and _carries(other, back.address, one, mine.peering_id or 0)


def _carries(sender: Controller, address: str, receiver: Controller, receiver_id: int) -> bool:
    source = source_address(sender, address, receiver)
    return source is not None and receiver.admits("udp", _PEERING_PORT + receiver_id, source)


def source_address(sender: Controller, address: str, receiver: Controller) -> str | None:
    """The address that `receiver` sees when `sender` sends to `address`; None when that does not lead to it.

    A private address leads only inside one network.
    """
    here, there = sender.machine, receiver.machine
    if address == there.public_address:
        return here.public_address
    if address == there.private_address and (here.account, here.network) == (there.account, there.network):
        return here.private_address
    return None


def bgp(controller: Controller, others: Iterable[Controller], reports: Mapping[int, TunnelReport]) -> dict[int, str]:
    """The state of each BGP session of a controller, by peer id: "Established", "Active", or "Idle" without tunnel."""
    by_id = {other.id: other for other in others}
    states: dict[int, str] = {}
    for endpoint in controller.settings.endpoints.values():
        far = _far_end(endpoint, by_id, reports)
        for peer in endpoint.bgp_peers.values():
            states[peer.id] = "Idle" if far is None else "Active"
            if far is not None and _established(controller, endpoint, peer, *far):
                states[peer.id] = "Established"
    return states


def bgp_neighbours(
    controller: Controller, others: Iterable[Controller], reports: Mapping[int, TunnelReport]
) -> list[Controller]:
    """The controllers at the other end of established sessions."""
    by_id = {other.id: other for other in others}
    found = []
    for endpoint in controller.settings.endpoints.values():
        far = _far_end(endpoint, by_id, reports)
        if far and any(_established(controller, endpoint, peer, *far) for peer in endpoint.bgp_peers.values()):
            found.append(far[0])
    return found


def _far_end(
    endpoint: Endpoint, others: Mapping[str, Controller], reports: Mapping[int, TunnelReport]
) -> tuple[Controller, Endpoint] | None:
    for number in endpoint.tunnels:
        remote = reports[number].remote
        if remote is None or remote[0] not in others:
            continue
        other = others[remote[0]]
        for theirs in other.settings.endpoints.values():
            if remote[1] in theirs.tunnels:
                return other, theirs
    return None


def _established(one: Controller, ours: Endpoint, peer: BgpPeer, other: Controller, theirs: Endpoint) -> bool:
    """Whether both ends name each other's tunnel address and number, with one password."""
    return any(
        peer.bgp_password == back.bgp_password
        and peer.asn == (back.local_asn_alias or other.settings.asn)
        and back.asn == (peer.local_asn_alias or one.settings.asn)
        and peer.ipaddress == _inside(theirs)
        and back.ipaddress == _inside(ours)
        for back in theirs.bgp_peers.values()
    )


def _inside(endpoint: Endpoint) -> str | None:
    """The address of the endpoint's own tunnel interface."""
    text = endpoint.route_based_int_address or endpoint.gre_interface_address
    return str(ipaddress.ip_interface(text).ip) if text else None
