"""A controller as the network model: read through its API, nothing changed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from trunkline.network import model
from trunkline.routers.router import Reading, Router, named
from trunkline.routers.vns3.routing import Route, rules_in_order
from trunkline.routers.vns3.routing import routes as routes_of
from trunkline.routers.vns3.session import Api
from trunkline.routers.vns3.tunnels import EVERYTHING, endpoints

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


def read(api: Api, router: Router, network: str, interface: str) -> Reading:
    """The router as it is now, and what of it the model cannot say."""
    there = endpoints(api)
    status = api.call("ipsec.get_ipsec_status") or {}
    tunnels = tuple(tunnel for endpoint in there for tunnel in _tunnels(endpoint, status))
    learned = _learned(api)
    sessions = tuple(session for endpoint in there for session in _sessions(endpoint, learned))
    filters, unclear = _filters(rules_in_order(api))
    read = model.Router(
        id=router.get("instance") or router["address"],
        name=named(router),
        network=network,
        interface=interface,
        private_address=router.get("private_address", ""),
        public_address=router["address"],
        asn=api.call("config.get_config").get("asn"),
        tunnels=tunnels,
        routes=(*map(_route, filter(_counts, routes_of(api))), *_brought(sessions)),
        # What the tunnels' own rules name is let pass, behind the customer's rules; of the rest, nothing.
        filters=(*filters, *(each for tunnel in tunnels for each in _known(tunnel))),
        sessions=sessions,
        forwards=False,
    )
    return Reading(read, tuple(f"router {named(router)}: {each}" for each in unclear))


def _tunnels(endpoint: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[model.Tunnel]:
    listed = endpoint.get("tunnels") or {}
    for number in sorted(listed, key=int):
        now = {**listed[number], **(status.get(number) or {})}
        enabled = now.get("enabled") is not False
        yield model.Tunnel(
            id=str(number),
            name=str(endpoint.get("name") or endpoint["ipaddress"]),
            peer=str(endpoint["ipaddress"]),
            local=(str(now.get("local_subnet") or EVERYTHING),),
            remote=(str(now.get("remote_subnet") or EVERYTHING),),
            inside=endpoint.get("route_based_int_address") or endpoint.get("gre_interface_address") or None,
            up=enabled and bool(now.get("connected")),
            reason="" if enabled else "it is switched off",
        )


def _sessions(endpoint: Mapping[str, Any], learned: tuple[str, ...]) -> Iterator[model.BgpSession]:
    first = min(endpoint.get("tunnels") or (), key=int, default=None)
    for peer in (endpoint.get("bgp_peers") or {}).values():
        if first is None:
            continue
        established = str(peer.get("connection_detail")).lower().startswith("established")
        yield model.BgpSession(
            tunnel=str(first),
            neighbour=str(peer["ipaddress"]),
            asn=int(peer["asn"]),
            established=established,
            learned=learned if established else (),
            hold_time=int(peer.get("hold_time") or 180),
            keepalive=int(peer.get("keepalive_interval") or 60),
        )


def _learned(api: Api) -> tuple[str, ...]:
    """What BGP brought. The API does not say which neighbour did, so every session that stands is given all of it."""
    rows = api.call("ipsec.get_connected_subnets", extended_output=True) or []
    told = (row for row in rows if isinstance(row, Mapping) and str(row.get("origin")).lower() == "bgp")
    return tuple(str(row.get("subnet")) for row in told)


def _brought(sessions: Iterable[model.BgpSession]) -> Iterator[model.RouterRoute]:
    for session in sessions:
        for prefix in session.learned:
            yield model.RouterRoute(prefix, tunnel=session.tunnel, gateway=session.neighbour, learned=True)


def _counts(route: Route) -> bool:
    return route.enabled


def _route(route: Route) -> model.RouterRoute:
    return model.RouterRoute(
        prefix=route.prefix,
        tunnel=None if route.tunnel is None else str(route.tunnel),
        gateway=route.gateway,
        metric=route.metric,
        advertised=route.advertise,
    )


def _known(tunnel: model.Tunnel) -> Iterator[model.Filter]:
    """VNS3 forwards of its own what comes from networks that an IPsec tunnel's rules name.

    https://support.cohesive.net/support/solutions/articles/31000035420-how-to-add-firewall-rules-to-vns3-best-practices
    """
    for local in tunnel.local:
        for remote in tunnel.remote:
            if EVERYTHING not in (local, remote):
                yield model.Filter(local, remote)
                yield model.Filter(remote, local)


def _filters(rules: Iterable[str]) -> tuple[list[model.Filter], list[str]]:
    """The rules for what is forwarded, in order, and those that the model has no words for."""
    found, unclear = [], []
    for rule in rules:
        words = shlex.split(rule)
        if not words or words[0] in ("INPUT_CUST", "OUTPUT_CUST"):
            continue  # about the router itself
        parsed = _filter(words)
        if parsed is not None:
            found.append(parsed)
        elif "LOG" not in words:
            unclear.append(f"firewall rule {rule!r} is not judged")
    return found, unclear


def _filter(words: list[str]) -> model.Filter | None:
    chain, *rest = words
    if chain != "FORWARD_CUST" or len(rest) % 2:
        return None
    given: dict[str, str] = {}
    for word, value in zip(rest[::2], rest[1::2], strict=True):
        if word not in _WORDS and (word, value) not in (("-m", "tcp"), ("-m", "udp")):
            return None
        given[_WORDS.get(word, word)] = value
    if given.get("target") not in _ACTIONS:
        return None
    first, _, last = given.get("ports", "0:65535").partition(":")
    protocol = given.get("protocol", "any").lower()
    try:
        return model.Filter(
            source=str(ip_network(given.get("source", EVERYTHING), strict=False)),
            destination=str(ip_network(given.get("destination", EVERYTHING), strict=False)),
            protocol="any" if protocol == "all" else protocol,
            first_port=int(first),
            last_port=int(last or first),
            action=_ACTIONS[given["target"]],
        )
    except ValueError:
        return None  # a set of addresses, or negated
