"""The journal: commits shared by all runs of a process, leases renewed by its writer, and each run's recorder.

A writer thread gathers what runs want kept and commits it at once: one fsync for all of them. A run without an event
loop commits in its own thread, together with what waits. An outcome need not be on disk before the next intent is:
it rides along, or is written by the writer within LINGER.
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
from trunkline.durable.errors import JournalError, Poison
from trunkline.durable.kept_run import KeptRun
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
        self._held: dict[str, KeptRun] = {}
        self._lines: list[Line] = []
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._armed = False
        self._wake = threading.Condition()
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
        fence = lease.acquire(self.store, run, self.owner, self.lease)
        kept = KeptRun(self, run, fence)
        for entry in self.store.entries(run):
            kept.apply(entry)
        self._held[run] = kept
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="trunkline journal", daemon=True)
            self._writer.start()
        return kept

    def release(self, kept: KeptRun) -> None:
        """Write what is left of a run and give its lease back."""
        self._held.pop(kept.name, None)
        if kept.lost:
            return
        try:
            self.commit()
        finally:
            with suppress(JournalError):  # where it cannot be given back, it passes by itself
                lease.release(self.store, kept.name, kept.fence)

    def close(self) -> None:
        """Write what is left, and close the file."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._writer is not None:
            self._writer.join()
        if self._broken is None:
            self.commit()
        self.store.close()

    def add(self, line: Line) -> None:
        """Take a line that is to be kept soon."""
        with self._wake:
            self._check()
            self._lines.append(line)
            if not self._armed:  # the writer looks after LINGER; until then nobody need wake it again
                self._armed = True
                self._wake.notify()

    def commit(self) -> None:
        """Write everything that was added, in this thread; it is on disk when this returns."""
        with self._commits:
            with self._wake:
                self._check()
                lines, self._lines = self._lines, []
                waiters, self._waiters = self._waiters, []
            self._flush(lines, waiters)
        self._check()

    async def committed(self) -> None:
        """Wait until everything that was added is on disk, written by the writer's thread."""
        import asyncio

        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._wake:
            self._check()
            self._waiters.append((loop, future))
            self._wake.notify()
        await asyncio.shield(future)
        self._check()

    def _write(self) -> None:
        """The writer's thread: commits what is added, and renews the leases."""
        renew = time.monotonic() + self.lease / 3
        while True:
            with self._wake:
                self._wake.wait_for(
                    lambda: self._closed or self._broken or self._armed or self._waiters,
                    timeout=max(0.0, renew - time.monotonic()),
                )
                if self._closed or self._broken:
                    return
                if self._armed and not self._waiters:  # a lone outcome: company may come
                    self._wake.wait_for(lambda: self._closed or self._waiters, timeout=LINGER)
                self._armed = False
            try:
                if time.monotonic() >= renew:
                    lease.renew(self.store, {run.name: run.fence for run in list(self._held.values())}, self.lease)
                    renew = time.monotonic() + self.lease / 3
                with self._commits:
                    with self._wake:
                        lines, self._lines = self._lines, []
                        waiters, self._waiters = self._waiters, []
                    self._flush(lines, waiters)
            except Error as error:
                self._break(error)
            except BaseException as error:  # the writer must not die in silence: everyone would wait for ever
                self._break(JournalError(f"journal {self.store.path}: its writer failed: {error!r}"))

    def _flush(self, lines: list[Line], waiters: list[tuple[Any, Any]]) -> None:
        try:
            for run in self.store.append(lines) if lines else ():
                if run in self._held:
                    self._held[run].lost = True
        except Error as error:
            self._break(error)
        finally:
            _wake_all(waiters)

    def _break(self, error: Error) -> None:
        with self._wake:
            self._broken = self._broken or error
            waiters, self._waiters = self._waiters, []
            self._wake.notify_all()
        _wake_all(waiters)

    def _check(self) -> None:
        if self._broken is not None:
            raise Poison(self._broken)


def _wake_all(waiters: list[tuple[Any, Any]]) -> None:
    loops: dict[Any, list[Any]] = {}
    for loop, future in waiters:
        loops.setdefault(loop, []).append(future)
    for loop, futures in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, futures)


def _settle(futures: list[Any]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
