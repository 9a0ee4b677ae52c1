"""Small federations, one change a row: what is configured, and what the trace says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from small_federation import (
    DEFAULTS,
    GATEWAY,
    HUB1,
    HUB2,
    HUBS,
    ON_PREM,
    OUT,
    ROUTER,
    VPC,
    both_ways,
    hub,
    hub_network,
    ike,
    job,
    network,
    router,
    vpc,
    vpc_router,
)

from trunkline.network.model import (
    Federation,
    Filter,
    Network,
    Permission,
    Route,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Tunnel,
)
from trunkline.network.reachability import trace

APP, HOST, SITE = "10.1.1.10", "acme-web", "datacentre"
APP_TABLE, ROUTER_TABLE = "rtb-app-acme", "rtb-router-acme"
NSG = "/x/nsgs/routers"


def routed(table: str, *routes: Route, within: Network | None = None) -> tuple[RouteTable, ...]:
    """The tables of a network, this one with other routes beside "local"."""
    tables = (within or vpc()).route_tables
    return tuple(replace(t, routes=(Route(VPC, "local"), *routes)) if t.id == table else t for t in tables)


def vpc_with(**changes: object) -> Federation:
    return network(job(), "vpc-acme", **changes)


def interface(identifier: str, **changes: object) -> Federation:
    """The job with one interface of the VPC changed."""
    return vpc_with(
        interfaces=tuple(replace(each, **changes) if each.id == identifier else each for each in vpc().interfaces)  # type: ignore[arg-type]
    )


def group(identifier: str, *permissions: Permission) -> Federation:
    """The job with one group of the VPC's holding these rules."""
    return vpc_with(
        rule_sets=tuple(
            replace(each, permissions=permissions) if each.id == identifier else each for each in vpc().rule_sets
        )
    )


def without_ike(permissions: tuple[Permission, ...], peer: str, port: int) -> tuple[Permission, ...]:
    return tuple(each for each in permissions if (each.peer, each.first_port) != (f"{peer}/32", port))


def nsg(*permissions: Permission) -> Federation:
    return network(job(), hub_network().id, rule_sets=(RuleSet(NSG, "routers", permissions),))


def tunnels(name: str, *changed: Tunnel) -> Federation:
    return router(job(), name, tunnels=changed)


def down(tunnel: Tunnel, reason: str = "") -> Tunnel:
    return replace(tunnel, up=False, reason=reason)


def acl(*permissions: Permission) -> Federation:
    """The job with a network ACL on the first application subnet."""
    there = vpc()
    subnets = tuple(replace(s, rule_sets=("acl-1",)) if "app1" in s.id else s for s in there.subnets)
    return vpc_with(subnets=subnets, rule_sets=(*there.rule_sets, RuleSet("acl-1", "", permissions, stateful=False)))


ANY_IN = Permission("in", "any", 0, 65535, "0.0.0.0/0", "allow", 100)
ANY_OUT = Permission("out", "any", 0, 65535, "0.0.0.0/0", "allow", 100)
UP = vpc_router().tunnels
TO_SITE = (RouterRoute(ON_PREM, "1"),)
DOWN_BOTH = tuple(down(each) for each in UP)


@dataclass
class Row:
    name: str
    federation: Federation
    expected: str  # what the summary contains
    source: str = HOST
    destination: str = SITE
    protocol: str = "tcp"
    port: int = 443


ROWS = [
    Row("all that the jobs make", job(), "10.1.1.10 -> 10.0.0.10 tcp/443: reachable"),
    Row("and the other way", job(), "10.0.0.10 -> 10.1.1.10 tcp/443: reachable", SITE, HOST),
    Row("icmp", job(), "10.1.1.10 -> 10.0.0.10 icmp: reachable", protocol="icmp"),
    Row("a host that is not there yet", job(), "10.1.2.99 -> 10.0.0.7 tcp/443: reachable", "10.1.2.99", "10.0.0.7"),
    # ── routes ──────────────────────────────────────────────────────────────────────────────────────────────────────
    Row(
        "no route down",
        vpc_with(route_tables=routed(APP_TABLE)),
        "10.1.1.10 -> 10.0.0.10 tcp/443: stopped in Account A, route table rtb-app-acme: no route for 10.0.0.0/16",
    ),
    Row(
        "no route down: the answer does not get back",
        vpc_with(route_tables=routed(APP_TABLE)),
        "10.0.0.10 -> 10.1.1.10 tcp/443: arrives, and its answer is stopped in Account A, route table rtb-app-acme: "
        "no route for 10.0.0.0/16",
        SITE,
        HOST,
    ),
    Row(
        "a subnet without a table",
        vpc_with(route_tables=()),
        "stopped in Account A, subnet subnet-app1-acme: it has no route table",
    ),
    Row(
        "the longest prefix wins, here the wrong one",
        vpc_with(
            route_tables=routed(APP_TABLE, Route(ON_PREM, "eni-router-acme"), Route("10.0.0.0/24", "eni-app-acme"))
        ),
        "stopped in Account A, interface eni-app-acme: its source/destination check takes no packet for others",
        "10.1.2.9",
    ),
    Row(
        "the longest prefix wins, here the right one",
        vpc_with(route_tables=routed(APP_TABLE, Route("0.0.0.0/0", "nat-1"), Route(ON_PREM, "eni-router-acme"))),
        "reachable",
    ),
    Row(
        "a black hole",
        vpc_with(route_tables=routed(APP_TABLE, Route(ON_PREM, "eni-router-acme", active=False))),
        "route table rtb-app-acme: 10.0.0.0/16 -> eni-router-acme, which is gone or stopped (a black hole)",
    ),
    Row(
        "a route to what trunkline does not follow",
        vpc_with(route_tables=routed(APP_TABLE, Route(ON_PREM, "tgw-1"))),
        "route table rtb-app-acme: 10.0.0.0/16 -> tgw-1: trunkline does not follow what that leads to",
    ),
    Row(
        "a route to nowhere",
        vpc_with(route_tables=routed(APP_TABLE, Route(ON_PREM, "none"))),
        "route table rtb-app-acme: 10.0.0.0/16 leads nowhere on purpose",
    ),
    Row(
        "a private address led to the internet",
        vpc_with(route_tables=routed(APP_TABLE, Route("0.0.0.0/0", "internet"))),
        "Account A, network acme-vpc: led to the internet, which does not carry 10.0.0.0/16",
    ),
    Row("no subnet", job(), "network acme-vpc: no subnet holds 10.1.9.9", HOST, "10.1.9.9"),
    # ── interfaces and groups ───────────────────────────────────────────────────────────────────────────────────────
    Row(
        "source/destination check on",
        interface("eni-router-acme", forwards=False),
        "Account A, interface eni-router-acme: its source/destination check takes no packet for others",
    ),
    Row(
        "source/destination check on, from on-prem",
        interface("eni-router-acme", forwards=False),
        "Account A, interface eni-router-acme: its source/destination check lets no packet of others out",
        SITE,
        HOST,
    ),
    Row(
        "a router that nobody read",
        replace(job(), routers=job().routers[1:]),
        "Account A, interface eni-router-acme: no router that trunkline knows stands there",
    ),
    Row(
        "the host's group has no rule out",
        group("sg-app-acme", Permission("in", "tcp", 443, 443, "10.0.0.0/8")),
        "Account A, group sg-app-acme: tcp/443 to 10.0.0.10 is not let out",
    ),
    Row(
        "but lets an answer out",
        group("sg-app-acme", Permission("in", "tcp", 443, 443, "10.0.0.0/8")),
        "reachable",
        SITE,
        HOST,
    ),
    Row(
        "the host's group has another port",
        job(),
        "10.0.0.10 -> 10.1.1.10 tcp/80: stopped in Account A, group sg-app-acme: tcp/80 from 10.0.0.10 is not let in",
        SITE,
        HOST,
        port=80,
    ),
    Row("another protocol", job(), "sg-app-acme: udp/443 from 10.0.0.10 is not let in", SITE, HOST, "udp"),
    Row(
        "ping, where only echo replies are let in",
        group("sg-app-acme", Permission("in", "icmp", 0, -1, "0.0.0.0/0"), OUT),
        "sg-app-acme: icmp from 10.0.0.10 is not let in",
        SITE,
        HOST,
        "icmp",
    ),
    Row(
        "ping, where echo is let in",
        group("sg-app-acme", Permission("in", "icmp", 8, -1, "0.0.0.0/0"), OUT),
        "reachable",
        SITE,
        HOST,
        "icmp",
    ),
    Row(
        "the router's group does not let the subnet in",
        group("sg-router-acme", *ike(HUB1), *ike(HUB2), OUT),
        "Account A, group sg-router-acme: tcp/443 from 10.1.1.10 is not let in",
    ),
    Row(
        "a group as a peer: a member",
        group("sg-app-acme", Permission("in", "tcp", 443, 443, "sg-router-acme"), OUT),
        "reachable",
        "acme-router",
        HOST,
    ),
    Row(
        "a group as a peer: no member",
        group("sg-app-acme", Permission("in", "tcp", 443, 443, "sg-router-acme"), OUT),
        "group sg-app-acme: tcp/443 from 10.1.2.10 is not let in",
        "10.1.2.10",
        HOST,
    ),
    Row(
        "a group that was not read",
        vpc_with(rule_sets=vpc().rule_sets[:1]),
        "Account A, group sg-app-acme: its rules were not read",
    ),
    Row(
        "one of two groups is enough",
        vpc_with(
            interfaces=(vpc().interfaces[0], replace(vpc().interfaces[1], rule_sets=("sg-shut", "sg-app-acme"))),
            rule_sets=(*vpc().rule_sets, RuleSet("sg-shut", "")),
        ),
        "reachable",
    ),
    Row(
        "none of two groups",
        vpc_with(
            interfaces=(vpc().interfaces[0], replace(vpc().interfaces[1], rule_sets=("sg-shut", "sg-none"))),
            rule_sets=(vpc().rule_sets[0], RuleSet("sg-shut", ""), RuleSet("sg-none", "")),
        ),
        "group sg-shut: tcp/443 to 10.0.0.10 is not let out (nor by sg-none)",
    ),
    # ── network ACLs ────────────────────────────────────────────────────────────────────────────────────────────────
    Row("an ACL that lets all pass", acl(ANY_IN, ANY_OUT), "reachable"),
    Row("an ACL without a rule out", acl(ANY_IN), "network ACL acl-1: tcp/443 to 10.0.0.10 is not let out"),
    Row(
        "an ACL keeps no state: the answer's port is shut",
        acl(ANY_OUT, Permission("in", "tcp", 443, 443, "0.0.0.0/0", "allow", 100)),
        "arrives, and its answer is stopped in Account A, network ACL acl-1: tcp/49152 from 10.0.0.10 is not let in",
    ),
    Row(
        "an ACL denies by its lowest number",
        acl(ANY_IN, Permission("out", "tcp", 443, 443, ON_PREM, "deny", 90), ANY_OUT),
        "network ACL acl-1: tcp/443 to 10.0.0.10 is not let out; rule 90 denies it",
    ),
    Row(
        "an ACL that denies by a higher number than lets pass",
        acl(ANY_IN, Permission("out", "tcp", 443, 443, ON_PREM, "deny", 110), ANY_OUT),
        "reachable",
    ),
    Row("an ACL does not count within its subnet", acl(), "reachable", "10.1.1.99", HOST),
    # ── Azure ───────────────────────────────────────────────────────────────────────────────────────────────────────
    Row(
        "no route up: the federation's network sends it to the internet",
        network(
            job(),
            hub_network().id,
            route_tables=tuple(
                replace(t, routes=(Route("0.0.0.0/0", "internet"), Route(HUBS, "local")))
                for t in hub_network().route_tables
            ),
        ),
        "Account B, network hubs: led to the internet, which does not carry 10.1.0.0/16",
        "zone1",
        HOST,
    ),
    Row(
        "the tag VirtualNetwork covers what the subnet's own routes lead on",
        router(job(), "hub-1", forwards=True),
        "stopped in router acme-router: its firewall has no rule that lets 10.254.0.11 -> 10.1.1.10 pass",
        "zone1",
        HOST,
    ),
    Row(
        "an NSG denies by priority",
        nsg(Permission("in", "tcp", 443, 443, "0.0.0.0/0", "deny", 100), *DEFAULTS),
        "Account B, group routers: tcp/443 from 10.254.0.11 is not let in; rule 100 denies it",
        "zone1",
        "hub-1",
    ),
    Row(
        "the default rules let a network's own in",
        job(),
        "10.254.0.11 -> 10.254.0.10 tcp/443: reachable",
        "zone1",
        "hub-1",
    ),
    Row(
        "the default rules keep the internet out",
        job(),
        "10.1.0.10 -> 198.51.100.21 tcp/443: stopped in Account B, group routers: tcp/443 from 198.51.100.10",
        "acme-router",
        HUB1,
    ),
    Row(
        "both the subnet's NSG and the interface's are asked",
        network(
            job(),
            hub_network().id,
            subnets=tuple(replace(each, rule_sets=("/x/nsgs/subnet",)) for each in hub_network().subnets),
            rule_sets=(*hub_network().rule_sets, RuleSet("/x/nsgs/subnet", "", DEFAULTS[3:])),
        ),
        "Account B, group subnet: tcp/443 from 10.254.0.11 is not let in",
        "zone1",
        "hub-1",
    ),
    # ── routers ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Row(
        "the router's firewall has no rule",
        router(job(), "acme-router", filters=()),
        "stopped in router acme-router: its firewall has no rule that lets 10.1.1.10 -> 10.0.0.10 pass",
    ),
    Row(
        "a hub's firewall has no rule",
        router(job(), "hub-1", filters=()),
        "stopped in router hub-1: its firewall has no rule that lets 10.1.1.10 -> 10.0.0.10 pass",
    ),
    Row(
        "the firewall's first match decides",
        router(job(), "hub-1", filters=(Filter(VPC, ON_PREM, "tcp", 443, 443, "deny"), *both_ways(VPC, ON_PREM))),
        "stopped in router hub-1: firewall rule 1 (10.1.0.0/16 -> 10.0.0.0/16) stops it",
    ),
    Row(
        "the firewall's rule for another port",
        router(job(), "hub-1", filters=(Filter(VPC, ON_PREM, "tcp", 22, 22, "deny"), *both_ways(VPC, ON_PREM))),
        "reachable",
    ),
    Row(
        "the firewall keeps no state",
        router(job(), "hub-1", filters=(Filter(VPC, ON_PREM),)),
        "arrives, and its answer is stopped in router hub-1: its firewall has no rule that lets 10.0.0.10 -> 10.1.1.10",
    ),
    Row(
        "a firewall that lets pass what no rule stops",
        router(job(), "hub-1", filters=(), forwards=True),
        "reachable",
    ),
    Row(
        "the router has no route into a tunnel",
        router(job(), "acme-router", routes=()),
        "stopped in router acme-router: no route of its own for 10.0.0.0/16; out of its interface it is stopped in "
        "Account A, route table rtb-router-acme: no route for 10.0.0.0/16",
    ),
    Row(
        "a hub has no route back",
        router(
            router(job(), "hub-1", routes=(RouterRoute(ON_PREM, "1"),)), "hub-2", routes=(RouterRoute(ON_PREM, "1"),)
        ),
        "arrives, and its answer is stopped in router hub-1: no route of its own for 10.1.0.0/16; out of its interface "
        "it is stopped in Account B, group routers: tcp/49152 to 10.1.1.10 is not let out; rule 65500 denies it",
    ),
    Row(
        "a router that does not run",
        router(job(), "acme-router", running=False),
        "stopped in router acme-router: its machine does not run",
    ),
    Row(
        "a router whose tables were not read",
        router(job(), "acme-router", unread="not read: its API is shut; open it for a minute with --open"),
        "stopped in router acme-router: not read: its API is shut; open it for a minute with --open",
    ),
    Row(
        "a route to a tunnel that is not there",
        router(job(), "acme-router", routes=(RouterRoute(ON_PREM, "7"),)),
        "stopped in router acme-router: 10.0.0.0/16 -> tunnel 7: there is no such tunnel",
    ),
    Row(
        "of two routes the lower metric is taken",
        router(job(), "acme-router", routes=(RouterRoute(ON_PREM, "7", metric=0), RouterRoute(ON_PREM, "2", metric=5))),
        "reachable",
    ),
    Row(
        "a route learned by BGP, with its gateway in the tunnel",
        router(
            job(),
            "acme-router",
            tunnels=(replace(UP[0], inside="169.254.1.1/30"),),
            routes=(RouterRoute(ON_PREM, gateway="169.254.1.2", learned=True),),
        ),
        "reachable",
    ),
    Row(
        "a route into a tunnel that is down is none: the shorter prefix leads on",
        router(
            job(),
            "acme-router",
            tunnels=(down(UP[0]), UP[1]),
            routes=(RouterRoute("10.0.0.0/24", "1"), RouterRoute("10.0.0.0/17", "2")),
        ),
        "reachable",
    ),
    Row(
        "what lies in the router's own subnet stays there",
        router(job(), "acme-router", routes=(RouterRoute("10.0.0.0/8", "1"),)),
        "10.1.0.10 -> 10.1.0.11 tcp/443: reachable",
        "acme-router",
        "10.1.0.11",
    ),
    Row(
        "a policy-based tunnel takes what it protects, whatever the routes say",
        router(
            job(),
            "acme-router",
            tunnels=(UP[0], replace(UP[1], inside=None, local=("10.9.0.0/16",), remote=("10.0.0.0/16",))),
            routes=TO_SITE,
        ),
        "router acme-router: tunnel to hub-2: 10.1.1.10 is outside of its selectors (10.9.0.0/16)",
    ),
    Row(
        "a policy-based tunnel needs no route",
        router(
            job(), "acme-router", tunnels=(replace(UP[0], inside=None, local=(VPC,), remote=(ON_PREM,)),), routes=()
        ),
        "reachable",
    ),
    Row(
        "a default route of the router's own hides no tunnel that is down",
        router(
            job(),
            "acme-router",
            tunnels=DOWN_BOTH,
            routes=(RouterRoute("0.0.0.0/0"), *vpc_router().routes),
        ),
        "router acme-router: 10.0.0.0/16 -> tunnel to hub-1: it is down, though IKE's ports are open",
    ),
    Row(
        "in circles",
        router(
            router(job(), "hub-1", routes=(RouterRoute("10.0.0.0/8", "2"),)),
            "acme-router",
            routes=(RouterRoute(ON_PREM, "1"),),
        ),
        "stopped in router acme-router: the packet comes here again: it goes round in circles",
    ),
    # ── tunnels ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Row(
        "outside of the selectors",
        tunnels("acme-router", replace(UP[0], remote=("10.9.0.0/16",)), down(UP[1])),
        "router acme-router: tunnel to hub-1: 10.0.0.10 is outside of its selectors (10.9.0.0/16)",
    ),
    Row(
        "outside of the other end's selectors",
        router(job(), "hub-1", tunnels=(hub(1).tunnels[0], replace(hub(1).tunnels[1], remote=("10.9.0.0/16",)))),
        "router hub-1: tunnel to acme-router: 10.1.1.10 is outside of its selectors (10.9.0.0/16)",
    ),
    Row(
        "both tunnels down, for no reason that can be seen",
        tunnels("acme-router", *DOWN_BOTH),
        "router acme-router: 10.0.0.0/16 -> tunnel to hub-1: it is down, though IKE's ports are open",
    ),
    Row(
        "down, and the router says why",
        tunnels("acme-router", down(UP[0], "no common phase 1 proposal"), down(UP[1])),
        "10.0.0.0/16 -> tunnel to hub-1: no common phase 1 proposal",
    ),
    Row(
        "the other end is not configured",
        router(router(job(), "hub-1", tunnels=hub(1).tunnels[:1]), "hub-2", tunnels=hub(2).tunnels[:1]),
        "router acme-router: 10.0.0.0/16 -> tunnel to hub-1: router hub-1 has no tunnel back to 198.51.100.10",
    ),
    Row(
        "only the other end is down",
        router(
            router(job(), "hub-1", tunnels=(hub(1).tunnels[0], down(hub(1).tunnels[1], "asleep"))),
            "hub-2",
            tunnels=(hub(2).tunnels[0], down(hub(2).tunnels[1])),
        ),
        "10.0.0.0/16 -> tunnel to hub-1: its other end at router hub-1 is down: asleep",
    ),
    Row(
        "nobody has the other end's address",
        tunnels("acme-router", replace(UP[0], peer="192.0.2.1"), replace(UP[1], peer="192.0.2.2")),
        "nobody in the picture has its other end's address 192.0.2.1",
    ),
    Row(
        "the other end's machine does not run",
        router(router(job(), "hub-1", running=False), "hub-2", running=False),
        "the machine of its other end, router hub-1, does not run",
    ),
    Row(
        "IKE is shut at the VPC's router",
        router(
            group("sg-router-acme", *without_ike(vpc().rule_sets[0].permissions, HUB1, 500)),
            "acme-router",
            tunnels=DOWN_BOTH,
        ),
        "tunnel to hub-1: udp/500 from 198.51.100.21 is closed at acme-router (group sg-router-acme)",
    ),
    Row(
        "IKE's NAT traversal is shut at the hubs",
        router(
            nsg(*without_ike(hub_network().rule_sets[0].permissions, ROUTER, 4500)), "acme-router", tunnels=DOWN_BOTH
        ),
        "tunnel to hub-1: udp/4500 from 198.51.100.10 is closed at hub-1 (group routers)",
    ),
    Row(
        "the router has no way to the hubs",
        router(vpc_with(route_tables=routed(ROUTER_TABLE)), "acme-router", tunnels=DOWN_BOTH),
        "tunnel to hub-1: acme-router has no way to 198.51.100.21 (route table rtb-router-acme)",
    ),
    Row(
        "the site's tunnels are down",
        router(
            router(job(), "hub-1", tunnels=(down(hub(1).tunnels[0]), hub(1).tunnels[1])),
            "hub-2",
            tunnels=(down(hub(2).tunnels[0]), hub(2).tunnels[1]),
        ),
        "10.0.0.10 -> 10.1.1.10 tcp/443: stopped in site datacentre: its tunnels to hub-1, hub-2 are down",
        SITE,
        HOST,
    ),
    Row(
        "no router has a tunnel to the site",
        router(router(job(), "hub-1", tunnels=hub(1).tunnels[1:]), "hub-2", tunnels=hub(2).tunnels[1:]),
        "stopped in site datacentre: no router has a tunnel to it",
        SITE,
        HOST,
    ),
    Row(
        "one hub is enough",
        tunnels("acme-router", down(UP[0]), UP[1]),
        "reachable",
    ),
    Row(
        "a site that has not got the address",
        router(job(), "acme-router", routes=(RouterRoute("10.0.0.0/8", "1"),))
        and replace(
            job(), sites=(Site(SITE, GATEWAY, ("10.0.5.0/24",)), Site("other", "203.0.113.9", ("10.0.0.0/24",)))
        ),
        "stopped in site datacentre: 10.0.0.10 is not behind it (10.0.5.0/24); whether it leads on is not seen",
        HOST,
        "10.0.0.10",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows(row: Row) -> None:
    answer = trace(row.federation, row.source, row.destination, row.protocol, row.port)
    assert row.expected in answer.summary, str(answer)
    assert answer.reachable == (": reachable" in answer.summary)
