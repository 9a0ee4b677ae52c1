"""One open TCP connection between two hosts, each line of it answered: does it live, and is it ever silent?"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from typing import Any

from .hosts import IPERF as PORT  # the one port that hosts leave to others
from .inside import inside

_EVERY = 0.05  # seconds from one line to the next
_PATIENCE = 20.0  # for the last answers: TCP waits ever longer between its tries


def talk(source: str, target: str, address: str, *, seconds: float = 5.0, text: str = "hello") -> dict[str, Any]:
    """Talk over one connection, and count.

    Parameters:
        source, target: The namespaces.
        address: The target's.
        seconds: How long lines are sent; the last answers are waited for.
        text: Is part of every line and of every answer.

    Returns:
        "asked" and "answered" (lines), "longest_silence" (seconds between two answers), "broken" (whether the
        connection was lost before its time); "why" it was not made, where that is so.
    """
    with inside(target, lambda: socket.create_server(("", PORT))) as server:
        threading.Thread(target=_echo, args=(server,), name="talk", daemon=True).start()
        try:
            with inside(source, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as connection:
                connection.settimeout(3.0)
                connection.connect((address, PORT))
                return _Talk(connection, text).hold(seconds)
        except OSError as error:
            return {"asked": 0, "answered": 0, "longest_silence": 0.0, "broken": True, "why": str(error)}
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # ends the accept that waits


def _echo(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.settimeout(_PATIENCE)
            while heard := connection.recv(65536):
                connection.sendall(heard)


class _Talk:
    def __init__(self, connection: socket.socket, text: str) -> None:
        self._connection, self._line = connection, f"{text}\n".encode()
        self._asked = self._answered = 0
        self._silence, self._heard = 0.0, time.monotonic()

    def hold(self, seconds: float) -> dict[str, Any]:
        end, broken = time.monotonic() + seconds, False
        self._connection.setblocking(False)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                while (now := time.monotonic()) < end or (self._answered < self._asked and now < end + _PATIENCE):
                    if now < end:
                        with contextlib.suppress(BlockingIOError):
                            self._connection.send(self._line)
                            self._asked += 1
                    self._listen(selector)
        except OSError:
            broken = True
        told = {"asked": self._asked, "answered": self._answered}
        return {**told, "longest_silence": round(self._silence, 3), "broken": broken}

    def _listen(self, selector: selectors.BaseSelector) -> None:
        """Take in what comes until it is time for the next line."""
        until = time.monotonic() + _EVERY
        while (left := until - time.monotonic()) > 0:
            if selector.select(left):
                heard = self._connection.recv(65536)
                if not heard:
                    raise ConnectionResetError
                now = time.monotonic()
                self._answered += heard.count(b"\n")
                self._silence, self._heard = max(self._silence, now - self._heard), now
