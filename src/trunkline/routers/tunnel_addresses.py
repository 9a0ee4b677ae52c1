"""Addresses inside a tunnel: a /30 out of 169.254.0.0/16, the same for the same two ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Interface, IPv4Network

from trunkline._core.errors import Error

LINK_LOCAL = IPv4Network("169.254.0.0/16")
# RFC 3927 reserves the first and the last /24. The clouds answer in 169.254.169.0/24 (metadata, DNS, time), and AWS
# keeps the /30s of 169.254.0.0 to 169.254.5.0 for its own VPN gateways.
RESERVED = (
    *(IPv4Network(f"169.254.{third}.0/24") for third in range(6)),
    IPv4Network("169.254.169.0/24"),
    IPv4Network("169.254.255.0/24"),
)
_BLOCKS = 2 ** (30 - LINK_LOCAL.prefixlen)


def tunnel_pair(one: str, other: str, taken: Iterable[str] = ()) -> tuple[str, str]:
    """The two tunnel addresses of a pair of routers, `one`'s first, each as text with its prefix length.

    The block follows from the two names alone, whichever stands first; only when it is taken is it the next free one.

    Parameters:
        one, other: The routers' names; different.
        taken: Addresses or prefixes in use at either end ("169.254.7.1/30").

    Returns:
        Such as ("169.254.7.1/30", "169.254.7.2/30"): of the two names the alphabetically first has the lower address.

    Raises:
        Error: One name twice, or no block is free.
    """
    if one == other:
        raise Error(f"tunnel from {one} to itself", hint="a tunnel has two ends with different names")
    in_use = [*RESERVED, *(IPv4Interface(address).network for address in taken)]
    first, second = sorted((one, other))
    digest = hashlib.sha256(f"{first}\0{second}".encode()).digest()
    start = int.from_bytes(digest[:8], "big")
    for number in range(start, start + _BLOCKS):
        block = IPv4Network((int(LINK_LOCAL.network_address) + 4 * (number % _BLOCKS), 30))
        if not any(block.overlaps(used) for used in in_use):
            low, high = (f"{host}/30" for host in block.hosts())
            return (low, high) if one == first else (high, low)
    raise Error(
        f"tunnel {one} to {other}: every /30 of {LINK_LOCAL} is in use", hint="remove endpoints that are unused"
    )
