"""Starting: `import trunkline` and `trunkline --help`, against a bare python."""

from __future__ import annotations

import subprocess
import sys

from bench.figures import Figure, paired

ROUNDS = 15


def measure() -> list[Figure]:
    """Milliseconds above a bare interpreter; goals: 40 and 150."""
    bare = [sys.executable, "-c", "pass"]
    figures = []
    for name, command, goal in (
        ("import trunkline", [sys.executable, "-c", "import trunkline"], 40.0),
        ("trunkline --help", [sys.executable, "-m", "trunkline.cli", "--help"], 150.0),
    ):
        run(command)  # the byte code is there from now on
        ours, python = paired(lambda command=command: run(command), lambda: run(bare), ROUNDS)
        above = (ours - python) * 1000
        figures.append(
            Figure(
                f"{name}, above bare python",
                above,
                "ms",
                "bare python",
                python * 1000,
                f"at most {goal:g} ms",
                above <= goal,
            )
        )
    return figures


def run(command: list[str]) -> None:
    """Run a command, its output thrown away."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
