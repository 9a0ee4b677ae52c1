"""What a step needs and gives: the vocabulary of `check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from trunkline._core.errors import Misuse

Kind = Literal["any", "str", "int", "number", "bool", "list", "dict", "cidr", "cidrs", "address", "addresses"]


@dataclass(frozen=True, slots=True)
class Field:
    """One key that a step needs or gives.

    Parameters:
        kind: How its value must parse. `cidr` and `address` are IPv4 or IPv6 text ("10.1.0.0/16",
            "10.1.0.4"); `cidrs` and `addresses` are lists of them; `any` is not checked.
        required: False when the step has a default of its own for the key.
        allowed: The only values accepted; empty for no limit.
        pattern: A regular expression that the whole text must match.
        secret: True when the value must never be shown.
        note: What the key is for, as one phrase.
    """

    kind: Kind = "any"
    required: bool = True
    allowed: tuple[object, ...] = ()
    pattern: str | None = None
    secret: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise Misuse(f"Field: kind={self.kind!r} is not known", hint=f"one of {', '.join(get_args(Kind))}")
