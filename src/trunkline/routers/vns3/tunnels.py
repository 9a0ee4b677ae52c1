"""IPsec: endpoints (IKEv2, route-based), the addresses inside their tunnels, and whether they are up.

The API shows pre-shared keys in clear. They are compared where they are read, and go no further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any

from trunkline.routers.router import Router, Tunnel, named
from trunkline.routers.tunnel_addresses import tunnel_pair
from trunkline.routers.vns3.routing import Into, ensure_route, remove_routes
from trunkline.routers.vns3.session import Api
from trunkline.routers.waiting import NotYet

# What both ends of every tunnel of ours propose: AES-256 and SHA-256, and the 2048-bit group that every make knows.
PROPOSALS = {"phase1": "aes256-sha2_256-dh14", "phase2": "aes256-sha2_256"}
EVERYTHING = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it should be; `secret` does not show in its repr."""

    name: str
    address: str
    fields: Mapping[str, object]

    @classmethod
    def to(
        cls,
        router: Router,
        other: Router,
        *,
        secret: str,
        tunnel_address: str,
        nat_t: bool,
        private_address: str | None,
        proposals: Mapping[str, str] | None,
    ) -> Endpoint:
        """The endpoint that `router` has to `other`."""
        # Both ends sit behind their cloud's one-to-one NAT, so each says by itself which public address it is.
        extra = {"local-peer-id": router["address"], **(PROPOSALS if proposals is None else proposals)}
        fields: dict[str, object] = {
            "name": endpoint_name(other),
            "description": f"{named(router)} to {named(other)}",
            "ipaddress": other["address"],
            "secret": secret,
            "pfs": True,
            "ike_version": 2,
            "nat_t_enabled": nat_t,
            "extra_config": "\n".join(f"{key}={value}" for key, value in extra.items()),
            "vpn_type": "vti",
            "route_based_int_address": tunnel_address,
            "route_based_local": EVERYTHING,
            "route_based_remote": EVERYTHING,
        }
        if private_address is not None:
            fields["private_ipaddress"] = private_address
        return cls(endpoint_name(other), other["address"], fields)

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.address!r})"

    def differs_from(self, there: Mapping[str, Any]) -> bool:
        """Whether the router has something else; a secret that it does not show counts as different."""
        told = {**there, "secret": there.get("psk")}
        return any(_text(wanted) != _text(told.get(field)) for field, wanted in self.fields.items())


def endpoint_name(other: Router) -> str:
    """The name by which the endpoint to `other` is found again."""
    return f"to {named(other)}"


def ensure_endpoint(api: Api, endpoint: Endpoint, prefixes: Iterable[str]) -> dict[str, object]:
    """Make the endpoint, or bring it up to date, and route the prefixes into its tunnel.

    Returns:
        "endpoint" and "tunnel": the router's ids of them.
    """
    there = find_endpoint(api, endpoint.name)
    if there is None:
        there = api.call("ipsec.post_create_ipsec_endpoint", **endpoint.fields)
    elif endpoint.differs_from(there):
        # All the fields: the SDK fills those left out with its own defaults, and so would go back to IKEv1.
        there = api.call("ipsec.put_update_ipsec_endpoint", there["id"], **endpoint.fields)
    tunnel = tunnel_ids(api, there)[0]
    for prefix in prefixes:
        ensure_route(api, prefix, Into(tunnel=tunnel, description=endpoint.name))
    return {"endpoint": there["id"], "tunnel": tunnel}


def remove_endpoint(api: Api, other: Router) -> None:
    """Remove the routes into the tunnel to `other`, then the endpoint."""
    there = find_endpoint(api, endpoint_name(other))
    if there is None:
        return
    tunnels = set(map(int, there.get("tunnels") or {}))
    remove_routes(api, lambda route: route.tunnel in tunnels)
    api.call("ipsec.delete_ipsec_endpoint", there["id"])


def find_endpoint(api: Api, name: str) -> dict[str, Any] | None:
    """The endpoint of this name, with its pre-shared key; None if there is none."""
    return next((there for there in endpoints(api) if there.get("name") == name), None)


def the_endpoint(api: Api, other: Router) -> dict[str, Any]:
    """The endpoint to `other`; RouterError if there is none."""
    there = find_endpoint(api, endpoint_name(other))
    if there is None:
        raise api.error(f"has no endpoint '{endpoint_name(other)}'", hint="make the endpoint before this")
    return there


def tunnel_ids(api: Api, endpoint: Mapping[str, Any]) -> list[int]:
    """The ids of an endpoint's tunnels, lowest first; at least one."""
    ids = sorted(map(int, endpoint.get("tunnels") or {}))
    if not ids:
        raise api.error(f"made no tunnel for endpoint '{endpoint['name']}'", hint="remove the endpoint and try again")
    return ids


def agreed_addresses(router: Router, other: Router, here: Api, there: Api | None) -> tuple[str, str]:
    """The pair of tunnel addresses of the two: what either end has already, else one that is free at both.

    Parameters:
        there: None when `other` is not ours to ask.
    """
    at_router = {str(e.get("name")): e.get("route_based_int_address") for e in endpoints(here)}
    at_other = {} if there is None else {str(e.get("name")): e.get("route_based_int_address") for e in endpoints(there)}
    mine, theirs = at_router.get(endpoint_name(other)), at_other.get(endpoint_name(router))
    if mine:
        return str(mine), _other_host(str(mine))
    if theirs:
        return _other_host(str(theirs)), str(theirs)
    taken = [str(address) for address in (*at_router.values(), *at_other.values()) if address]
    return tunnel_pair(named(router), named(other), taken)


def wait_connected(api: Api, other: Router) -> Tunnel:
    """Wait until the tunnel to `other` is up, as this router says."""

    def up() -> Tunnel:
        mine = [tunnel for tunnel in report(api) if tunnel["endpoint"] == endpoint_name(other)]
        for tunnel in mine:
            if tunnel["connected"]:
                return tunnel
        raise NotYet(_last_status(mine))

    hint = "both ends with one secret, each other's address and the same proposals; udp/500 and udp/4500 open?"
    the_endpoint(api, other)
    return api.until(up, f"the tunnel of {api.who} to {named(other)} ({other['address']})", hint=hint)


def report(api: Api) -> list[Tunnel]:
    """Every tunnel as the router reports it now."""
    status = api.call("ipsec.get_ipsec_status") or {}
    return [
        Tunnel(
            router=api.session.name,
            endpoint=str(endpoint.get("name")),
            address=str(endpoint.get("ipaddress")),
            tunnel_address=str(endpoint.get("route_based_int_address") or ""),
            connected=bool(status.get(str(number), {}).get("connected")),
            detail=dict(status.get(str(number), {}).get("tunnel_params") or {}),
        )
        for endpoint in endpoints(api)
        for number in sorted(map(int, endpoint.get("tunnels") or {}))
    ]


def endpoints(api: Api) -> list[dict[str, Any]]:
    """All endpoints, lowest id first."""
    endpoints = api.call("ipsec.get_ipsec_details").get("remote_endpoints") or {}
    return [endpoints[key] for key in sorted(endpoints, key=int)]


def _last_status(tunnels: list[Tunnel]) -> str:
    if not tunnels:
        return "the router reports no such tunnel"
    detail = ", ".join(f"{key} {value}" for key, value in tunnels[0]["detail"].items() if value)
    return f"not connected ({detail})" if detail else "not connected"


def _other_host(address: str) -> str:
    interface = ip_interface(address)
    other = next(host for host in interface.network.hosts() if host != interface.ip)
    return f"{other}/{interface.network.prefixlen}"


def _text(value: object) -> str:
    """A field in one spelling: the API tells lines as a list, and truth, in older versions, as text."""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else {"true": "True", "false": "False"}.get(str(value), str(value))
