"""Reading routers whose API is shut: opened for the caller alone, for a minute, and closed whatever happens.

    look(config)    the picture of `survey`, with every router as it is now

It writes what the jobs write for the same purpose, and takes it back: a rule for tcp/8000 from the caller's address in
each router's group, with an expiry that any sweep honours, and where a network has no way back to the caller, the
stack of a route.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline._core.pipe import pipe
from trunkline._core.steps import Node, Steps, step
from trunkline.blueprints.access import Door, api_access, caller_route, route_stack
from trunkline.blueprints.equipment import router_driver, stack_name, together
from trunkline.blueprints.survey import Machine, Survey, machines, survey
from trunkline.clouds.cloud import Account
from trunkline.config import Config
from trunkline.network.model import Federation
from trunkline.network.prefixes import number
from trunkline.network.reachability import Reachability
from trunkline.network.reachability.routing import no_way_out

RUN = "look"
MINUTES = 2


def look(config: Config, accounts: Sequence[Account] | None = None, *, observers: Sequence[Any] = ()) -> Survey:
    """Read everything, with the routers' APIs open meanwhile.

    Parameters:
        config: The configuration; its "from" is who is let in.
        accounts: Only these.
        observers: Whoever follows what is opened and closed.

    Raises:
        ConfigError: The caller's own address is not known.
        CloudError: An account cannot be read, or refuses the rule.
    """
    caller = config.caller
    chosen = [config.account(name) for name in config.accounts] if accounts is None else [*accounts]
    networks = [each for found in together(lambda account: account.networks(), chosen) for each in found]
    reach, driver = Reachability(Federation(tuple(networks))), router_driver(config)
    state: dict[str, Any] = {"run": RUN, "caller": caller}
    doors: list[Door] = []
    ways: list[tuple[str, Account, dict[str, str]]] = []
    by_name = {account.name: account for account in chosen}
    for place, machine in enumerate(machines(networks)):
        name = driver.knows(machine.interface.public_address or "", machine.id)
        if name is None:
            continue
        account, key = by_name[machine.network.account], f"group_{place}"
        state[key] = _group(machine)
        doors.append((account, key))
        if _has_no_way_to(reach, machine, caller):
            state |= (needed := _way_back(account, name, place))
            ways.append((name, account, {key.rpartition("_")[0]: key for key in needed}))

    def read(_: dict[str, Any]) -> dict[str, Any]:
        answer = survey(config, chosen)
        found.append(answer)
        return {}

    found: list[Survey] = []
    steps: Steps = [("read", step(read, needs=(), gives=()))]
    if doors:
        steps = [api_access(_each_once(doors, state), minutes=MINUTES, steps=steps)]
    for name, account, keys in ways:
        steps = [_caller_route(name, account, keys, steps)]
    pipe(state, steps, run=RUN, observers=observers)
    return found[0]


def _each_once(doors: Sequence[Door], state: dict[str, Any]) -> list[Door]:
    """One door a group: two routers may share one."""
    return list({(account.name, state[key]): (account, key) for account, key in doors}.values())


def _group(machine: Machine) -> str:
    """The group that guards a router: its interface's, else (on Azure) its subnet's."""
    subnet = next(each for each in machine.network.subnets if each.id == machine.interface.subnet)
    return (*machine.interface.rule_sets, *subnet.rule_sets)[0]


def _has_no_way_to(reach: Reachability, machine: Machine, caller: str) -> bool:
    place = reach.atlas.places[machine.network.id]
    spot = reach.atlas.spot(place, number(machine.interface.private_address))
    return spot is not None and no_way_out(spot, number(caller.partition("/")[0])) is not None


def _way_back(account: Account, router: str, place: int) -> dict[str, str]:
    """What a route to the caller needs, from what the job that made the router's network gave."""
    given = account.outputs(stack_name(router.removesuffix("-router"), "vpc")) or {}
    wanted = ("router_route_table_id", "internet_gateway_id")
    return {f"{key}_{place}": str(given[key]) for key in wanted if key in given}


def _caller_route(router: str, account: Account, keys: dict[str, str], steps: Steps) -> Node:
    """The scope in which the router's network has a route to the caller."""
    named = {"RouteTableId": "router_route_table_id", "InternetGatewayId": "internet_gateway_id"}
    found = {name: keys[key] for name, key in named.items() if key in keys}
    route = route_stack(account, stack_name(RUN, router), {"CallerPrefix": "caller", **found})
    return caller_route(route, steps=steps, name=f"caller-route-{router}")


__all__ = ["look"]
