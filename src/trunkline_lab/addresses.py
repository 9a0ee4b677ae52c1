"""The lab's public addresses: a loopback /24 that no other lab on this computer uses."""

from __future__ import annotations

import errno
import random
import socket

from .world import PublicAddresses

PORT = 8000  # the routers' API, the one port that every public address needs
_TRIES = 200


class Claim:
    """A claimed loopback /24, ours until `release`.

    Holding a listening socket on its last host is the claim: it is atomic, and it ends with the process.

    Attributes:
        prefix: The first three parts, "127.82.3".
        addresses: What it hands out.

    Raises:
        RuntimeError: No /24 is free, or port 8000 is taken on every address of this computer.
    """

    def __init__(self) -> None:
        self.prefix, self._socket = _claim()
        self.addresses = PublicAddresses(self.prefix)

    def release(self) -> None:
        """Give the /24 back. May be called twice."""
        self._socket.close()


def _claim() -> tuple[str, socket.socket]:
    for number in random.SystemRandom().sample(range(254 * 256), _TRIES):
        prefix = f"127.{1 + number // 256}.{number % 256}"
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            held.bind((f"{prefix}.254", PORT))
            held.listen(1)
        except OSError as error:
            held.close()
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            continue
        return prefix, held
    raise RuntimeError(
        f"port {PORT} cannot be had on any of {_TRIES} loopback addresses: "
        f"stop the server that listens on 0.0.0.0:{PORT}, or use a system where all of 127.0.0.0/8 is loopback (Linux)"
    )
