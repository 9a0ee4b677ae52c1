"""`trunkline secrets` without a cloud: how it stands, what it prints, and what it cannot rotate."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cli_tools import Command

from trunkline.cli.secrets import reached as has_secrets
from trunkline.durable.history import Attempt, Exposed, Told
from trunkline.durable.secrets import Secrets

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TRUNKLINE_MASTER_KEY", raising=False)
    (tmp_path / "trunkline.toml").write_text('home = "home"\n')
    return tmp_path / "home"


def test_status_says_where_the_key_is_and_what_is_pending(trunkline: Command, home: Path) -> None:
    kept = Secrets(home)
    kept.derive("x")
    assert trunkline("secrets", "status").out == f"master key: {home / 'master.key'}\n"
    kept.generations.advance("peer/a/b", "t")
    kept.key.change()
    answer = json.loads(trunkline("secrets", "status", "--json").out)
    assert answer == {
        "version": "1.0", "master_key": str(home / "master.key"), "changing": True, "pending": ["peer/a/b"],
    }  # fmt: skip
    said = trunkline("secrets", "status").out
    assert "go on: trunkline secrets rekey" in said
    assert "rotated and not seen in force: peer/a/b; go on: trunkline secrets rotate" in said


def test_show_prints_the_one_that_was_asked_for(trunkline: Command, home: Path) -> None:
    answer = trunkline("secrets", "show", "generated:site/one")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == Secrets(home).derive("generated/site/one").reveal() + "\n"
    refused = trunkline("secrets", "show", "hunter2")
    assert refused.code == 1
    assert "hunter2" not in refused.out + refused.err


def test_a_key_of_the_environment_is_not_changed(
    trunkline: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUNKLINE_MASTER_KEY", KEY)
    refused = trunkline("secrets", "rekey")
    assert refused.code == 1
    assert "TRUNKLINE_MASTER_KEY_OLD" in refused.err
    assert KEY not in refused.out + refused.err
    assert "the environment variable TRUNKLINE_MASTER_KEY" in trunkline("secrets", "status").out


def test_nothing_to_rotate(trunkline: Command, home: Path, pipelines: Path) -> None:
    assert "there is no journal at" in trunkline("secrets", "rotate").err
    config = str(pipelines.parent / "trunkline.toml")
    assert trunkline("up", f"{pipelines}:plain", "--name", "mine", "--config", config).code == 0
    assert "there is no run 'other' in the journal" in trunkline("secrets", "rotate", "--run", "other").err
    answer = trunkline("secrets", "rotate")
    assert (answer.code, answer.out) == (0, "rotated: none\n")
    assert "mine: its pipeline has no rotation" in answer.err
    assert trunkline("secrets", "rotate", "--run", "mine").code == 1


def test_the_old_key_stays_while_something_cannot_be_rotated(trunkline: Command, home: Path, pipelines: Path) -> None:
    config = str(pipelines.parent / "trunkline.toml")
    first = Secrets(home).derive("x")
    assert trunkline("up", f"{pipelines}:plain", "--name", "mine", "--config", config).code == 0
    answer = trunkline("secrets", "rekey", "--json")
    assert answer.code == 3
    assert json.loads(answer.out) == {"version": "1.0", "rotated": [], "failed": {}, "cannot": ["mine"]}
    assert "the master key before is kept" in answer.err
    assert Secrets(home).older("x") == [first]


OPENED = [Exposed("api-access", 1.0, 2.0)]


@pytest.mark.parametrize(
    ("standing", "attempts", "reached"),
    [
        ("failed", [("run", "failed", [])], False),
        ("failed", [("run", "failed", OPENED)], True),
        ("failed", [("run", "died", OPENED), ("run", "failed", [])], True),
        ("undoing", [("run", "done", OPENED), ("undo", "undoing", [])], True),
        ("failed", [("run", "done", OPENED), ("undo", "undone", []), ("run", "failed", [])], False),
        ("done", [("run", "done", [])], True),  # a pipeline of another's, whose routers always stand open
    ],
)
def test_a_run_has_secrets_from_when_it_opens_access_until_it_is_undone(
    standing: str, attempts: list[tuple[str, str, list[Exposed]]], reached: bool
) -> None:
    gone = [Attempt(what, "", "", 0.0, 1.0, outcome, "", {}, exposed) for what, outcome, exposed in attempts]
    told = Told("acme", standing, 0.0, 1.0, "", "", "federation", [], [], gone, [])
    assert has_secrets(told) is reached


@pytest.mark.parametrize("verb", ["rotate", "rekey", "status", "show"])
def test_every_commands_help_has_an_example(trunkline: Command, verb: str) -> None:
    answer = trunkline("secrets", verb, "--help")
    assert answer.code == 0
    assert f"trunkline secrets {verb}" in answer.out
