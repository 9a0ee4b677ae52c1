"""The documentation's code blocks run, as a reader would type them; and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from trunkline.config import load

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_code_blocks_run(page: Path) -> None:
    document = Document.parse(str(page), PythonCodeBlockParser())
    count = 0
    for example in document.examples():
        example.evaluate()
        count += 1
    assert count == len(re.findall(r"^```python$", page.read_text(), re.MULTILINE))


def test_the_tutorial_has_code_that_runs() -> None:
    document = Document.parse(str(DOCS / "tutorial/first-pipe.md"), PythonCodeBlockParser())
    assert len(list(document.examples())) >= 5


@pytest.mark.lab
def test_the_tutorials_commands_run(tmp_path: Path) -> None:
    text = (DOCS / "tutorial/first-pipe.md").read_text()
    (block,) = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    commands = "\n".join(line.removeprefix("$ ") for line in block.splitlines())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"HOME": str(tmp_path), "PATH": path, "LANG": os.environ.get("LANG", "C.UTF-8")}
    try:
        answer = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        subprocess.run(["trunkline", "lab", "down"], env=environ, cwd=tmp_path, capture_output=True, timeout=30)
    assert answer.returncode == 0, answer.stderr
    assert "exposed now: nothing (asked A, A2, B and B2)" in answer.stdout
    assert answer.stdout.count("connected=true") == 6
    assert not list((tmp_path / ".local/state/trunkline/labs").iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_configuration_of_the_reference_is_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", (DOCS / "reference/configuration.md").read_text(), re.DOTALL)
    (tmp_path / "trunkline.toml").write_text(block)
    config = load(tmp_path / "trunkline.toml")
    assert {config.account(name).cloud for name in config.accounts} == {"aws", "azure"}
    assert set(tomllib.loads(block)) == {"from", "home", "accounts", "router", "addresses", "sites"}


def test_the_exit_codes_of_the_reference_are_the_real_ones() -> None:
    from trunkline.cli.exits import Exit

    text = (DOCS / "reference/command-line.md").read_text()
    section = text[text.index("## Exit codes") :]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == sorted(Exit)
