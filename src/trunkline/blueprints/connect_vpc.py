"""The main job: a new VPC with a router of its own, connected to the federation and so to what is on-prem.

The essay's eight steps, by their names here:
    1 network-config    2 vpc    3 routes/up    4 routes/down    5 api-access (opening)
    6 routers, peers, verify, reached    7 api-access (closing)
    8 caller-route and api-tokens (closing): what only the configuring needed

Steps 7 and 8 are ends of scopes, so they happen whatever happens before them. The tokens are revoked while the API
can still be reached; the caller's route, made after the VPC, goes last.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from trunkline._core.steps import each, nothing, step
from trunkline.blueprints import peering, routing
from trunkline.blueprints.access import api_access, caller_route, route_stack
from trunkline.blueprints.equipment import (
    address_pool,
    checked,
    checked_timeout,
    name_prefix,
    router_driver,
    secrets,
    stack_name,
    template,
)
from trunkline.blueprints.federation import find_federation, release_block, routed_to
from trunkline.blueprints.pipeline import Pipeline
from trunkline.blueprints.reached import prove
from trunkline.clouds.cloud import Account
from trunkline.config import Config
from trunkline.network.addresses import Pool, carve, router_address
from trunkline.network.model import Network
from trunkline.routers.router import Router

PLAN = (
    "vpc_cidr",
    "router_subnet_cidr",
    "app_subnet1_cidr",
    "app_subnet2_cidr",
    "router_private_address",
    "federation",
    "federation_group_id",
    "federation_network_id",
    "federation_address1",
    "federation_address2",
)
ROUTER = (
    "run",
    "vpc_cidr",
    "router_address",
    "router_assigned_private_address",
    "router_default_password",
    "router_instance_id",
)
# What the proof needs beside the routers.
PLACES = ("vpc_id", "app_subnet1_id", "app_subnet2_id", "federation_network_id")


def connect_vpc(
    config: Config,
    run: str,
    *,
    account: Account,
    federation_account: Account,
    federation: str = "federation",
    cidr: IPv4Network | None = None,
    site: str = "datacentre",
    bgp: bool = False,
    access_minutes: int = 15,
    router_timeout: float = 900.0,
) -> Pipeline:
    """Build a VPC with a router and connect it to a federation and the site on-prem.

    Parameters:
        account: The account of the new VPC.
        federation_account: The account of the federation.
        federation: The name of the run that built the federation.
        cidr: The VPC's address block; by default the next free /16 of the pool.
        site: The site on-prem that the VPC reaches, as in the configuration.
        bgp: Let the routers talk BGP through their tunnels.
        access_minutes: After how many minutes the temporary API access expires, should nobody close it.
        router_timeout: Seconds that each step with a router may take, its boot and reboots included.
    """
    checked(run)
    checked_timeout(router_timeout, "router_timeout")
    checked(federation, "federation")
    driver, derive = router_driver(config), secrets(config).derive
    launch = account.launch(partial(derive, f"os-password/{run}"))
    vpc = account.stack(
        template("vpc", account),
        name=stack_name(run, "vpc"),
        parameters={"NamePrefix": name_prefix(run), **launch},
    )
    route = route_stack(account, stack_name(run, "caller-route"))
    pool = address_pool(config)
    plan = partial(network_config, pool, cidr, partial(find_federation, federation_account, federation))
    up = step(
        partial(routing.route_up, federation_account),
        undo=partial(routing.unroute_up, federation_account),
        needs=["federation", "federation_group_id", "vpc_cidr", "router_address"],
        gives=(),
    )
    down = step(
        partial(routing.route_down, account),
        undo=partial(routing.unroute_down, account),
        needs=["on_prem", "app_route_table_id", "router_interface_id", "router_assigned_private_address"],
        gives=(),
    )
    new = step(
        partial(peering.configure_router, driver),
        undo=partial(peering.forget_router, driver),
        needs=[*ROUTER, "on_prem"],
        gives=(),
        timeout=router_timeout,
    )
    hubs = step(
        partial(peering.contact_federation, driver),
        undo=partial(peering.leave_federation, driver),
        needs=["federation", "on_prem", "vpc_cidr"],
        gives=(),
        timeout=router_timeout,
    )
    tunnel = step(
        partial(peering.peer, driver, derive, bgp),
        undo=partial(peering.unpeer, driver),
        needs=[*ROUTER, "on_prem", "item"],
        gives=(),
        timeout=router_timeout,
    )
    verify = step(
        partial(peering.verify, driver),
        undo=nothing,
        needs=[*ROUTER, "federation"],
        gives=["tunnels"],
        timeout=router_timeout,
    )
    reached = step(
        partial(prove, config, account, federation_account, driver, config.site(site)),
        undo=nothing,
        needs=[*ROUTER, *PLACES, "federation"],
        gives=["reached"],
        timeout=router_timeout,
    )

    steps = [
        ("network-config", step(plan, undo=partial(release_block, pool), needs=["run"], gives=PLAN)),
        ("vpc", vpc),
        ("routes", [("up", up), ("down", down)]),
        caller_route(
            route,
            steps=[
                api_access(
                    [(account, "router_group_id"), (federation_account, "federation_group_id")],
                    minutes=access_minutes,
                    steps=[
                        ("routers", [("new", new), ("federation", hubs)]),
                        peering.api_tokens(
                            driver,
                            all_routers,
                            needs=[*ROUTER, "federation"],
                            steps=[
                                each("peers", over="federation", steps=[("tunnel", tunnel)]),
                                ("verify", verify),
                                ("reached", reached),
                            ],
                        ),
                    ],
                ),
            ],
        ),
    ]
    data = {"run": run, "caller": config.caller, "on_prem": list(config.site(site).prefixes)}
    return Pipeline(steps, data)


def all_routers(state: dict[str, Any]) -> list[Router]:
    """The VPC's new router, and the federation's."""
    return [peering.vpc_router(state), *state["federation"]]


def network_config(
    pool: Pool, cidr: IPv4Network | None, find: Callable[[], dict[str, Any]], state: dict[str, Any]
) -> dict[str, Any]:
    """Fetch the network configuration: the federation's as its cloud has it, and a block that overlaps nothing.

    Parameters:
        pool: Where the VPC's block comes from; the same block for the same run.
        cidr: The block wanted, None for the next free one.
        find: Answers what `find_federation` does.

    Raises:
        Error: the block is too small for the VPC's subnets.
        Overlap: the block overlaps one that is on-prem or that the federation already leads to.
    """
    names = ["router_subnet_cidr", "app_subnet1_cidr", "app_subnet2_cidr"]
    if cidr is not None:
        carve(cidr, names)  # one that is too small must not be taken from the pool
    known = find()
    network: Network = known.pop("federation_network")
    block = pool.allocate(state["run"], cidr, taken=_federated(network, known["federation"], pool, state["run"]))
    subnets = carve(block, names)
    return {
        **known,
        "vpc_cidr": str(block),
        "router_private_address": str(router_address(subnets["router_subnet_cidr"])),
        **{name: str(subnet) for name, subnet in subnets.items()},
    }


def _federated(network: Network, hubs: list[dict[str, Any]], pool: Pool, run: str) -> list[tuple[IPv4Network, str]]:
    """The blocks in the federation's use: its own, and all that its tables lead to its routers, save this run's."""
    mine = pool.allocations().get(run)
    blocks = [(IPv4Network(cidr), f"the federation network {network.name or network.id}") for cidr in network.cidrs]
    return blocks + [(block, "a VPC of the federation") for block in routed_to(network, hubs) if block != mine]
