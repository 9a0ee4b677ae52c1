"""Addresses inside tunnels: the same for the same two, free at both ends, and none that a cloud keeps."""

from ipaddress import ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline._core.errors import Error
from trunkline.routers.tunnel_addresses import LINK_LOCAL, RESERVED, tunnel_pair

names = st.text(min_size=1)


@given(names, names)
def test_both_ends_compute_the_same_pair(one, other):
    if one == other:
        return
    mine, theirs = tunnel_pair(one, other)
    assert tunnel_pair(other, one) == (theirs, mine)
    assert tunnel_pair(one, other) == (mine, theirs)


@given(names, names)
def test_the_pair_is_a_usable_30_of_link_local(one, other):
    if one == other:
        return
    mine, theirs = map(ip_interface, tunnel_pair(one, other))
    assert mine.network == theirs.network
    assert mine.network.prefixlen == 30
    assert mine.network.subnet_of(LINK_LOCAL)
    assert {mine.ip, theirs.ip} == set(mine.network.hosts())
    assert not any(mine.network.overlaps(kept) for kept in RESERVED)


def test_the_known_answer_never_changes():
    assert tunnel_pair("acme/vpc", "hub/1") == ("169.254.199.153/30", "169.254.199.154/30")


def test_a_taken_block_is_passed_over():
    first = tunnel_pair("a", "b")
    second = tunnel_pair("a", "b", taken=[first[1]])
    third = tunnel_pair("a", "b", taken=[first[0], second[0]])
    assert len({first, second, third}) == 3
    assert tunnel_pair("b", "a", taken=[first[1]]) == second[::-1]


def test_the_metadata_address_and_the_vpn_gateways_are_kept():
    for kept in ("169.254.169.254/32", "169.254.169.252/30", "169.254.0.0/30", "169.254.5.0/30"):
        assert any(ip_network(kept).subnet_of(reserved) for reserved in RESERVED)


def test_one_name_twice_and_a_full_range_are_refused():
    with pytest.raises(Error, match="to itself"):
        tunnel_pair("a", "a")
    with pytest.raises(Error, match="every /30"):
        tunnel_pair("a", "b", taken=["169.254.0.1/16"])
