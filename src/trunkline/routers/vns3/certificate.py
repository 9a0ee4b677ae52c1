"""Certificates that are pinned at first contact, as ssh does with host keys.

A controller's certificate is its own and signed by nobody; what can be held is that it stays the same.
"""

from __future__ import annotations

import hashlib
import ssl

from trunkline.routers.router import Router, named


def fingerprint(address: str, port: int, timeout: float) -> str:
    """The SHA-256 of the certificate that `address` shows now, as 64 hex digits.

    Parameters:
        timeout: Seconds for connecting and for the TLS handshake, each.

    Raises:
        OSError: No connection, or no TLS.
    """
    pem = ssl.get_server_certificate((address, port), timeout=timeout)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def pin_key(router: Router) -> str:
    """The name under which a router's certificate is pinned.

    The machine's id is part of it: the cloud vouches for it, so a new machine under an old name and address (a rebuilt
    router) is not mistaken for an impostor.
    """
    return " ".join(filter(None, (named(router), router["address"], str(router.get("instance") or ""))))
