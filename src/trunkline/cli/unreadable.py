"""A process that holds secrets leaves no core file, and other processes of its user cannot look into it."""

from __future__ import annotations

import resource
import sys

_PR_SET_DUMPABLE = 4  # prctl(2); with 0 ptrace is refused, and /proc/PID/environ and mem belong to root


def unreadable() -> None:
    """Ask the system not to write this process down when it crashes, and not to show it to others.

    Linux keeps its memory from the user's other processes too; elsewhere only core files are off. Root can always look.
    """
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
