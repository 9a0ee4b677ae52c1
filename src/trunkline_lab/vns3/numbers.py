"""Ids: 1, 2, 3, ..."""

from __future__ import annotations


class Numbers:
    """An iterator over the whole numbers from 1 on, which can be copied and written down."""

    def __init__(self) -> None:
        self._last = 0

    def __next__(self) -> int:
        self._last += 1
        return self._last

    def __iter__(self) -> Numbers:
        return self

    def skip_to(self, number: int) -> None:
        """Give nothing below or at `number` any more."""
        self._last = max(self._last, number)
