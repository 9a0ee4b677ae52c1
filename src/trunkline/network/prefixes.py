"""IPv4 addresses and prefixes as numbers, and tables that find the longest prefix.

A table keeps one dictionary a prefix length, so a look-up costs as many steps as it has lengths: a handful.
docs/reference/choices.md has the measures beside those of the libraries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Generic, TypeVar

T = TypeVar("T")

EVERYTHING = "0.0.0.0/0"


@lru_cache(maxsize=65536)
def prefix(text: str) -> tuple[int, int] | None:
    """The prefix as (network, mask); None for what is no IPv4 prefix: IPv6, a group's id, a service's name."""
    if "." not in text or not text[0].isdigit():
        return None
    try:
        block = IPv4Network(text, strict=False)
    except ValueError:
        return None
    return int(block.network_address), int(block.netmask)


@lru_cache(maxsize=65536)
def number(text: str) -> int:
    """The address as a number. Raises ValueError for what is no IPv4 address."""
    return int(IPv4Address(text))


def text(address: int) -> str:
    """The address in its usual spelling."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def holds(block: str, address: int) -> bool:
    """Whether the prefix holds the address; False for what is no IPv4 prefix."""
    found = prefix(block)
    return found is not None and address & found[1] == found[0]


# Addresses that the internet does not carry: RFC 1918, RFC 6598, RFC 3927.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")


def private(address: int) -> bool:
    """Whether the internet does not carry this address."""
    return any(holds(block, address) for block in PRIVATE)


class Table(Generic[T]):
    """Values by prefix. A value whose prefix is no IPv4 prefix is left out.

    Parameters:
        items: (prefix, value); one prefix may stand several times.
    """

    __slots__ = ("_lengths",)

    def __init__(self, items: Iterable[tuple[str, T]]) -> None:
        by_mask: dict[int, dict[int, list[T]]] = {}
        for block, value in items:
            found = prefix(block)
            if found is not None:
                by_mask.setdefault(found[1], {}).setdefault(found[0], []).append(value)
        self._lengths = sorted(by_mask.items(), reverse=True)

    def longest(self, address: int) -> list[T]:
        """The values of the longest prefix that holds `address`, in their order; empty when none does."""
        for mask, blocks in self._lengths:
            if found := blocks.get(address & mask):
                return found
        return []

    def all(self, address: int) -> Iterator[T]:
        """The values of every prefix that holds `address`, longest first."""
        for mask, blocks in self._lengths:
            yield from blocks.get(address & mask, ())


def overlaps(blocks: Iterable[tuple[str, T]]) -> Iterator[tuple[tuple[str, T], tuple[str, T]]]:
    """Every pair of (prefix, owner) whose prefixes overlap. Sorted by start, only neighbours need be compared."""
    known = sorted(
        ((found[0], found[0] | ~found[1] & 0xFFFFFFFF, place, item) for place, item in enumerate(blocks)
         if (found := prefix(item[0]))),
        key=lambda each: (each[0], -each[1], each[2]),
    )  # fmt: skip
    open_blocks: list[tuple[int, tuple[str, T]]] = []
    for start, end, _, item in known:
        open_blocks = [(last, other) for last, other in open_blocks if last >= start]
        yield from ((other, item) for _, other in open_blocks)
        open_blocks.append((end, item))
