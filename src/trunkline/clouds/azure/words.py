"""The SDKs' enumerations as plain text."""

from __future__ import annotations

from typing import Any


def word(value: Any) -> str:
    """The text behind a value that is text, or one of the SDK's enumerations, or None ("").

    `str()` of such an enumeration is "ChangeType.MODIFY"; what Azure said was "Modify".
    """
    return str(getattr(value, "value", value) or "")
