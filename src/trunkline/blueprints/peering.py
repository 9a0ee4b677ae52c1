"""Routers as steps: configuring them, short-lived API tokens, tunnels, and what both ends say of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trunkline._core.context import here
from trunkline._core.steps import Node, Steps, during, step
from trunkline.blueprints.equipment import together
from trunkline.routers.router import Driver, Router

TOKEN_SECONDS = 900
REVOKE_SECONDS = 20.0  # below the grace that a close has; the router itself forgets the token later
Routers = Callable[[dict[str, Any]], Sequence[Router]]
Secret = Callable[[str], str]


def api_tokens(driver: Driver, routers: Routers, *, needs: Sequence[str], steps: Steps) -> Node:
    """A scope in which this process talks to the routers by a short-lived token, named after the run."""
    return during(
        "api-tokens",
        open=step(partial(mint_tokens, driver, routers), needs=needs, gives=()),
        close=step(partial(revoke_tokens, driver, routers), needs=needs, gives=()),
        steps=steps,
    )


def mint_tokens(driver: Driver, routers: Routers, state: dict[str, Any]) -> None:
    """Mint a token on every router; it stays in this process and is not part of the state."""
    name, all_of_them = f"trunkline {here().run}", routers(state)
    here().note(f"an API token on each of {len(all_of_them)} routers, {TOKEN_SECONDS // 60} min at most")
    together(lambda router: driver.token(router, name, TOKEN_SECONDS), all_of_them)


def revoke_tokens(driver: Driver, routers: Routers, state: dict[str, Any]) -> None:
    """Remove the run's tokens from every router, and see them gone."""
    name = f"trunkline {here().run}"
    together(lambda router: driver.revoke_token(router, name, timeout=REVOKE_SECONDS), routers(state))


def vpc_router(state: dict[str, Any]) -> Router:
    """The new VPC's router, from what the VPC's template gave."""
    return Router(
        name=f"{state['run']}-router",
        address=state["router_address"],
        private_address=state["router_assigned_private_address"],
        default_password=state["router_default_password"],
        instance=state["router_instance_id"],
        cidr=state["vpc_cidr"],
        peering_id=1,
    )


def configure_router(driver: Driver, state: dict[str, Any]) -> None:
    """Take the VPC's router over from the factory: password, certificate, licence, keys, identity, firewall."""
    router = vpc_router(state)
    driver.contact(router)
    driver.license(router)
    driver.keyset(router)
    driver.identity(router)
    rules = [rule for prefix in state["on_prem"] for rule in forward_rules(prefix, state["vpc_cidr"])]
    driver.firewall(router, rules)


def forget_router(driver: Driver, state: dict[str, Any]) -> None:
    """The undo of configure_router: the machine goes with its stack, and what is known of it here."""
    driver.forget(vpc_router(state))


def contact_federation(driver: Driver, state: dict[str, Any]) -> None:
    """See that the federation's routers are those that we know, and let the new VPC's traffic pass them."""

    def contact(router: Router) -> None:
        driver.contact(router)
        rules = [rule for prefix in state["on_prem"] for rule in forward_rules(prefix, state["vpc_cidr"])]
        driver.firewall(router, rules)

    together(contact, state["federation"])


def leave_federation(driver: Driver, state: dict[str, Any]) -> None:
    """Take back what contact_federation did: the firewall's rules for the VPC."""
    rules = [rule for prefix in state["on_prem"] for rule in forward_rules(prefix, state["vpc_cidr"])]
    together(lambda router: driver.unfirewall(router, rules), state["federation"])


def forward_rules(one: str, other: str) -> list[str]:
    """Firewall rules that let a router forward between two prefixes, both ways."""
    return [f"FORWARD_CUST -s {a} -d {b} -j ACCEPT" for a, b in ((one, other), (other, one))]


def peer(driver: Driver, secret: Secret, bgp: bool, state: dict[str, Any]) -> None:
    """Join the VPC's router and one of the federation's ("item") by an IPsec tunnel, configured at both ends.

    IKEv2, route-based, with a secret that only this pair has. The router's routes to on-prem and the federation's to
    the VPC lead into the tunnel; with `bgp` both ends also talk BGP through it.
    """
    router, hub = vpc_router(state), state["item"]
    mine, theirs = driver.tunnel_addresses(router, hub)
    key = secret(peer_label(hub, router))
    driver.endpoint(
        hub, router, secret=key, prefixes=[state["vpc_cidr"]], local_tunnel_address=theirs, remote_tunnel_address=mine
    )
    driver.endpoint(
        router, hub, secret=key, prefixes=state["on_prem"], local_tunnel_address=mine, remote_tunnel_address=theirs
    )
    if bgp:
        driver.bgp(hub, router, address=_host(mine), asn=driver.asn(router))
        driver.bgp(router, hub, address=_host(theirs), asn=driver.asn(hub))


def peer_label(hub: Router, router: Router) -> str:
    """The label of the secret between one of the federation's routers and a VPC's."""
    return f"peer/{hub['name']}/{hub['instance']}/{router['name']}/{router['instance']}"


def unpeer(driver: Driver, state: dict[str, Any]) -> None:
    """Take back what peer did, at both ends."""
    router, hub = vpc_router(state), state["item"]
    driver.remove_endpoint(hub, router)
    driver.remove_endpoint(router, hub)


def verify(driver: Driver, state: dict[str, Any]) -> dict[str, Any]:
    """Wait until both ends of every tunnel say connected; gives what each end reports as "tunnels"."""
    router = vpc_router(state)
    ends = [(router, hub) for hub in state["federation"]] + [(hub, router) for hub in state["federation"]]
    here().note(f"both ends of {len(ends) // 2} tunnels")
    return {"tunnels": reports(driver, ends)}


def reports(driver: Driver, ends: Sequence[tuple[Router, Router]]) -> list[dict[str, Any]]:
    """Wait side by side until every (router, other) is connected; what each router reports, as plain state."""

    def report(end: tuple[Router, Router]) -> dict[str, Any]:
        router, other = end
        seen = driver.connected(router, other)
        return {"router": router["name"], "to": other["name"], "at": seen["address"], "connected": seen["connected"]}

    return together(report, ends)


def _host(interface: str) -> str:
    return interface.partition("/")[0]
