"""uniqueString(): 64 bits of a hash of the texts, in 13 letters.

Azure documents no algorithm. This one is a relative of MurmurHash with two lanes of 32 bits; its steps and numbers are
those that https://github.com/philsphicas/aztunnel (e2e/infra/uniquestring.sh) found, and its answers were compared with
Azure's own in four public repositories (see the tests).
"""

from __future__ import annotations

import base64

_MASK = 0xFFFFFFFF
_ONE, _TWO = 0xAB0E9789, 0x239B961B


def unique(text: str) -> str:
    """Thirteen of a-z and 2-7 that are the same for the same text."""
    return base64.b32encode(_hash(text.encode()).to_bytes(8, "big")).decode().lower()[:13]


def _turned(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & _MASK


def _first(word: int) -> int:
    return _turned(word * _TWO & _MASK, 15) * _ONE & _MASK


def _second(word: int) -> int:
    return _turned(word * _ONE & _MASK, 17) * _TWO & _MASK


def _mixed(value: int) -> int:
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16


def _hash(data: bytes) -> int:
    low = high = 0
    whole = len(data) - len(data) % 8
    for at in range(0, whole, 8):
        one, two = (int.from_bytes(data[start : start + 4], "little") for start in (at, at + 4))
        low = (_turned(low ^ _first(one), 19) + high) * 5 + 0x561CCD1B & _MASK
        high = (_turned(high ^ _second(two), 13) + low) * 5 + 0x0BCAA747 & _MASK
    low ^= _first(int.from_bytes(data[whole : whole + 4], "little"))
    high ^= _second(int.from_bytes(data[whole + 4 :], "little"))
    high ^= len(data)
    low = (low ^ len(data)) + high & _MASK
    low, high = _mixed(low), _mixed(low + high & _MASK)
    low = low + high & _MASK
    return (high + low & _MASK) << 32 | low
