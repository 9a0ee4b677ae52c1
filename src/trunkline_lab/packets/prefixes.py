"""Prefixes as the fabric has them: public ones are those of its own internet."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from .plan import inner

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
_COUNTED = 16  # bits of a loopback prefix that the fabric's internet does not keep


@lru_cache(maxsize=4096)
def is_prefix(text: str) -> bool:
    """Whether it is an IPv4 address or prefix, and no id, tag, or IPv6."""
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def inner_prefix(prefix: str) -> str:
    """The prefix inside the fabric: what is of 127.0.0.0/8 lies in the fabric's own internet."""
    network = ipaddress.IPv4Network(prefix, strict=False)
    if not network.subnet_of(_LOOPBACK):
        return str(network)
    return f"{inner(str(network.network_address))}/{max(network.prefixlen, _COUNTED)}"
