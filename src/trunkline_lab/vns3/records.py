"""Records: what a controller only keeps and gives back, field by field, under an id or a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .arguments import Arguments
from .controller import Call
from .refusals import bad_argument, not_found

Record = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One field: which reader of `Arguments` takes it, and what stands there when it is not given."""

    reader: str
    default: object


TEXT, NUMBER, FLAG = Entry("text", ""), Entry("integer", 0), Entry("flag", False)
TEXTS, PAIRS, MAPPING = Entry("texts", ()), Entry("pairs", ()), Entry("mapping", None)


def flag(default: bool) -> Entry:
    """A flag with a default of its own."""
    return Entry("flag", default)


def number(default: int) -> Entry:
    """A number with a default of its own."""
    return Entry("integer", default)


class Form:
    """The fields of one kind of record.

    Parameters:
        required: Those that a new record must have.
        fields: Every field a caller may set.
    """

    def __init__(self, *required: str, **fields: Entry) -> None:
        self._required, self._fields = required, fields

    def new(self, body: Arguments) -> Record:
        """A record as a body describes it. Raises Refusal for a field that is missing or wrong."""
        body.require(*self._required)
        return {name: _given(body, name, entry) for name, entry in self._fields.items()}

    def blank(self) -> Record:
        """A record of which nothing is known."""
        return {name: _given(Arguments({}), name, entry) for name, entry in self._fields.items()}

    def change(self, record: Record, body: Arguments) -> None:
        """Change the fields that a body has, all or none. Raises Refusal."""
        record |= {name: _given(body, name, entry) for name, entry in self._fields.items() if name in body}


def _given(body: Arguments, name: str, entry: Entry) -> object:
    if name in body:
        return getattr(body, entry.reader)(name)
    return list(entry.default) if isinstance(entry.default, tuple) else entry.default


def drawer(call: Call, kind: str) -> dict[Any, Record]:
    """All records of a kind, by id or name."""
    return call.controller.settings.records.setdefault(kind, {})


def numbered(call: Call, kind: str, record: Record) -> Record:
    """Put a new record into its drawer, under an id of its own."""
    record = {"id": next(call.controller.settings.ids), **record}
    drawer(call, kind)[record["id"]] = record
    return record


def named(call: Call, kind: str, record: Record, key: str = "name") -> Record:
    """Put a new record into its drawer under its name; 400 when the name is taken."""
    if record[key] in drawer(call, kind):
        raise bad_argument(f"{key} is invalid: there is a {kind} {record[key]!r} already")
    drawer(call, kind)[record[key]] = record
    return record


def found(call: Call, kind: str, part: str) -> Record:
    """The record that the path's variable `part` names; 404 when there is none."""
    key: object = call.parts[part]
    records = drawer(call, kind)
    if key not in records and str(key).isdigit():
        key = int(str(key))
    if key not in records:
        raise not_found(f"{kind} {call.parts[part]} not found")
    return records[key]


def without(record: Mapping[str, Any], *names: str) -> Record:
    """A record without what no answer shows."""
    return {name: value for name, value in record.items() if name not in names}
