"""The virtual networks of the lab's Azure as the network model, read from its own state and not through its API.

What Azure adds to every network by itself is spelt out: system routes, the default rules of groups, and that a public
address of the Standard SKU is shut until a group opens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from trunkline.network.model import Interface, Network, Peering, Permission, Route, RouteTable, RuleSet, Subnet
from trunkline_lab.azure.ids import same
from trunkline_lab.azure.reach import primary
from trunkline_lab.azure.resources.kind import Site
from trunkline_lab.azure.resources.peerings import NETWORKS
from trunkline_lab.azure.resources.security_groups import DEFAULT_RULES, port_range
from trunkline_lab.azure.store import Document, Resource

_HOPS = {"Internet": "internet", "VnetLocal": "local", "None": "none", "VirtualNetworkGateway": "gateway"}
_ANY = "0.0.0.0/0"
_MACHINES = "Microsoft.Compute/virtualMachines"


def networks(site: Site) -> Iterator[Network]:
    """Every virtual network of every subscription. The caller holds the store's lock."""
    interfaces = list(site.store.resources(type_="Microsoft.Network/networkInterfaces"))
    for network in site.store.resources(type_=NETWORKS):
        yield _network(site, network, interfaces)


def _network(site: Site, network: Resource, nics: Iterable[Resource]) -> Network:
    properties = network.properties
    subnets = {item["id"].lower(): item for item in properties["subnets"]}
    bound = {group for item in subnets.values() for group in _groups(site, item["properties"])}
    interfaces, closed = [], []
    zones: dict[str, set[str]] = {}
    for nic in nics:
        subnet = subnets.get(primary(nic)["subnet"]["id"].lower())
        if subnet is None:
            continue
        interface = _interface(site, nic, subnet["id"])
        zones.setdefault(subnet["id"], set()).add(_zone(site, nic))
        bound |= set(_groups(site, nic.properties))
        if interface.public_address and not interface.rule_sets and not _groups(site, subnet["properties"]):
            closed.append(_closed(interface))
            interface = replace(interface, rule_sets=(closed[-1].id,))
        interfaces.append(interface)
    return Network(
        id=str(network.id),
        name=network.id.name,
        cloud="azure",
        account=network.id.subscription,
        cidrs=tuple(text for text in properties["addressSpace"]["addressPrefixes"] if ":" not in text),
        subnets=tuple(_subnet(site, item, zones.get(item["id"], set())) for item in subnets.values()),
        route_tables=tuple(_tables(site, network)),
        rule_sets=(*(_rule_set(site.store.find(each)) for each in sorted(bound)), *closed),
        interfaces=tuple(interfaces),
        peerings=tuple(_peerings(network)),
    )


def _interface(site: Site, nic: Resource, subnet: str) -> Interface:
    configuration = primary(nic)
    machine = _machine(site, nic)
    public = configuration.get("publicIPAddress")
    address = site.store.find(public["id"]) if public else None
    runs = machine is not None and machine.power == "running" and machine.state != "Deleting"
    return Interface(
        id=str(nic.id),
        subnet=subnet,
        private_address=configuration["privateIPAddress"],
        public_address=address.properties.get("ipAddress") if address else None,
        rule_sets=tuple(_groups(site, nic.properties)),
        forwards=bool(nic.properties.get("enableIPForwarding")),
        instance=str(machine.id) if machine and runs else None,
        name=machine.id.name if machine else nic.id.name,
        groups=tuple(each["id"] for each in configuration.get("applicationSecurityGroups") or ()),
    )


def _machine(site: Site, nic: Resource) -> Resource | None:
    users = (site.store.find(user) for user in site.store.users(str(nic.id)))
    return next((each for each in users if each is not None and same(each.id.type, _MACHINES)), None)


def _zone(site: Site, nic: Resource) -> str:
    """The zone of an interface's machine; "" without."""
    machine = _machine(site, nic)
    return str(next(iter(machine.document.get("zones") or ()), "")) if machine else ""


def _closed(interface: Interface) -> RuleSet:
    """What no group at all means for an interface with a public address."""
    inward = Permission("in", "any", 0, 65535, "VirtualNetwork")
    return RuleSet(f"{interface.id}/noGroup", "no group", (inward, Permission("out", "any", 0, 65535, _ANY)))


def _groups(site: Site, holder: Document) -> list[str]:
    """The group that an interface or a subnet is bound to, as the group itself spells its id."""
    reference = holder.get("networkSecurityGroup")
    found = site.store.find(reference["id"]) if reference else None
    return [str(found.id)] if found else []


def _subnet(site: Site, item: Document, zones: set[str]) -> Subnet:
    """A subnet of Azure is of no zone; here it is of that of its machines, when they all stand in one."""
    properties = item["properties"]
    cidr = properties.get("addressPrefix") or properties["addressPrefixes"][0]
    zone = min(zones) if len(zones) == 1 else ""
    return Subnet(item["id"], item["name"], cidr, zone, tuple(_groups(site, properties)))


def _tables(site: Site, network: Resource) -> Iterator[RouteTable]:
    """A table for each that subnets are bound to, and one of Azure's own routes for those that are bound to none."""
    users: dict[str, list[str]] = {}
    tables: dict[str, Resource] = {}
    for item in network.properties["subnets"]:
        reference = item["properties"].get("routeTable")
        table = site.store.find(reference["id"]) if reference else None
        users.setdefault(str(table.id) if table else "", []).append(item["id"])
        if table:
            tables[str(table.id)] = table
    for id_, subnets in users.items():
        own = [_route(each["properties"]) for each in tables[id_].properties["routes"]] if id_ else []
        said = {route.prefix for route in own}
        system = [route for route in _system_routes(site, network) if route.prefix not in said]
        yield RouteTable(id_ or f"{network.id}/systemRoutes", (*own, *system), tuple(subnets))


def _route(properties: Document) -> Route:
    kind = str(properties["nextHopType"])
    return Route(properties["addressPrefix"], properties.get("nextHopIpAddress") or _HOPS.get(kind, kind))


def _system_routes(site: Site, network: Resource) -> Iterator[Route]:
    for prefix in network.properties["addressSpace"]["addressPrefixes"]:
        yield Route(prefix, "local")
    for peering in _peerings(network):
        other = site.store.find(peering.peer)
        for prefix in other.properties["addressSpace"]["addressPrefixes"] if other and peering.active else ():
            yield Route(prefix, peering.id)
    yield Route(_ANY, "internet")


def _peerings(network: Resource) -> Iterator[Peering]:
    for item in network.properties.get("virtualNetworkPeerings", ()):
        properties = item["properties"]
        active = properties["peeringState"] == "Connected" and properties["allowVirtualNetworkAccess"]
        yield Peering(item["id"], properties["remoteVirtualNetwork"]["id"], active=active)


def _rule_set(group: Resource | None) -> RuleSet:
    assert group is not None
    rules = [rule["properties"] for rule in (*group.properties["securityRules"], *DEFAULT_RULES)]
    rules.sort(key=lambda rule: (rule["direction"], int(rule["priority"])))
    return RuleSet(str(group.id), group.id.name, tuple(each for rule in rules for each in _permissions(rule)))


def _permissions(rule: Document) -> Iterator[Permission]:
    """One rule as permissions, one for each pair of ends and range of ports. Source ports are not in the model."""
    incoming = rule["direction"] == "Inbound"
    near, far = ("destination", "source") if incoming else ("source", "destination")
    ports = [port_range(text) for text in _values(rule, "destinationPortRange", "destinationPortRanges")]
    for peer, local, (first, last) in product(_ends(rule, far), _ends(rule, near), ports):
        yield Permission(
            direction="in" if incoming else "out",
            protocol="any" if rule["protocol"] == "*" else rule["protocol"].lower(),
            first_port=first,
            last_port=last,
            peer=peer,
            action=rule["access"].lower(),
            priority=int(rule["priority"]),
            local=local,
        )


def _ends(rule: Document, end: str) -> list[str]:
    found = _values(rule, f"{end}AddressPrefix", f"{end}AddressPrefixes")
    found += [one["id"] for one in rule.get(f"{end}ApplicationSecurityGroups") or ()]
    return [_ANY if text == "*" or same(text, "any") else text for text in found]


def _values(rule: Document, one: str, many: str) -> list[str]:
    return [*([rule[one]] if rule.get(one) else []), *(rule.get(many) or [])]
