"""Certificates pinned at first contact, as ssh keeps known_hosts."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path

from trunkline.durable.private_files import SharedJson


class KnownRouters(MutableMapping[str, str]):
    """A router's key to its certificate's SHA-256. Safe across threads and processes.

    Parameters:
        home: The directory of trunkline's own files; the pins are `<home>/known_routers.json`.
    """

    def __init__(self, home: Path) -> None:
        self._file = SharedJson(
            Path(home).expanduser() / "known_routers.json", "restore the file, or remove it to pin anew"
        )

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def __getitem__(self, key: str) -> str:
        return str(self._file.read()[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.read())

    def __len__(self) -> int:
        return len(self._file.read())

    def __setitem__(self, key: str, pin: str) -> None:
        with self._file.changing() as pins:
            pins[key] = pin

    def __delitem__(self, key: str) -> None:
        with self._file.changing() as pins:
            del pins[key]

    def setdefault(self, key: str, default: str = "") -> str:
        """The pin of `key`, set to `default` if it had none: under one lock, so that one of two contacts wins."""
        with self._file.changing() as pins:
            return str(pins.setdefault(key, default))
