"""A run over time: its lanes, what is cut out of the axis, and that nothing stands where it did not happen."""

from __future__ import annotations

import random
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from trunkline import during, each, here, pipe
from trunkline.views.lanes import CUT, LEFT, RIGHT, Axis, arranged, lanes
from trunkline.views.spans import Recorder, Span, Standing, parts

SVG = "{http://www.w3.org/2000/svg}"


def span(path: str, begun: float, ended: float | None, outcome: str = "done", note: str = "") -> Span:
    return Span(path, begun, ended, outcome, note)


SCOPED = [
    span("vpc", 0, 4),
    span("access#open", 4, 5),
    span("access/routers/new", 5, 9),
    span("access/routers/old", 5, 6),
    span("access/tokens#open", 9, 9.5),
    span("access/tokens/peers[hub-10]/tunnel", 9.5, 11),
    span("access/tokens/peers[hub-9]/tunnel", 9.5, 12),
    span("access/tokens#close", 12, 12.5),
    span("access#close", 12.5, 13),
]
STOOD = [Standing("access", 4, 13), Standing("access/tokens", 9, 12.5)]


def test_a_path_falls_into_its_parts() -> None:
    assert parts("access/peers[hub/1]/tunnel") == ["access", "peers", "[hub/1]", "tunnel"]
    assert parts("access#open") == ["access", "#open"]


def test_every_group_has_a_lane_in_its_scope_and_rows_are_sorted_by_name() -> None:
    found = arranged(SCOPED)
    assert [(lane.name, lane.scopes, lane.scope) for lane in found] == [
        ("vpc", (), ""),
        ("access", (), "access"),
        ("routers", ("access",), ""),
        ("tokens", ("access",), "access/tokens"),
        ("peers", ("access", "access/tokens"), ""),
    ]
    assert [*found[2].rows] == ["new", "old"]
    assert [*found[4].rows] == ["[hub-9]", "[hub-10]"]


def bars(drawn: str) -> dict[str, tuple[float, float]]:
    """Where each step's bar begins and ends, by what its tooltip says first."""
    found = {}
    for group in ElementTree.fromstring(drawn).iter(f"{SVG}g"):
        if (group.get("class") or "").startswith("span "):
            title, box = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
            assert title is not None
            assert title.text is not None
            assert box is not None
            left = float(box.attrib["x"])
            found[title.text.partition(": ")[0]] = (left, left + float(box.attrib["width"]))
    return found


def test_bars_stand_in_the_order_of_time() -> None:
    drawn = lanes(SCOPED, STOOD, begun=0, now=13)
    at = bars(drawn)
    assert set(at) == {each.path for each in SCOPED}
    assert at["vpc"][0] == LEFT
    assert at["access#close"][1] == pytest.approx(RIGHT, abs=0.2)
    for one in SCOPED:
        for other in SCOPED:
            if one.ended is not None and one.ended <= other.begun:
                assert at[one.path][1] <= at[other.path][0] + 0.2
    assert "open 9.0 s" in drawn
    assert 'class="wait"' in drawn, "access/routers/old was done before its sibling"


def test_a_scope_that_is_still_open_says_so_and_a_running_one_is_no_alarm() -> None:
    stood = [Standing("access", 4, None), Standing("access/tokens", 9, 12.5)]
    assert "! STILL OPEN, 9.0 s" in lanes(SCOPED, stood, begun=0, now=13)
    running = lanes(SCOPED, stood, begun=0, now=13, running=True)
    assert "STILL OPEN" not in running
    assert "! open, 9.0 s so far" in running


def test_idle_time_is_cut_out_and_named() -> None:
    late = [span("a", 0, 10, "unknown"), span("a", 10_000, 10_010), span("b", 10_010, 10_020)]
    axis = Axis(late, 0, 10_020)
    assert axis.pieces == [(0, 10), (10_000, 10_020)]
    assert axis.x(10_000) - axis.x(10) == pytest.approx(CUT)
    assert [tick.text for tick in axis.ticks() if tick.cut] == ["2:46:30"]
    assert "2:46:30 later" in lanes(late, [], begun=0, now=10_020)


@pytest.mark.parametrize("seed", range(30))
def test_time_never_runs_backwards_on_the_axis(seed: int) -> None:
    mixed = random.Random(seed)
    spans, at = [], 0.0
    for number in range(mixed.randint(1, 30)):
        at += mixed.choice([0, 0.1, 3, 500, 90_000]) * mixed.random()
        ended = at + mixed.choice([0, 0.001, 2, 60])
        spans.append(span(f"s{number}", at, None if mixed.random() < 0.1 else ended))
    now = max(one.ended or one.begun for one in spans) + 1
    axis = Axis(spans, 0, now)
    moments = sorted({0.0, now, *(one.begun for one in spans), *(one.ended or now for one in spans)})
    places = [axis.x(moment) for moment in moments]
    assert places == sorted(places)
    assert places[0] >= LEFT - CUT
    assert places[-1] <= RIGHT + 0.01
    ElementTree.fromstring(lanes(spans, [], begun=0, now=now))


def test_outcomes_have_signs_and_hundreds_of_rows_are_thin() -> None:
    outcomes = ["done", "failed", "unknown", "undone", "running"]
    drawn = lanes(
        [span(f"g/{each}", 0, None if each == "running" else 9, each) for each in outcomes], [], begun=0, now=9
    )
    for sign, outcome in zip("✓✕▲↺…", outcomes, strict=True):
        assert re.search(f'class="span {outcome}".*?{sign}', drawn)
    many = lanes([span(f"peers[vpc-{n}]/tunnel", 0, 5) for n in range(300)], [], begun=0, now=5)
    height = float(re.search(r'height="(\d+)" viewBox', many)[1])  # type: ignore[index]
    assert height < 2500


def test_what_is_named_like_markup_is_text() -> None:
    drawn = lanes([span("<b>&", 0, 1, "failed", '"</svg><script>')], [], begun=0, now=1)
    assert not ElementTree.fromstring(drawn).findall(f".//{SVG}script")


def nothing(state: dict[str, Any]) -> None:
    here().note("at it")


def failing(state: dict[str, Any]) -> None:
    raise ValueError("no such thing")


def test_the_recorder_keeps_a_runs_events_as_spans() -> None:
    recorder = Recorder()
    inside = [each("peers", over="hubs", steps=[("tunnel", nothing)]), ("bad", failing)]
    steps = [("vpc", nothing), during("access", open=nothing, close=nothing, steps=inside)]
    with pytest.raises(ValueError, match="no such thing"):
        pipe({"hubs": ["a", "b"]}, steps, run="acme", observers=[recorder])
    outcomes = {each.path: each.outcome for each in recorder.spans}
    assert outcomes == {
        "vpc": "done",
        "access#open": "done",
        "access/peers[a]/tunnel": "done",
        "access/peers[b]/tunnel": "done",
        "access/bad": "failed",
        "access#close": "done",
    }
    (stood,) = recorder.standings
    assert stood.path == "access"
    assert stood.until is not None
    assert recorder.run == "acme"
    assert isinstance(recorder.error, ValueError)
    assert next(each.note for each in recorder.spans if each.path == "access/bad") == "ValueError: no such thing"
