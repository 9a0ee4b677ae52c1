"""Rotation: new passwords on a run's routers and new secrets for its tunnels, while everything stays up.

A new generation of a secret is wanted first, put in force then, and settled when the router was seen to take it and to
refuse the one before. Killed anywhere in between it goes on: until it is settled both are tried. Tunnels follow one
after the other, each at both ends, so that of two ways on-prem one is always up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trunkline._core.context import here
from trunkline._core.errors import Error
from trunkline._core.steps import nothing, step
from trunkline.blueprints import peering
from trunkline.blueprints.access import api_access, caller_route, route_stack
from trunkline.blueprints.connect_vpc import ROUTER
from trunkline.blueprints.equipment import (
    checked,
    checked_timeout,
    router_driver,
    secrets,
    stack_name,
)
from trunkline.blueprints.federation import find_federation
from trunkline.blueprints.pipeline import Pipeline
from trunkline.clouds.cloud import Account
from trunkline.config import Config
from trunkline.durable.secrets import Secrets
from trunkline.routers.router import Driver, Router, password_label

FEDERATION = ("federation", "federation_group_id")
Routers = Callable[[dict[str, Any]], Sequence[Router]]


def rotate_federation(
    config: Config, run: str, *, of: str, account: Account, access_minutes: int = 15, router_timeout: float = 900.0
) -> Pipeline:
    """Give a federation's routers new passwords.

    The secret of its tunnels to the site is the site's: change it there and where the configuration refers to, then
    run `trunkline up federation` again.

    Parameters:
        of: The run that built the federation.
        account: The account of the federation.
        access_minutes: After how many minutes the temporary API access expires, should nobody close it.
        router_timeout: Seconds that each step with a router may take.
    """
    checked(run)
    checked(of, "of")
    checked_timeout(router_timeout, "router_timeout")
    driver = router_driver(config)
    look = step(partial(look_at_federation, account, of), undo=nothing, needs=(), gives=FEDERATION)
    renew = partial(renew_passwords, driver, secrets(config), lambda state: state["federation"])
    steps = [
        ("look", look),
        api_access(
            [(account, "federation_group_id")],
            minutes=access_minutes,
            steps=[
                (
                    "passwords",
                    step(renew, undo=nothing, needs=["federation"], gives=["renewed"], timeout=router_timeout),
                )
            ],
        ),
    ]
    return Pipeline(steps, {"caller": config.caller})


def rotate_connect_vpc(
    config: Config,
    run: str,
    *,
    of: str,
    account: Account,
    federation_account: Account,
    federation: str = "federation",
    site: str = "datacentre",
    access_minutes: int = 15,
    router_timeout: float = 900.0,
) -> Pipeline:
    """Give a VPC's router a new password, and its tunnels to the federation new secrets at both ends.

    Parameters:
        of: The run that connected the VPC.
        account: The account of the VPC.
        federation_account: The account of the federation.
        federation: The name of the run that built the federation.
        site: The site on-prem that the VPC reaches, as in the configuration.
        access_minutes: After how many minutes the temporary API access expires, should nobody close it.
        router_timeout: Seconds that each step with a router may take.
    """
    checked(run)
    checked(of, "of")
    checked_timeout(router_timeout, "router_timeout")
    driver, kept = router_driver(config), secrets(config)
    route = route_stack(account, stack_name(run, "caller-route"))
    wanted = sorted({*ROUTER, "router_group_id", *(route.needs or ()), *FEDERATION} - {"run", "caller"})
    look = step(
        partial(look_at_vpc, account, federation_account, federation, wanted),
        undo=nothing,
        needs=["run"],
        gives=wanted,
    )
    renew = step(
        partial(renew_passwords, driver, kept, lambda state: [peering.vpc_router(state)]),
        undo=nothing,
        needs=ROUTER,
        gives=["renewed"],
        timeout=router_timeout,
    )
    tunnels = step(
        partial(renew_tunnels, driver, kept),
        undo=nothing,
        needs=[*ROUTER, "federation", "on_prem"],
        gives=["tunnels"],
        timeout=router_timeout,
    )
    steps = [
        ("look", look),
        caller_route(
            route,
            steps=[
                api_access(
                    [(account, "router_group_id"), (federation_account, "federation_group_id")],
                    minutes=access_minutes,
                    steps=[("passwords", renew), ("tunnels", tunnels)],
                )
            ],
        ),
    ]
    return Pipeline(steps, {"run": of, "caller": config.caller, "on_prem": list(config.site(site).prefixes)})


def look_at_federation(account: Account, name: str, state: dict[str, Any]) -> dict[str, Any]:
    """The federation's routers and their group, read from the cloud."""
    found = find_federation(account, name)
    return {key: found[key] for key in FEDERATION}


def look_at_vpc(
    account: Account, hubs: Account, federation: str, wanted: Sequence[str], state: dict[str, Any]
) -> dict[str, Any]:
    """What is `wanted` of the VPC's router and the federation's, read from their clouds.

    Raises:
        Error: The account has no finished VPC of the run.
    """
    run = state["run"]
    found = account.outputs(stack_name(run, "vpc"))
    if found is None:
        raise Error(
            f"account {account.name} has no VPC of the run {run!r}",
            hint="what is not built has no secrets to rotate: trunkline history",
        )
    network = account.network(str(found["vpc_id"]))
    known = {**look_at_federation(hubs, federation, state), "vpc_cidr": network.cidrs[0], **found}
    return {key: known[key] for key in wanted}


def renew_passwords(driver: Driver, kept: Secrets, routers: Routers, state: dict[str, Any]) -> dict[str, Any]:
    """Give each router the next generation of its password, and see the one before refused."""
    renewed = []
    for router in routers(state):
        label = password_label(router)
        kept.generations.advance(label, here().token)
        driver.contact(router)
        kept.generations.settle(label)
        renewed.append(router["name"])
    return {"renewed": renewed}


def renew_tunnels(driver: Driver, kept: Secrets, state: dict[str, Any]) -> dict[str, Any]:
    """Give each tunnel the next generation of its secret, at both ends, and wait until both say connected."""
    router, reports = peering.vpc_router(state), []
    for hub in state["federation"]:
        label = peering.peer_label(hub, router)
        kept.generations.advance(label, here().token)
        here().note(f"a new secret between {hub['name']} and {router['name']}")
        driver.contact(hub)
        peering.peer(driver, kept.derive, False, {**state, "item": hub})
        reports += peering.reports(driver, [(router, hub), (hub, router)])
        kept.generations.settle(label)
    return {"tunnels": reports}
