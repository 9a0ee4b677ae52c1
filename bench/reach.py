"""Reading and tracing a whole federation: 100 and 1,000 VPCs from JSON, one trace each to the site, there and back."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.figures import Figure

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/network"))
FEW, MANY = 100, 1000
ROUNDS = 3


def measure() -> list[Figure]:
    """Seconds of processor time: what waits for the machine's other work says nothing of ours."""
    few, many = _best(FEW), _best(MANY)
    ratio = sum(many) / sum(few)
    total = sum(many)
    return [
        Figure(f"reading {MANY:,} VPCs from JSON", many[0], "s", f"{FEW} VPCs", few[0]),
        Figure(f"tracing each to the site and back, {MANY:,}", many[1], "s", f"{FEW} VPCs", few[1]),
        Figure("reading and tracing", total, "s", f"{FEW} VPCs", sum(few), "at most 2 s", total <= 2),
        Figure(f"the same, growth from {FEW} to {MANY:,} VPCs", ratio, "x", goal="at most 11 x", reached=ratio <= 11),
    ]


def _best(count: int) -> tuple[float, float]:
    """The best of some rounds: seconds for reading, and for tracing."""
    from small_federation import many

    from trunkline.network import serial
    from trunkline.network.reachability import Reachability

    document = serial.dumps(many(count), indent=None)
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        federation = serial.loads(document)
        read = time.process_time()
        reach = Reachability(federation)
        for number in range(count):
            answer = reach.trace(f"n{number}-web", "datacentre")
            assert answer.reachable, answer
        rounds.append((read - begun, time.process_time() - read))
    return min(rounds, key=sum)
