"""`undo`, `--on-failure undo`, `status` and `history`: what is left is listed, and who did what is told."""

from __future__ import annotations

import getpass
import json
import re
from pathlib import Path

import pytest
from cli_tools import Command

PIPELINE = """
import time
from trunkline import during, nothing, step


def fine(state):
    pass


def hands(fail: bool = False, stuck: bool = False, used: bool = False, nap: float = 0.0):
    def make(state):
        time.sleep(nap)
        return {"vpc_id": "vpc-1", "admin_password": "t0p"}

    def unmake(state):
        if stuck:
            raise OSError("vpc-1 has dependencies")

    def bad(state):
        if fail:
            raise ValueError("no route")

    in_use = lambda state: "10.1.0.0/16 is routed to it" if used else None
    return [
        ("vpc", step(make, undo=unmake, in_use=in_use)),
        ("mail", lambda state: {"sent_to": "ops", "api_token": "t0p"}),
        during("access", open=fine, close=fine, steps=[("bad", step(bad, undo=nothing))]),
    ]
"""


@pytest.fixture
def hands(tmp_path: Path) -> str:
    (tmp_path / "p.py").write_text(PIPELINE)
    return "p.py:hands"


def test_what_has_no_undo_is_listed_with_what_it_gave_and_needs_hands(trunkline: Command, hands: str) -> None:
    trunkline("up", hands, "--name", "acme")
    answer = trunkline("undo", "acme", "--progress", "quiet")
    assert (answer.code, answer.out) == (3, "acme: undone\n")
    assert answer.err.splitlines() == [
        "  what it had done is undone, save what has no undo; see to that by hand:",
        '    mail: api_token="(hidden)", sent_to="ops"',
    ]
    assert json.loads(trunkline("undo", "acme", "--json").out)["left"] == ["mail"]


def test_an_undo_that_fails_says_what_still_stands_and_how_to_go_on(trunkline: Command, hands: str) -> None:
    trunkline("up", hands, "--name", "acme", "--stuck")
    answer = trunkline("undo", "acme", "--progress", "quiet")
    assert answer.code == 1
    assert answer.err.splitlines() == [
        "error: OSError: vpc-1 has dependencies (in step vpc)",
        "  not undone:",
        '    mail: api_token="(hidden)", sent_to="ops"',
        '    vpc: admin_password="(hidden)", vpc_id="vpc-1"',
        "go on:      trunkline undo acme",
    ]
    result = json.loads(trunkline("undo", "acme", "--json").out)
    assert (result["outcome"], result["left"]) == ("undoing", ["mail", "vpc"])
    assert trunkline("undo", "acme", "--no-stuck").code == 3


def test_what_is_in_use_is_left_as_it_was(trunkline: Command, hands: str) -> None:
    trunkline("up", hands, "--name", "acme", "--used")
    answer = trunkline("undo", "acme", "--progress", "plain")
    assert answer.code == 1
    assert answer.err == (
        "error: vpc is in use: 10.1.0.0/16 is routed to it\nhint: nothing was undone, the run is as it was\n"
    )
    assert json.loads(trunkline("status", "acme", "--json").out)["standing"] == "done"


@pytest.mark.parametrize(("more", "code"), [((), 3), (("--stuck",), 3)])
def test_a_failed_run_undone_at_once_needs_hands_where_something_is_left(
    trunkline: Command, hands: str, more: tuple[str, ...], code: int
) -> None:
    words = ("up", hands, "--name", "acme", "--fail", *more, "--on-failure", "undo")
    answer = trunkline(*words, "--progress", "quiet")
    assert answer.code == code
    assert answer.err.startswith("error: ValueError: no route (in step access/bad)\n")
    assert "    mail: " in answer.err
    assert ("take back:  trunkline undo acme" in answer.err) == bool(more)
    assert "resume:" not in answer.err
    result = json.loads(trunkline("undo", "acme", "--json", "--no-stuck").out)
    assert (result["outcome"], result["left"]) == ("undone", ["mail"])
    again = json.loads(trunkline("resume", "acme", "--no-fail", "--no-stuck", "--json").out)
    assert (again["outcome"], again["left"]) == ("done", None)


def test_history_tells_who_and_what_and_status_the_steps(trunkline: Command, hands: str) -> None:
    assert "there is no journal" in trunkline("history").err
    trunkline("up", hands, "--name", "acme", "--fail")
    trunkline("resume", "acme", "--no-fail")
    head, row = trunkline("history").out.splitlines()
    assert head.split() == ["run", "stands", "begun", "took", "by", "pipeline", "exposed", "for"]
    assert f" {getpass.getuser()}@" in row
    assert re.search(r"p\.py:hands  access [\d.]+ s, access [\d.]+ s$", row)
    lines = trunkline("history", "acme").out.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:]+  run by \S+@\S+: failed after [\d.]+ s", lines[0])
    assert lines[1:5] == [
        "  ValueError('no route')",
        "  vpc: made",
        "  mail: made",
        "  access/bad: ValueError: no route",
    ]
    assert any(re.fullmatch(r"  access: open for [\d.]+ s", line) for line in lines)
    result = json.loads(trunkline("history", "acme", "--json").out)
    assert [each["outcome"] for each in result["attempts"]] == ["failed", "done"]
    assert "t0p" not in json.dumps(result)
    assert trunkline("history", "nobody").code == 1


def test_the_usual_time_of_a_step_is_shown_while_it_runs(trunkline: Command, hands: str) -> None:
    first = trunkline("up", hands, "--name", "one", "--nap", "0.6", "--progress", "plain").err
    assert "usually" not in first
    second = trunkline("up", hands, "--name", "two", "--progress", "plain").err
    assert re.search(r"vpc: begins \(usually \d\.\d s\)", second)
    assert not re.search(r"mail: begins \(", second)  # too short to be worth a word
