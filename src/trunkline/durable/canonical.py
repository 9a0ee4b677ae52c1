"""Values as the journal keeps them: JSON in one canonical form, and a value that is none is named."""

from __future__ import annotations

import json
from typing import Any

from trunkline._core.errors import Error

# One encoder for all: json.dumps with any word of its own makes a new one at each call.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class NotJson(Error):
    """A value cannot be kept in a journal; the message names where it stands and what it is."""


def encoded(value: Any, where: str) -> str:
    """`value` as canonical JSON: sorted keys, no spaces, UTF-8 as it is. Raises NotJson naming the place.

    Parameters:
        value: What is to be kept.
        where: Whose value it is, for the error ("step vpc").
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        place, what = _culprit(value, "") or ("", str(error))
        raise NotJson(
            f"{where} gives {place.lstrip('.') or 'a value'}, which is {what}: a journal keeps JSON only",
            hint="return text, numbers, booleans, None, lists and dicts with text keys; bind clients with partial",
        ) from None


def decoded(text: str) -> Any:
    """The value that `encoded` wrote."""
    return json.loads(text)


def check_keys(value: Any, where: str) -> None:
    """Refuse what JSON would change silently: dict keys that are not text (1 would come back as "1")."""
    found = _bad_key(value, "")
    if found is not None:
        place, key = found
        raise NotJson(
            f"{where} gives {place.lstrip('.') or 'a dict'} with the key {key!r} of type {type(key).__name__}",
            hint="keys of what a journal keeps are text",
        )


def _bad_key(value: Any, place: str) -> tuple[str, object] | None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return place, key
            if (found := _bad_key(item, f"{place}.{key}")) is not None:
                return found
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            if (found := _bad_key(item, f"{place}[{number}]")) is not None:
                return found
    return None


def _culprit(value: Any, place: str, depth: int = 0) -> tuple[str, str] | None:
    """The first value inside that is no JSON: (where it stands, what it is)."""
    if depth > 200:
        return place, "nested too deeply, or in itself"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return place, f"the number {value}"
    if value is None or isinstance(value, (str, int, float)):
        return None
    if isinstance(value, dict):
        parts = [(f"{place}.{key}", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(f"{place}[{number}]", item) for number, item in enumerate(value)]
    else:
        return place, f"of type {type(value).__name__}"
    return next((found for where, item in parts if (found := _culprit(item, where, depth + 1))), None)
