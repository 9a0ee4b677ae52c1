"""A controller's TLS socket, behind the cloud's door.

A client that the cloud does not admit is cut off before TLS says a word; a closed listener refuses connections.
Both look like "unreachable" to an HTTP client, and neither makes it wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import weakref
from collections.abc import Callable

PORT = 8000
_BACKLOG = 64
_HANDSHAKE_SECONDS = 10.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: close() answers with a reset


class Listener:
    """Listens on one address, serves admitted clients, and cuts connections when told.

    Parameters:
        protocol: Makes the HTTP protocol of a connection.
        context: The TLS server context.
        admitted: Whether a client's address may talk to us now.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext,
        admitted: Callable[[str], bool],
    ) -> None:
        self._protocol, self._context, self._admitted = protocol, context, admitted
        self._socket: socket.socket | None = None
        self._handshakes: set[asyncio.Task[None]] = set()
        self._connections: weakref.WeakKeyDictionary[asyncio.BaseTransport, str] = weakref.WeakKeyDictionary()
        self.address: str | None = None

    def open(self, address: str) -> None:
        """Listen on `address`; nothing happens when it already does. Raises OSError when the address is taken."""
        if self.address == address:
            return
        self.close()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setblocking(False)
            sock.bind((address, PORT))
            sock.listen(_BACKLOG)
        except OSError:
            sock.close()
            raise
        asyncio.get_running_loop().add_reader(sock, self._accept, sock)
        self._socket, self.address = sock, address

    def show(self, context: ssl.SSLContext) -> None:
        """Use another TLS context from the next connection on."""
        self._context = context

    def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._socket = self.address = None
        for handshake in self._handshakes:
            handshake.cancel()
        self._cut(lambda client: True)

    def expel(self) -> None:
        """Cut the connections of clients that are no longer admitted."""
        self._cut(lambda client: not self._admitted(client))

    def _cut(self, unwanted: Callable[[str], bool]) -> None:
        for transport, client in list(self._connections.items()):
            if unwanted(client):
                assert isinstance(transport, asyncio.Transport)
                transport.abort()

    def _accept(self, listening: socket.socket) -> None:
        try:
            connection, (client, _) = listening.accept()
        except OSError:  # gone again, or no descriptor free: the next readiness tries again
            return
        if not self._admitted(client):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.close()
            return
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._serve(connection, client))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _serve(self, connection: socket.socket, client: str) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):  # a client that leaves during the handshake
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=self._context, ssl_handshake_timeout=_HANDSHAKE_SECONDS
            )
            self._connections[transport] = client
