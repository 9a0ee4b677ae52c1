"""Networks of real packets: routes, groups, ACLs, checks of source and destination, public addresses, peerings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small import ALL, OUT, allow, host, nic, vpc

from trunkline.network.model import Federation, Network, Peering, Route, Router, RouterRoute, RuleSet
from trunkline_lab.packets.child import Child, PacketsRefused
from trunkline_lab.packets.plan import HostPlan, Plan

pytestmark = pytest.mark.packets


def plan(*networks: Network, hosts: tuple[HostPlan, ...]) -> Plan:
    return Plan(Federation(networks), hosts=hosts)


def reaches(fabric: Child, one: str, other: str, port: int = 443, protocol: str = "tcp") -> bool:
    [answer] = fabric.ask("connect", asked=[(one, protocol, other, port)], wait=0.7)
    return bool(answer["answer"] == "open")


def pings(fabric: Child, one: str, other: str) -> bool:
    return bool(fabric.ask("ping", source=one, target=other, count=1)["received"])


def peered(one: Network, *others: int, active: bool = True) -> Network:
    return replace(one, peerings=tuple(Peering(f"pcx-{n}", f"vpc{n}", active) for n in others))


AB = (host("a", "10.1.1.10"), host("b", "10.1.1.11"))


def one_vpc(*sets: RuleSet, groups: tuple[str, ...], **more: object) -> Network:
    return vpc(
        1,
        interfaces=(nic(1, "a", "10.1.1.10", groups=groups), nic(1, "a", "10.1.1.11", groups=groups)),
        rule_sets=sets,
        **more,  # type: ignore[arg-type]
    )


def test_two_hosts_of_a_subnet_reach_each_other(fabric: Child) -> None:
    fabric.apply(plan(vpc(1, interfaces=(nic(1, "a", "10.1.1.10"), nic(1, "a", "10.1.1.11"))), hosts=AB))
    assert pings(fabric, "a", "b")
    assert reaches(fabric, "a", "b")
    assert reaches(fabric, "a", "b", 53, "udp")
    assert not pings(fabric, "a", "10.1.1.12")


def test_a_group_shuts_what_it_does_not_open_and_lets_answers_back(fabric: Child) -> None:
    web = RuleSet("web", "web", (allow("in", "tcp", 443), OUT))
    fabric.apply(plan(one_vpc(web, groups=("web",)), hosts=AB))
    assert reaches(fabric, "a", "b", 443)
    assert not reaches(fabric, "a", "b", 80)
    assert not pings(fabric, "a", "b")


def test_a_group_without_a_way_out_lets_nothing_out(fabric: Child) -> None:
    mute = RuleSet("mute", "mute", (allow("in", "any", None),))
    fabric.apply(plan(one_vpc(mute, groups=("mute",)), hosts=AB))
    assert not reaches(fabric, "a", "b")


def test_groups_of_an_interface_add_up_and_name_each_other(fabric: Child) -> None:
    ssh = RuleSet("ssh", "ssh", (allow("in", "tcp", 22, "ssh"), OUT))
    web = RuleSet("web", "web", (allow("in", "tcp", 443, "10.1.1.10/32"),))
    fabric.apply(plan(one_vpc(ssh, web, groups=("ssh", "web")), hosts=AB))
    assert reaches(fabric, "a", "b", 22)
    assert reaches(fabric, "a", "b", 443)
    assert not reaches(fabric, "b", "a", 443)


def test_priorities_and_denials_of_a_subnet_and_its_interface_both_count(fabric: Child) -> None:
    nsg = RuleSet(
        "nsg",
        "nsg",
        (
            allow("in", "tcp", 80, "10.1.1.10/32", action="deny", priority=100),
            allow("in", "any", None, "VirtualNetwork", priority=65000),
            allow("in", "any", None, action="deny", priority=65500),
            allow("out", "any", None, "VirtualNetwork", priority=65000),
        ),
    )
    network = one_vpc(nsg, groups=(), cloud="azure")
    subnets = tuple(replace(subnet, rule_sets=("nsg",)) for subnet in network.subnets)
    fabric.apply(plan(replace(network, subnets=subnets), hosts=AB))
    assert reaches(fabric, "a", "b", 443)
    assert not reaches(fabric, "a", "b", 80)
    assert reaches(fabric, "b", "a", 80)


def test_an_acl_keeps_no_state_and_is_not_asked_inside_a_subnet(fabric: Child) -> None:
    inward = (allow("in", "tcp", 443, priority=100), allow("out", "tcp", 443, priority=100))
    back = allow("out", "tcp", None, "10.1.1.0/24", priority=200)
    hosts = (host("a", "10.1.1.10"), host("near", "10.1.1.11"), host("far", "10.1.0.10"))
    base = vpc(1, interfaces=(nic(1, "a", "10.1.1.10"), nic(1, "a", "10.1.1.11"), nic(1, "r", "10.1.0.10")))

    def with_acl(*permissions: object) -> Plan:
        acl = RuleSet("acl", "acl", permissions, stateful=False)  # type: ignore[arg-type]
        subnets = (replace(base.subnets[0], rule_sets=("acl",)), base.subnets[1])
        return plan(replace(base, subnets=subnets, rule_sets=(*base.rule_sets, acl)), hosts=hosts)

    fabric.apply(with_acl(*inward))
    assert not reaches(fabric, "a", "far")  # it gets in, and its answer does not get out
    assert pings(fabric, "a", "near")
    fabric.apply(with_acl(*inward, back))
    assert reaches(fabric, "a", "far")
    assert not reaches(fabric, "a", "far", 80)


def test_a_route_to_an_appliance_needs_one_that_forwards(fabric: Child) -> None:
    def through(*, forwards: bool = True, known: bool = True, router: bool = True) -> Plan:
        appliance = nic(1, "r", "10.1.0.4", forwards=forwards)
        routes = {"a": [Route("10.1.0.10/32", appliance.id if known else "eni-gone")]}
        network = vpc(1, routes=routes, interfaces=(nic(1, "a", "10.1.1.10"), nic(1, "r", "10.1.0.10"), appliance))
        out = (RouterRoute(ALL, gateway="10.1.0.1"),)
        routers = (Router("r", "r", "vpc1", appliance.id, "10.1.0.4", None, routes=out),) if router else ()
        hosts = (host("a", "10.1.1.10"), host("far", "10.1.0.10"))
        return Plan(Federation((network,), routers), hosts=hosts)

    fabric.apply(through())
    assert reaches(fabric, "a", "far")
    fabric.apply(through(forwards=False))
    assert not reaches(fabric, "a", "far")
    fabric.apply(through(known=False))
    assert not reaches(fabric, "a", "far")
    fabric.apply(through(router=False))  # a machine that passes nothing on
    assert not reaches(fabric, "a", "far")


def test_the_internet_is_reached_by_public_addresses_alone(fabric: Child) -> None:
    out = {"a": [Route(ALL, "internet")]}
    public = {"10.1.1.10": "127.9.9.1", "10.2.1.10": "127.9.9.2"}
    ends = (host("a", "10.1.1.10"), host("b", "10.2.1.10"))

    def networks(routes: dict[str, list[Route]], with_public: bool) -> Plan:
        made = [
            vpc(
                n,
                routes=routes,
                interfaces=(nic(n, "a", f"10.{n}.1.10", public[f"10.{n}.1.10"] if with_public else None),),
            )
            for n in (1, 2)
        ]
        return plan(*made, hosts=ends)

    fabric.apply(networks(out, True))
    assert reaches(fabric, "a", "127.9.9.2")
    assert pings(fabric, "b", "127.9.9.1")
    assert not reaches(fabric, "a", "b")  # a private address is nowhere on the internet
    fabric.apply(networks({}, True))
    assert not reaches(fabric, "a", "127.9.9.2")
    fabric.apply(networks(out, False))
    assert not reaches(fabric, "a", "127.9.9.2")


def test_a_peering_carries_what_routes_of_both_sides_send_and_no_further(fabric: Child) -> None:
    def made(back: bool = True, active: bool = True) -> Plan:
        one = vpc(
            1,
            routes={"a": [Route("10.2.0.0/16", "pcx-2"), Route("10.3.0.0/16", "pcx-2")]},
            interfaces=(nic(1, "a", "10.1.1.10"),),
        )
        two = vpc(
            2, routes={"a": [Route("10.1.0.0/16", "pcx-1")] if back else []}, interfaces=(nic(2, "a", "10.2.1.10"),)
        )
        three = vpc(3, routes={"a": [Route("10.1.0.0/16", "pcx-2")]}, interfaces=(nic(3, "a", "10.3.1.10"),))
        networks = (peered(one, 2, active=active), peered(two, 1, 3), peered(three, 2))
        return plan(*networks, hosts=(host("a", "10.1.1.10"), host("b", "10.2.1.10"), host("c", "10.3.1.10")))

    fabric.apply(made())
    assert reaches(fabric, "a", "b")
    assert not reaches(fabric, "a", "c")  # not transitive
    fabric.apply(made(back=False))
    assert not reaches(fabric, "a", "b")
    fabric.apply(made(active=False))
    assert not reaches(fabric, "a", "b")


def test_a_route_leads_to_an_appliance_of_a_peered_network(fabric: Child) -> None:
    """Azure's hub and spokes: the appliance stands in the hub, and spokes reach each other by it alone."""

    def made(*, route: bool = True, forwards: bool = True) -> Plan:
        away = [Route("10.3.0.0/16", "10.2.0.4")] if route else []
        home = [Route("10.1.0.0/16", "10.2.0.4")]
        one = vpc(1, cloud="azure", routes={"a": away}, interfaces=(nic(1, "a", "10.1.1.10"),))
        ways = [Route("10.1.0.0/16", "pcx-1"), Route("10.3.0.0/16", "pcx-3")]
        appliance = nic(2, "r", "10.2.0.4", forwards=forwards)
        hub = vpc(2, cloud="azure", routes={"r": ways}, interfaces=(appliance,))
        three = vpc(3, cloud="azure", routes={"a": home}, interfaces=(nic(3, "a", "10.3.1.10"),))
        router = Router(
            "r", "r", "vpc2", appliance.id, "10.2.0.4", None, routes=(RouterRoute(ALL, gateway="10.2.0.1"),)
        )
        hosts = (host("a", "10.1.1.10"), host("c", "10.3.1.10"))
        return Plan(Federation((peered(one, 2), peered(hub, 1, 3), peered(three, 2)), (router,)), hosts=hosts)

    fabric.apply(made())
    assert reaches(fabric, "a", "c")
    fabric.apply(made(forwards=False))
    assert not reaches(fabric, "a", "c")
    fabric.apply(made(route=False))
    assert not reaches(fabric, "a", "c")


def test_a_forged_source_is_dropped(fabric: Child) -> None:
    """A host that takes another's address reaches nobody: the network checks sources."""
    network = vpc(1, interfaces=(nic(1, "a", "10.1.1.10"), nic(1, "a", "10.1.1.11")))
    fabric.apply(plan(network, hosts=AB))
    assert pings(fabric, "a", "b")
    fabric.ask("ping", source="a", target="b", count=1)
    assert fabric.ask("forge", source="a", address="10.1.1.99", target="b") is False
    assert fabric.ask("forge", source="a", address="10.1.1.10", target="b") is True


def test_what_is_unknown_is_named(fabric: Child) -> None:
    fabric.apply(plan(one_vpc(groups=()), hosts=AB))
    with pytest.raises(PacketsRefused, match=r"host = 'nobody' is unknown: there are a, b"):
        fabric.ask("ping", source="nobody", target="a")


def test_a_transfer_and_a_request(fabric: Child) -> None:
    fabric.apply(plan(one_vpc(groups=()), hosts=AB))
    assert fabric.ask("iperf", source="a", target="b", seconds=1)["bytes"] > 1_000_000
    answer = fabric.ask("curl", source="a", target="b", port=8080)
    assert answer["status"] == 200
    assert '"you": "10.1.1.10"' in answer["body"]
