"""JSON as Azure's own reader takes it: with comments, last commas, single quotes and names without quotes."""

from __future__ import annotations

import json
import re
from typing import Any

# The comma: Azure's service takes it where clients refuse it (https://github.com/Azure/azure-powershell/issues/353).
# Single quotes: Microsoft's own example of base64ToJson() has them ("String functions for ARM templates").
_PIECE = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*")
      | (?P<single>'(?:\\.|[^'\\])*')
      | (?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<name>[A-Za-z_$][\w$]*)(?=\s*:)""",
    re.S | re.X,
)
_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.S)
_QUOTE = re.compile(r"""\\(')|(")|(\\.)""", re.S)


def read_json(text: str) -> Any:
    """What a text says. Raises ValueError."""
    plain = _PIECE.sub(_plain, text)
    return json.loads(_COMMA.sub(lambda found: found[1] or "", plain))


def _plain(found: re.Match[str]) -> str:
    if found["single"]:
        inside = _QUOTE.sub(lambda mark: mark[1] or ('\\"' if mark[2] else mark[3]), found["single"][1:-1])
        return f'"{inside}"'
    if found["name"]:
        return f'"{found["name"]}"'
    return found["text"] or ""
