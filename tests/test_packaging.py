"""What is shipped: the wheel's contents, what an import loads, and pins that name no place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "src/trunkline/blueprints/templates"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel, built from the tree with what is installed: no network, no isolated environment."""
    place = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = place.glob("trunkline-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_packages_their_types_and_templates(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {"trunkline/py.typed", "trunkline_lab/py.typed"} <= names
    templates = {name for name in names if name.startswith("trunkline/blueprints/templates/")}
    tree = {f"trunkline/blueprints/templates/{path.name}" for path in TEMPLATES.iterdir() if path.is_file()}
    assert templates == tree
    assert len(tree) >= 6
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"trunkline", "trunkline_lab"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name or "test" in Path(name).name]


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = wheel.read(info).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert [line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Provides-Extra")] == sorted(
        PYPROJECT["project"]["optional-dependencies"]
    )
    assert wheel.read(info.replace("METADATA", "licenses/LICENSE")).decode().count("Apache License") >= 1
    points = wheel.read(info.replace("METADATA", "entry_points.txt")).decode()
    for line in ("trunkline = trunkline.cli.main:main", "connect-vpc = ", "aws = trunkline.clouds.aws:account"):
        assert line in points


def test_the_installed_wheel_runs(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import trunkline; from trunkline.cli.main import main; main(['up', '--help']); print(trunkline.__file__)"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path) in answer.stdout
    assert "connect-vpc" in answer.stdout


def test_importing_trunkline_loads_no_third_party_no_loop_and_no_database() -> None:
    code = "import sys; before = set(sys.modules); import trunkline; print(*(set(sys.modules) - before))"
    loaded = {
        name.partition(".")[0]
        for name in subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    }
    assert "trunkline" in loaded
    assert loaded - {"trunkline"} <= set(sys.stdlib_module_names)
    assert not loaded & {"asyncio", "sqlite3", "ssl", "socket", "subprocess", "logging", "concurrent"}


@pytest.mark.parametrize("name", ["dev", "run"])
def test_the_pins_are_hashed_and_name_no_place(name: str) -> None:
    text = (ROOT / f"constraints/{name}.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--?(?!hash=)[a-z]", text, re.MULTILINE)
    assert " @ " not in text
    entries = re.findall(r"^([\w.-]+)==.*?(?=^[\w.-]+==|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(entries) > 20
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_every_dependency_is_pinned() -> None:
    project = PYPROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
        *PYPROJECT["dependency-groups"]["dev"],
        *PYPROJECT["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=!~ ;]", each)[0].lower().replace("_", "-") for each in wanted} - {"trunkline"}
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints/dev.txt").read_text(), re.MULTILINE))
    assert names <= pinned, f"make lock: {sorted(names - pinned)}"


@pytest.mark.parametrize("name", ["setup", "lock", "install-debian"])
def test_the_scripts_are_well_formed(name: str) -> None:
    script = ROOT / f"scripts/{name}.sh"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "set -euo pipefail" in script.read_text()


FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *ensurepip*) exit 1 ;;
  *'%d.%d'*) echo 3.12 ;;
  *version_info*) exit ${TOO_OLD:-0} ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with nothing made yet, and a directory `bin` whose python3 has no venv, as on a bare Debian."""
    for name in ("scripts/setup.sh", "constraints/dev.txt", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        (tmp_path / "bin" / name).write_text(FAKE_PYTHON)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def set_up(clone: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{clone / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return subprocess.run(
        ["bash", str(clone / "scripts/setup.sh")],
        env={"PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_setup_without_venv_names_the_debian_package(clone: Path) -> None:
    answer = set_up(clone)
    assert answer.returncode == 1
    assert "error: python3 cannot make a virtual environment" in answer.stderr
    assert "apt-get install python3-venv (or python3.12-venv)" in answer.stderr
    assert not (clone / ".venv").exists()


def test_setup_with_a_python_that_is_too_old(clone: Path) -> None:
    answer = set_up(clone, TOO_OLD="1")
    assert answer.returncode == 1
    assert "error: no Python 3.11 or newer was found" in answer.stderr


def test_setup_returns_at_once_when_nothing_changed(clone: Path) -> None:
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/python").write_text("#!/bin/sh\nexit 9\n")
    (clone / ".venv/bin/python").chmod(0o755)
    assert set_up(clone).returncode == 9, "without a stamp it installs"
    pins = (clone / "constraints/dev.txt").read_bytes() + (clone / "pyproject.toml").read_bytes()
    stamp = subprocess.run(["cksum"], input=pins, capture_output=True, check=True).stdout.decode().strip()
    (clone / ".venv/.trunkline-setup").write_text(stamp + "\n")
    answer = set_up(clone)
    assert (answer.returncode, answer.stdout) == (0, "")
    (clone / "pyproject.toml").write_text("changed")
    assert set_up(clone).returncode == 9
