"""Leases: one process at a time has a run, and one that was taken for dead can write nothing more.

A lease has an owner, a time limit and a fencing number that grows with every new owner; every commit checks the
number. A process of this machine that is gone is known to be dead at once, any other after the time limit.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from trunkline.durable.errors import LeaseHeld
from trunkline.durable.store import Store

owners: set[str] = set()  # the journals that this process has open


def acquire(store: Store, runs: Sequence[str], owner: str, seconds: float) -> list[int | LeaseHeld]:
    """Take the leases of runs, all in one commit.

    Returns:
        For each run its fencing number, or the LeaseHeld that names the owner and the time limit.
    """
    me = (owner, os.getpid(), _boot(os.getpid()), socket.gethostname())
    with store.transaction() as db:
        return [_acquire(db, run, me, seconds) for run in runs]


def _acquire(db: Connection, run: str, me: tuple[object, ...], seconds: float) -> int | LeaseHeld:
    db.execute("INSERT OR IGNORE INTO runs (name) VALUES (?)", (run,))
    row = db.execute("SELECT fence, owner, pid, boot, host, expires FROM runs WHERE name = ?", (run,)).fetchone()
    fence, holder, pid, boot, host, expires = row
    if holder is not None and expires > time.time() and not _dead(holder, pid, boot, host):
        until = datetime.fromtimestamp(expires).strftime("%H:%M:%S")
        return LeaseHeld(
            f"run {run} is held by process {pid} on {host}, until {until} unless it renews",
            hint="wait for it to end, or end it; a dead owner's lease passes by itself",
        )
    db.execute(
        "UPDATE runs SET fence = ?, owner = ?, pid = ?, boot = ?, host = ?, expires = ? WHERE name = ?",
        (fence + 1, *me, time.time() + seconds, run),
    )
    return int(fence) + 1


def held(store: Store, run: str) -> bool:
    """Whether a living process has the run."""
    rows = store.query("SELECT owner, pid, boot, host, expires FROM runs WHERE name = ?", (run,))
    return any(
        owner is not None and expires > time.time() and not _dead(owner, pid, boot, host)
        for owner, pid, boot, host, expires in rows
    )


def renew(store: Store, fences: Mapping[str, int], seconds: float) -> None:
    """Prolong the leases of runs by their fencing numbers; one that was lost stays lost."""
    expires = time.time() + seconds
    with store.transaction() as db:
        db.executemany(
            "UPDATE runs SET expires = ? WHERE name = ? AND fence = ?",
            [(expires, run, fence) for run, fence in fences.items()],
        )


def _dead(owner: str, pid: int | None, boot: str | None, host: str | None) -> bool:
    """Whether the owner is a process of this machine that is no more, or a journal that this process has closed."""
    if pid == os.getpid() and host == socket.gethostname():
        return owner not in owners
    return pid is not None and host == socket.gethostname() and bool(boot) and _boot(pid) != boot


def _boot(pid: int) -> str:
    """What tells a process from all others with its number: the machine's boot and the process's birth."""
    try:
        born = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if born[0] in "ZX" else f"{boot}:{born[19]}"
