"""A step in memory, against a bare loop over the same functions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.figures import Figure, paired
from trunkline import pipe

STEPS = 500
ROUNDS = 15


def measure() -> list[Figure]:
    """Microseconds a step at 2 KB and 200 KB of state; goal at 2 KB: 20."""
    figures = []
    for size, goal in ((2, 20.0), (200, None)):
        data = state_of(size * 1024)
        steps = [(f"s{n}", enrich) for n in range(STEPS)]
        ours, bare = paired(partial(pipe, data, steps), partial(loop, data, steps, dict), ROUNDS)
        _, copies = paired(partial(pipe, data, steps[:20]), partial(loop, data, steps[:20], copy.deepcopy), ROUNDS)
        cost = ours / STEPS * 1e6
        figures.append(
            Figure(
                f"a step in memory, {size} KB of state",
                cost,
                "µs",
                "bare loop, shallow copy",
                bare / STEPS * 1e6,
                "at most 20 µs" if goal else "",
                cost <= goal if goal else None,
            )
        )
        figures.append(Figure("  the same", cost, "µs", "loop that deep-copies", copies / 20 * 1e6))
    return figures


def loop(data: dict[str, Any], steps: list[tuple[str, Callable[..., Any]]], copied: Callable[..., Any]) -> Any:
    """The essay's first pipe: copy the data, call each function."""
    state = copied(data)
    for _, fn in steps:
        state = fn(copied(state))
    return state


def enrich(state: dict[str, Any]) -> dict[str, Any]:
    """A step as the essay writes it: takes the state, reads a nested value, adds a key, returns it whole."""
    state["count"] = state["count"] + len(state["network"]["subnets"])
    return state


def state_of(size: int) -> dict[str, Any]:
    """A state of about `size` bytes as JSON: a network, and what earlier steps gave."""
    stack = {"outputs": {f"Output{n}": "x" * 24 for n in range(8)}, "tags": ["a", "b", "c"]}
    stacks = {f"stack_{n}": copy.deepcopy(stack) for n in range(max(1, size // 400))}
    return {"count": 0, "network": {"cidr": "10.1.0.0/16", "subnets": ["10.1.0.0/24", "10.1.1.0/24"]}, **stacks}
