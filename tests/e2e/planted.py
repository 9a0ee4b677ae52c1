"""Markers that nobody must find: their spellings, and the search for them in everything that a run left behind."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 12  # what is shorter would be found by chance


def spellings(value: str) -> dict[bytes, str]:
    """Every way in which a secret may stand in a file: as bytes, with the name of the spelling."""
    raw = value.encode()
    found = {
        raw: "plain",
        raw.hex().encode(): "hex",
        raw.hex().upper().encode(): "hex",
        json.dumps(value)[1:-1].encode(): "json",
        json.dumps(json.dumps(value))[1:-1].strip('\\"').encode(): "json in json",
        repr(value)[1:-1].encode(): "repr",
        quote(value, safe="").encode(): "url",
        quote(value).encode(): "url",
        quote_plus(value).encode(): "url",
        value.encode("utf-16-le"): "utf-16",
    }
    for shift in range(3):  # base64 looks different after one and two bytes before it; its edges mix with those
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + raw)
            found[text[(4 if shift else 0) : (len(raw) + shift) * 4 // 3 // 4 * 4 - 4]] = "base64"
    return {text: name for text, name in found.items() if len(text) >= SHORTEST}


class Markers:
    """The markers by name, planted or overheard. Thread safe: the lab's own threads add what they hear."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def add(self, name: str, value: object) -> None:
        """Search for this one, too, from now on."""
        if isinstance(value, str) and len(value) >= SHORTEST:
            with self._lock:
                self._values.setdefault(value, name)

    def names(self) -> set[str]:
        """The names of all."""
        return set(self._values.values())

    def found_in(self, content: bytes) -> set[str]:
        """ "name (spelling)" of every marker in the content."""
        with self._lock:
            values = list(self._values.items())
        return {
            f"{name} ({how})" for value, name in values for text, how in spellings(value).items() if text in content
        }

    def found_under(self, *places: Path) -> dict[str, set[str]]:
        """The same for files and whole directories, by file; for names of files, too."""
        files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*")))]
        found = {
            str(file): self.found_in((file.read_bytes() if file.is_file() else b"") + str(file).encode())
            for file in files
        }
        return {file: names for file, names in found.items() if names}
