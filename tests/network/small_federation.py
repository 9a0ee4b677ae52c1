"""A federation as the jobs build it, as plain values: a VPC on AWS, two hubs on Azure, a datacentre."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from trunkline.network.model import (
    Federation,
    Filter,
    Interface,
    Network,
    Permission,
    Route,
    Router,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Subnet,
    Tunnel,
)

ON_PREM, VPC, HUBS = "10.0.0.0/16", "10.1.0.0/16", "10.254.0.0/24"
GATEWAY, ROUTER, HUB1, HUB2 = "203.0.113.1", "198.51.100.10", "198.51.100.21", "198.51.100.22"
DEFAULTS = (
    Permission("in", "any", 0, 65535, "VirtualNetwork", "allow", 65000, "VirtualNetwork"),
    Permission("in", "any", 0, 65535, "AzureLoadBalancer", "allow", 65001),
    Permission("in", "any", 0, 65535, "0.0.0.0/0", "deny", 65500),
    Permission("out", "any", 0, 65535, "VirtualNetwork", "allow", 65000, "VirtualNetwork"),
    Permission("out", "any", 0, 65535, "Internet", "allow", 65001),
    Permission("out", "any", 0, 65535, "0.0.0.0/0", "deny", 65500),
)
OUT = Permission("out", "any", 0, 65535, "0.0.0.0/0")


def ike(peer: str, priority: int = 0) -> tuple[Permission, ...]:
    return tuple(
        Permission("in", "udp", port, port, f"{peer}/32", "allow", priority + port % 7 if priority else 0)
        for port in (500, 4500)
    )


def vpc(name: str = "acme", account: str = "A", block: str = VPC, router: str = ROUTER) -> Network:
    """A VPC as connect-vpc makes it: ids end in its name."""
    head = block.removesuffix(".0.0/16")
    return Network(
        id=f"vpc-{name}",
        name=f"{name}-vpc",
        cloud="aws",
        account=account,
        cidrs=(block,),
        subnets=(
            Subnet(f"subnet-router-{name}", f"{name}-router", f"{head}.0.0/24", "a"),
            Subnet(f"subnet-app1-{name}", f"{name}-app-1", f"{head}.1.0/24", "a"),
            Subnet(f"subnet-app2-{name}", f"{name}-app-2", f"{head}.2.0/24", "b"),
        ),
        route_tables=(
            RouteTable(
                f"rtb-router-{name}",
                (Route(block, "local"), Route(f"{HUB1}/32", "internet"), Route(f"{HUB2}/32", "internet")),
                (f"subnet-router-{name}",),
            ),
            RouteTable(
                f"rtb-app-{name}",
                (Route(block, "local"), Route(ON_PREM, f"eni-router-{name}")),
                (f"subnet-app1-{name}", f"subnet-app2-{name}"),
            ),
        ),
        rule_sets=(
            RuleSet(
                f"sg-router-{name}",
                "router",
                (
                    *ike(HUB1),
                    *ike(HUB2),
                    Permission("in", "any", 0, 65535, f"{head}.1.0/24"),
                    Permission("in", "any", 0, 65535, f"{head}.2.0/24"),
                    OUT,
                ),
            ),
            RuleSet(
                f"sg-app-{name}",
                "app",
                (
                    Permission("in", "tcp", 443, 443, "10.0.0.0/8"),
                    Permission("in", "icmp", 0, 65535, "10.0.0.0/8"),
                    OUT,
                ),
            ),
        ),
        interfaces=(
            Interface(
                f"eni-router-{name}",
                f"subnet-router-{name}",
                f"{head}.0.10",
                router,
                (f"sg-router-{name}",),
                True,
                f"i-{name}",
            ),
            Interface(
                f"eni-app-{name}", f"subnet-app1-{name}", f"{head}.1.10", None, (f"sg-app-{name}",), name=f"{name}-web"
            ),
        ),
    )


def hub_network(served: tuple[tuple[str, str], ...] = ((VPC, ROUTER),)) -> Network:
    """The federation's network; `served`: each VPC's block and its router's public address."""
    rules: list[Permission] = []
    for place, address in enumerate((GATEWAY, *(router for _, router in served))):
        rules += ike(address, 200 + 10 * place)
    return Network(
        id="/subs/s/virtualNetworks/hubs",
        name="hubs",
        cloud="azure",
        account="B",
        cidrs=(HUBS,),
        subnets=tuple(Subnet(f"/x/subnets/zone{n}", f"zone{n}", f"10.254.0.{16 * (n - 1)}/28") for n in (1, 2)),
        route_tables=tuple(
            RouteTable(
                f"/x/routeTables/rt{n}",
                (
                    Route("0.0.0.0/0", "internet"),
                    *(Route(block, f"10.254.0.{16 * (n - 1) + 10}") for block, _ in served),
                    Route(HUBS, "local"),
                ),
                (f"/x/subnets/zone{n}",),
            )
            for n in (1, 2)
        ),
        rule_sets=(RuleSet("/x/nsgs/routers", "routers", (*rules, *DEFAULTS)),),
        interfaces=tuple(
            Interface(
                f"/x/nics/hub{n}",
                f"/x/subnets/zone{n}",
                f"10.254.0.{16 * (n - 1) + 10}",
                address,
                ("/x/nsgs/routers",),
                True,
                f"/x/vms/hub{n}",
                f"hub{n}",
            )
            for n, address in ((1, HUB1), (2, HUB2))
        ),
    )


def inside(number: int, name: str, peer: str) -> Tunnel:
    """A route-based tunnel that is up."""
    return Tunnel(str(number), name, peer, inside=f"{IPv4Address('169.254.0.0') + 4 * number + 1}/30", up=True)


def both_ways(one: str, other: str) -> tuple[Filter, ...]:
    return Filter(one, other), Filter(other, one)


def vpc_router(name: str = "acme", block: str = VPC, address: str = ROUTER) -> Router:
    return Router(
        id=f"i-{name}",
        name=f"{name}-router",
        network=f"vpc-{name}",
        interface=f"eni-router-{name}",
        private_address=f"{block.removesuffix('.0.0/16')}.0.10",
        public_address=address,
        tunnels=(inside(1, "to hub-1", HUB1), inside(2, "to hub-2", HUB2)),
        routes=(RouterRoute(ON_PREM, "1"), RouterRoute(ON_PREM, "2")),
        filters=both_ways(ON_PREM, block),
        forwards=False,
    )


def hub(zone: int, served: tuple[tuple[str, str, str], ...] = (("acme", VPC, ROUTER),)) -> Router:
    return Router(
        id=f"/x/vms/hub{zone}",
        name=f"hub-{zone}",
        network="/subs/s/virtualNetworks/hubs",
        interface=f"/x/nics/hub{zone}",
        private_address=f"10.254.0.{16 * (zone - 1) + 10}",
        public_address=(HUB1, HUB2)[zone - 1],
        tunnels=(
            inside(1, "to datacentre", GATEWAY),
            *(inside(n, f"to {name}-router", address) for n, (name, _, address) in enumerate(served, 2)),
        ),
        routes=(RouterRoute(ON_PREM, "1"), *(RouterRoute(block, str(n)) for n, (_, block, _) in enumerate(served, 2))),
        filters=tuple(each for _, block, _ in served for each in both_ways(ON_PREM, block)),
        forwards=False,
    )


def job() -> Federation:
    """What the two jobs make."""
    return Federation(
        (vpc(), hub_network()), (vpc_router(), hub(1), hub(2)), (Site("datacentre", GATEWAY, (ON_PREM,)),)
    )


def many(count: int) -> Federation:
    """The same with `count` VPCs, in 10.1/16 and up; past 10.253/16 in 11/8, 12/8, ..."""
    served = []
    for n in range(count):
        block = f"{10 + n // 250}.{1 + n % 250}.0.0/16"
        served.append((f"n{n}", block, f"198.18.{n // 250}.{n % 250}"))
    pairs = tuple((block, address) for _, block, address in served)
    return Federation(
        (*(vpc(name, "A", block, address) for name, block, address in served), hub_network(pairs)),
        (
            *(vpc_router(name, block, address) for name, block, address in served),
            hub(1, tuple(served)),
            hub(2, tuple(served)),
        ),
        (Site("datacentre", GATEWAY, (ON_PREM,)),),
    )


def network(federation: Federation, identifier: str, **changes: Any) -> Federation:
    """The federation with one network changed."""
    return replace(
        federation,
        networks=tuple(replace(each, **changes) if each.id == identifier else each for each in federation.networks),
    )


def router(federation: Federation, name: str, **changes: Any) -> Federation:
    """The federation with one router changed."""
    return replace(
        federation,
        routers=tuple(replace(each, **changes) if each.name == name else each for each in federation.routers),
    )
