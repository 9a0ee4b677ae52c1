"""The journal: commits shared by all runs of a process, leases renewed by its writer, and each run's recorder.

A writer thread gathers what runs want kept and commits it at once: one fsync for all of them. A run without an event
loop commits in its own thread, together with what waits. An outcome need not be on disk before the next intent is:
it rides along, or is written by the writer within LINGER. A run that goes on at once therefore never meets the writer.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline.durable import lease
from trunkline.durable.errors import JournalError, LeaseHeld, Poison
from trunkline.durable.kept_run import KeptRun
from trunkline.durable.lease import owners as lease_owners
from trunkline.durable.store import Line, Store

if TYPE_CHECKING:
    import asyncio

LINGER = 0.003  # seconds that a lone outcome may wait for company


class Journal:
    """One journal file, open for writing.

    Parameters:
        path: The file; made when it is not there.
        lease: Seconds after which a silent process counts as dead.
    """

    def __init__(self, path: Path | str, *, lease: float = 30.0) -> None:
        self.store, self.lease = Store(Path(path)), lease
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        lease_owners.add(self.owner)
        self._held: dict[str, KeptRun] = {}
        self._lines: list[Line] = []
        self._releases: list[tuple[str, int]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._wanted: list[tuple[str, asyncio.Future[KeptRun | LeaseHeld]]] = []
        self._since = 0.0  # when the oldest of the lines was added
        self._armed = False  # whether the writer is awake, or about to be
        self._lock = threading.Lock()  # of all that stands here; held for moments
        self._wake = threading.Condition(self._lock)
        self._commits = threading.Lock()  # one commit at a time, whoever makes it
        self._broken: Error | None = None
        self._closed = False
        self._writer: threading.Thread | None = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hold(self, run: str) -> KeptRun:
        """Take a run's lease, and read what is known of it. Raises LeaseHeld when another process has it."""
        (kept,) = self._take([run])
        if isinstance(kept, LeaseHeld):
            raise kept
        return kept

    async def ahold(self, run: str) -> KeptRun:
        """`hold` without blocking the event loop; the leases of many runs are taken in one commit."""
        import asyncio

        future: asyncio.Future[KeptRun | LeaseHeld] = asyncio.get_running_loop().create_future()
        self._start_writer()
        with self._lock:
            self._check()
            self._wanted.append((run, future))
            self._wake.notify()
        kept = await asyncio.shield(future)
        self._check()
        if isinstance(kept, LeaseHeld):
            raise kept
        return kept

    def release(self, kept: KeptRun) -> None:
        """Write what is left of a run and give its lease back, in one commit."""
        if self._leave(kept):
            self.commit()

    async def arelease(self, kept: KeptRun) -> None:
        """`release` without blocking the event loop."""
        if self._leave(kept):
            await self.committed()

    def _leave(self, kept: KeptRun) -> bool:
        self._held.pop(kept.name, None)
        if kept.lost:
            return False
        if self._broken is not None:
            with suppress(Exception):  # where it cannot be given back, it passes by itself
                self.store.append((), [(kept.name, kept.fence)])
        with self._lock:
            self._releases.append((kept.name, kept.fence))
        return True

    def _take(self, runs: list[str]) -> list[KeptRun | LeaseHeld]:
        taken: list[KeptRun | LeaseHeld] = []
        for run, fence in zip(runs, lease.acquire(self.store, runs, self.owner, self.lease), strict=True):
            if isinstance(fence, LeaseHeld):
                taken.append(fence)
                continue
            kept = KeptRun(self, run, fence, self.store.last(run))
            for entry in self.store.entries(run):
                kept.apply(entry)
            self._held[run] = kept
            taken.append(kept)
        self._start_writer()
        return taken

    def _start_writer(self) -> None:
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="trunkline journal", daemon=True)
                self._writer.start()

    def close(self) -> None:
        """Write what is left, and close the file."""
        with self._lock:
            self._closed = True
            self._wake.notify()
        if self._writer is not None:
            self._writer.join()
        try:
            if self._broken is None:
                self.commit()
        finally:
            lease_owners.discard(self.owner)
            self.store.close()

    def add(self, line: Line) -> None:
        """Take a line that is to be kept soon."""
        with self._lock:
            self._check()
            if not self._lines:
                self._since = time.monotonic()
            self._lines.append(line)
            if not self._armed:  # the writer looks after LINGER; until then nobody need wake it again
                self._armed = True
                self._wake.notify()

    def commit(self) -> None:
        """Write everything that was added, in this thread; it is on disk when this returns."""
        self._check()
        self._flush()
        self._check()

    async def committed(self) -> None:
        """Wait until everything that was added is on disk, written by the writer's thread."""
        import asyncio

        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._check()
            self._waiters.append(future)
            self._wake.notify()
        await asyncio.shield(future)
        self._check()

    def _write(self) -> None:
        """The writer's thread: commits what is added, and renews the leases."""
        renew = time.monotonic() + self.lease / 3
        while True:
            with self._lock:
                self._wake.wait_for(
                    lambda: self._closed or self._broken or self._armed or self._waiters or self._wanted,
                    timeout=max(0.0, renew - time.monotonic()),
                )
                if self._closed or self._broken:
                    return
                self._linger(renew)
                self._armed = False
                idle = not (self._lines or self._releases or self._waiters)
                wanted, self._wanted = self._wanted, []
            try:
                if time.monotonic() >= renew:
                    lease.renew(self.store, {run.name: run.fence for run in list(self._held.values())}, self.lease)
                    renew = time.monotonic() + self.lease / 3
                if wanted:
                    kept = self._take([run for run, _ in wanted])
                    _settle_all([(future, one) for (_, future), one in zip(wanted, kept, strict=True)])
                if not idle:
                    self._flush()
            except Error as error:
                self._break(error)
            except BaseException as error:  # the writer must not die in silence: everyone would wait for ever
                self._break(JournalError(f"journal {self.store.path}: its writer failed: {error!r}"))
            if self._broken:
                _settle_all([(future, None) for _, future in wanted])

    def _linger(self, renew: float) -> None:
        """Wait until a lone outcome is LINGER old; as long as runs commit by themselves, they move that on.

        Not past `renew`, however: a run that never pauses must not lose its lease.
        """
        while not (self._waiters or self._wanted or self._closed or self._broken):
            left = min(self._since + LINGER, renew) - time.monotonic()
            if left <= 0:
                return
            self._wake.wait(left)

    def _flush(self) -> None:
        """Commit what there is, one thread at a time; whoever waits is woken, also when it fails."""
        with self._commits:
            with self._lock:
                lines, self._lines = self._lines, []
                releases, self._releases = self._releases, []
                waiters, self._waiters = self._waiters, []
            try:
                for run in self.store.append(lines, releases) if lines or releases else ():
                    if run in self._held:
                        self._held[run].lost = True
            except Error as error:
                self._break(error)
            except BaseException:  # Ctrl-C in a run without a loop: what may not be written yet goes with the next
                with self._lock:
                    self._lines[:0], self._releases[:0] = lines, releases
                raise
            finally:
                if waiters:
                    _settle_all([(future, None) for future in waiters])

    def _break(self, error: Error) -> None:
        with self._lock:
            self._broken = self._broken or error
            waiters, self._waiters = self._waiters, []
            wanted, self._wanted = self._wanted, []
            self._wake.notify_all()
        _settle_all([(future, None) for future in [*waiters, *(future for _, future in wanted)]])

    def _check(self) -> None:
        if self._broken is not None:
            raise Poison(self._broken)


def _settle_all(results: list[tuple[Any, Any]]) -> None:
    """Give futures their results, each in its own loop: one call a loop, however many there are."""
    loops: dict[Any, list[tuple[Any, Any]]] = {}
    for future, result in results:
        loops.setdefault(future.get_loop(), []).append((future, result))
    for loop, own in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, own)


def _settle(results: list[tuple[Any, Any]]) -> None:
    for future, result in results:
        if not future.done():
            future.set_result(result)
