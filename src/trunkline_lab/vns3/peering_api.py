"""Peering: this controller's id in its topology, and the addresses of the others."""

from __future__ import annotations

from .controller import Call, Controller
from .license import Topology
from .operations import Operations
from .refusals import bad_argument
from .state import Peer

operations = Operations()
_MTU = "1500"


def _topology(controller: Controller) -> Topology:
    license_ = controller.settings.license
    assert license_ is not None  # every operation here is refused to the unlicensed
    return license_.topology


def _status(controller: Controller) -> dict[str, object]:
    settings, reachable = controller.settings, controller.surroundings.peering(controller)
    entries: dict[str, dict[str, object]] = {}
    for number, overlay in enumerate(_topology(controller).managers, 1):
        entry: dict[str, object] = {"id": number, "overlay_ipaddress": overlay}
        peer = settings.peers.get(number)
        if number == settings.peering_id:
            entry["self"] = True
        elif peer is None:
            entry["not_set"] = True
        else:
            entry |= {"address": peer.address, "mtu": peer.mtu, "reachable": reachable.get(number, False)}
        entries[str(number)] = entry
    answer: dict[str, object] = {"peered": bool(settings.peers), "managers": entries, "controllers": entries}
    if settings.peering_id is not None:
        answer["id"] = settings.peering_id
    return answer


@operations("GET", "/peering", licensed=True)
def get_peering(call: Call) -> object:
    """The whole topology as this controller sees it."""
    return _status(call.controller)


@operations("PUT", "/peering/self", licensed=True)
def put_self(call: Call) -> object:
    """Take an id in the topology."""
    number = call.body.integer("id")
    call.body.flag("force", True)
    if not 1 <= number <= len(_topology(call.controller).managers):
        raise bad_argument("id is invalid")
    call.controller.settings.peering_id = number
    call.controller.settings.peers.pop(number, None)
    return _status(call.controller)


@operations("POST", "/peering/peers", licensed=True)
def post_peer(call: Call) -> object:
    """Tell where another controller is. One way: the other must be told as well."""
    call.body.require("id", "name")
    number = call.body.integer("id")
    _check_id(call.controller, number)
    call.body.flag("force", True)
    peer = Peer(number, call.body.text("name"), call.body.text("overlay_mtu", _MTU))
    call.controller.settings.peers[number] = peer
    return _status(call.controller)


@operations("PUT", "/peering/peers/{peer_id}", licensed=True)
def put_peer(call: Call) -> object:
    """Change a peer's address or MTU."""
    peer = _peer(call)
    peer.address, peer.mtu = call.body.text("name", peer.address), call.body.text("overlay_mtu", peer.mtu)
    return _status(call.controller)


@operations("DELETE", "/peering/peers/{peer_id}", licensed=True)
def delete_peer(call: Call) -> object:
    """Forget a peer. One way."""
    peer = _peer(call)
    del call.controller.settings.peers[peer.id]
    return _status(call.controller)


def _check_id(controller: Controller, number: int) -> None:
    valid = 1 <= number <= len(_topology(controller).managers)
    if not valid or number == controller.settings.peering_id:
        raise bad_argument(f"{number} is an invalid controller id")


def _peer(call: Call) -> Peer:
    number = call.id("peer_id")
    peer = call.controller.settings.peers.get(number)
    if peer is None:
        raise bad_argument(f"{number} is an invalid controller id")
    return peer
