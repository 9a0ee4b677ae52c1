"""How the command line starts: quickly, with its help, and with the lab passed on."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import Command

from trunkline.cli import say


def python(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False
    )


def test_help_loads_no_sdk_no_loop_and_no_rich() -> None:
    code = "import sys; from trunkline.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = set(python("-c", code).stderr.split())
    assert "typer" in loaded
    heavy = {"boto3", "botocore", "azure", "cohesivenet", "asyncio", "sqlite3", "rich", "pydantic", "moto"}
    assert not loaded & heavy


def test_no_words_and_help_are_the_same_and_name_every_command(trunkline: Command) -> None:
    answer = trunkline()
    assert (answer.code, answer.err) == (0, "")
    assert answer == trunkline("--help")
    for word in ("up", "check", "graph", "exposures", "sweep", "doctor", "lab"):
        assert f"\n  {word} " in answer.out


@pytest.mark.parametrize("verb", ["up", "check", "graph", "exposures", "sweep", "doctor"])
def test_every_commands_help_has_examples(trunkline: Command, verb: str) -> None:
    answer = trunkline(verb, "--help")
    assert answer.code == 0
    assert f"trunkline {verb}" in answer.out.split("Examples:")[1]


def test_the_installed_pipelines_are_named(trunkline: Command) -> None:
    answer = trunkline("up", "--help")
    assert "connect-vpc" in answer.out
    assert "federation" in answer.out


def test_the_lab_gets_its_own_words(trunkline: Command) -> None:
    answer = trunkline("lab", "up", "--help")
    assert answer.code == 0
    assert "--routers" in answer.out


def test_without_the_lab_the_extra_is_named(trunkline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'moto'", name="moto")

    monkeypatch.setattr(importlib, "import_module", missing)
    answer = trunkline("lab", "up")
    assert answer.code == 1
    assert "hint: pip install 'trunkline[lab]'" in answer.err


@pytest.mark.parametrize(("verb", "code"), [("graph", 0), ("check", 1)])
def test_a_reader_that_goes_away_leaves_the_exit_code_as_it_is(tmp_path: Path, verb: str, code: int) -> None:
    program = tmp_path / "many.py"
    program.write_text(
        "from trunkline import step\n"
        "def many():\n    return [(f'step-{n}', step(print, needs=[f'k{n}'], gives=[])) for n in range(5000)]\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline.cli", verb, f"{program}:many", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=20) == code


def test_colours_follow_the_stream_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    with open(os.devnull, "w") as stream:
        assert say.painted("x", say.RED, stream) == "x"
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert say.painted("x", say.RED, stream) == "\x1b[1;31mx\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert say.painted("x", say.RED, stream) == "x"


def test_an_error_nobody_foresaw_shows_no_traceback(tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text("raise RuntimeError('at import')\n")
    answer = python("-m", "trunkline.cli", "up", f"{program}:x")
    assert answer.returncode == 1
    assert answer.stderr == "error: RuntimeError: at import\n"


def test_a_run_goes_on_when_nobody_reads_its_progress(pipelines: Path) -> None:
    """As in `trunkline up ... 2>&1 | head -1`, or when the terminal has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "trunkline.cli", "up", f"{pipelines}:opens_and_tells"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=writing, text=True, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert "told  all" in done.stdout


def test_closed_streams_are_no_error(pipelines: Path) -> None:
    command = f"exec {sys.executable} -m trunkline.cli up {pipelines}:opens_and_tells >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0


def test_a_terminal_without_unicode_shows_what_it_can(pipelines: Path) -> None:
    words = ("-m", "trunkline.cli", "graph", f"{pipelines}:opens_and_tells")
    done = python(*words, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "access  (opened, and closed whatever happens)" in done.stdout
