"""The few words and signs that all views share."""

from __future__ import annotations

MODES = {"go": "begins", "undo": "is undone", "pay": "closes what it owes"}


def duration(seconds: float | None) -> str:
    """A span of time as a person reads it: "0.4 s", "12.3 s", "2:05", "1:02:05"; empty for None."""
    if seconds is None:
        return ""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def usually(seconds: float | None) -> str:
    """What a step took in earlier runs: "usually 6.2 s"; empty where that is not known, or too short to wait for."""
    return f"usually {duration(seconds)}" if seconds is not None and seconds >= 0.5 else ""


def one_line(error: BaseException) -> str:
    """An error's type and first line; for a group the first of its errors and how many there are."""
    if isinstance(error, BaseExceptionGroup):
        return f"{one_line(error.exceptions[0])} (and {len(error.exceptions) - 1} more)"
    if type(error).__name__ in ("CancelledError", "KeyboardInterrupt"):  # by name: asyncio may not be loaded
        return "interrupted"
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def ending(error: BaseException | None) -> str:
    """How a run ended: "done", "interrupted", or "failed" with the error."""
    if error is None:
        return "done"
    said = one_line(error)
    return said if said == "interrupted" else f"failed: {said}"
