"""What is shipped: the wheel's contents, what an import loads, and pins that name no place."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
    tree = {f"trunkline/blueprints/templates/{path.name}" for path in (TEMPLATES).iterdir() if path.is_file()}
    assert templates == tree
    assert len(tree) >= 6
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


TEMPLATES = ROOT / "src/trunkline/blueprints/templates"


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
