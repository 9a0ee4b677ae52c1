"""Plain lines, JSON lines, the log, and which of them is chosen."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest

from trunkline import during, here, pipe
from trunkline.views.choose import UnknownProgress, chosen, view
from trunkline.views.jsonl import JsonLinesView
from trunkline.views.log import LogView
from trunkline.views.plain import PlainView


def work(state: dict[str, Any]) -> dict[str, Any]:
    here().note("first")
    here().note("second")
    return {"vpc_id": "vpc-1"}


def bad(state: dict[str, Any]) -> None:
    raise ValueError("no\nroute")


def run(observer: Any, last: Any = work) -> None:
    steps = [("vpc", work), during("access", open=work, close=work, steps=[("verify", last)])]
    if last is bad:
        with pytest.raises(ValueError, match="no"):
            pipe({}, steps, run="acme", observers=[observer])
    else:
        pipe({}, steps, run="acme", observers=[observer])


def untimed(stream: io.StringIO) -> str:
    """What was written, as on a machine that takes no time."""
    return re.sub(r"\d+\.\d s", "0.0 s", stream.getvalue())


def test_plain_lines_tell_how_far_how_long_and_what() -> None:
    stream = io.StringIO()
    run(PlainView(stream))
    lines = untimed(stream).splitlines()
    assert [line.split("  ", 1)[1].strip() for line in lines if "vpc" in line] == [
        "0.0 s  vpc: begins",
        "0.0 s  vpc: first",
        "0.0 s  vpc: done (0.0 s)",
    ], "a second note within seconds is left out"
    assert lines[3].startswith("[1/2]")
    assert any("access: opens; its closing is owed" in line for line in lines)
    assert any("access: closed after 0.0 s" in line for line in lines)
    assert lines[-1].endswith("acme: done after 0.0 s")
    assert lines[-1].startswith("[2/2]")


def test_plain_lines_of_a_failure() -> None:
    stream = io.StringIO()
    run(PlainView(stream), bad)
    assert "access/verify: FAILED after 0.0 s: ValueError: no\n" in untimed(stream)
    assert untimed(stream).endswith("acme: failed after 0.0 s\n")


def test_json_lines_begin_with_a_version_and_hold_every_event() -> None:
    stream = io.StringIO()
    run(JsonLinesView(stream), bad)
    version, *events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert version == {"format": "trunkline.events", "version": "1.1"}
    assert [each["event"] for each in events[:5]] == [
        "run-started",
        "step-started",
        "step-noted",
        "step-noted",
        "step-ended",
    ]
    assert events[0]["outline"][1] == {
        "name": "access",
        "kind": "scope",
        "parts": [{"name": "verify", "kind": "step", "parts": []}],
    }
    assert events[4]["keys"] == ["vpc_id"]
    assert events[-1]["error"] == {
        "type": "ValueError",
        "message": "no\nroute",
        "hint": None,
        "notes": ["in step access/verify"],
    }


def test_the_log_has_levels_and_the_run(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "trunkline"):
        run(LogView(), bad)
    told = {(record.levelname, record.getMessage().partition(" after")[0]) for record in caplog.records}
    assert ("INFO", "vpc begins") in told
    assert ("DEBUG", "vpc: first") in told
    assert ("ERROR", "access/verify failed") in told
    assert ("ERROR", "run acme failed") in told
    assert {record.trunkline_run for record in caplog.records} == {"acme"}  # type: ignore[attr-defined]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "stream", "environ", "expected"),
    [
        ("auto", Terminal(), {"TERM": "xterm"}, "tty"),
        ("auto", io.StringIO(), {"TERM": "xterm"}, "plain"),
        ("auto", Terminal(), {"TERM": "dumb"}, "plain"),
        ("auto", Terminal(), {"TERM": "xterm", "CI": "true"}, "plain"),
        ("auto", Terminal(), {"TERM": "xterm", "CI": "false"}, "tty"),
        ("auto", Terminal(), {"TERM": "xterm", "TRUNKLINE_PROGRESS": "json"}, "json"),
        ("quiet", Terminal(), {"TERM": "xterm", "TRUNKLINE_PROGRESS": "json"}, "quiet"),
        ("tty", io.StringIO(), {}, "tty"),
    ],
)
def test_which_view_is_chosen(progress: str, stream: Any, environ: dict[str, str], expected: str) -> None:
    assert chosen(progress, stream, environ) == expected


def test_a_word_that_is_not_known_says_whose_it_is() -> None:
    with pytest.raises(UnknownProgress, match="--progress='loud'"):
        chosen("loud", io.StringIO(), {})
    with pytest.raises(UnknownProgress, match="TRUNKLINE_PROGRESS='loud'"):
        chosen("auto", io.StringIO(), {"TRUNKLINE_PROGRESS": "loud"})


def test_quiet_is_quiet() -> None:
    stream = io.StringIO()
    run(view("quiet", stream))
    assert stream.getvalue() == ""
