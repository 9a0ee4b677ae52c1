"""Virtual networks as trunkline's model of networks, with what Azure adds to every one by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.errors import azure_errors
from trunkline.clouds.azure.ids import parse, same
from trunkline.clouds.azure.words import word
from trunkline.clouds.cloud import CloudError
from trunkline.network.model import Interface, Network, Peering, Permission, Route, RouteTable, RuleSet, Subnet

_CALLER = 49152  # a port that callers commonly use (RFC 6335)
_HOPS = {"Internet": "internet", "VnetLocal": "local", "None": "none", "VirtualNetworkGateway": "gateway"}


def read_networks(clients: Clients, account: str, only: Sequence[str] | None = None) -> list[Network]:
    """The subscription's virtual networks, or those with these ids, in five calls for all of them.

    Route tables hold Azure's own routes too, where the table does not say otherwise: the network's ranges to
    "local", a peered one's to the peering, and 0.0.0.0/0 to "internet". Subnets without a table share one that is
    named after the network. A route to nowhere has the target "none".

    Raises:
        Error: Something in `only` is no id of a virtual network.
        CloudError: There is no such network, or they cannot be read.
    """
    wanted = None if only is None else {each.lower(): parse(each, "virtualNetworks", "network") for each in only}
    api = clients.network
    lists = (
        api.virtual_networks,
        api.network_interfaces,
        api.public_ip_addresses,
        api.route_tables,
        api.network_security_groups,
    )
    with azure_errors("read the networks"), ThreadPoolExecutor(len(lists)) as pool:
        vnets, nics, addresses, tables, groups = pool.map(lambda listed: list(listed.list_all()), lists)
    found = [vnet for vnet in vnets if wanted is None or str(vnet.id).lower() in wanted]
    missing = {*(wanted or ())} - {str(vnet.id).lower() for vnet in found}
    if wanted is not None and missing:
        names = ", ".join(sorted(wanted[each].name for each in missing))
        raise CloudError(
            f"read network {names}: the subscription has no such virtual network",
            code="ResourceNotFound",
            hint="check the id, and the account's subscription",
        )
    public = {str(address.id).lower(): address.ip_address for address in addresses}
    kept = _Kept(
        {str(table.id).lower(): table for table in tables},
        {str(group.id).lower(): _rule_set(group) for group in groups},
        {str(vnet.id).lower(): vnet for vnet in vnets},
    )
    at: dict[str, list[Interface]] = {}
    for nic in nics:
        for interface in _interfaces(nic, public, kept):
            at.setdefault(interface.subnet.lower(), []).append(interface)
    return [_network(vnet, account, kept, at) for vnet in found]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What networks refer to, by id in small letters: Azure keeps, and ignores, how an id was written."""

    tables: dict[str, Any]
    groups: dict[str, RuleSet]
    vnets: dict[str, Any]

    def rule_sets(self, reference: Any) -> tuple[str, ...]:
        """The NSG that a subnet or an interface is bound to, by its own spelling."""
        if reference is None:
            return ()
        known = self.groups.get(reference.id.lower())
        return (known.id if known else reference.id,)


def _network(vnet: Any, account: str, kept: _Kept, at: dict[str, list[Interface]]) -> Network:
    cidrs = tuple(vnet.address_space.address_prefixes or ())
    subnets = tuple(_subnet(subnet, kept) for subnet in vnet.subnets or ())
    interfaces = tuple(replace(i, subnet=s.id) for s in subnets for i in at.get(s.id.lower(), ()))
    bound = [each.rule_sets for each in subnets] + [each.rule_sets for each in interfaces]
    used = {group for groups in bound for group in groups}
    peerings = tuple(_peering(each, kept) for each in vnet.virtual_network_peerings or ())
    return Network(
        id=vnet.id,
        name=vnet.name,
        cloud="azure",
        account=account,
        cidrs=cidrs,
        subnets=subnets,
        route_tables=tuple(_route_tables(vnet, _system_routes(vnet, cidrs, peerings), kept)),
        rule_sets=tuple(rules for rules in kept.groups.values() if rules.id in used),
        interfaces=interfaces,
        peerings=peerings,
    )


def _subnet(subnet: Any, kept: _Kept) -> Subnet:
    cidr = subnet.address_prefix or (subnet.address_prefixes or [""])[0]
    return Subnet(subnet.id, subnet.name, cidr, rule_sets=kept.rule_sets(subnet.network_security_group))


def _interfaces(nic: Any, public: dict[str, str | None], kept: _Kept) -> Iterator[Interface]:
    for configuration in nic.ip_configurations or ():
        if configuration.subnet is None or configuration.primary is False:
            continue
        address = configuration.public_ip_address
        machine = nic.virtual_machine.id if nic.virtual_machine else None
        yield Interface(
            id=nic.id,
            subnet=configuration.subnet.id,
            private_address=configuration.private_ip_address,
            public_address=public.get(address.id.lower()) if address else None,
            rule_sets=kept.rule_sets(nic.network_security_group),
            forwards=bool(nic.enable_ip_forwarding),
            instance=machine,
            name=str(machine).rsplit("/", 1)[-1] if machine else nic.name,
            groups=tuple(group.id for group in configuration.application_security_groups or ()),
        )


def _peering(peering: Any, kept: _Kept) -> Peering:
    remote = str(peering.remote_virtual_network.id)
    known = kept.vnets.get(remote.lower())
    connected = same(word(peering.peering_state), "Connected") and peering.allow_virtual_network_access is not False
    return Peering(peering.id, known.id if known else remote, connected)


def _route_tables(vnet: Any, system: Sequence[Route], kept: _Kept) -> Iterator[RouteTable]:
    users: dict[str, list[str]] = {}
    for subnet in vnet.subnets or ():
        users.setdefault(subnet.route_table.id.lower() if subnet.route_table else "", []).append(subnet.id)
    for identifier, table in kept.tables.items():
        if subnets := users.get(identifier):
            own = [Route(r.address_prefix, r.next_hop_ip_address or _hop(r)) for r in table.routes or ()]
            said = {route.prefix for route in own}
            rest = (route for route in system if route.prefix not in said)
            yield RouteTable(table.id, (*own, *rest), tuple(subnets))
    if without := users.get(""):
        yield RouteTable(f"{vnet.id}/systemRoutes", tuple(system), tuple(without))


def _hop(route: Any) -> str:
    return _HOPS.get(word(route.next_hop_type), word(route.next_hop_type))


def _system_routes(vnet: Any, cidrs: tuple[str, ...], peerings: Iterable[Peering]) -> tuple[Route, ...]:
    """Azure's own: the network's ranges, those of the peered ones, and the internet for the rest."""
    remote = {str(each.id): each.remote_address_space for each in vnet.virtual_network_peerings or ()}
    peered = [
        Route(prefix, peering.id, peering.active)
        for peering in peerings
        for prefix in getattr(remote[peering.id], "address_prefixes", None) or ()
    ]
    return (*(Route(cidr, "local") for cidr in cidrs), *peered, Route("0.0.0.0/0", "internet"))


def _rule_set(group: Any) -> RuleSet:
    rules = [*(group.security_rules or ()), *(group.default_security_rules or ())]
    rules.sort(key=lambda rule: (rule.direction, rule.priority))
    return RuleSet(group.id, group.name, tuple(p for rule in rules for p in _permissions(rule)))


def _permissions(rule: Any) -> Iterator[Permission]:
    """The rule as permissions: one for each peer, each end of its own and each range of ports."""
    if not _for_callers(rule):
        return
    incoming = rule.direction == "Inbound"
    peers, own = _ends(rule, "source"), _ends(rule, "destination")
    if not incoming:
        peers, own = own, peers
    ports = [rule.destination_port_range, *(rule.destination_port_ranges or ())]
    protocol = "any" if rule.protocol == "*" else word(rule.protocol).lower()
    for peer, local, port in product(peers, own, filter(None, ports)):
        first, last = _ports(port)
        yield Permission(
            direction="in" if incoming else "out",
            protocol=protocol,
            first_port=first,
            last_port=last,
            peer=peer,
            action=word(rule.access).lower(),
            priority=rule.priority,
            local=local,
        )


def _ends(rule: Any, side: str) -> list[str]:
    """Whom a rule means at one side: prefixes, service tags, application security groups."""
    found = [getattr(rule, f"{side}_address_prefix"), *(getattr(rule, f"{side}_address_prefixes") or ())]
    found += [group.id for group in getattr(rule, f"{side}_application_security_groups") or ()]
    return ["0.0.0.0/0" if each == "*" or same(each, "any") else each for each in found if each]


def _for_callers(rule: Any) -> bool:
    """Whether a rule is about packets from a common caller's port; the model has no source ports."""
    ranges = [*filter(None, [rule.source_port_range, *(rule.source_port_ranges or ())])]
    return not ranges or any(first <= _CALLER <= last for first, last in map(_ports, ranges))


def _ports(text: str) -> tuple[int, int]:
    if text == "*":
        return 0, 65535
    first, _, last = text.partition("-")
    return int(first), int(last or first)
