"""Values of expressions: the one that is not known yet, and how scalars read as text."""

from __future__ import annotations

from typing import Any, Final


class Unknown:
    """A value that is there only after a change set's execution."""

    def __repr__(self) -> str:
        return "{{changeSet:KNOWN_AFTER_APPLY}}"


UNKNOWN: Final = Unknown()


def text(value: object) -> str:
    """A scalar as CloudFormation writes it: true and false in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_unknown(value: Any) -> bool:
    """Whether the value, or anything inside it, is not known yet."""
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    return isinstance(value, Unknown)
