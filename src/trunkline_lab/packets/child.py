"""The lab's side of the fabric: starts its process, asks it, ends it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self

from . import needs
from .messages import converter, plain
from .plan import GatewayState, Plan

_START_SECONDS = 20.0
_END_SECONDS = 5.0


class PacketsError(RuntimeError):
    """The fabric cannot start, or failed at what it was asked."""


class PacketsRefused(PacketsError):
    """What was asked for is not there."""


class Child:
    """A fabric in a process and namespaces of its own. Also a context manager. Thread safe.

    Parameters:
        log: Where it writes what goes wrong; this process's standard error when None.

    Raises:
        PacketsError: A part of the machine is missing, named with its Debian package.
    """

    def __init__(self, log: Path | None = None) -> None:
        lacking = needs.missing()
        if lacking:
            raise PacketsError(f"real packets cannot run here: {'; '.join(map(str, lacking))} missing")
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._ready: Future[None] = Future()
        self._speaking = threading.Lock()
        errors = log.open("ab") if log else None
        self._process = subprocess.Popen(
            [*needs.unshare(), sys.executable, "-m", "trunkline_lab.packets"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd="/",
        )
        if errors:
            errors.close()
        threading.Thread(target=self._listen, name="packets", daemon=True).start()

    def wait(self) -> Self:
        """Until it can be asked. Raises PacketsError when it ended."""
        self._ready.result(_START_SECONDS)
        return self

    def __enter__(self) -> Self:
        return self.wait()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The number of the process that holds the namespaces."""
        return self._process.pid

    def apply(self, plan: Plan) -> bool:
        """Make the fabric match the plan; whether there was anything to do. Tunnels come up afterwards."""
        return bool(self.ask("apply", plan=plain(plan), timeout=120.0))

    def state(self) -> tuple[GatewayState, ...]:
        """How the gateways stand."""
        return converter().structure(self.ask("state"), tuple[GatewayState, ...])

    def ask(self, do: str, *, timeout: float = 60.0, **arguments: Any) -> Any:
        """What the fabric gives when asked (see `Fabric`).

        Raises:
            PacketsRefused: There is no such host.
            PacketsError: It failed, or ended.
            TimeoutError: It does not answer.
        """
        number, answer = next(self._numbers), Future[Any]()
        self._waiting[number] = answer
        try:
            with self._speaking:
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps({"id": number, "do": do, "with": arguments}) + "\n")
                self._process.stdin.flush()
            return answer.result(timeout)
        except (OSError, ValueError) as error:
            raise PacketsError(f"the fabric ended: {error}") from None
        finally:
            self._waiting.pop(number, None)

    def stop(self) -> None:
        """End it with all that is in it. May be called twice."""
        with self._speaking:
            if self._process.stdin is not None and not self._process.stdin.closed:
                self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "ready" in said:
                self._ready.set_result(None)
            elif (answer := self._waiting.get(said["id"])) is None:
                continue
            elif "failed" in said:
                answer.set_exception((PacketsRefused if said["refused"] else PacketsError)(said["failed"]))
            else:
                answer.set_result(said["gives"])
        over = PacketsError("the fabric ended")
        for each in [self._ready, *self._waiting.values()]:
            if not each.done():
                each.set_exception(over)
