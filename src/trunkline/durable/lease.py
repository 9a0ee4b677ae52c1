"""Leases: one process at a time has a run, and one that was taken for dead can write nothing more.

A lease has an owner, a time limit and a fencing number that grows with every new owner; every commit checks the
number. A process of this machine that is gone is known to be dead at once, any other after the time limit.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from trunkline.durable.errors import LeaseHeld
from trunkline.durable.store import Store


def acquire(store: Store, run: str, owner: str, seconds: float) -> int:
    """Take the run's lease; answers its fencing number. Raises LeaseHeld naming the owner and the time limit."""
    with store.transaction() as db:
        db.execute("INSERT OR IGNORE INTO runs (name) VALUES (?)", (run,))
        row = db.execute("SELECT fence, owner, pid, boot, host, expires FROM runs WHERE name = ?", (run,)).fetchone()
        fence, holder, pid, boot, host, expires = row
        if holder is not None and expires > time.time() and not _dead(pid, boot, host):
            until = datetime.fromtimestamp(expires).strftime("%H:%M:%S")
            raise LeaseHeld(
                f"run {run} is held by process {pid} on {host}, until {until} unless it renews",
                hint="wait for it to end, or end it; a dead owner's lease passes by itself",
            )
        db.execute(
            "UPDATE runs SET fence = ?, owner = ?, pid = ?, boot = ?, host = ?, expires = ? WHERE name = ?",
            (fence + 1, owner, os.getpid(), _boot(os.getpid()), socket.gethostname(), time.time() + seconds, run),
        )
    return int(fence) + 1


def renew(store: Store, fences: Mapping[str, int], seconds: float) -> None:
    """Prolong the leases of runs by their fencing numbers; one that was lost stays lost."""
    expires = time.time() + seconds
    with store.transaction() as db:
        db.executemany(
            "UPDATE runs SET expires = ? WHERE name = ? AND fence = ?",
            [(expires, run, fence) for run, fence in fences.items()],
        )


def release(store: Store, run: str, fence: int) -> None:
    """Give the lease back, if it is still ours."""
    with store.transaction() as db:
        db.execute("UPDATE runs SET owner = NULL, expires = 0 WHERE name = ? AND fence = ?", (run, fence))


def _dead(pid: int | None, boot: str | None, host: str | None) -> bool:
    """Whether the owner is a process of this machine that is no more. A number used again has another birth."""
    return pid is not None and host == socket.gethostname() and bool(boot) and _boot(pid) != boot


def _boot(pid: int) -> str:
    """What tells a process from all others with its number: the machine's boot and the process's birth."""
    try:
        born = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if born[0] in "ZX" else f"{boot}:{born[19]}"
