"""What a trace says beside its verdict: the path, other ways, answers that come another way, names, overlaps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_federation import (
    GATEWAY,
    HUB2,
    ON_PREM,
    OUT,
    VPC,
    hub,
    hub_network,
    ike,
    job,
    network,
    router,
    vpc,
    vpc_router,
)

from trunkline._core.errors import Error
from trunkline.network.model import (
    Federation,
    Interface,
    Network,
    Peering,
    Permission,
    Route,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Subnet,
)
from trunkline.network.reachability import Reachability, UnknownEnd, trace

APP, HOST, SITE = "10.1.1.10", "acme-web", "datacentre"
APP_TABLE = "rtb-app-acme"
OPEN = (RuleSet("/x/nsgs/routers", "routers", (Permission("in", "any", 0, 65535, "0.0.0.0/0"), OUT)),)
UP = vpc_router().tunnels
TO_SITE = (RouterRoute(ON_PREM, "1"),)


def test_the_path_is_told_hop_by_hop_with_what_carries_it() -> None:
    answer = trace(job(), HOST, SITE)
    assert [(hop.kind, hop.id) for hop in answer.there.hops] == [
        ("group", "sg-app-acme"),
        ("route table", APP_TABLE),
        ("group", "sg-router-acme"),
        ("interface", "eni-router-acme"),
        ("filter", "i-acme"),
        ("route", "1"),
        ("tunnel", "1"),
        ("filter", "/x/vms/hub1"),
        ("route", "1"),
        ("tunnel", "1"),
        ("site", "datacentre"),
    ]
    assert answer.back is not None
    assert [hop.kind for hop in answer.back.hops] == [
        "site", "filter", "route", "tunnel", "filter", "route", "route table", "interface"
    ]  # fmt: skip
    assert str(answer).splitlines()[2] == "  Account A, route table rtb-app-acme: 10.0.0.0/16 -> eni-router-acme"


def test_other_ways_that_are_as_good_are_noted_and_walked() -> None:
    shut = trace(router(job(), "hub-2", filters=()), HOST, SITE)
    assert shut.reachable
    assert "from router acme-router by tunnel to hub-2: by that it would be stopped in router hub-2" in str(shut)
    assert "from datacentre by router hub-2: by that it would be stopped in router hub-2" in str(shut)
    taken = trace(router(job(), "hub-1", filters=()), HOST, SITE)
    assert not taken.reachable
    assert "from router acme-router by tunnel to hub-2: by that it would arrive" in str(taken)


def test_an_answer_that_comes_another_way_is_noted() -> None:
    one_way = router(
        network(job(), hub_network().id, rule_sets=OPEN),
        "hub-1",
        tunnels=(replace(hub(1).tunnels[0], up=False), hub(1).tunnels[1]),
    )
    only_first = router(one_way, "hub-1", routes=(RouterRoute(VPC, "2"), RouterRoute(ON_PREM, gateway="10.254.0.26")))
    answer = trace(only_first, HOST, SITE)
    assert (
        "the answer comes another way: there by acme-router, hub-1, hub-2, back by hub-2, acme-router" in answer.notes
    )


def test_a_stateful_group_that_did_not_see_the_connection_stops_the_answer() -> None:
    """Out by one router and back by another, whose group lets nothing in or out by itself."""
    there = vpc()
    second = Interface("eni-second", "subnet-router-acme", "10.1.0.20", "198.51.100.11", ("sg-second",), True, "i-2")
    other = replace(
        vpc_router(),
        id="i-2",
        name="second",
        interface="eni-second",
        private_address="10.1.0.20",
        public_address="198.51.100.11",
        tunnels=(replace(UP[1], id="1"),),
        routes=TO_SITE,
    )
    answering = replace(
        hub(2), tunnels=(hub(2).tunnels[0], replace(hub(2).tunnels[1], peer="198.51.100.11")), routes=hub(2).routes
    )
    federation = Federation(
        (
            replace(
                there,
                interfaces=(*there.interfaces, second),
                rule_sets=(*there.rule_sets, RuleSet("sg-second", "", ike(HUB2))),
            ),
            replace(hub_network(), rule_sets=OPEN),
        ),
        (
            replace(vpc_router(), routes=TO_SITE, tunnels=UP[:1]),
            other,
            replace(hub(1), routes=(RouterRoute(ON_PREM, gateway="10.254.0.26"), RouterRoute(VPC, "2"))),
            answering,
        ),
        job().sites,
    )
    answer = trace(federation, HOST, SITE)
    assert answer.there.arrives
    assert answer.summary.endswith(
        "and its answer is stopped in Account A, group sg-second: tcp/49152 to 10.1.1.10 is not let out; "
        "the way there did not pass here, so this is no answer to it"
    ), str(answer)


def peered(*, back: bool = True, active: bool = True) -> Federation:
    """Three VPCs in a row: one is peered with two, two with three; one's routes lead to two for all."""

    def one(number: int, *peerings: tuple[int, str]) -> Network:
        block = f"10.{number}.0.0/16"
        routes = [Route(block, "local"), *(Route(prefix, f"pcx-{number}{other}") for other, prefix in peerings)]
        return Network(
            f"vpc-{number}",
            f"net{number}",
            "aws",
            "A",
            (block,),
            (Subnet(f"subnet-{number}", f"sub{number}", f"10.{number}.1.0/24"),),
            (RouteTable(f"rtb-{number}", tuple(routes), (f"subnet-{number}",)),),
            peerings=tuple(Peering(f"pcx-{number}{other}", f"vpc-{other}", active) for other, _ in peerings),
        )

    first = one(1, (2, "10.0.0.0/8"))
    second = one(2, *([(1, "10.1.0.0/16")] if back else []), (3, "10.3.0.0/16"))
    return Federation((first, second, one(3, (2, "10.0.0.0/8"))))


@pytest.mark.parametrize(
    ("federation", "destination", "expected"),
    [
        (peered(), "net2", "10.1.1.10 -> 10.2.1.10 tcp/443: reachable"),
        (
            peered(back=False),
            "net2",
            "arrives, and its answer is stopped in Account A, route table rtb-2: no route for 10.1.0.0/16",
        ),
        (peered(active=False), "net2", "stopped in Account A, peering pcx-12: it is not active"),
        (
            peered(),
            "net3",
            "Account A, peering pcx-12: 10.3.1.10 is not in A/net2, and a peering leads no further",
        ),
        (
            replace(peered(), networks=peered().networks[::2]),
            "10.3.1.10",
            "Account A, peering pcx-12: the network it leads to was not read",
        ),
    ],
)
def test_peerings(federation: Federation, destination: str, expected: str) -> None:
    assert expected in trace(federation, "net1", destination).summary


def public(**changes: object) -> Federation:
    """Two VPCs with an internet gateway each, and a host in each."""

    def one(number: int, **changes: object) -> Network:
        host = Interface(
            f"eni-{number}", f"subnet-{number}", f"10.{number}.1.5", f"198.51.100.{number}", (f"sg-{number}",)
        )
        return Network(
            f"vpc-{number}",
            f"net{number}",
            "aws",
            "A",
            (f"10.{number}.0.0/16",),
            (Subnet(f"subnet-{number}", f"sub{number}", f"10.{number}.1.0/24"),),
            (
                RouteTable(
                    f"rtb-{number}",
                    (Route(f"10.{number}.0.0/16", "local"), Route("0.0.0.0/0", "internet")),
                    (f"subnet-{number}",),
                ),
            ),
            (RuleSet(f"sg-{number}", "", (Permission("in", "tcp", 443, 443, "198.51.100.1/32"), OUT)),),
            (replace(host, **changes),),  # type: ignore[arg-type]
        )

    return Federation((one(1, **changes), one(2)))


@pytest.mark.parametrize(
    ("federation", "source", "destination", "expected"),
    [
        (public(), "eni-1", "198.51.100.2", "10.1.1.5 -> 198.51.100.2 tcp/443: reachable"),
        (public(), "eni-2", "198.51.100.1", "group sg-1: tcp/443 from 198.51.100.2 is not let in"),
        (
            public(public_address=None),
            "eni-1",
            "198.51.100.2",
            "led to the internet, and 10.1.1.5 has no public",
        ),
        (
            public(),
            "10.1.1.77",
            "198.51.100.2",
            "led to the internet, and 10.1.1.77 has no public address",
        ),
        (public(), "eni-1", "10.2.1.5", "network net1: led to the internet, which does not carry 10.2.0.0/16"),
        (public(), "eni-1", "8.8.8.8", "10.1.1.5 -> 8.8.8.8 tcp/443: reachable"),
    ],
)
def test_the_internet(federation: Federation, source: str, destination: str, expected: str) -> None:
    assert expected in trace(federation, source, destination).summary


def test_what_the_internet_does_is_said_to_be_unseen() -> None:
    assert trace(public(), "eni-1", "8.8.8.8").notes == ("what happens on the internet is not seen",)


def twins() -> Federation:
    """Two VPCs with the same block, in accounts A and B; only A's is joined to the federation."""
    return replace(job(), networks=(*job().networks, replace(vpc(), account="C", name="twin", id="vpc-twin")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (APP, "10.1.1.10 is not one end: A/acme-vpc:10.1.1.10, C/twin:10.1.1.10"),
        ("192.168.7.7", "192.168.7.7: nothing in the federation has this address"),
        ("nobody", "nobody: nothing in the federation has this name"),
        ("D/none:10.1.1.10", "D/none:10.1.1.10: nothing in the federation has this name"),
    ],
)
def test_ends_that_cannot_be_told(name: str, expected: str) -> None:
    with pytest.raises(UnknownEnd) as raised:
        trace(twins(), name, SITE)
    assert str(raised.value) == expected
    assert raised.value.hint


@pytest.mark.parametrize(
    "name",
    [APP, HOST, "eni-app-acme", "A/acme-vpc:10.1.1.10", "acme-vpc:10.1.1.10", "vpc-acme:10.1.1.10"],
)
def test_one_end_has_many_names(name: str) -> None:
    assert trace(job(), name, SITE).there == trace(job(), HOST, SITE).there


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("subnet-app2-acme", "10.1.2.10"),
        ("acme-vpc", "10.1.1.11"),
        ("acme-router", "10.1.0.10"),
        ("i-acme", "10.1.0.10"),
        ("hub1", "10.254.0.10"),
        (SITE, "10.0.0.10"),
        ("datacentre:10.0.3.4", "10.0.3.4"),
    ],
)
def test_what_a_name_stands_for(name: str, address: str) -> None:
    assert str(Reachability(job()).find(name)) == address


def test_overlapping_prefixes_are_noted() -> None:
    answer = trace(twins(), "A/acme-vpc:10.1.1.10", SITE)
    assert answer.reachable
    assert "10.1.1.10 lies where 10.1.0.0/16 of A/acme-vpc and 10.1.0.0/16 of C/twin overlap" in answer.notes


def test_an_address_within_that_overlaps_one_on_prem_never_gets_there() -> None:
    federation = replace(job(), sites=(Site(SITE, GATEWAY, (ON_PREM, "10.1.0.0/16")),))
    answer = trace(federation, HOST, "datacentre:10.1.2.10")
    assert answer.summary.endswith("arrives, and that is not the one of site datacentre: their prefixes overlap")


@pytest.mark.parametrize(
    ("source", "destination", "protocol", "port", "expected"),
    [
        (HOST, SITE, "sctp", 1, "protocol='sctp' is not known"),
        (HOST, SITE, "tcp", 0, "port=0 is no port"),
        (HOST, SITE, "udp", 65536, "port=65536 is no port"),
        (HOST, APP, "tcp", 443, "acme-web and 10.1.1.10 are one and the same"),
        ("8.8.8.8", HOST, "tcp", 443, "8.8.8.8 is no place to start from"),
    ],
)
def test_questions_that_make_no_sense(source: str, destination: str, protocol: str, port: int, expected: str) -> None:
    with pytest.raises(Error, match=expected):
        trace(job(), source, destination, protocol, port)


def test_an_answer_that_another_with_the_callers_prefix_gets_is_none() -> None:
    """Two VPCs are peered; the answer's route leads to on-prem, where the caller's prefix is in use, too."""
    block, address = "10.2.0.0/16", "198.51.100.32"
    one, two = vpc("one", block=ON_PREM, router="198.51.100.31"), vpc("two", block=block, router=address)
    own = one.route_tables[1]
    ways = replace(own, routes=(Route(ON_PREM, "local"), Route(block, "pcx-1")))
    one = replace(one, route_tables=(one.route_tables[0], ways), peerings=(Peering("pcx-1", two.id),))
    two = replace(two, peerings=(Peering("pcx-1", one.id),))
    served = (("two", block, address),)
    routers = (vpc_router("two", block, address), hub(1, served), hub(2, served))
    sites = (Site(SITE, GATEWAY, (ON_PREM,)),)
    answer = trace(Federation((one, two, hub_network(((block, address),))), routers, sites), "one-web", "two-web")
    assert answer.there.arrives
    assert answer.summary.endswith("that is not the one of A/one-vpc: their prefixes overlap")


def test_a_default_route_of_the_routers_own_does_not_hide_a_tunnel_that_is_down() -> None:
    """A controller's own default route leads out of its interface: what is wrong is the tunnel, not what follows."""
    down = tuple(replace(tunnel, up=False, reason="no answer") for tunnel in UP)
    routes = (RouterRoute("0.0.0.0/0", gateway="10.1.0.1"), RouterRoute(ON_PREM, "1"))
    answer = trace(router(job(), "acme-router", tunnels=down, routes=routes), HOST, SITE)
    assert "router acme-router" in answer.summary
    assert "tunnel to hub-1: no answer" in answer.summary
