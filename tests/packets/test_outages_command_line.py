"""Outages as a user calls for them, by commands: what is lost, what goes on through the other router, and `mend`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.exits import Exit

pytestmark = [pytest.mark.lab, pytest.mark.packets]
SOON = 40.0  # seconds; dead peers are noticed in a few


class Shell:
    """The command line, with a lab with packets and a VPC that is connected to the datacentre."""

    def __init__(self, state: Path) -> None:
        self.environment = {**os.environ, "XDG_STATE_HOME": str(state)}
        up = self("lab", "up", "--packets", "--pace", "fast")
        self.environment["TRUNKLINE_CONFIG"] = up["config"]

    def build(self) -> None:
        self("up", "federation", "--name", "fednet", "--account", "B")
        where = ("--account", "A", "--federation-account", "B", "--federation", "fednet")
        vpc = self("up", "connect-vpc", "--name", "acme", *where)
        self("lab", "host", "app", "--in", vpc["outputs"]["app_subnet1_id"])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "trunkline.cli", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=200)

    def __call__(self, *words: str) -> dict[str, Any]:
        done = self.run(*words, "--json")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def reaches(self) -> bool:
        """Whether the VPC's host reaches the datacentre's; said by exit code."""
        done = self.run("lab", "ping", "app", "datacentre", "--count", "1")
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    state = tmp_path_factory.mktemp("state")
    made = Shell(state)
    try:
        made.build()
        yield made
    finally:
        made("lab", "down")


@pytest.fixture(autouse=True)
def mended(shell: Shell) -> Iterator[None]:
    assert within(shell.reaches)
    yield
    shell("lab", "fault", "mend")


def within(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


@pytest.mark.parametrize("kind", ["kill", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("freeze", "cut"))])
def test_one_of_two_routers_is_lost_and_the_other_carries_on(shell: Shell, kind: str) -> None:
    struck = shell("lab", "fault", "router", "fednet-router-1", "--kind", kind)
    assert len(struck["struck"]) == 1
    assert within(shell.reaches)
    shell("lab", "fault", "router", "fednet-router-2", "--kind", kind)
    assert within(lambda: not shell.reaches())
    assert shell("lab", "fault", "mend", "fednet-router-2") == {"mended": "fednet-router-2"}
    assert within(shell.reaches)


def test_a_cut_link_is_gone_round(shell: Shell) -> None:
    shell("lab", "fault", "link", "acme-router", "fednet-router-1")
    assert within(shell.reaches)
    shell("lab", "fault", "link", "acme-router", "fednet-router-2")
    assert within(lambda: not shell.reaches())
    assert "everything is mended" in shell.run("lab", "fault", "mend").stdout
    assert within(shell.reaches)


def test_a_zone_is_lost_with_the_routers_in_it(shell: Shell) -> None:
    assert len(shell("lab", "fault", "zone", "1")["struck"]) == 1  # Azure's; the VPC's router is in a zone of AWS's
    assert within(shell.reaches)
    shell("lab", "fault", "zone", "2")
    assert within(lambda: not shell.reaches())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("router", "nobody"), "fednet-router-1"),
        (("link", "acme-router", "nobody"), "fednet-router-1"),
        (("zone", "nowhere"), "zones with routers are"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(shell: Shell, words: tuple[str, ...], told: str) -> None:
    done = shell.run("lab", "fault", *words)
    assert done.returncode == Exit.USAGE
    assert words[-1] in done.stderr
    assert told in done.stderr


def test_a_kind_of_outage_that_there_is_not_is_refused(shell: Shell) -> None:
    done = shell.run("lab", "fault", "router", "fednet-router-1", "--kind", "melt")
    assert done.returncode == Exit.USAGE
    assert "melt" in done.stderr
