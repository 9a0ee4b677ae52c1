"""Starting: `import trunkline` and `trunkline --help`, against a bare python."""

from __future__ import annotations

import sys
from functools import partial

from bench.figures import Figure, paired
from bench.processes import COMMAND, children, run

ROUNDS = 21


def measure() -> list[Figure]:
    """Milliseconds above a bare interpreter of the same environment; goals: 40 and 150."""
    bare = [sys.executable, "-c", "pass"]
    figures = []
    with children() as env:
        for name, command, goal in (
            ("import trunkline", [sys.executable, "-c", "import trunkline"], 40.0),
            ("trunkline --help", [COMMAND, "--help"], 150.0),
        ):
            run(command, env)  # the byte code is there from now on
            ours, python = paired(partial(run, command, env), partial(run, bare, env), ROUNDS)
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
