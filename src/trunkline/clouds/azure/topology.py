"""A virtual network as trunkline's model of networks, with what Azure adds to every one by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.errors import azure_errors
from trunkline.clouds.azure.ids import parse, same
from trunkline.clouds.azure.words import word
from trunkline.network.model import Interface, Network, Permission, Route, RouteTable, RuleSet, Subnet

_HOPS = {"Internet": "internet", "VnetLocal": "local", "None": "none", "VirtualNetworkGateway": "gateway"}


def read_network(clients: Clients, account: str, network: str) -> Network:
    """The virtual network with this id.

    Route tables hold Azure's own routes too, where the table does not say otherwise: the network's ranges to
    "local" and 0.0.0.0/0 to "internet". Subnets without a table share one that is named after the network. A route
    to nowhere has the target "none".

    Raises:
        Error: `network` is no id of a virtual network.
        CloudError: There is no such network, or it cannot be read.
    """
    where = parse(network, "virtualNetworks", "network")
    api = clients.network
    with azure_errors(f"read network {where.name}"):
        vnet: Any = api.virtual_networks.get(where.group, where.name)
        lists = (api.network_interfaces, api.public_ip_addresses, api.route_tables, api.network_security_groups)
        with ThreadPoolExecutor(len(lists)) as pool:
            nics, addresses, tables, groups = pool.map(lambda listed: list(listed.list_all()), lists)
    cidrs = tuple(vnet.address_space.address_prefixes or ())
    subnets = tuple(_subnet(subnet) for subnet in vnet.subnets or ())
    public = {str(address.id).lower(): address.ip_address for address in addresses}
    interfaces = tuple(i for nic in nics for i in _interfaces(nic, public, {s.id.lower() for s in subnets}))
    bound = [s.rule_sets for s in subnets] + [i.rule_sets for i in interfaces]
    used = {group.lower() for groups_of_one in bound for group in groups_of_one}
    return Network(
        id=vnet.id,
        name=vnet.name,
        cloud="azure",
        account=account,
        cidrs=cidrs,
        subnets=subnets,
        route_tables=tuple(_route_tables(vnet, cidrs, tables)),
        rule_sets=tuple(_rule_set(group) for group in groups if group.id.lower() in used),
        interfaces=interfaces,
    )


def _subnet(subnet: Any) -> Subnet:
    cidr = subnet.address_prefix or (subnet.address_prefixes or [""])[0]
    groups = (subnet.network_security_group.id,) if subnet.network_security_group else ()
    return Subnet(subnet.id, subnet.name, cidr, rule_sets=groups)


def _interfaces(nic: Any, public: dict[str, str | None], subnets: set[str]) -> Iterator[Interface]:
    for configuration in nic.ip_configurations or ():
        if configuration.subnet is None or configuration.subnet.id.lower() not in subnets:
            continue
        if configuration.primary is False:
            continue
        address = configuration.public_ip_address
        yield Interface(
            id=nic.id,
            subnet=configuration.subnet.id,
            private_address=configuration.private_ip_address,
            public_address=public.get(address.id.lower()) if address else None,
            rule_sets=(nic.network_security_group.id,) if nic.network_security_group else (),
            forwards=bool(nic.enable_ip_forwarding),
            instance=nic.virtual_machine.id if nic.virtual_machine else None,
        )


def _route_tables(vnet: Any, cidrs: tuple[str, ...], tables: Iterable[Any]) -> Iterator[RouteTable]:
    users: dict[str, list[str]] = {}
    for subnet in vnet.subnets or ():
        users.setdefault(subnet.route_table.id.lower() if subnet.route_table else "", []).append(subnet.id)
    for table in tables:
        if subnets := users.get(table.id.lower()):
            own = [Route(r.address_prefix, r.next_hop_ip_address or _hop(r)) for r in table.routes or ()]
            yield RouteTable(table.id, (*own, *_system_routes(cidrs, own)), tuple(subnets))
    if without := users.get(""):
        yield RouteTable(f"{vnet.id}/systemRoutes", _system_routes(cidrs, ()), tuple(without))


def _hop(route: Any) -> str:
    return _HOPS.get(word(route.next_hop_type), word(route.next_hop_type))


def _system_routes(cidrs: tuple[str, ...], own: Iterable[Route]) -> tuple[Route, ...]:
    said = {route.prefix for route in own}
    system = [*(Route(cidr, "local") for cidr in cidrs), Route("0.0.0.0/0", "internet")]
    return tuple(route for route in system if route.prefix not in said)


def _rule_set(group: Any) -> RuleSet:
    rules = [*(group.security_rules or ()), *(group.default_security_rules or ())]
    rules.sort(key=lambda rule: (rule.direction, rule.priority))
    return RuleSet(group.id, group.name, tuple(p for rule in rules for p in _permissions(rule)))


def _permissions(rule: Any) -> Iterator[Permission]:
    incoming = rule.direction == "Inbound"
    side = "source" if incoming else "destination"
    peers = [getattr(rule, f"{side}_address_prefix"), *(getattr(rule, f"{side}_address_prefixes") or ())]
    peers += [group.id for group in getattr(rule, f"{side}_application_security_groups") or ()]
    ports = [rule.destination_port_range, *(rule.destination_port_ranges or ())]
    protocol = "any" if rule.protocol == "*" else word(rule.protocol).lower()
    for peer, port in product(filter(None, peers), filter(None, ports)):
        first, last = _ports(port)
        yield Permission(
            direction="in" if incoming else "out",
            protocol=protocol,
            first_port=first,
            last_port=last,
            peer="0.0.0.0/0" if peer == "*" or same(peer, "any") else peer,
            action=word(rule.access).lower(),
            priority=rule.priority,
        )


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return 0, 65535
    first, _, last = text.partition("-")
    return int(first), int(last or first)
