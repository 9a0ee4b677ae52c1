from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_federation import job

from trunkline.network import model, serial
from trunkline.network.model import BgpSession, Federation, Interface, Network, Peering, Router, Site, Subnet, Tunnel


def test_what_is_written_is_read_back() -> None:
    assert serial.loads(serial.dumps(job())) == job()


def test_an_empty_federation() -> None:
    assert serial.loads("{}") == Federation()
    assert serial.to_plain(Federation()) == {"version": 1, "networks": [], "routers": [], "sites": []}


def test_fields_that_are_left_out_have_their_defaults() -> None:
    document = {"sites": [{"name": "here", "address": "203.0.113.1", "prefixes": ["10.0.0.0/16"]}]}
    assert serial.from_plain(document) == Federation(sites=(Site("here", "203.0.113.1", ("10.0.0.0/16",)),))


def test_the_model_is_plain_data() -> None:
    """Every field has a type that JSON has: text, whole numbers, truth, none, and lists of such or of the model."""
    simple = {"str", "int", "bool", "str | None", "int | None", "tuple[str, ...]"}
    classes = [each for each in vars(model).values() if isinstance(each, type) and is_dataclass(each)]
    assert len(classes) > 12
    nested = {f"tuple[{each.__name__}, ...]" for each in classes}
    assert {str(field.type) for each in classes for field in fields(each)} <= simple | nested


texts = st.text(st.characters(codec="utf-8"), max_size=6)
addresses = st.ip_addresses(v=4).map(str)
blocks = st.builds(lambda a, n: f"{a}/{n}", st.just("0.0.0.0"), st.integers(0, 32))
federations = st.builds(
    Federation,
    networks=st.lists(
        st.builds(
            Network,
            texts,
            texts,
            texts,
            texts,
            st.lists(blocks, max_size=2).map(tuple),
            st.lists(st.builds(Subnet, texts, texts, blocks), max_size=2).map(tuple),
            interfaces=st.lists(
                st.builds(Interface, texts, texts, addresses, st.none() | addresses, forwards=st.booleans()),
                max_size=2,
            ).map(tuple),
            peerings=st.lists(st.builds(Peering, texts, texts, st.booleans()), max_size=1).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    routers=st.lists(
        st.builds(
            Router,
            texts,
            texts,
            texts,
            texts,
            addresses,
            st.none() | addresses,
            st.none() | st.integers(),
            tunnels=st.lists(st.builds(Tunnel, texts, texts, addresses, up=st.booleans()), max_size=2).map(tuple),
            sessions=st.lists(st.builds(BgpSession, texts, texts, st.integers()), max_size=1).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    sites=st.lists(
        st.builds(Site, texts, addresses, st.lists(blocks, min_size=1, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
)


@given(federations)
def test_every_federation_survives_the_way_through_json(federation: Federation) -> None:
    assert serial.loads(serial.dumps(federation, indent=None)) == federation


def at(*path: Any) -> Callable[[Any], tuple[Any, Any]]:
    def found(document: Any) -> tuple[Any, Any]:
        for key in path[:-1]:
            document = document[key]
        return document, path[-1]

    return found


ROWS = [
    (("networks", 0, "subnets", 0, "cidr"), "10.1.0.0/33", "networks[0].subnets[0].cidr: '10.1.0.0/33' is no prefix"),
    (("networks", 0, "subnets", 1, "cidr"), "10.1.1.1/24", "networks[0].subnets[1].cidr: '10.1.1.1/24' is no prefix"),
    (("networks", 1, "cidrs"), "10.0.0.0/8", "networks[1].cidrs: '10.0.0.0/8' is no list"),
    (("networks", 1, "cidrs"), ["x"], "networks[1].cidrs[0]: 'x' is no prefix"),
    (("networks", 1), None, "networks[1]: is not an object"),
    (("networks",), None, "networks: None is no list"),
    (
        ("networks", 0, "route_tables", 1, "routes", 0, "prefix"),
        "10.1",
        "networks[0].route_tables[1].routes[0].prefix: '10.1' is no prefix",
    ),
    (
        ("networks", 0, "rule_sets", 0, "permissions", 2, "peer"),
        "1.2.3.4/99",
        "networks[0].rule_sets[0].permissions[2].peer: '1.2.3.4/99' is no prefix",
    ),
    (
        ("networks", 0, "rule_sets", 0, "permissions", 2, "direction"),
        "inward",
        "networks[0].rule_sets[0].permissions[2].direction: 'inward' is not one of in, out",
    ),
    (
        ("networks", 0, "rule_sets", 0, "permissions", 2, "first_port"),
        "443",
        "networks[0].rule_sets[0].permissions[2].first_port: '443' is not a whole number",
    ),
    (
        ("networks", 0, "interfaces", 0, "private_address"),
        "10.1.0",
        "networks[0].interfaces[0].private_address: '10.1.0' is no address",
    ),
    (("networks", 0, "interfaces", 0, "forwards"), 1, "networks[0].interfaces[0].forwards: 1 is not true or false"),
    (("routers", 0, "tunnels", 0, "peer"), "hub", "routers[0].tunnels[0].peer: 'hub' is no address"),
    (("routers", 0, "tunnels", 0, "local"), ["all"], "routers[0].tunnels[0].local[0]: 'all' is no prefix"),
    (("routers", 0, "asn"), True, "routers[0].asn: True is not a whole number"),
    (("routers", 0, "routes", 0, "gateway"), "x", "routers[0].routes[0].gateway: 'x' is no address"),
    (("routers", 0, "filters", 0, "source"), "sg-1", "routers[0].filters[0].source: 'sg-1' is no prefix"),
    (("sites", 0, "prefixes"), [], "sites[0].prefixes: a site has at least one"),
    (("sites", 0, "colour"), "red", "sites[0]: colour: no such field"),
    (("version",), 2, "version: 2 is not known; this trunkline reads 1"),
]


@pytest.mark.parametrize(("path", "value", "expected"), ROWS, ids=[row[2].partition(":")[0] for row in ROWS])
def test_what_is_wrong_is_named_by_its_place(path: tuple[Any, ...], value: object, expected: str) -> None:
    document = json.loads(serial.dumps(job()))
    holder, key = at(*path)(document)
    holder[key] = value
    with pytest.raises(serial.BadDocument) as raised:
        serial.from_plain(document)
    assert any(expected in problem for problem in raised.value.problems), raised.value.problems


def test_a_field_that_is_missing_is_named() -> None:
    document = serial.to_plain(job())
    del document["networks"][0]["id"], document["routers"][2]["name"]
    with pytest.raises(serial.BadDocument) as raised:
        serial.from_plain(document)
    assert raised.value.problems == ["networks[0].id: is missing", "routers[2].name: is missing"]


@pytest.mark.parametrize("text", ["", "[", "null", "[]", "7", '"x"', "[" * 100_000, b"\xff\xfe\xfd"])
def test_what_is_no_document_at_all(text: str | bytes) -> None:
    with pytest.raises(serial.BadDocument, match="not a federation"):
        serial.loads(text)


def test_many_problems_are_told_and_counted() -> None:
    document = serial.to_plain(job())
    for subnet in document["networks"][0]["subnets"]:
        subnet["cidr"] = "?"
    for table in document["networks"][0]["route_tables"]:
        for route in table["routes"]:
            route["prefix"] = "1"
    with pytest.raises(serial.BadDocument, match="and 3 more") as raised:
        serial.from_plain(document)
    assert len(raised.value.problems) == 8
