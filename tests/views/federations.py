"""Federations for the tests of pictures: stars, several hubs, meshes, and names that nobody should choose."""

from __future__ import annotations

from dataclasses import replace

from trunkline.network.model import (
    Federation,
    Network,
    Peering,
    Route,
    Router,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Subnet,
    Tunnel,
)
from trunkline.views.topology import Exposed

SITE = Site("datacentre", "203.0.113.10", ("10.0.0.0/16", "172.16.0.0/12"))


def network(place: int, *, account: str = "A", cloud: str = "aws", name: str = "", cidr: str = "") -> Network:
    cidr = cidr or f"10.{1 + place // 250}.{place % 250}.0/24"
    head = cidr.rsplit(".", 1)[0]
    key = f"vpc-{place:04x}"
    subnets = (
        Subnet(f"{key}-r", "router", f"{head}.0/26", "eu-1a"),
        Subnet(f"{key}-a", "app-1", f"{head}.64/26", "eu-1a"),
    )
    table = RouteTable(
        f"rtb-{place:04x}",
        (Route(cidr, "local"), Route("10.0.0.0/16", f"eni-{place:04x}"), Route("0.0.0.0/0", "internet")),
        tuple(each.id for each in subnets),
    )
    groups = (RuleSet(f"sg-{place:04x}", "routers"),)
    return Network(key, name or f"vpc-{place:03}", cloud, account, (cidr,), subnets, (table,), groups)


def router(place: int, of: Network, name: str = "", zone: int = 1) -> Router:
    head = of.cidrs[0].rsplit(".", 1)[0]
    public = f"198.51.{100 + place // 250}.{place % 250}"
    return Router(
        f"i-{place:04x}",
        name or f"{of.name}-router",
        of.id,
        f"eni-{int(of.id[4:], 16):04x}" if zone == 1 else f"eni-{of.id[4:]}-{zone}",
        f"{head}.{4 * zone}",
        public,
    )


def joined(one: Router, other: Router | Site, *, up: bool = True, back: bool = True) -> tuple[Router, Router | Site]:
    """The two with a tunnel between them; `up` and `back` are what each end says."""
    reason = "" if up else "no answer to IKE_SA_INIT"
    number = str(len(one.tunnels) + 1)
    address = other.address if isinstance(other, Site) else str(other.public_address)
    mine = Tunnel(number, other.name, address, up=up, reason=reason)
    one = replace(one, tunnels=(*one.tunnels, mine), routes=(*one.routes, RouterRoute("10.0.0.0/16", tunnel=number)))
    if isinstance(other, Site):
        return one, other
    theirs = Tunnel(str(len(other.tunnels) + 1), one.name, str(one.public_address), up=back)
    return one, replace(other, tunnels=(*other.tunnels, theirs))


def star(count: int, *, accounts: int = 1, hubs: int = 1, broken: bool = False) -> Federation:
    """`count` VPCs, each with tunnels to the two routers of one of the `hubs`; some down when `broken`."""
    networks, machines = [], dict[str, Router]()
    for hub in range(hubs):
        place = 5000 + hub
        core = network(
            place, account=f"B{hub or ''}", cloud="azure", name=f"federation-{hub + 1}", cidr=f"10.254.{hub}.0/24"
        )
        networks.append(core)
        for zone in (1, 2):
            each = router(20_000 + 2 * hub + zone, core, f"hub-{hub + 1}-{zone}", zone)
            each, _ = joined(each, SITE)
            machines[each.id] = each
    cores = list(machines)
    for place in range(count):
        vpc = network(place, account=f"acct-{place % accounts:02}")
        networks.append(vpc)
        mine = router(place, vpc)
        for zone in (0, 1):
            key = cores[2 * (place % hubs) + zone]
            down = broken and (7 * place + 13 * zone) % 31 == 14
            half = broken and (5 * place + 11 * zone) % 41 == 16
            mine, other = joined(mine, machines[key], up=not down, back=not (down or half))
            assert isinstance(other, Router)
            machines[key] = other
        machines[mine.id] = mine
    return Federation(tuple(networks), tuple(machines.values()), (SITE,))


def exposures(count: int) -> list[Exposed]:
    """Temporary access in every 43rd of `count` VPCs, beginning with the second."""
    text = "tcp/8000 from 198.51.100.7/32 until 12:30:00Z (run acme, api-access)"
    return [Exposed(account_of(place), f"sg-{place:04x}", text) for place in range(1, count, 43)]


def account_of(place: int, accounts: int = 1) -> str:
    return f"acct-{place % accounts:02}"


def mesh(count: int) -> Federation:
    """`count` VPCs in two clouds, each linked to each; two of them peered, too."""
    networks = [network(n, account="AB"[n % 2], cloud=("aws", "azure")[n % 2]) for n in range(count)]
    networks[0] = replace(networks[0], peerings=(Peering("pcx-1", networks[2].id),))
    machines = {each.id: router(n, each) for n, each in enumerate(networks)}
    for one in range(count):
        for other in range(one + 1, count):
            first, second = networks[one].id, networks[other].id
            left, right = joined(machines[first], machines[second], up=(one, other) != (0, 1))
            assert isinstance(right, Router)
            machines[first], machines[second] = left, right
    return Federation(tuple(networks), tuple(machines.values()))
