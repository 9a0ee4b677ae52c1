"""Routers and sites of real packets: tunnels come up, stay down for a reason, carry what they should, and fail over."""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small
import small_federation as main_job
from negotiated import End, offers, plan, states, up, within
from small_federation import HUB1, HUB2, ON_PREM, ROUTER, VPC

from trunkline.network.model import BgpSession, Federation, Filter, Route, RouterRoute, Tunnel
from trunkline_lab.packets.child import Child, PacketsRefused
from trunkline_lab.packets.plan import HostPlan, Plan
from trunkline_lab.packets.wiring import INTERNET, layout

pytestmark = pytest.mark.packets
HOSTS = (HostPlan("web", "eni-app-acme"), HostPlan("db", site="datacentre", address="10.0.0.10"))
R, H1, H2, DC = "i-acme", "/x/vms/hub1", "/x/vms/hub2", "site/datacentre"
ALL_UP: set[End] = {
    *((R, n) for n in "12"),
    *((hub, n) for hub in (H1, H2) for n in "12"),
    *((DC, f"{hub}/1") for hub in (H1, H2)),
}
SOON, NEVER = 20.0, 2.0  # seconds: what comes up does so in one; what does not is believed after a while


def pings(fabric: Child, source: str, target: str) -> bool:
    return bool(fabric.ask("ping", source=source, target=target, count=1)["received"])


def opens(fabric: Child, source: str, target: str, port: int) -> bool:
    [told] = fabric.ask("connect", asked=[(source, "tcp", target, port)], wait=1.0)
    return bool(told["answer"] == "open")


def job() -> Federation:
    """The main job's federation, with addresses inside its tunnels that match."""
    made = main_job.job()
    for hub, number in (("hub-1", "1"), ("hub-2", "2")):
        net = f"169.254.{number}"
        made = change_tunnel(made, "acme-router", number, inside=f"{net}.1/30")
        made = change_tunnel(made, hub, "2", inside=f"{net}.2/30")
        made = change_tunnel(made, hub, "1", inside=f"169.254.1{number}.1/30")
    return made


def change_tunnel(federation: Federation, name: str, number: str, **changes: Any) -> Federation:
    router = next(router for router in federation.routers if router.name == name)
    tunnels = tuple(replace(each, **changes) if each.id == number else each for each in router.tunnels)
    return main_job.router(federation, name, tunnels=tunnels)


@pytest.fixture
def carrying(fabric: Child) -> Child:
    """A fabric that carries the main job's federation."""
    fabric.ask("mend")
    fabric.apply(plan(job(), HOSTS))
    assert within(SOON, lambda: up(fabric) == ALL_UP)
    assert pings(fabric, "web", "db")
    return fabric


def test_what_the_job_configures_carries_packets(carrying: Child) -> None:
    assert pings(carrying, "db", "web")
    assert opens(carrying, "web", "db", 5432)
    assert opens(carrying, "db", "web", 443)
    assert not opens(carrying, "db", "web", 80)  # its group's no
    tunnel = states(carrying)[R].tunnels[0]
    assert (tunnel.ike, tunnel.esp) == ("aes256-sha2_256-dh14", "aes256-sha2_256")


def counted(fabric: Child, namespace: str, counter: str) -> int:
    """A counter of the kernel's in a namespace of the fabric ("Tcp InSegs")."""
    [first, *_] = Path(f"/proc/{fabric.pid}/task/{fabric.pid}/children").read_text().split()
    into = ["nsenter", "-t", first, "-m", "-p", "nsenter", f"--net=/run/netns/{namespace}"]
    told = subprocess.run([*into, "cat", "/proc/self/net/snmp"], capture_output=True, text=True, check=True).stdout
    layer, name = counter.split()
    names, values = (line.split() for line in told.splitlines() if line.startswith(f"{layer}:"))
    return int(dict(zip(names, values, strict=True))[name])


@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel lets only root have packets gathered")
def test_what_leaves_strongswan_packet_by_packet_is_passed_on_in_larger_pieces(carrying: Child) -> None:
    host = layout(plan(job(), HOSTS)).hosts["db"]
    places = ((host, "Tcp InSegs"), (INTERNET, "Ip ForwDatagrams"))
    before = [counted(carrying, *place) for place in places]
    told = carrying.ask("iperf", source="web", target="db", seconds=1)
    arrived, passed = (counted(carrying, *place) - had for place, had in zip(places, before, strict=True))
    packets = told["bytes"] / 1310  # at most so much is in one
    assert arrived < packets / 2, told
    assert passed < packets, told  # it crosses two tunnels: were nothing gathered, twice as many


def test_a_wrong_secret_is_a_tunnel_that_stays_down_and_says_why(carrying: Child) -> None:
    carrying.apply(plan(job(), HOSTS, wrong={(R, "1"), (R, "2")}))
    down = ALL_UP - {(R, "1"), (R, "2"), (H1, "2"), (H2, "2")}
    assert within(SOON, lambda: up(carrying) == down)
    assert not within(NEVER, lambda: up(carrying) != down)
    assert not pings(carrying, "web", "db")
    assert any("secret" in tunnel.reason for tunnel in states(carrying)[R].tunnels)


@pytest.mark.parametrize(
    ("side", "left_out"),
    [
        ("acme-router", {"routes": ()}),
        ("acme-router", {"filters": ()}),
        ("hubs", {"routes": (RouterRoute(ON_PREM, "1"),)}),
        ("hubs", {"filters": ()}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_is_left_out_at_a_router_stops_packets(carrying: Child, side: str, left_out: dict[str, Any]) -> None:
    changed = job()
    for name in ("hub-1", "hub-2") if side == "hubs" else (side,):
        changed = main_job.router(changed, name, **left_out)
    carrying.apply(plan(changed, HOSTS))
    assert up(carrying) == ALL_UP  # no tunnel minds
    assert not pings(carrying, "web", "db")
    carrying.apply(plan(job(), HOSTS))
    assert within(SOON, lambda: pings(carrying, "web", "db"))


def test_filters_go_by_first_match_and_by_port(carrying: Child) -> None:
    back = Filter(ON_PREM, VPC)
    rules = (Filter(VPC, ON_PREM, "tcp", 22, 22, "deny"), Filter(VPC, ON_PREM, "tcp", 20, 30), back)
    carrying.apply(plan(main_job.router(job(), "acme-router", filters=rules), HOSTS))
    assert opens(carrying, "web", "db", 25)
    assert not opens(carrying, "web", "db", 22)
    assert not opens(carrying, "web", "db", 443)
    assert not pings(carrying, "web", "db")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ike_version": 1}, ""),
        ({"remote": ("10.0.0.0/8",)}, "selectors"),
        pytest.param({"kind": "policy"}, "selectors", marks=pytest.mark.long),
        pytest.param({"phase1": frozenset({"aes128-sha1-dh14"})}, "proposal", marks=pytest.mark.long),
        pytest.param({"phase2": frozenset({"aes128-sha1"})}, "proposal", marks=pytest.mark.long),
        pytest.param({"identities": frozenset({"10.9.9.9"})}, "", marks=pytest.mark.long),
        pytest.param({"expected": frozenset({"10.9.9.9"})}, "", marks=pytest.mark.long),
        pytest.param({"peer": "198.51.100.99"}, "", marks=pytest.mark.long),
        pytest.param({"enabled": False}, "", marks=pytest.mark.long),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_two_ends_that_disagree_make_no_tunnel(carrying: Child, changes: dict[str, Any], why: str) -> None:
    federation = job()
    made = tuple(
        replace(offer, **changes) if (offer.gateway, offer.tunnel) == (R, 1) else offer for offer in offers(federation)
    )
    carrying.apply(Plan(federation, made, HOSTS))
    down = ALL_UP - {(R, "1"), (H1, "2")}
    assert within(SOON, lambda: up(carrying) == down)
    assert not within(NEVER, lambda: up(carrying) != down)
    if why:
        ends = (*states(carrying)[R].tunnels, *states(carrying)[H1].tunnels)
        assert any(why in tunnel.reason for tunnel in ends), ends
    assert pings(carrying, "web", "db")  # by the other hub


def test_a_shut_ike_port_at_the_end_that_is_called_keeps_a_tunnel_down(fabric: Child) -> None:
    """A hub calls the VPC's router here (its address is higher), and is let back in: groups keep state."""

    def without(federation: Federation, network: str, peers: set[str]) -> Federation:
        [found] = [each for each in federation.networks if each.id == network]
        sets = tuple(
            replace(
                rules,
                permissions=tuple(
                    p for p in rules.permissions if p.first_port not in (500, 4500) or p.peer not in peers
                ),
            )
            for rules in found.rule_sets
        )
        return main_job.network(federation, network, rule_sets=sets)

    called = without(job(), "vpc-acme", {f"{HUB1}/32", f"{HUB2}/32"})
    caller = without(job(), "/subs/s/virtualNetworks/hubs", {f"{ROUTER}/32"})
    fabric.apply(Plan(Federation()))
    fabric.apply(plan(called, HOSTS))
    site_only = {(H1, "1"), (H2, "1"), (DC, f"{H1}/1"), (DC, f"{H2}/1")}
    assert within(SOON, lambda: up(fabric) == site_only)
    assert not within(NEVER, lambda: up(fabric) != site_only)
    fabric.apply(plan(caller, HOSTS))
    assert within(SOON, lambda: up(fabric) == ALL_UP)


def test_a_policy_based_tunnel_carries_what_its_selectors_cover_without_a_route(fabric: Child) -> None:
    policy = job()
    for hub in ("hub-1", "hub-2"):  # the VPC's end, and hub 1's; hub 2 has none to the VPC
        tunnels = (policy.routers[1].tunnels[0],) if hub == "hub-1" else ()
        tunnels += (Tunnel("2", "acme", ROUTER, (ON_PREM,), (VPC,)),) if hub == "hub-1" else ()
        policy = main_job.router(policy, hub, tunnels=tunnels, routes=(RouterRoute(ON_PREM, "1"),) if tunnels else ())
    there = (Tunnel("1", "hub-1", HUB1, (VPC,), (ON_PREM,)),)
    policy = main_job.router(policy, "acme-router", tunnels=there, routes=())
    fabric.apply(plan(policy, HOSTS))
    assert within(SOON, lambda: {(R, "1"), (H1, "1"), (H1, "2")} <= up(fabric))
    assert pings(fabric, "web", "db")
    assert opens(fabric, "db", "web", 443)


# ── BGP, and what happens when something dies ───────────────────────────────────────────────────────────────────────


def with_bgp(*, bfd: bool, hold_time: int = 3) -> Federation:
    """No route but those that BGP brings: the VPC's router tells of its block, the site of its own."""

    def session(tunnel: str, neighbour: str, asn: int) -> BgpSession:
        return BgpSession(tunnel, neighbour, asn, hold_time=hold_time, keepalive=max(1, hold_time // 3), bfd=bfd)

    made = main_job.router(
        job(),
        "acme-router",
        asn=65001,
        routes=(RouterRoute(VPC, advertised=True),),
        sessions=(session("1", "169.254.1.2", 65011), session("2", "169.254.2.2", 65012)),
    )
    for number, asn in (("1", 65011), ("2", 65012)):
        sessions = (session("2", f"169.254.{number}.1", 65001), session("1", f"169.254.1{number}.2", 65000))
        made = main_job.router(made, f"hub-{number}", asn=asn, routes=(), sessions=sessions)
    return made


def learned(fabric: Child) -> dict[tuple[str, str], set[str]]:
    return {
        (session.gateway, session.tunnel): set(session.learned)
        for state in fabric.state()
        for session in state.sessions
        if session.state == "Established"
    }


@pytest.fixture
def both_hubs(fabric: Child) -> Child:
    """Both hubs carry BGP with BFD, and nothing else routes."""
    fabric.ask("mend")
    fabric.apply(plan(with_bgp(bfd=True), HOSTS))
    assert within(SOON, lambda: len(learned(fabric)) == 8), learned(fabric)
    assert within(SOON, lambda: pings(fabric, "web", "db"))
    return fabric


def test_two_ends_of_one_number_talk_too(carrying: Child) -> None:
    """Controllers that were licensed alike have one number: it is BGP within, over one hop all the same."""
    made = with_bgp(bfd=False)
    for name in ("acme-router", "hub-1"):
        router = next(router for router in made.routers if router.name == name)
        other = {"acme-router": "1", "hub-1": "2"}[name]
        sessions = tuple(replace(each, asn=65001) if each.tunnel == other else each for each in router.sessions)
        made = main_job.router(made, name, asn=65001, sessions=sessions)
    carrying.apply(plan(made, HOSTS))
    assert within(SOON, lambda: {(R, "1"), (H1, "2")} <= learned(carrying).keys())


def test_what_bird_refuses_at_one_router_stops_no_other(carrying: Child) -> None:
    """Two neighbours of one address are nonsense."""
    made = with_bgp(bfd=False)
    [router] = [router for router in made.routers if router.name == "hub-2"]
    sessions = tuple(replace(each, neighbour="169.254.2.1") for each in router.sessions)
    carrying.apply(plan(main_job.router(made, "hub-2", sessions=sessions), HOSTS))
    assert within(SOON, lambda: {(R, "1"), (H1, "1"), (H1, "2")} <= learned(carrying).keys())
    assert up(carrying) == ALL_UP


def test_bgp_brings_the_routes(both_hubs: Child) -> None:
    assert within(SOON, lambda: learned(both_hubs)[R, "1"] == learned(both_hubs)[R, "2"] == {ON_PREM})
    assert learned(both_hubs)[DC, f"{H1}/1"] == {VPC}


@pytest.mark.parametrize("kind", ["kill", *(pytest.param(each, marks=pytest.mark.long) for each in ("freeze", "cut"))])
def test_an_open_connection_survives_the_loss_of_a_hub_and_its_return(both_hubs: Child, kind: str) -> None:
    """Each hub is lost once, so that the one that carries it is."""
    with ThreadPoolExecutor(1) as pool:
        talk: Future[dict[str, Any]] = pool.submit(both_hubs.ask, "talk", source="web", target="db", seconds=8.0)
        for hub in (H1, H2):
            waited = threading.Event()
            waited.wait(0.5)
            both_hubs.ask("strike", router=hub, kind=kind)
            waited.wait(1.5)
            both_hubs.ask("mend", router=hub)
            assert within(SOON, lambda: len(learned(both_hubs)) == 8)
        told = talk.result()
    assert told["broken"] is False
    assert told["answered"] == told["asked"] > 20
    assert told["longest_silence"] < 8.0  # as long as it lasted: never silent for good


def test_outages_by_name(both_hubs: Child) -> None:
    """A link is lost between two, a zone with all its routers; what is unknown is named."""
    assert both_hubs.ask("strike", link=["acme-router", "hub-1"]) == [R]
    assert within(SOON, lambda: (R, "1") not in learned(both_hubs) and (H1, "2") not in learned(both_hubs))
    assert (R, "2") in learned(both_hubs)
    both_hubs.ask("mend", router="acme-router")
    assert both_hubs.ask("strike", zone="a", kind="cut") == [R]
    assert within(SOON, lambda: (R, "2") not in learned(both_hubs))
    both_hubs.ask("mend")
    assert within(SOON, lambda: len(learned(both_hubs)) == 8)
    with pytest.raises(PacketsRefused, match=r"router = 'hub-9' is unknown: there are acme-router, datacentre, hub-1"):
        both_hubs.ask("strike", router="hub-9")
    with pytest.raises(
        PacketsRefused, match=r"is not joined to hub-1 by a tunnel: it has tunnels to acme-router, datac"
    ):
        both_hubs.ask("strike", link=["hub-1", "hub-2"])
    with pytest.raises(PacketsRefused, match=r"zone = 'b' has no router: zones with routers are a"):
        both_hubs.ask("strike", zone="b")
    with pytest.raises(PacketsRefused, match=r"kind = 'drown' is unknown: there are kill, freeze, cut"):
        both_hubs.ask("strike", router="hub-1", kind="drown")


def test_the_internet_sees_ike_and_esp_and_never_what_is_inside(carrying: Child) -> None:
    """What is sent holds a text; in the clear between public addresses it is seen, in a tunnel it is not."""
    text = "the quick brown fox"

    def seen(source: str, target: str, address: str | None = None) -> dict[str, Any]:
        with ThreadPoolExecutor(1) as pool:
            listening: Future[dict[str, Any]] = pool.submit(carrying.ask, "capture", seconds=2.5, needle=text)
            told = carrying.ask("talk", source=source, target=target, seconds=2.0, text=text, address=address)
            assert told["answered"] > 0
            found = listening.result()
        assert isinstance(found, dict)
        return found

    hidden = seen("web", "db")
    assert hidden["esp"] > 20
    assert (hidden["needle"], hidden["other"]) == (0, {})
    # The control: the same talk before the same ears, between two hosts with public addresses.
    ends = {1: "203.0.113.71", 2: "203.0.113.72"}
    networks = tuple(
        small.vpc(n, routes={"a": [Route(small.ALL, "internet")]}, interfaces=(small.nic(n, "a", f"10.{n}.1.10", at),))
        for n, at in ends.items()
    )
    hosts = (small.host("one", "10.1.1.10"), small.host("two", "10.2.1.10"))
    carrying.apply(Plan(Federation(networks), hosts=hosts))
    shown = seen("one", "two", ends[2])
    assert shown["needle"] > 20
    assert shown["esp"] == 0
    assert any(kind.startswith("tcp 203.0.113.71 > 203.0.113.72") for kind in shown["other"])


def test_a_change_waits_for_a_hub_that_is_frozen_and_stops_nobody_else(carrying: Child) -> None:
    carrying.ask("strike", router="hub-1", kind="freeze")
    changed = main_job.router(job(), "acme-router", filters=())
    for hub in ("hub-1", "hub-2"):
        changed = main_job.router(changed, hub, filters=())
    carrying.apply(plan(changed, HOSTS))
    carrying.ask("mend")
    assert within(SOON, lambda: up(carrying) == ALL_UP)
    assert not pings(carrying, "web", "db")
    carrying.apply(plan(job(), HOSTS))
    assert within(SOON, lambda: pings(carrying, "web", "db"))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["kill", "freeze", "cut"])
def test_the_return_of_a_hub_loses_nothing_without_bgp_too(carrying: Child, kind: str) -> None:
    """A hub that is back has tunnels to others that are not yet, so nobody is to rush to it."""
    carrying.ask("strike", router="hub-1", kind=kind)
    assert within(SOON, lambda: not {(R, "1"), (DC, f"{H1}/1")} & up(carrying))
    with ThreadPoolExecutor(1) as pool:
        pinging: Future[dict[str, Any]] = pool.submit(carrying.ask, "flood", source="web", target="db", seconds=12.0)
        assert not pinging.done()
        carrying.ask("mend")
        told = pinging.result()
    assert told["received"] == told["sent"] > 0
    assert up(carrying) == ALL_UP
