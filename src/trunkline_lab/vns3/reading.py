"""A controller as the network model: its tunnels, routes, filters and BGP sessions, read from what it remembers.

Whether tunnels are up and what BGP brings is not configuration, and not told here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trunkline.network.model import BgpSession, Filter, Router, RouterRoute, Tunnel

from .controller import Controller
from .ipsec_state import Endpoint

_UNSET = "_notset"
_ANYWHERE = "0.0.0.0/0"
_ACTIONS = {"ACCEPT": "allow", "DROP": "deny", "REJECT": "deny"}
_WORDS = {
    "-s": "source",
    "--source": "source",
    "-d": "destination",
    "--destination": "destination",
    "-p": "protocol",
    "--protocol": "protocol",
    "--dport": "ports",
    "--destination-port": "ports",
    "-j": "target",
    "--jump": "target",
}


def router(controller: Controller, interface: str) -> Router:
    """The controller, which stands behind `interface` of its machine's network.

    A controller passes on what its firewall (FORWARD_CUST) was told to, and nothing else.
    """
    machine, settings = controller.machine, controller.settings
    return Router(
        id=controller.id,
        name=machine.name,
        network=machine.network,
        interface=interface,
        private_address=machine.private_address,
        public_address=machine.public_address,
        asn=settings.asn,
        tunnels=tuple(each for endpoint in settings.endpoints.values() for each in _tunnels(endpoint)),
        routes=tuple(_routes(controller)),
        filters=tuple(found for rule in settings.rules if not rule.disabled and (found := _filter(rule.rule))),
        sessions=tuple(each for endpoint in settings.endpoints.values() for each in _sessions(endpoint)),
        forwards=False,
        running=controller.up,
    )


def _tunnels(endpoint: Endpoint) -> Iterator[Tunnel]:
    for tunnel in endpoint.tunnels.values():
        yield Tunnel(
            id=str(tunnel.id),
            name=endpoint.name,
            peer=endpoint.ipaddress,
            local=(tunnel.local_subnet,),
            remote=(tunnel.remote_subnet,),
            inside=endpoint.route_based_int_address or endpoint.gre_interface_address or None,
        )


def _routes(controller: Controller) -> Iterator[RouterRoute]:
    for route in controller.settings.routes.values():
        if route.enabled:
            yield RouterRoute(
                prefix=route.cidr,
                tunnel=None if route.tunnel is None else str(route.tunnel),
                gateway=None if route.gateway == _UNSET else route.gateway,
                metric=route.metric,
                advertised=route.advertise,
            )


def _sessions(endpoint: Endpoint) -> Iterator[BgpSession]:
    first = next(iter(endpoint.tunnels), None)
    for peer in endpoint.bgp_peers.values():
        if first is not None:
            yield BgpSession(
                tunnel=str(first),
                neighbour=peer.ipaddress,
                asn=peer.asn,
                hold_time=peer.hold_time,
                keepalive=peer.keepalive_interval,
            )


def passwords(controller: Controller) -> dict[str, str]:
    """The passwords of BGP sessions that have one, by the neighbour's address."""
    peers = (peer for endpoint in controller.settings.endpoints.values() for peer in endpoint.bgp_peers.values())
    return {peer.ipaddress: peer.bgp_password for peer in peers if peer.bgp_password}


def _filter(rule: str) -> Filter | None:
    """A rule for what is forwarded; None for any other, and for one with matches that the model does not have."""
    chain, *words = shlex.split(rule)
    if chain != "FORWARD_CUST" or len(words) % 2:
        return None
    given = {}
    for word, value in zip(words[::2], words[1::2], strict=True):
        if word not in _WORDS and (word, value) not in (("-m", "tcp"), ("-m", "udp")):
            return None
        given[_WORDS.get(word, word)] = value
    if given.get("target") not in _ACTIONS:
        return None
    first, _, last = given.get("ports", "0:65535").partition(":")
    protocol = given.get("protocol", "any").lower()
    return Filter(
        source=_cidr(given.get("source", _ANYWHERE)),
        destination=_cidr(given.get("destination", _ANYWHERE)),
        protocol="any" if protocol == "all" else protocol,
        first_port=int(first),
        last_port=int(last or first),
        action=_ACTIONS[given["target"]],
    )


def _cidr(text: str) -> str:
    return text if "/" in text else f"{text}/32"
