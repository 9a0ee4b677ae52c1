"""Test hosts: each answers HTTP on every TCP port, and says its name on every UDP port, from its own namespace.

So whether a port can be reached is up to routes and rules alone. One event loop serves all hosts.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ..loop import LoopThread
from .inside import inside, nft

IPERF = 5201
_HTTP, _TELL = 80, 7
_EVERY_PORT = f"""\
table ip host {{
chain every-port {{
type nat hook prerouting priority dstnat
fib daddr type local tcp dport != {IPERF} redirect to :{_HTTP}
fib daddr type local udp dport != {IPERF} redirect to :{_TELL}
}}
}}
"""


@dataclass(frozen=True, slots=True)
class _Standing:
    server: asyncio.Server
    teller: asyncio.BaseTransport


class Hosts:
    """What runs on the hosts."""

    def __init__(self) -> None:
        self._thread = LoopThread("hosts")
        self._standing: dict[tuple[str, str], _Standing] = {}

    def apply(self, hosts: Mapping[str, str], fresh: frozenset[str] = frozenset()) -> None:
        """Let exactly these hosts serve: their names, and their namespaces; those in `fresh` were made anew."""
        wanted = {(name, space) for name, space in hosts.items()}
        for key in [key for key in self._standing if key not in wanted or key[1] in fresh]:
            self._thread.call(_ender(self._standing.pop(key)))
        for name, space in wanted - self._standing.keys():
            nft(space, _EVERY_PORT)
            stream, datagram = inside(space, _sockets)
            self._standing[name, space] = self._thread.run(_serve(name, stream, datagram))

    def stop(self) -> None:
        """End all."""
        self.apply({})
        self._thread.stop()


def _sockets() -> tuple[socket.socket, socket.socket]:
    stream = socket.create_server(("", _HTTP), backlog=128)
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagram.bind(("", _TELL))
    return stream, datagram


async def _serve(name: str, stream: socket.socket, datagram: socket.socket) -> _Standing:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            body = json.dumps({"host": name, "you": writer.get_extra_info("peername")[0]}).encode() + b"\n"
            head = f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever called has gone
        finally:
            writer.close()

    server = await asyncio.start_server(answer, sock=stream)
    datagram.setblocking(False)
    teller, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Teller(name), sock=datagram)
    return _Standing(server, teller)


def _ender(standing: _Standing):  # type: ignore[no-untyped-def]
    def end() -> None:
        standing.server.close()
        standing.teller.close()

    return end


class _Teller(asyncio.DatagramProtocol):
    """Answers each datagram with the host's name, as JSON."""

    _transport: asyncio.DatagramTransport

    def __init__(self, name: str) -> None:
        self._said = json.dumps({"host": name}).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go out by."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer it."""
        self._transport.sendto(self._said, address)
