"""What reads said before the last write: the memory behind stale answers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Stale(Generic[T]):
    """Answers to reads, by what was asked, each with the number of writes before it. Thread safe."""

    def __init__(self) -> None:
        self._writes: Counter[Hashable] = Counter()
        self._answers: dict[Hashable, list[tuple[int, T]]] = {}
        self._lock = threading.Lock()

    def written(self, place: Hashable) -> None:
        """Something changes at a place (an account and region, a subscription)."""
        with self._lock:
            self._writes[place] += 1

    def remember(self, asked: Hashable, place: Hashable, answer: T) -> None:
        """A read was answered."""
        with self._lock:
            known = self._answers.setdefault(asked, [])
            known[:] = [(n, a) for n, a in known if n < self._writes[place]][-1:]  # one older one is enough
            known.append((self._writes[place], answer))

    def before(self, asked: Hashable, place: Hashable) -> T | None:
        """The same read's last answer from before the last write; None when there is none."""
        with self._lock:
            older = [a for n, a in self._answers.get(asked, []) if n < self._writes[place]]
        return older[-1] if older else None
