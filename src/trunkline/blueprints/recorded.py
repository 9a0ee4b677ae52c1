"""The network that a run of our blueprints made, by the values that it recorded: no cloud and no router is asked.

Of tunnels it has what their routers said when the run verified them; route tables and rules it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from trunkline.network.model import Federation, Network, Router, Site, Subnet, Tunnel

UNREAD = "as its run recorded it"


def recorded(
    run: str, values: Mapping[str, Any], *, account: str = "", hub_account: str = "", sites: Iterable[Site] = ()
) -> Federation:
    """The federation that one run knew.

    Parameters:
        run: The run's name.
        values: What it recorded, by key: its data and what its steps gave.
        account: The account that it built in.
        hub_account: The account of the federation that it connected to; that of the run when it built the federation.
        sites: The sites of the configuration.

    Returns:
        What can be told; empty for a run that made no network.
    """
    hubs = [each for each in values.get("federation") or () if isinstance(each, Mapping) and "instance" in each]
    own_hub = "federation_network_id" in values
    networks, routers = [], []
    if hubs or own_hub:
        cidr = str(hubs[0].get("cidr", "") if hubs else values.get("federation_cidr", ""))
        network = str(values.get("federation_network_id") or f"the network {cidr}")
        name = run if own_hub else "federation"
        subnets = _subnets(values, network, ("router_subnet1", "router_subnet2")) if own_hub else ()
        networks.append(Network(network, name, "", account if own_hub else hub_account, (cidr,), subnets))
        routers += [_hub(hub, network) for hub in hubs]
    if "vpc_id" in values:
        vpc = str(values["vpc_id"])
        subnets = _subnets(values, vpc, ("router_subnet", "app_subnet1", "app_subnet2"))
        networks.append(Network(vpc, run, "", account, (str(values.get("vpc_cidr", "")),), subnets))
        if "router_instance_id" in values:
            routers.append(
                Router(
                    str(values["router_instance_id"]),
                    f"{run}-router",
                    vpc,
                    str(values.get("router_interface_id", "")),
                    str(values.get("router_assigned_private_address", "")),
                    values.get("router_address"),
                    unread=UNREAD,
                )
            )
    told = [each for each in values.get("tunnels") or () if isinstance(each, Mapping)]
    routers = [replace(router, tunnels=_tunnels(router.name, told)) for router in routers]
    return Federation(tuple(networks), tuple(routers), tuple(sites) if networks else ())


def joined(federations: Iterable[Federation]) -> Federation:
    """Several runs' federations as one: a router has the tunnels that any of them knows, the later one's word counts.

    A run that only connected to a federation does not know its network's id; it is found by its routers.
    """
    networks: dict[str, Network] = {}
    routers: dict[str, Router] = {}
    sites: dict[str, Site] = {}
    for federation in federations:
        known = {router.id: routers[router.id].network for router in federation.routers if router.id in routers}
        for network in federation.networks:
            same = {
                known[router.id] for router in federation.routers if router.network == network.id and router.id in known
            }
            if not same:
                networks[network.id] = network
        for router in federation.routers:
            before = routers.get(router.id)
            tunnels = {tunnel.peer: tunnel for tunnel in (*(before.tunnels if before else ()), *router.tunnels)}
            network_id = before.network if before else router.network
            routers[router.id] = replace(router, network=network_id, tunnels=tuple(tunnels.values()))
        sites |= {site.name: site for site in federation.sites}
    return Federation(tuple(networks.values()), tuple(routers.values()), tuple(sites.values()))


def _hub(hub: Mapping[str, Any], network: str) -> Router:
    return Router(
        str(hub["instance"]),
        str(hub.get("name", hub["instance"])),
        network,
        str(hub.get("interface", "")),
        str(hub.get("private_address", "")),
        hub.get("address"),
        unread=UNREAD,
    )


def _subnets(values: Mapping[str, Any], network: str, names: Iterable[str]) -> tuple[Subnet, ...]:
    return tuple(
        Subnet(str(values.get(f"{name}_id") or f"{network}/{name}"), name, str(values[f"{name}_cidr"]))
        for name in names
        if f"{name}_cidr" in values
    )


def _tunnels(router: str, told: Iterable[Mapping[str, Any]]) -> tuple[Tunnel, ...]:
    mine = [each for each in told if each.get("router") == router]
    return tuple(
        Tunnel(str(place), str(each.get("to", "")), str(each.get("at", "")), up=bool(each.get("connected")))
        for place, each in enumerate(mine, 1)
    )
