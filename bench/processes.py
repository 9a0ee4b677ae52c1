"""What the measurements start: children on equal terms, and a lab in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trunkline_lab import process
from trunkline_lab.habits import Order
from trunkline_lab.home import Home

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).with_name("trunkline"))


@contextmanager
def children() -> Iterator[dict[str, str]]:
    """The environment of children that keep byte code, as an installed package does, in a place of their own.

    A user's setting that forbids it would have every start compile anew, and would measure the compiler.
    """
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as directory:
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        yield {**kept, "PYTHONPYCACHEPREFIX": directory}


@contextmanager
def among_children(env: Mapping[str, str]) -> Iterator[None]:
    """What this process starts meanwhile has the environment of `children`."""
    own = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(own)


def run(command: list[str], env: Mapping[str, str], cwd: Path = ROOT) -> None:
    """Run a command to its end, its output kept only to tell why it failed."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


class OwnLab:
    """A lab in a process of its own, so that all who are measured are clients of the same server."""

    def __init__(self, pace: str) -> None:
        self._home, self._pace = Home(f"bench-{pace}-{os.getpid()}"), pace

    def __enter__(self) -> OwnLab:
        process.start(self._home, Order(pace=self._pace))
        return self

    def __exit__(self, *_: object) -> None:
        process.stop(self._home)

    @property
    def config(self) -> Path:
        """The configuration with its accounts."""
        return Path(str(process.ask(self._home, "/status")["config"]))

    def calls(self) -> dict[str, dict[str, int]]:
        """How often each operation was called, by service; not what one service of the lab asked of another."""
        found: Mapping[str, Any] = process.ask(self._home, "/calls")
        return {service: dict(counts) for service, counts in found.items() if " via " not in service}

    def memory(self) -> float:
        """The most memory that it has held so far, in MB."""
        return float(str(process.ask(self._home, "/status")["memory_mb"]))
