"""The federation: one network with two routers in two zones, joined by IPsec to a site on-prem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from trunkline._core.errors import Error
from trunkline._core.steps import Step, each, nothing, step
from trunkline.blueprints import peering
from trunkline.blueprints.access import api_access
from trunkline.blueprints.equipment import (
    address_pool,
    checked,
    checked_timeout,
    name_prefix,
    router_driver,
    secrets,
    stack_name,
    template,
    together,
)
from trunkline.blueprints.pipeline import Pipeline
from trunkline.clouds.cloud import Account
from trunkline.config import Config, Site
from trunkline.durable.secrets import resolve
from trunkline.network.addresses import Pool, carve, router_address
from trunkline.network.model import Network
from trunkline.routers.router import Driver, Router

ZONES = (1, 2)
BLOCK = IPv4Network("10.254.0.0/24")


def federation(
    config: Config,
    run: str,
    *,
    account: Account,
    site: str = "datacentre",
    cidr: IPv4Network = BLOCK,
    access_minutes: int = 15,
    router_timeout: float = 900.0,
) -> Pipeline:
    """Build a federation network: two routers in two zones, tunnels to the on-prem site.

    Parameters:
        account: The account it is built in.
        site: The site on-prem that it is joined to, as in the configuration.
        cidr: The federation network's own address block.
        access_minutes: After how many minutes the temporary API access expires, should nobody close it.
        router_timeout: Seconds that each step with a router may take, its boot and reboots included.
    """
    checked(run)
    checked_timeout(router_timeout, "router_timeout")
    on_prem = config.site(site)
    driver = router_driver(config)
    stack = account.stack(
        template("federation", account),
        name=stack_name(run, "federation"),
        parameters={
            "NamePrefix": name_prefix(run),
            **account.launch(partial(secrets(config).derive, f"os-password/{run}")),
        },
        keys={"RouterGroupId": "federation_group_id"},
    )
    pool = address_pool(config)
    plan = step(partial(network_config, pool, cidr), undo=partial(release_block, pool), needs=["run"], gives=PLAN)
    records = step(partial(hubs, run), undo=partial(retire_hubs, account, driver), needs=_OUTPUTS, gives=["federation"])

    def inside(fn: Callable[..., Any], *bound: Any, **more: Any) -> Step:
        """A step whose effect goes with the routers themselves."""
        return step(
            partial(fn, driver, *bound),
            undo=nothing,
            needs=["federation"],
            timeout=router_timeout,
            **{"gives": (), **more},
        )

    tunnel = step(partial(join_site, driver, on_prem), undo=nothing, needs=["item"], gives=(), timeout=router_timeout)
    steps = [
        ("network-config", plan),
        ("network", stack),
        ("routers", records),
        api_access(
            [(account, "federation_group_id")],
            minutes=access_minutes,
            steps=[
                ("first", inside(first)),
                ("second", inside(second)),
                ("pair", inside(pair)),
                peering.api_tokens(
                    driver,
                    lambda state: state["federation"],
                    needs=["federation"],
                    steps=[
                        each("site-tunnels", over="federation", steps=[("tunnel", tunnel)]),
                        ("verify", inside(verify, on_prem, gives=["tunnels"])),
                    ],
                ),
            ],
        ),
    ]
    return Pipeline(steps, {"run": run, "caller": config.caller, "site_address": on_prem.address})


PLAN = (
    "federation_cidr",
    "router_subnet1_cidr",
    "router_subnet2_cidr",
    "router1_private_address",
    "router2_private_address",
)
_PARTS = ("instance_id", "interface_id", "address", "assigned_private_address", "default_password", "route_table_id")
_OUTPUTS = ["federation_cidr", *(f"router{zone}_{part}" for zone in ZONES for part in _PARTS)]


def network_config(pool: Pool, cidr: IPv4Network, state: dict[str, Any]) -> dict[str, Any]:
    """Take the federation's block out of the pool and carve a router subnet a zone."""
    subnets = carve(cidr, ["one", "two"])  # a block that is too small must not be taken from the pool
    plan: dict[str, Any] = {"federation_cidr": str(pool.allocate(state["run"], cidr))}
    for zone, subnet in zip(ZONES, subnets.values(), strict=True):
        plan[f"router_subnet{zone}_cidr"] = str(subnet)
        plan[f"router{zone}_private_address"] = str(router_address(subnet))
    return plan


def release_block(pool: Pool, state: dict[str, Any]) -> None:
    """Give the run's address block back to the pool."""
    pool.release(state["run"])


def retire_hubs(account: Account, driver: Driver, state: dict[str, Any]) -> None:
    """Before the routers go: refuse while a VPC still depends on them; then drop what is known of them here.

    Raises:
        Error: the federation's tables still lead to VPCs, which undoing it would cut off.
    """
    routers = state.get("federation", [])
    served = routed_to(account.network(state["federation_network_id"]), routers) if routers else []
    if served:
        raise Error(
            f"the federation still leads to {', '.join(map(str, served))}",
            hint="undo the runs that connected these VPCs first: trunkline history, trunkline undo RUN",
        )
    for router in routers:
        driver.forget(router)


def routed_to(network: Network, routers: Sequence[Mapping[str, Any]]) -> list[IPv4Network]:
    """The blocks that a network's tables lead to these routers, in order."""
    next_hops = {hop for router in routers for hop in (router["interface"], router["private_address"])}
    routes = [route for table in network.route_tables for route in table.routes]
    return sorted({IPv4Network(route.prefix) for route in routes if route.target in next_hops})


def hubs(run: str, state: dict[str, Any]) -> dict[str, Any]:
    """The federation's two routers, each as one record, from what the template gave."""
    records = []
    for zone in ZONES:
        given = {part: state[f"router{zone}_{part}"] for part in _PARTS}
        records.append(
            {
                "name": f"{run}-router-{zone}",
                "address": given["address"],
                "private_address": given["assigned_private_address"],
                "default_password": given["default_password"],
                "instance": given["instance_id"],
                "interface": given["interface_id"],
                "route_table": given["route_table_id"],
                "cidr": state["federation_cidr"],
                "peering_id": zone,
            }
        )
    return {"federation": records}


def find_federation(account: Account, name: str) -> dict[str, Any]:
    """What a new VPC must know of a federation, read from the cloud: its routers, its group, its network.

    Raises:
        Error: the account has no finished federation of that name.
    """
    found = account.outputs(stack_name(name, "federation"))
    if found is None:
        raise Error(
            f"account {account.name} has no federation named {name!r}",
            hint=f"build it first: trunkline up federation --name {name} --account {account.name}",
        )
    network = account.network(str(found["federation_network_id"]))
    hub_state = {**found, "federation_cidr": network.cidrs[0]}
    routers = hubs(name, hub_state)["federation"]
    return {
        "federation": routers,
        "federation_group_id": found["router_group_id"],
        "federation_network": network,
        "federation_network_id": network.id,
        **{f"federation_address{zone}": routers[zone - 1]["address"] for zone in ZONES},
    }


def first(driver: Driver, state: dict[str, Any]) -> None:
    """Take both routers over from the factory; license the first and let it make the topology's keys."""
    together(driver.contact, state["federation"])
    router = state["federation"][0]
    driver.license(router)
    driver.keyset(router)


def second(driver: Driver, state: dict[str, Any]) -> None:
    """The second router fetches licence and keys from the first."""
    one, two = state["federation"]
    driver.keyset(two, source=one)


def pair(driver: Driver, state: dict[str, Any]) -> None:
    """Number the two routers and make them peers of one topology."""
    one, two = state["federation"]
    together(driver.identity, (one, two))
    together(lambda ends: driver.peer(*ends), ((one, two), (two, one)))
    together(lambda ends: driver.wait_reachable(*ends), ((one, two), (two, one)))


def join_site(driver: Driver, site: Site, state: dict[str, Any]) -> None:
    """A tunnel from one router ("item") to the site's own gateway, which its owners configure."""
    router, gateway = state["item"], _gateway(site)
    mine, theirs = driver.tunnel_addresses(router, gateway)
    driver.endpoint(
        router,
        gateway,
        secret=resolve(site.secret),
        prefixes=site.prefixes,
        local_tunnel_address=mine,
        remote_tunnel_address=theirs,
    )


def verify(driver: Driver, site: Site, state: dict[str, Any]) -> dict[str, Any]:
    """Wait until both routers say that their tunnel to the site is up."""
    ends = [(router, _gateway(site)) for router in state["federation"]]
    return {"tunnels": peering.reports(driver, ends)}


def _gateway(site: Site) -> Router:
    return Router(name=site.name, address=site.address)
