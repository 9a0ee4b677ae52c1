"""The proof at the end of a job: what was built is read back, and every way that it promises is traced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from trunkline._core.context import here
from trunkline._core.errors import Error
from trunkline.blueprints import peering
from trunkline.blueprints.equipment import together
from trunkline.blueprints.survey import Seen, site
from trunkline.clouds.cloud import Account
from trunkline.config import Config, Site
from trunkline.network.model import Federation
from trunkline.network.reachability import Reachability, Trace
from trunkline.routers.router import Driver, Router

PATIENCE = 20.0  # seconds: clouds show for a while what was before
PAUSE = 1.0
PORT = 443  # any would do: between networks nothing is judged by port
SUBNETS = ("app_subnet1_id", "app_subnet2_id")


class NotReached(Error):
    """A way that the job promises does not work; `trace` says where it ends."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.summary, hint=f"see all of it: trunkline trace {trace.source} {trace.destination}")
        self.trace = trace


def prove(
    config: Config, account: Account, federation_account: Account, driver: Driver, on_prem: Site, state: dict[str, Any]
) -> dict[str, Any]:
    """Read both networks and all routers, and trace both ways between each application subnet and the site.

    The federation's own network must lead to the VPC, too: its packets have to come as far as the new VPC's router.
    Clouds show for a while what was before, so what fails is looked at again for some seconds.

    Returns:
        "reached": for each way its ends and its path in words.

    Raises:
        NotReached: names the first thing that stops a packet.
    """
    until = time.monotonic() + PATIENCE
    while True:
        federation = _read(account, federation_account, driver, on_prem, state)
        traces = list(_traces(federation, on_prem, state))
        failed = next((trace for trace in traces if not trace.reachable), None) or _not_led(federation, state)
        if failed is None or time.monotonic() > until:
            break
        here().note(failed.summary)
        here().pause(PAUSE)
    Seen(config.home).keep(federation.routers)
    if failed is not None:
        raise NotReached(failed)
    here().note(f"{len(traces)} ways between {on_prem.name} and the VPC, there and back")
    return {"reached": [_told(trace) for trace in traces]}


def _read(
    account: Account, federation_account: Account, driver: Driver, on_prem: Site, state: dict[str, Any]
) -> Federation:
    """The two networks, their routers and the site, as they are now."""
    places = ((account, state["vpc_id"]), (federation_account, state["federation_network_id"]))
    networks = [found for (found,) in together(lambda each: each[0].networks([each[1]]), places)]
    at = {each.private_address: (network.id, each.id) for network in networks for each in network.interfaces}

    def read(router: Router) -> Any:
        network, interface = at.get(router["private_address"], ("", ""))
        return driver.read(router, network=network, interface=interface).router

    routers = together(read, [peering.vpc_router(state), *state["federation"]])
    return Federation(tuple(networks), tuple(routers), (site(on_prem),))


def _traces(federation: Federation, on_prem: Site, state: dict[str, Any]) -> Iterator[Trace]:
    reach = Reachability(federation)
    for key in SUBNETS:
        yield reach.trace(state[key], on_prem.name, port=PORT)
        yield reach.trace(on_prem.name, state[key], port=PORT)


def _not_led(federation: Federation, state: dict[str, Any]) -> Trace | None:
    """The first trace from a subnet of the federation's network whose table does not lead the VPC to a router.

    Only that is asked: the routers forward between the VPC and what is on-prem, and nothing else.
    """
    reach = Reachability(federation)
    hops = {hop for hub in state["federation"] for hop in (hub["interface"], hub["private_address"])}
    vpc = reach.find(state[SUBNETS[0]])
    for subnet in reach.atlas.places[state["federation_network_id"]].network.subnets:
        route = reach.route(subnet.id, vpc.address)
        if route is None or route.target not in hops or not route.active:
            return reach.trace(subnet.id, state[SUBNETS[0]], port=PORT)
    return None


def _told(trace: Trace) -> dict[str, Any]:
    return {
        "from": str(trace.there.packet).split(" ")[0],
        "to": str(trace.there.packet).split(" ")[2],
        "path": [str(hop) for hop in trace.there.hops],
    }
