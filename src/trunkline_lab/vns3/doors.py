"""What the clouds let in, remembered until one of them changes: to ask them takes a lock that their own calls hold."""

from __future__ import annotations

import logging

from ..world import Face

_log = logging.getLogger(__name__)


class Doors:
    """Answers of `Face.admits`. Thread safe.

    Parameters of a question are those of `Face.admits`; see there.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int, str], bool] = {}

    def forget(self) -> None:
        """Something changed in a cloud: every answer may be another one now."""
        self._known = {}  # an answer that is being worked out goes into the old one, which nobody reads any more

    def admits(self, face: Face | None, machine: str, protocol: str, port: int, source: str) -> bool:
        """Whether the machine's cloud lets such a packet in now; no, when its cloud cannot say."""
        known, question = self._known, (machine, protocol, port, source)
        if face is None:
            return False
        if question not in known:
            try:
                known[question] = face.admits(machine, protocol, port, source)
            except Exception:
                _log.exception("cannot tell whether %s admits %s/%d from %s", machine, protocol, port, source)
                return False
        return known[question]
