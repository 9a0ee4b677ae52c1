"""How values are written as texts: string(), and format()'s composite patterns."""

from __future__ import annotations

import json
import re
from typing import Any

_HOLE = re.compile(r"\{\{|\}\}|\{(?P<at>\d+)(?:,(?P<width>-?\d+))?(?::(?P<spec>[A-Za-z]\d*))?\}|[{}]")


_KINDS = {str: "String", int: "Integer", bool: "Boolean", float: "Float", dict: "Object", list: "Array"}


def kind(value: object) -> str:
    """What ARM calls a value's type; messages name it in place of the value, which may be a secret."""
    return _KINDS.get(type(value), "Null")


def text(value: object) -> str:
    """A value as string() writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    return str(value) if isinstance(value, int) else json.dumps(value, separators=(",", ":"))


def composite(pattern: Any, *values: Any) -> str:
    """format(): {0}, {1:D3}, {0,8}, {{ and }}. Raises ValueError for a hole without an argument."""
    if not isinstance(pattern, str):
        raise ValueError("the pattern is a text")

    def one(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found["at"] is None:
            raise ValueError(f"'{found[0]}' at {found.start()} is not closed or not opened")
        position = int(found["at"])
        if position >= len(values):
            raise ValueError(f"there is no argument {position} for {found[0]}")
        written = _number(values[position], found["spec"]) if found["spec"] else text(values[position])
        width = int(found["width"] or 0)
        return written.ljust(-width) if width < 0 else written.rjust(width)

    return _HOLE.sub(one, pattern)


def _number(value: Any, spec: str) -> str:
    """A whole number after one of .NET's standard patterns. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"the format {spec} is for whole numbers")
    kind, digits = spec[0], spec[1:]
    if kind in "Dd":
        return ("-" if value < 0 else "") + str(abs(value)).rjust(int(digits or 0), "0")
    if kind in "Xx":
        return f"{value & 0xFFFFFFFF if value < 0 else value:0{digits or 0}{kind}}"
    if kind in "Nn":
        return f"{value:,.{digits or 2}f}"
    if kind in "Ff":
        return f"{value:.{digits or 2}f}"
    if kind in "Gg" and not digits:
        return str(value)
    raise ValueError(f"the format {spec} is unknown; D, X, N, F and G are known")
