"""What steps print while a tree is drawn: kept, line by line, for the one who draws to put it above the tree."""

from __future__ import annotations

import io
import sys
import threading
from typing import TextIO


class Above:
    """Stands for stdout and stderr between `begin` and `end`; `taken` gives what was printed since. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""
        self._before: tuple[TextIO, TextIO] | None = None

    def begin(self, *, stdout: bool) -> None:
        """Catch what goes to stderr from now on, and to stdout when that is wanted, too."""
        self._before = (sys.stdout, sys.stderr)
        if stdout:
            sys.stdout = _Caught(self, sys.stdout)
        sys.stderr = _Caught(self, sys.stderr)

    def end(self) -> None:
        """Give both back."""
        if self._before is not None:
            sys.stdout, sys.stderr = self._before
            self._before = None

    def add(self, text: str) -> None:
        """Keep some text."""
        with self._lock:
            self._text += text

    def taken(self) -> list[str]:
        """The whole lines since the last time; once `end` was called, also one that has no end."""
        with self._lock:
            *lines, self._text = self._text.split("\n")
            if self._before is None and self._text:
                lines.append(self._text)
                self._text = ""
            return lines


class _Caught(io.TextIOBase):
    """A text stream whose text is caught; all else is the original's."""

    def __init__(self, above: Above, original: TextIO) -> None:
        self._above, self._original = above, original

    def write(self, text: str) -> int:
        self._above.add(text)
        return len(text)

    def flush(self) -> None:
        self._original.flush()

    def isatty(self) -> bool:
        return self._original.isatty()

    def fileno(self) -> int:
        return self._original.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._original.encoding
