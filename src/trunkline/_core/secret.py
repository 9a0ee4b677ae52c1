"""Text that does not show itself."""

from __future__ import annotations

MASK = "***"


class Secret(str):
    """A secret's text: printing, formatting and `repr` show three stars; `reveal()` gives it to who must send it.

    It is a str, so that comparing it, encoding it and writing it as JSON into a request work on the value. A journal
    refuses it: what a step returns is kept, and secrets are not.
    """

    __slots__ = ()

    def reveal(self) -> str:
        """The text itself, as a plain str. Call it where the text leaves for whom it is meant, and keep no copy."""
        return str.__str__(self)

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"


def revealed(text: str) -> str:
    """The text as a plain str, also when it is a Secret: for whoever is about to send it."""
    return text.reveal() if isinstance(text, Secret) else text
