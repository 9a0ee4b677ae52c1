"""One bird: the routing daemon in a gateway's namespace. It holds the gateway's own routes and talks BGP and BFD."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import inside
from .bird_settings import Neighbour, Routing, protocol, settings

BIRD = Path("/usr/sbin/bird")
_BOOT_SECONDS = 10.0
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Session:
    """A session as bird says, and the prefixes that came from it."""

    state: str
    learned: tuple[str, ...] = ()


class Bird:
    """A running daemon; its directory is for settings, log and socket."""

    def __init__(self, namespace: str, directory: Path) -> None:
        self.namespace = namespace
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._routing: Routing | None = None

    @property
    def pid(self) -> int | None:
        """The daemon's process, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, routing: Routing) -> None:
        """Start it with what it is to do, and return when it answers. Raises RuntimeError when it does not."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._write(routing)
        command = [str(BIRD), "-f", "-c", str(self._settings), "-s", str(self._socket_path)]
        with (self._directory / "bird.log").open("ab") as log:
            self._process = inside.spawn(self.namespace, command, log=log)
        limit = time.monotonic() + _BOOT_SECONDS
        while self.pid is not None and time.monotonic() < limit:
            with contextlib.suppress(OSError):
                self._ask("show status")
                return
            time.sleep(0.01)
        words = (self._directory / "bird.log").read_text()[-500:]
        raise RuntimeError(f"bird does not answer in {self.namespace}: {words}")

    def stop(self) -> None:
        """End it at once. May be called twice."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def load(self, routing: Routing) -> None:
        """Change what it is to do; sessions that did not change stay. Raises RuntimeError when it refuses."""
        if routing == self._routing:
            return
        before = self._routing
        self._write(routing)
        told = self._ask("configure")
        if not any("Reconfig" in line for line in told):
            self._routing = before
            raise RuntimeError(f"bird refuses its settings in {self.namespace}: {' '.join(told)}")

    def sessions(self) -> dict[str, Session]:
        """Every neighbour's session, by its address. Raises OSError when the daemon does not answer."""
        assert self._routing is not None
        return {each.address: self._session(each) for each in self._routing.neighbours}

    def _session(self, neighbour: Neighbour) -> Session:
        lines = self._ask(f"show protocols all {protocol(neighbour.address)}")
        states = [line.split(":")[1].strip() for line in lines if line.strip().startswith("BGP state:")]
        if states != ["Established"]:
            return Session(states[0] if states else "Idle")
        routes = self._ask(f"show route protocol {protocol(neighbour.address)}")
        return Session("Established", tuple(sorted({line.split()[0] for line in routes if "/" in line.split(" ")[0]})))

    def _write(self, routing: Routing) -> None:
        self._settings.touch(mode=0o600)
        self._settings.write_text(settings(routing))
        self._routing = routing

    @property
    def _settings(self) -> Path:
        return self._directory / "bird.conf"

    @property
    def _socket_path(self) -> Path:
        return self._directory / "bird.ctl"

    def _ask(self, command: str) -> list[str]:
        """The lines of an answer, without their codes: "1234-text" goes on, "1234 text" is the last one."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_ANSWER_SECONDS)
            link.connect(str(self._socket_path))
            with link.makefile("rw", encoding="utf-8", newline="\n") as talk:
                talk.readline()  # its greeting
                talk.write(f"{command}\n")
                talk.flush()
                return list(_answer(iter(talk.readline, "")))


def _answer(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        coded = line[:4].isdigit()
        yield line[5 if coded else 1 :].rstrip("\n")
        if coded and line[4:5] == " ":
            return
