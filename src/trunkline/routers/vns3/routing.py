"""Routes, BGP sessions and firewall rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from trunkline.routers.vns3.session import Api

NOT_SET = "_notset"


@dataclass(frozen=True, slots=True)
class Into:
    """Where a route leads: into a tunnel (by its id), or to a gateway and/or an interface."""

    tunnel: int | None = None
    gateway: str | None = None
    interface: str | None = None
    advertise: bool = False
    metric: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A route as the router has it."""

    id: int
    prefix: str
    tunnel: int | None
    gateway: str | None
    interface: str | None
    advertise: bool
    metric: int
    enabled: bool
    editable: bool

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Route:
        """From the API's row: tunnels are told as an object or an id, unset texts as "_notset"."""
        tunnel = row.get("tunnel")
        number = tunnel.get("id") if isinstance(tunnel, Mapping) else tunnel
        cidr = str(row["cidr"])
        prefix = cidr if "/" in cidr else f"{cidr}/{row.get('netmask') or 32}"
        return cls(
            id=int(row["id"]),
            prefix=str(ip_network(prefix, strict=False)),
            tunnel=None if number is None else int(number),
            gateway=_text(row.get("gateway")),
            interface=_text(row.get("interface")),
            advertise=bool(row.get("advertise")),
            metric=int(row.get("metric") or 0),
            enabled=row.get("enabled") is not False,
            editable=row.get("editable") is not False,
        )

    def leads(self, into: Into) -> bool:
        """Whether it leads there; what `into` leaves open is the router's choice."""
        if into.tunnel is not None:
            return self.tunnel == into.tunnel
        return into.gateway in (None, self.gateway) and into.interface in (None, self.interface) and self.tunnel is None


def ensure_route(api: Api, prefix: str, into: Into) -> None:
    """Have one enabled route of `prefix` that leads there, advertised and weighted as asked."""
    same = [route for route in routes(api) if route.prefix == prefix and route.leads(into)]
    right = [route for route in same if (route.advertise, route.metric) == (into.advertise, into.metric)]
    for route in same:
        if route.editable and route not in right[:1]:
            # The API cannot change a route, and it may hold the same one twice.
            api.call("routing.delete_route", route.id)
    if not right:
        _make_route(api, prefix, into)
    elif not right[0].enabled:
        api.call("routing.enable_route", right[0].id)


def remove_routes(api: Api, chosen: Callable[[Route], bool]) -> None:
    """Remove every route that is chosen; the system's own stay."""
    for route in routes(api):
        if route.editable and chosen(route):
            api.call("routing.delete_route", route.id)


def _make_route(api: Api, prefix: str, into: Into) -> None:
    api.call(
        "routing.post_create_route",
        cidr=prefix,
        description=into.description or None,
        tunnel=into.tunnel,
        gateway=into.gateway,
        interface=into.interface,
        advertise=into.advertise,
        metric=into.metric,
    )


def routes(api: Api) -> list[Route]:
    """All routes, the lowest id first."""
    rows = api.call("routing.get_routes") or {}
    return [Route.read(rows[key]) for key in sorted(rows, key=int)]


def ensure_bgp(api: Api, endpoint: Mapping[str, Any], fields: Mapping[str, object]) -> None:
    """Have one BGP peer of this `ipaddress` at the endpoint, with the other fields as given."""
    peers = (endpoint.get("bgp_peers") or {}).values()
    there = next((peer for peer in peers if peer.get("ipaddress") == fields["ipaddress"]), None)
    if there is None:
        api.call("bgp.create_bgp_peer", endpoint["id"], **fields)
    elif any(str(there.get(field)) != str(value) for field, value in fields.items()):
        api.call("bgp.update_bgp_peer", endpoint["id"], there["id"], **fields)


def own_asn(api: Api) -> int:
    """The number that the router's licence gave it."""
    number = api.call("config.get_config").get("asn")
    if not number:
        raise api.error("has no autonomous system number", hint="license it first, or give it one as 'asn'")
    return int(number)


def ensure_rules(api: Api, rules: Iterable[str]) -> None:
    """Append the firewall rules that are missing, in order."""
    there = {rule for rule, _ in _rules(api)}
    for rule in dict.fromkeys(map(_normal, rules)):
        if rule not in there:
            api.call("firewall.post_create_firewall_rule", rule=rule)


def remove_rules(api: Api, rules: Iterable[str]) -> None:
    """Remove these firewall rules."""
    unwanted = set(map(_normal, rules))
    for rule, number in _rules(api):
        if rule in unwanted:
            api.call("firewall.delete_firewall_rule", number)


def _rules(api: Api) -> list[tuple[str, str]]:
    """The rules and their ids, in order."""
    rows = api.call("firewall.get_firewall_rules") or []
    return [(_normal(row["rule"]), str(row["id"])) for row in rows]


def rules_in_order(api: Api) -> list[str]:
    """The firewall's rules that are in force, in order."""
    rows = api.call("firewall.get_firewall_rules") or []
    return [_normal(row["rule"]) for row in rows if not row.get("disabled")]


def _normal(rule: object) -> str:
    return " ".join(str(rule).split())


def _text(value: object) -> str | None:
    return None if value in (None, "", NOT_SET) else str(value)
