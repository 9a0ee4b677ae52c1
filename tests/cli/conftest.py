"""The fixtures of the command line's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_tools import PIPELINES, Answer, Command, FakeAccount, exposure

from trunkline.cli.main import main


@pytest.fixture
def trunkline(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command line in this process, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # runs are kept there, and nobody's own
    for name in ("TRUNKLINE_CONFIG", "TRUNKLINE_PROGRESS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def command(*words: str) -> Answer:
        code = main(words)
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return command


@pytest.fixture
def pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "pipelines.py"
    path.write_text(PIPELINES)
    return path


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeAccount]:
    """Two accounts and the configuration that names them; A has one expired exposure, B one that is not."""
    made = {
        "A": FakeAccount("A", [exposure("A", "acme", -5)]),
        "B": FakeAccount("B", [exposure("B", "acme", 10), exposure("B", "other", -1)]),
    }

    def open_account(name: str, section: Any) -> FakeAccount:
        return made[name]

    monkeypatch.setattr("trunkline.clouds.registry.open_account", open_account)
    (tmp_path / "trunkline.toml").write_text(
        'from = "198.51.100.7"\nhome = "home"\n[accounts.A]\ncloud = "fake"\n[accounts.B]\ncloud = "fake"\n'
    )
    return made
