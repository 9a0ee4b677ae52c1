"""What holds for every federation: held against slow and simple answers, and against changes that cannot help."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given, settings
from hypothesis import strategies as st
from small_federation import ON_PREM, VPC, job, network, router, vpc

from trunkline.network.model import Federation, Filter, Network, Permission, Router, RouterRoute, RuleSet, Subnet
from trunkline.network.prefixes import Table, number, overlaps, text
from trunkline.network.reachability import Packet, Reachability, matrix, trace
from trunkline.network.reachability.atlas import Atlas, Spot
from trunkline.network.reachability.firewall import Firewall
from trunkline.network.reachability.rules import Judge


def near(address: int, length: int) -> str:
    return str(IPv4Network((address, length), strict=False))


# Few bits, so that blocks meet often.
points = st.builds(lambda n: (10 << 24) + (n << 14), st.integers(0, 15))
blocks = st.builds(near, points, st.integers(6, 20))


@given(st.lists(blocks, max_size=12), points)
def test_the_longest_prefix_is_the_one_that_looking_at_all_finds(listed: list[str], address: int) -> None:
    holding = [(IPv4Network(b).prefixlen, n) for n, b in enumerate(listed) if IPv4Address(address) in IPv4Network(b)]
    longest = max((length for length, _ in holding), default=None)
    table = Table((block, n) for n, block in enumerate(listed))
    assert table.longest(address) == [n for length, n in holding if length == longest]
    assert sorted(table.all(address)) == [n for _, n in holding]


@given(st.lists(blocks, max_size=10))
def test_overlaps_are_those_that_comparing_each_with_each_finds(listed: list[str]) -> None:
    owned = [(block, n) for n, block in enumerate(listed)]
    expected = {
        (n, m)
        for n, a in enumerate(listed)
        for m, b in enumerate(listed[:n])
        if IPv4Network(a).overlaps(IPv4Network(b))
    }
    found = [(max(a[1], b[1]), min(a[1], b[1])) for a, b in overlaps(owned)]
    assert set(found) == expected
    assert len(found) == len(expected)


@given(st.integers(0, 2**32 - 1))
def test_addresses_are_spelt_as_the_standard_library_does(address: int) -> None:
    assert text(address) == str(IPv4Address(address))
    assert number(text(address)) == address


filters = st.builds(
    Filter, blocks, blocks, st.sampled_from(["any", "tcp", "udp"]), st.integers(0, 3), st.integers(2, 5),
    st.sampled_from(["allow", "deny"]),
)  # fmt: skip


@given(st.lists(filters, max_size=8), points, points, st.booleans(), st.integers(0, 6))
def test_a_firewall_says_what_its_first_match_says(
    rules: list[Filter], source: int, destination: int, forwards: bool, port: int
) -> None:
    expected = forwards
    for rule in rules:
        if (
            IPv4Address(source) in IPv4Network(rule.source)
            and IPv4Address(destination) in IPv4Network(rule.destination)
            and rule.protocol in ("any", "tcp")
            and rule.first_port <= port <= rule.last_port
        ):
            expected = rule.action == "allow"
            break
    firewall = Firewall(Router("r", "r", "", "", "10.0.0.1", None, filters=tuple(rules), forwards=forwards))
    assert firewall.decide(Packet(source, destination, "tcp", port))[0] == expected


permissions = st.builds(
    Permission, st.sampled_from(["in", "out"]), st.sampled_from(["any", "tcp", "udp"]), st.integers(0, 3),
    st.integers(2, 5), blocks, st.sampled_from(["allow", "deny"]), st.integers(0, 3), blocks | st.just("0.0.0.0/0"),
)  # fmt: skip


@given(st.lists(permissions, max_size=8), points, points, st.integers(0, 6))
def test_rules_say_what_the_lowest_priority_that_matches_says(
    rules: list[Permission], source: int, destination: int, port: int
) -> None:
    expected = False
    for rule in sorted(rules, key=lambda each: each.priority):
        ports = rule.protocol == "any" or (rule.protocol == "tcp" and rule.first_port <= port <= rule.last_port)
        peer, local = IPv4Network(rule.peer), IPv4Network(rule.local)
        if rule.direction == "in" and ports and IPv4Address(source) in peer and IPv4Address(destination) in local:
            expected = rule.action == "allow"
            break
    owner = Network("n", "n", "aws", "A", ("10.0.0.0/8",), (Subnet("s", "s", "10.0.0.0/8"),))
    atlas = Atlas(Federation((owner,)))
    spot = Spot(atlas.places["n"], owner.subnets[0], None, destination)
    packet = Packet(source, destination, "tcp", port)
    assert Judge(atlas).decide(RuleSet("g", "", tuple(rules)), "in", packet, spot)[0] == expected


def removals(federation: Federation) -> list[Federation]:
    """The federation without one thing that lets pass, for each of them: a permission, a filter, a route, a tunnel."""
    found = []
    for each in federation.networks:
        for n, rules in enumerate(each.rule_sets):
            for m, permission in enumerate(rules.permissions):
                if permission.action == "allow":
                    less = replace(rules, permissions=rules.permissions[:m] + rules.permissions[m + 1 :])
                    found.append(
                        network(federation, each.id, rule_sets=(*each.rule_sets[:n], less, *each.rule_sets[n + 1 :]))
                    )
    for one in federation.routers:
        found += [
            router(federation, one.name, filters=one.filters[:n] + one.filters[n + 1 :])
            for n, rule in enumerate(one.filters)
            if rule.action == "allow"
        ]
        found += [
            router(
                federation,
                one.name,
                tunnels=tuple(replace(t, up=False) if t is tunnel else t for t in one.tunnels),
            )
            for tunnel in one.tunnels
        ]
    return found


ENDS = ["acme-web", "subnet-app2-acme", "acme-router", "hub-1", "zone2", "datacentre", "10.0.9.9"]
starts = st.builds(
    lambda federation, drop: removals(federation)[drop % len(removals(federation))],
    st.sampled_from([job(), router(job(), "acme-router", routes=(RouterRoute(ON_PREM, "1"),))]),
    st.integers(0, 10_000),
)


@settings(max_examples=60, deadline=None)
@given(starts, st.integers(0, 10_000), st.sampled_from(ENDS), st.sampled_from(ENDS), st.sampled_from(["tcp", "icmp"]))
def test_taking_away_what_lets_pass_never_makes_anything_reachable(
    federation: Federation, drop: int, source: str, destination: str, protocol: str
) -> None:
    if source == destination:
        return
    before = trace(federation, source, destination, protocol)
    less = removals(federation)
    after = trace(less[drop % len(less)], source, destination, protocol)
    # Of ways that are as good one is chosen; where the chosen one fails and is then gone, the other may work.
    assert before.reachable or not after.reachable or any("would arrive" in note for note in before.notes)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ENDS), st.sampled_from(ENDS), st.integers(1, 65535))
def test_a_denial_never_makes_anything_reachable(source: str, destination: str, port: int) -> None:
    if source == destination:
        return
    denied = Permission("in", "tcp", port, port, "0.0.0.0/0", "deny", -1)
    rule_sets = tuple(replace(each, permissions=(denied, *each.permissions)) for each in vpc().rule_sets)
    before = trace(job(), source, destination, "tcp", port)
    after = trace(network(job(), "vpc-acme", rule_sets=rule_sets), source, destination, "tcp", port)
    assert before.reachable or not after.reachable


def test_the_matrix_says_what_the_traces_say() -> None:
    answer = matrix(job())
    assert answer.names == ("A/acme-vpc", "B/hubs", "datacentre")
    verdicts = {(pair.source, pair.destination): pair.reachable for pair in answer.pairs}
    assert verdicts == {
        ("A/acme-vpc", "B/hubs"): False,
        ("A/acme-vpc", "datacentre"): True,
        ("B/hubs", "A/acme-vpc"): False,
        ("B/hubs", "datacentre"): False,
        ("datacentre", "A/acme-vpc"): True,
        ("datacentre", "B/hubs"): False,
    }
    assert not answer.reachable
    assert all(pair.reachable == (pair.failure is None) for pair in answer.pairs)


def test_the_matrix_asks_every_kind_of_subnet() -> None:
    """Of two application subnets one has a table without the route down: the pair is reachable in part."""
    tables = vpc().route_tables
    split = (
        tables[0],
        replace(tables[1], subnets=("subnet-app1-acme",)),
        replace(tables[1], id="rtb-app2", routes=tables[1].routes[:1], subnets=("subnet-app2-acme",)),
    )
    pair = matrix(network(job(), "vpc-acme", route_tables=split)).pairs[1]
    assert (pair.source, pair.destination, pair.reachable, pair.partly) == ("A/acme-vpc", "datacentre", False, True)
    assert pair.failure is not None
    assert "route table rtb-app2: no route for 10.0.0.0/16" in pair.failure.summary


def test_a_planted_fault_is_caught_by_the_oracle() -> None:
    """A table that takes the shortest prefix disagrees with looking at all: the first property would see it."""

    class Shortest(Table[int]):
        def longest(self, address: int) -> list[int]:
            return [*self.all(address)][-1:]

    listed = ["10.0.0.0/8", VPC]
    assert Table((b, n) for n, b in enumerate(listed)).longest(number("10.1.0.1")) == [1]
    assert Shortest((b, n) for n, b in enumerate(listed)).longest(number("10.1.0.1")) == [0]


def test_a_reachability_answers_many_times() -> None:
    reach = Reachability(job())
    assert (
        reach.trace("acme-web", "datacentre")
        == reach.trace("acme-web", "datacentre")
        == trace(job(), "acme-web", "datacentre")
    )
