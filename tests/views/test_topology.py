"""The picture of a federation: what it says, that it is well-formed and stable, and that colour never stands alone."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from federations import SITE, exposures, joined, mesh, network, router, star

from trunkline.network.model import Federation, Route, Router, RouteTable, Site
from trunkline.views import theme
from trunkline.views.svg import fitted, natural, text_of, width
from trunkline.views.topology import Exposed, dot, picture, topology
from trunkline.views.topology.layout import FEW, Box, layout
from trunkline.views.topology.marks import together

SVG = "{http://www.w3.org/2000/svg}"


def shuffled(federation: Federation, seed: int) -> Federation:
    mixed = random.Random(seed)
    parts = [list(part) for part in (federation.networks, federation.routers, federation.sites)]
    for part in parts:
        mixed.shuffle(part)
    return Federation(*map(tuple, parts))


def classes(drawn: str, class_: str) -> list[str]:
    return [each for each in re.findall(r'class="([^"]*)"', drawn) if class_ in each.split()]


@pytest.mark.parametrize("federation", [Federation(), star(0), star(3), star(40, hubs=2), mesh(5), mesh(20)])
def test_it_is_well_formed_and_does_not_depend_on_the_order_of_its_parts(federation: Federation) -> None:
    drawn = topology(federation)
    ElementTree.fromstring(drawn)
    assert {topology(shuffled(federation, seed)) for seed in range(3)} == {drawn}


@pytest.mark.parametrize("federation", [star(3), star(12, hubs=3), star(60, accounts=7, hubs=2), mesh(9)])
def test_no_card_covers_another_and_all_are_inside(federation: Federation) -> None:
    placed = layout(picture(federation))
    boxes = [*placed.cards.values(), *placed.outside.values()]
    assert len(placed.cards) == len(federation.networks)
    for place, one in enumerate(boxes):
        assert one.x >= 0
        assert one.y >= 0
        assert one.right <= placed.width
        assert one.bottom <= placed.height
        for other in boxes[place + 1 :]:
            assert one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
    areas = [area.box for area in placed.areas]
    assert all(any(_inside(card, area) for area in areas) for card in placed.cards.values())


def _inside(card: Box, area: Box) -> bool:
    return area.x <= card.x and card.right <= area.right and area.y <= card.y and card.bottom <= area.bottom


def test_up_to_a_dozen_every_tunnel_is_a_line_and_above_it_a_mark() -> None:
    few, many = topology(star(FEW)), topology(star(FEW + 1))
    assert len(classes(few, "link")) == 2 + 2 * FEW
    assert not classes(few, "trunk")
    assert len(classes(many, "link")) == 2, "those to the site"
    assert len(classes(many, "trunk")) >= 2 + 1, "one a router, and the rails"
    assert len(classes(many, "mark")) >= 2 + 2 * (FEW + 1)


def test_states_are_counted_and_each_has_a_shape_of_its_own() -> None:
    federation = star(3, broken=True)
    read = picture(federation, exposures(3))
    assert read.summary == "4 networks in 2 accounts · 8 tunnels · ✕ 1 down · ▲ 1 up at one end only · ! 1 exposed"
    drawn = topology(federation, exposures(3))
    root = ElementTree.fromstring(drawn)
    shapes = {
        state: {each.tag.removeprefix(SVG) for each in root.iter() if each.get("class") == f"mark {state}"}
        for state in ("up", "half", "down")
    }
    assert shapes == {"up": {"circle"}, "half": {"polygon"}, "down": {"path"}}
    assert len(classes(drawn, "exposed")) >= 2
    assert "! EXPOSED" in drawn


def test_a_tunnel_is_half_up_when_one_end_says_so_or_has_none() -> None:
    one, other = network(1), network(2)
    left, right = joined(router(1, one), router(2, other), back=False)
    assert isinstance(right, Router)
    (link,) = picture(Federation((one, other), (left, right))).links
    assert (link.state, link.reason) == ("half", "down at vpc-002-router")
    (link,) = picture(Federation((one, other), (left, replace(right, tunnels=())))).links
    assert (link.state, link.reason) == ("half", "vpc-002-router has no tunnel to vpc-001-router")
    (link,) = picture(Federation((one, other), (left, replace(right, tunnels=(), running=False)))).links
    assert link.state == "up", "what does not run says nothing"
    (link,) = picture(Federation((one, other), (left, replace(right, tunnels=(), unread="its API is shut")))).links
    assert link.state == "up", "nor does what was not read"
    (link,) = picture(Federation((one,), (left,))).links
    assert (link.other.kind, link.state) == ("unknown", "up")
    assert "no router or site that was read has this address" in link.reason


def test_the_hub_is_found_by_its_neighbours_or_by_its_site() -> None:
    assert [each.name for each in picture(star(3)).hubs] == ["federation-1"]
    assert [each.name for each in picture(star(1)).hubs] == ["federation-1"]
    assert [each.name for each in picture(star(30, hubs=3)).hubs] == [f"federation-{n}" for n in (1, 2, 3)]
    assert picture(mesh(5)).hubs == ()
    lone = [(network(n), router(n, network(n))) for n in range(4)]
    around = Federation(tuple(n for n, _ in lone), tuple(joined(each, SITE)[0] for _, each in lone), (SITE,))
    assert picture(around).hubs == (), "a star about a site has its hub on-prem"


def test_problems_come_gravest_first_and_say_where() -> None:
    federation = star(3, broken=True)
    silent = replace(federation.networks[1].route_tables[0], routes=(Route("10.9.0.0/16", "eni-gone", active=False),))
    networks = (
        federation.networks[0],
        replace(federation.networks[1], route_tables=(silent,)),
        *federation.networks[2:],
    )
    federation = replace(federation, networks=networks)
    read = picture(federation, [*exposures(3), Exposed("acct-00", "sg-of-nobody", "tcp/22")])
    assert [each.kind for each in read.problems] == ["exposed", "exposed", "down", "half", "route", "route"]
    texts = [each.text for each in read.problems]
    assert texts[0] == "a network that was not read: acct-00 sg-of-nobody: tcp/22"
    assert (
        texts[2] == "hub-1-1 – vpc-002-router: down: down at hub-1-1; down at vpc-002-router (no answer to IKE_SA_INIT)"
    )
    assert texts[4] == "vpc-000: 10.9.0.0/16 of route table rtb-0000 leads nowhere (eni-gone)"
    assert texts[5] == "vpc-000: no route leads to vpc-000-router"


def test_a_trunk_says_how_the_most_of_it_stands() -> None:
    assert together(["up"] * 3) == "up"
    assert together(["up", "up", "down"]) == together(["up", "half"]) == "half"
    assert together(["up", "down"]) == together(["down"]) == "down"
    broken = topology(star(60, broken=True))
    assert classes(broken, "trunk").count("trunk half") >= 2
    assert set(classes(topology(star(60)), "trunk")) == {"trunk up"}


def test_more_tunnels_than_a_small_card_has_room_for_are_counted() -> None:
    assert "● 19" in topology(mesh(20))


def test_nothing_of_a_name_is_taken_for_markup() -> None:
    evil = '<script>alert("1")</script>&\x00\x1b]]>'
    vpc = network(1, name=evil, account=evil)
    vpc = replace(vpc, route_tables=(RouteTable(evil, (Route(evil, evil),)),))
    site = Site(evil, "192.0.2.1", (evil,))
    machine, _ = joined(router(1, vpc, evil), site)
    federation = Federation((vpc,), (machine,), (site,))
    drawn = topology(federation, [Exposed(evil, "sg-0001", evil)])
    root = ElementTree.fromstring(drawn)
    assert not root.findall(f".//{SVG}script")
    assert "<script" not in drawn
    assert "\x00" not in drawn
    assert text_of("\x00<") == "\N{REPLACEMENT CHARACTER}&lt;"
    "\n".join(dot(picture(federation)))


def test_text_is_cut_to_its_room() -> None:
    assert fitted("short", 200, 12) == "short"
    for room in (20.0, 60.0, 100.0):
        cut = fitted("a-very-long-name-of-a-network", room, 12)
        assert cut.endswith("…")
        assert width(cut, 12) <= room
    assert fitted("anything", 0, 12) == "…"
    assert width("名前", 10) > width("ab", 10)
    assert sorted(["vpc-10", "vpc-9", "vpc"], key=natural) == ["vpc", "vpc-9", "vpc-10"]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(colours: dict[str, str]) -> None:
    assert contrast("#ffffff", "#777777") < 4.5, "the measure itself: a grey that is known to fail"
    grounds = ("paper", "area", "card")
    pairs = [(text, ground) for text in ("ink", "soft", "ok", "warn", "bad", "run") for ground in grounds]
    pairs += [("ink", f"{state}-tint") for state in ("ok", "warn", "bad", "run")]
    pairs += [("soft", "bad-tint"), *((state, f"{state}-tint") for state in ("ok", "warn", "bad", "run"))]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert not {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}


def test_for_graphviz() -> None:
    lines = list(dot(picture(star(3, broken=True))))
    assert lines[0] == "graph federation {"
    assert sum(" -- " in line for line in lines) == 8
    assert sum("color=red" in line for line in lines) == 1
