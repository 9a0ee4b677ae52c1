"""Carving, overlaps, and the pool."""

import multiprocessing
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import Error
from trunkline.network.addresses import Overlap, Pool, carve, network, refuse_overlap, router_address

N = IPv4Network


def pool(tmp_path, block="10.0.0.0/8", **reserved):
    return Pool(tmp_path / "pool.json", N(block), {name: [N(b) for b in blocks] for name, blocks in reserved.items()})


def test_a_vpc_is_carved_into_subnets_in_the_order_of_the_names():
    assert carve(N("10.1.0.0/16"), ["router", "app1", "app2"]) == {
        "router": N("10.1.0.0/24"), "app1": N("10.1.1.0/24"), "app2": N("10.1.2.0/24"),
    }  # fmt: skip
    assert carve(N("10.1.0.0/24"), ["a", "b"]) == {"a": N("10.1.0.0/28"), "b": N("10.1.0.16/28")}
    assert str(router_address(N("10.1.0.0/24"))) == "10.1.0.10"
    assert str(router_address(N("10.1.0.16/28"))) == "10.1.0.26"


@pytest.mark.parametrize(("block", "needed"), [("10.1.0.0/27", "/26"), ("10.1.0.0/29", "/26"), ("10.1.0.0/32", "/26")])
def test_a_block_that_is_too_small_says_what_would_do(block, needed):
    with pytest.raises(Error, match="too small for 3 subnets") as caught:
        carve(N(block), ["a", "b", "c"])
    assert needed in caught.value.hint
    carve(N(f"10.1.0.0{needed}"), ["a", "b", "c"])


@pytest.mark.parametrize("text", ["10.1.0.1/16", "10.1.0.0/33", "vpc", "", "::/0"])
def test_a_block_that_does_not_parse_names_its_field(text):
    with pytest.raises(Error, match="vpc_cidr="):
        network(text, "vpc_cidr")


def test_overlaps_are_refused_with_both_blocks_and_the_owner():
    with pytest.raises(Overlap, match=r"10\.0\.128\.0/17 overlaps 10\.0\.0\.0/16 \(datacentre\)"):
        refuse_overlap(N("10.0.128.0/17"), [(N("10.9.0.0/16"), "x"), (N("10.0.0.0/16"), "datacentre")])


def test_allocation_is_idempotent_by_key(tmp_path):
    one = pool(tmp_path, datacentre=["10.0.0.0/16"])
    assert one.allocate("acme") == N("10.1.0.0/16")
    assert one.allocate("acme") == N("10.1.0.0/16")
    assert one.allocate("acme", N("10.1.0.0/16")) == N("10.1.0.0/16")
    assert one.allocate("other") == N("10.2.0.0/16")
    assert pool(tmp_path).allocations() == {"acme": N("10.1.0.0/16"), "other": N("10.2.0.0/16")}
    with pytest.raises(Error, match=r"acme already has 10\.1\.0\.0/16"):
        one.allocate("acme", N("10.7.0.0/16"))
    one.release("acme")
    one.release("acme")
    assert one.allocate("third") == N("10.1.0.0/16")


def test_a_wanted_block_must_be_free(tmp_path):
    one = pool(tmp_path, datacentre=["10.0.0.0/16"])
    one.allocate("acme", N("10.1.0.0/16"))
    for block, owner in [("10.0.3.0/24", "datacentre"), ("10.1.0.0/17", "acme"), ("10.0.0.0/8", "datacentre")]:
        with pytest.raises(Overlap, match=owner):
            one.allocate("new", N(block))
    with pytest.raises(Overlap, match="elsewhere"):
        one.allocate("new", N("10.2.0.0/16"), taken=[(N("10.2.3.0/24"), "elsewhere")])
    with pytest.raises(Error, match="outside of the pool"):
        one.allocate("new", N("192.168.0.0/16"))
    assert "new" not in one.allocations()


def test_a_block_that_became_taken_is_refused_at_the_next_call(tmp_path):
    one = pool(tmp_path)
    one.allocate("acme", N("10.1.0.0/16"))
    with pytest.raises(Overlap, match="a VPC of the federation"):
        one.allocate("acme", taken=[(N("10.1.0.0/24"), "a VPC of the federation")])


def test_a_pool_that_is_used_up_or_too_small(tmp_path):
    small = pool(tmp_path, "10.1.0.0/23")
    small.allocate("a", length=24)
    small.allocate("b", length=24)
    with pytest.raises(Error, match="no free /24 left"):
        small.allocate("c", length=24)
    with pytest.raises(Error, match="no room for a /16"):
        small.allocate("c", length=16)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 3}', '{"a": "x"}', "3"])
def test_a_spoilt_file_is_named_with_a_remedy_and_not_overwritten(tmp_path, text):
    one = pool(tmp_path)
    one.path.write_text(text)
    with pytest.raises(Error, match=r"pool\.json"):
        one.allocate("acme")
    assert one.path.read_text() == text


def _allocate(args):
    path, key = args
    return str(Pool(path, N("10.0.0.0/8"), {}).allocate(key))


def test_processes_side_by_side_never_get_one_block_twice(tmp_path):
    path = tmp_path / "pool.json"
    with multiprocessing.get_context("spawn").Pool(4) as workers:
        blocks = workers.map(_allocate, [(path, f"run-{n % 20}") for n in range(40)])
    assert len(set(blocks)) == 20
    assert blocks[:20] == blocks[20:]


@given(st.lists(st.integers(min_value=16, max_value=28), max_size=12))
def test_whatever_is_asked_for_nothing_overlaps(tmp_path_factory, lengths):
    one = pool(tmp_path_factory.mktemp("pool"), "10.0.0.0/12", site=["10.0.0.0/16", "10.3.7.0/24"])
    given = [one.allocate(f"k{n}", length=length) for n, length in enumerate(lengths)] + [b for b, _ in one.reserved]
    assert all(a is b or not a.overlaps(b) for a in given for b in given)
