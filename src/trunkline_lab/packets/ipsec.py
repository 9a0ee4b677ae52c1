"""One charon: strongSwan's IKE daemon in a router's namespace, asked over VICI.

The kernel needs no ESP: kernel-libipsec carries it in user space, in UDP. The daemon's settings were measured; see
docs/explanation (why 16 threads, and why openssl comes before every other cipher).
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import inside
from .proposals import agreed

CHARON = Path("/usr/lib/ipsec/charon")
_PLUGINS = "random nonce openssl sha2 hmac kdf kernel-libipsec kernel-netlink socket-default updown vici counters"
_CONF = """\
charon {{
  load = {plugins}
  load_modular = no
  install_routes = no
  install_virtual_ip = no
  threads = 16
  retransmit_timeout = 0.5
  retransmit_base = 1.3
  retransmit_tries = 3
  half_open_timeout = 5
  port = 500
  port_nat_t = 4500
  plugins {{
    vici {{
      socket = unix://{directory}/charon.vici
    }}
    kernel-libipsec {{
      allow_peer_ts = yes
    }}
  }}
  filelog {{
    log {{
      path = {directory}/charon.log
      default = 1
      flush_line = yes
      time_format = %H:%M:%S
      time_add_ms = yes
    }}
  }}
}}
"""
_BOOT_SECONDS = 20.0
_ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Child:
    """A pair of traffic selectors of a connection; `proposals` as strongSwan spells them."""

    name: str
    local: tuple[str, ...]
    remote: tuple[str, ...]
    proposals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """A peer.

    Parameters:
        name: Unique in its charon.
        local, remote: The addresses that packets go between.
        identity: What this end shows.
        expected: What it wants to see; "%any" takes all.
        secret: The pre-shared secret.
        version: 1 or 2.
        proposals: For IKE, as strongSwan spells them.
        children: Its pairs of selectors.
        begins: Whether this end is the one to begin.
    """

    name: str
    local: str
    remote: str
    identity: str
    expected: str
    secret: str
    version: int
    proposals: tuple[str, ...]
    children: tuple[Child, ...]
    begins: bool = True

    def __repr__(self) -> str:
        return f"Connection({self.name!r}, {self.local} to {self.remote})"


@dataclass(frozen=True, slots=True)
class Association:
    """A connection as charon has it: whether it is still being made, and the children that carry packets.

    `children` gives each child's name and its proposal ("aes256-sha2_256"); `proposal` is that of IKE.
    """

    connecting: bool
    proposal: str
    children: Mapping[str, str]


class Charon:
    """A running daemon.

    Parameters:
        namespace: Where it runs.
        directory: For its settings, log and socket; its path is short (a socket's has at most 107 characters).
    """

    def __init__(self, namespace: str, directory: Path) -> None:
        self.namespace = namespace
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded: dict[str, Connection] = {}

    @property
    def pid(self) -> int | None:
        """The daemon's process, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, and return when it answers. Raises RuntimeError when it does not."""
        run = self._directory / "run"
        run.mkdir(parents=True, exist_ok=True)
        (run / "charon.pid").unlink(missing_ok=True)
        self._socket_path.unlink(missing_ok=True)
        settings = self._directory / "strongswan.conf"
        settings.write_text(_CONF.format(plugins=_PLUGINS, directory=self._directory))
        environment = {**os.environ, "STRONGSWAN_CONF": str(settings)}
        self._loaded.clear()
        self._process = inside.spawn(self.namespace, [str(CHARON)], private_run=run, environment=environment)
        self._wait()

    def stop(self) -> None:
        """End it at once: nothing is told to the peers. May be called twice."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def load(self, wanted: Mapping[str, Connection]) -> None:
        """Know exactly these connections; those that changed or are gone are taken down."""
        with self._session() as session:
            for name in [name for name, had in self._loaded.items() if wanted.get(name) != had]:
                _quietly(session.terminate({"ike": name, "force": "yes", "timeout": "-1"}))
                session.unload_conn({"name": name})
                session.unload_shared({"id": name})
                del self._loaded[name]
            for name, connection in wanted.items():
                if name not in self._loaded:
                    session.load_shared(_shared(connection))
                    session.load_conn({name: _configuration(connection)})
                    self._loaded[name] = connection

    def initiate(self, connection: str, child: str) -> None:
        """Begin to negotiate, and do not wait for the outcome. Nothing happens when it cannot begin."""
        with self._session() as session:
            _quietly(session.initiate({"ike": connection, "child": child, "timeout": "-1"}))

    def terminate(self, connection: str) -> None:
        """Take a connection down and tell the peer."""
        with self._session() as session:
            _quietly(session.terminate({"ike": connection, "timeout": "-1"}))

    def associations(self) -> dict[str, Association]:
        """All connections that are up or being made, by name. Raises OSError when the daemon does not answer."""
        found: dict[str, Association] = {}
        with self._session() as session:
            for item in session.list_sas():
                for name, told in item.items():
                    seen = _association(told)
                    known = found.get(name)
                    found[name] = seen if known is None else _joined(known, seen)
        return found

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens, as it happens: ("ike-updown" | "child-updown" | "log", its fields); ends with the daemon."""
        with self._session(timeout=None) as session, contextlib.suppress(OSError, EOFError):
            for name, fields in session.listen(["ike-updown", "child-updown", "log"]):
                yield name.decode() if isinstance(name, bytes) else name, fields

    @property
    def _socket_path(self) -> Path:
        return self._directory / "charon.vici"

    @contextlib.contextmanager
    def _session(self, timeout: float | None = _ANSWER_SECONDS) -> Iterator[Any]:
        import vici

        link = socket.socket(socket.AF_UNIX)
        try:
            link.settimeout(timeout)
            link.connect(str(self._socket_path))
            yield vici.Session(link)
        finally:
            link.close()

    def _wait(self) -> None:
        limit = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < limit:
            if self.pid is None:
                break
            with contextlib.suppress(OSError), self._session() as session:
                session.version()
                return
            time.sleep(0.01)
        log = self._directory / "charon.log"
        words = log.read_text()[-500:] if log.exists() else "it wrote nothing"
        raise RuntimeError(f"charon does not answer in {self.namespace}: {words}")


def _quietly(answers: Iterable[object]) -> None:
    """Take a command's answers in, to the end; what it refuses (there is nothing to end, say) is no failure here."""
    from vici.exception import CommandException

    with contextlib.suppress(CommandException):
        for _ in answers:
            pass


def _shared(connection: Connection) -> dict[str, object]:
    owners = [] if connection.expected == "%any" else [connection.expected]
    return {"id": connection.name, "type": "IKE", "data": connection.secret, "owners": owners}


def _configuration(connection: Connection) -> dict[str, object]:
    return {
        "version": str(connection.version),
        "local_addrs": [connection.local],
        "remote_addrs": [connection.remote],
        "proposals": list(connection.proposals),
        "encap": "yes",
        "mobike": "no",
        "dpd_delay": "1s",
        "unique": "replace",
        "local": {"auth": "psk", "id": connection.identity},
        "remote": {"auth": "psk", "id": connection.expected},
        "children": {
            child.name: {
                "local_ts": list(child.local),
                "remote_ts": list(child.remote),
                "esp_proposals": list(child.proposals),
                "mode": "tunnel",
                "start_action": "none",
                "dpd_action": "clear",
                "close_action": "none",
            }
            for child in connection.children
        },
    }


def _association(told: Mapping[str, Any]) -> Association:
    established = told["state"] == b"ESTABLISHED"
    children = {
        child["name"].decode(): agreed(child)
        for child in told.get("child-sas", {}).values()
        if established and child["state"] in (b"INSTALLED", b"REKEYING", b"REKEYED")
    }
    return Association(told["state"] in (b"CREATED", b"CONNECTING"), agreed(told), children)


def _joined(one: Association, other: Association) -> Association:
    """Two associations of one connection: while one replaces the other, or both ends began at once."""
    best = one if one.children else other
    return Association(one.connecting or other.connecting, best.proposal, {**one.children, **other.children})
