"""The SDK writes whole requests and answers into its debug log, secrets included: those lines are dropped."""

from __future__ import annotations

import logging


class _Hush(logging.Filter):
    """Lets warnings and errors pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        return record.levelno >= logging.WARNING


_HUSH = _Hush()


def hush(*loggers: str) -> None:
    """Drop what these loggers say below WARNING, whatever level the application gives them; may be repeated.

    Parameters:
        loggers: The exact names: a filter does not hold for the loggers below.
    """
    for name in loggers:
        logging.getLogger(name).addFilter(_HUSH)
