"""Events as JSON lines, for programs. The first line is the format's version.

    {"format": "trunkline.events", "version": "1.1"}
    {"event": "step-started", "run": "acme", "path": "vpc", "at": 1767225600.0}

A minor version adds fields or events, a major one may change them; a reader passes over what it does not know.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any, TextIO

from trunkline._core.events import Event, Outline

FORMAT = "trunkline.events"
VERSION = "1.1"  # 1.1: run-started has a mode


class JsonLinesView:
    """An observer that writes every event to `stream` as one line of JSON."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._write({"format": FORMAT, "version": VERSION})

    def on(self, event: Event) -> None:
        """Take one event."""
        self._write(as_json(event))

    def close(self) -> None:
        """Nothing is held; for the sake of a common shape."""

    def _write(self, line: dict[str, Any]) -> None:
        self.stream.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        self.stream.flush()


def as_json(event: Event) -> dict[str, Any]:
    """An event as plain values: its kind as "event", then its fields."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(event).__name__).lower()
    return {"event": kind, **{each.name: _plain(getattr(event, each.name)) for each in fields(event)}}


def error_as_json(error: BaseException) -> dict[str, Any]:
    """An error as plain values: type, message, hint, notes, and the errors of a group."""
    plain: dict[str, Any] = {"type": type(error).__name__, "message": str(error), "hint": getattr(error, "hint", None)}
    if notes := getattr(error, "__notes__", None):
        plain["notes"] = list(notes)
    if isinstance(error, BaseExceptionGroup):
        plain["errors"] = [error_as_json(each) for each in error.exceptions]
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return error_as_json(value)
    if isinstance(value, Outline):
        return {"name": value.name, "kind": value.kind, "parts": [_plain(part) for part in value.parts]}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
