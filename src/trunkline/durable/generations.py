"""Which generation of each generated secret is in force. The numbers are no secret.

A new generation is first wanted, and pending until it was seen in force; while it is pending the one before may still
open what it protects. No label is ever two generations ahead of what was seen.
"""

from __future__ import annotations

from pathlib import Path

from trunkline.durable.private_files import SharedJson


class Generations:
    """The generations of one home, in `<home>/generations.json`. Safe across threads and processes.

    Parameters:
        home: The directory of trunkline's own files.
    """

    def __init__(self, home: Path) -> None:
        self._file = SharedJson(
            Path(home).expanduser() / "generations.json",
            "restore it from a backup: without it, secrets that were rotated cannot be computed",
        )

    def of(self, label: str) -> int:
        """The generation that is wanted; 0 for what was never rotated."""
        return int(self._file.read().get(label, {}).get("generation", 0))

    def settled(self, label: str) -> bool:
        """Whether the wanted generation was seen in force."""
        return "pending" not in self._file.read().get(label, {})

    def advance(self, label: str, token: str) -> int:
        """Want the next generation, once for each `token`; the one that is wanted now.

        Parameters:
            token: Who wants it. The same one again, and anyone while a generation is pending, changes nothing.
        """
        with self._file.changing() as known:
            entry = known.setdefault(label, {"generation": 0})
            if "pending" not in entry and entry.get("by") != token:
                entry.update(generation=entry["generation"] + 1, by=token, pending=True)
            return int(entry["generation"])

    def settle(self, label: str) -> None:
        """The wanted generation was seen in force, and the one before was not."""
        with self._file.changing() as known:
            if label in known:
                known[label].pop("pending", None)

    def pending(self) -> list[str]:
        """The labels whose wanted generation was not seen in force yet."""
        return sorted(label for label, entry in self._file.read().items() if "pending" in entry)
