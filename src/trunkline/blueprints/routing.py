"""Routes in the clouds: "up" from the federation to a new VPC, "down" from the VPC to what is on-prem."""

from __future__ import annotations

from typing import Any

from trunkline._core.context import here
from trunkline.blueprints.equipment import together
from trunkline.clouds.cloud import Account, NextHop, Rule

IPSEC_PORTS = (500, 4500)  # IKE and NAT traversal (RFC 7296, RFC 3948)
PURPOSE = "ipsec"


def route_up(account: Account, state: dict[str, Any]) -> None:
    """Lead the VPC's block to the federation's routers, in each zone's table to that zone's, and let its router in."""
    run = here().run

    def table(router: dict[str, Any]) -> None:
        account.route(router["route_table"], state["vpc_cidr"], _next_hop(router), run=run)

    together(table, state["federation"])
    for rule in _ipsec_rules(state):
        account.allow(state["federation_group_id"], rule, run=run, purpose=PURPOSE)


def unroute_up(account: Account, state: dict[str, Any]) -> None:
    """Take back what route_up did."""
    run = here().run
    for router in state["federation"]:
        account.unroute(router["route_table"], state["vpc_cidr"], via=_next_hop(router))
    for rule in _ipsec_rules(state):
        account.revoke(state["federation_group_id"], rule, run=run, purpose=PURPOSE)


def route_down(account: Account, state: dict[str, Any]) -> None:
    """Lead what is on-prem to the router's interface in the VPC."""
    run = here().run
    for prefix in state["on_prem"]:
        account.route(state["app_route_table_id"], prefix, _vpc_next_hop(state), run=run)


def unroute_down(account: Account, state: dict[str, Any]) -> None:
    """Take back what route_down did."""
    for prefix in state["on_prem"]:
        account.unroute(state["app_route_table_id"], prefix, via=_vpc_next_hop(state))


def _ipsec_rules(state: dict[str, Any]) -> list[Rule]:
    return [Rule("udp", port, f"{state['router_address']}/32") for port in IPSEC_PORTS]


def _next_hop(router: dict[str, Any]) -> NextHop:
    return NextHop(router["interface"], router["private_address"])


def _vpc_next_hop(state: dict[str, Any]) -> NextHop:
    return NextHop(state["router_interface_id"], state["router_assigned_private_address"])
