"""Dates and times as .NET writes them, and ISO 8601 durations: utcNow, dateTimeAdd and the epoch's two functions.

The patterns are those of https://learn.microsoft.com/dotnet/standard/base-types/custom-date-and-time-format-strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import isodate  # type: ignore[import-untyped]

SHORT = "yyyyMMddTHHmmssZ"
_LONG = "yyyy-MM-ddTHH:mm:ssZ"
# What one letter alone stands for.
_STANDARD = {
    "d": "MM/dd/yyyy",
    "D": "dddd, dd MMMM yyyy",
    "f": "dddd, dd MMMM yyyy HH:mm",
    "F": "dddd, dd MMMM yyyy HH:mm:ss",
    "g": "MM/dd/yyyy HH:mm",
    "G": "MM/dd/yyyy HH:mm:ss",
    "m": "MMMM dd",
    "M": "MMMM dd",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
    "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "HH:mm",
    "T": "HH:mm:ss",
    "u": "yyyy-MM-dd HH:mm:ss'Z'",
    "y": "yyyy MMMM",
    "Y": "yyyy MMMM",
}
_PARTS: Mapping[str, Callable[[datetime], str]] = {
    "yyyy": lambda when: f"{when.year:04d}",
    "yy": lambda when: f"{when.year % 100:02d}",
    "MMMM": lambda when: when.strftime("%B"),
    "MMM": lambda when: when.strftime("%b"),
    "MM": lambda when: f"{when.month:02d}",
    "M": lambda when: str(when.month),
    "dddd": lambda when: when.strftime("%A"),
    "ddd": lambda when: when.strftime("%a"),
    "dd": lambda when: f"{when.day:02d}",
    "d": lambda when: str(when.day),
    "HH": lambda when: f"{when.hour:02d}",
    "H": lambda when: str(when.hour),
    "hh": lambda when: f"{when.hour % 12 or 12:02d}",
    "h": lambda when: str(when.hour % 12 or 12),
    "mm": lambda when: f"{when.minute:02d}",
    "m": lambda when: str(when.minute),
    "ss": lambda when: f"{when.second:02d}",
    "s": lambda when: str(when.second),
    "tt": lambda when: "AM" if when.hour < 12 else "PM",
    "K": lambda when: "Z",
}
_TOKEN = re.compile(r"'[^']*'|\\.|f+|" + "|".join(sorted(_PARTS, key=len, reverse=True)) + "|.", re.S)


def write(when: datetime, pattern: str) -> str:
    """A time in UTC after a pattern of .NET's."""
    return "".join(_part(when, token) for token in _TOKEN.findall(_STANDARD.get(pattern, pattern)))


def _part(when: datetime, token: str) -> str:
    if token in _PARTS:
        return _PARTS[token](when)
    if token[0] == "f":
        return f"{when.microsecond:06d}0"[: len(token)]
    return token.strip("'") if len(token) > 1 and token[0] == "'" else token.removeprefix("\\")


def read(text: str) -> datetime:
    """A time as templates write it; in UTC when it does not say. Raises ValueError."""
    if re.fullmatch(r"\d{8}T\d{6}Z", text):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    for pattern in ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def add(base: str, duration: str, pattern: str = _LONG) -> str:
    """dateTimeAdd: a time and an ISO 8601 duration, which may be negative. Raises ValueError."""
    negative = duration.startswith("-")
    step = isodate.parse_duration(duration.lstrip("-+"))
    start = read(base)
    return write(start - step if negative else start + step, pattern)


def from_epoch(seconds: int) -> str:
    """dateTimeFromEpoch."""
    return write(datetime.fromtimestamp(seconds, UTC), _LONG)


def to_epoch(text: str) -> int:
    """dateTimeToEpoch. Raises ValueError."""
    return int(read(text).timestamp())
