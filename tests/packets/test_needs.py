"""What real packets need and do not find is named, with its Debian package, before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trunkline_lab import cli, process
from trunkline_lab.packets import needs
from trunkline_lab.packets.child import Child, PacketsError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without bird and strongSwan, as most are."""
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None if name.startswith("bird") else real("sh"))
    monkeypatch.setattr(needs, "_FILES", {Path("/nowhere/charon"): "strongswan-charon"})


@pytest.mark.usefixtures("bare")
def test_what_is_missing_is_named_with_its_package() -> None:
    words = [str(each) for each in needs.missing()]
    assert "bird (Debian package bird2)" in words
    assert "/nowhere/charon (Debian package strongswan-charon)" in words


def test_a_charon_that_apparmor_confines_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles"
    profiles.write_text("/usr/bin/man (enforce)\n/usr/lib/ipsec/charon (enforce)\n")
    monkeypatch.setattr(needs, "_PROFILES", profiles)
    assert any("apparmor_parser -R /etc/apparmor.d/usr.lib.ipsec.charon" in str(each) for each in needs.missing())


@pytest.mark.usefixtures("bare")
def test_a_fabric_without_its_parts_does_not_start() -> None:
    with pytest.raises(PacketsError, match=r"real packets cannot run here: bird \(Debian package bird2\); .* missing"):
        Child()


@pytest.mark.usefixtures("bare")
def test_lab_up_says_it_before_it_starts_a_lab(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(process, "start", lambda *_, **__: pytest.fail("a lab was started"))
    assert cli.main(["up", "--packets"]) == 1
    said = capsys.readouterr().err
    assert "bird (Debian package bird2)" in said
    assert "hint: as root: scripts/install-debian.sh; or without --packets" in said


def test_the_script_installs_every_package_that_is_named() -> None:
    script = (ROOT / "scripts/install-debian.sh").read_text()
    always_there = {"util-linux", "mount"}  # essential in Debian
    named = set(needs._PROGRAMS.values()) | set(needs._FILES.values())
    assert {package for package in named - always_there if package not in script} == set()
