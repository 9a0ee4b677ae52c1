"""Many echo requests, one right after the other: how many are lost, and how long the longest silence is."""

from __future__ import annotations

import itertools
import re
import subprocess
from typing import Any

from .inside import enter

EVERY = 0.02  # seconds from one request to the next
_ANSWER = re.compile(r"^\[([\d.]+)\] .*icmp_seq=\d+ ttl", re.MULTILINE)
_COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) received")


def flood(namespace: str, address: str, *, seconds: float = 5.0) -> dict[str, Any]:
    """Echo requests every 20 ms: "sent", "received", and "longest_silence" in seconds between two answers."""
    words = ["ping", "-n", "-D", "-i", str(EVERY), "-c", str(round(seconds / EVERY)), "-W", "2", address]
    done = subprocess.run([*enter(namespace), *words], capture_output=True, text=True, check=False)
    times, counts = [float(at) for at in _ANSWER.findall(done.stdout)], _COUNTS.search(done.stdout)
    silences = (later - sooner for sooner, later in itertools.pairwise(times))
    return {
        "sent": int(counts[1]) if counts else 0,
        "received": int(counts[2]) if counts else 0,
        "longest_silence": round(max(silences, default=seconds), 3),
    }
