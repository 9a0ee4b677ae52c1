"""`trunkline check`, `graph` and `doctor`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_tools import Command, FakeAccount


def test_check_finds_errors_before_anything_runs(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("check", "pipelines.py:unwired")
    assert answer.code == 1
    assert "error: one: needs the key 'vpc_cidr', which nothing gives" in answer.err
    assert "hint: did you mean 'vpc_cdr'?" in answer.err
    assert "1 error" in answer.out


def test_check_of_a_good_pipeline(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("check", "pipelines.py:plain", "--name", "acme")
    assert (answer.code, answer.out) == (0, "acme: 0 errors, 0 warnings\n")


def test_check_as_json(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("check", "pipelines.py:unwired", "--json")
    result = json.loads(answer.out)
    assert (answer.code, result["ok"]) == (1, False)
    assert result["problems"][0]["path"] == "one"
    assert answer.err == ""


def test_graph_as_text(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("graph", "pipelines.py:fails", "--how", "twice", "--name", "acme")
    assert answer.out.splitlines() == [
        "acme",
        "├── fine",
        "└── access  (opened, and closed whatever happens)",
        "    └── bad  (side by side)",
        "        ├── bad",
        "        └── worse",
    ]


def test_graph_as_mermaid(trunkline: Command, pipelines: Path) -> None:
    answer = trunkline("graph", "pipelines.py:fails", "--format", "mermaid")
    assert answer.out.splitlines() == [
        "flowchart TD",
        '  n_0["fine"]',
        '  subgraph n_1["access"]',
        '    n_1_0["bad"]',
        "  end",
        "  n_0 --> n_1",
    ]


def test_graph_for_graphviz(trunkline: Command, pipelines: Path) -> None:
    drawn = trunkline("graph", "pipelines.py:fails", "--how", "twice", "--format", "dot").out
    assert '  n_0 [label="fine"];' in drawn
    assert "  n_0 -> n_1_0_0 [lhead=cluster_n_1];" in drawn
    assert drawn.count("{") == drawn.count("}")
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=drawn, text=True, capture_output=True, check=True)


def test_graph_as_json_is_the_outline(trunkline: Command, pipelines: Path) -> None:
    steps = json.loads(trunkline("graph", "pipelines.py:fails", "--json").out)["steps"]
    assert steps[1] == {"name": "access", "kind": "scope", "parts": [{"name": "bad", "kind": "step", "parts": []}]}


@pytest.mark.parametrize("words", [["--format", "svg"], ["--progress", "tty"]])
def test_graph_refuses_what_it_does_not_have(trunkline: Command, pipelines: Path, words: list[str]) -> None:
    assert trunkline("graph", "pipelines.py:plain", *words).code == 64


def test_doctor_asks_the_accounts(trunkline: Command, accounts: dict[str, FakeAccount]) -> None:
    answer = trunkline("doctor")
    assert answer.code == 0, answer.out
    assert "account A" in answer.out
    assert "exposed now: 2" in answer.out
    accounts["B"].trouble = True
    answer = trunkline("doctor", "--json")
    assert answer.code == 1
    found = {each["what"]: each for each in json.loads(answer.out)["findings"]}
    assert found["account A"]["level"] == "ok"
    assert found["account B"] == {
        "what": "account B",
        "level": "error",
        "text": "account B: the token has expired",
        "hint": "log in again",
    }


def test_doctor_looks_for_the_secrets_that_are_referred_to(
    trunkline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    (tmp_path / "licence").write_text("x")
    (tmp_path / "licence").chmod(0o644)
    (tmp_path / "trunkline.toml").write_text(
        '[router]\nkind = "vns3"\nlicense = "file:licence"\nkeyset_token = "env:NOT_THERE"\n'
    )
    answer = trunkline("doctor")
    assert answer.code == 1
    assert "env:NOT_THERE: the environment variable NOT_THERE is not set or empty" in answer.out
    assert "✘ router.license" not in answer.out
    assert "may be read by everyone on this machine: chmod 600" in answer.out
    assert "! from" in answer.out


def test_doctor_tells_all_that_is_wrong_with_the_configuration(trunkline: Command, tmp_path: Path) -> None:
    (tmp_path / "trunkline.toml").write_text("form = 1\nhome = 2\n")
    answer = trunkline("doctor")
    assert answer.code == 1
    assert "form: is not known; did you mean 'from'?" in answer.out
    assert "home = 2" in answer.out


def test_doctor_names_the_extra_that_is_missing(
    trunkline: Command, accounts: dict[str, FakeAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.cli.doctor.EXTRAS", {"aws": "no_such_module.inner"})
    answer = trunkline("doctor")
    assert "pip install 'trunkline[aws]'" in answer.out
