"""ARM's plain functions: those whose answer depends on their arguments alone.

What each does follows https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
A function refuses its arguments with ValueError; the evaluator says which call it was.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import quote, unquote, urljoin

from trunkline_lab.azure.language import cidr, dates
from trunkline_lab.azure.language.formats import composite, text

# The name space of Azure's guid(): its answers are name-based UUIDs of version 5 of the joined texts.
_GUIDS = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")


@dataclass(frozen=True)
class Function:
    """A function and how many arguments it takes; `most` is None when there is no end."""

    call: Callable[..., Any]
    least: int
    most: int | None


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text was expected, not {json.dumps(value)}")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a whole number was expected, not {json.dumps(value)}")
    return value


def _numbers(values: tuple[Any, ...]) -> list[int]:
    return [_integer(one) for one in (values[0] if len(values) == 1 and isinstance(values[0], list) else values)]


def _int(value: Any) -> int:
    return int(value) if isinstance(value, str) else _integer(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if str(value).lower() in ("true", "false"):
        return bool(str(value).lower() == "true")
    raise ValueError(f"{value!r} is neither true nor false")


def _concat(*values: Any) -> Any:
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    if any(isinstance(value, list | dict) for value in values):
        raise ValueError("texts and arrays cannot be joined to one another")
    return "".join(text(value) for value in values)


def _length(value: Any) -> int:
    if not isinstance(value, str | list | dict):
        raise ValueError("a text, an array or an object was expected")
    return len(value)


def _contains(container: Any, item: Any) -> bool:
    if isinstance(container, str):
        return _string(item) in container
    if isinstance(container, dict):
        return _string(item).lower() in {name.lower() for name in container}
    if isinstance(container, list):
        return item in container
    raise ValueError("a text, an array or an object was expected")


def _first(value: Any) -> Any:
    if isinstance(value, str):
        return value[:1]
    return value[0] if value else None


def _last(value: Any) -> Any:
    if isinstance(value, str):
        return value[-1:]
    return value[-1] if value else None


def _index_of(value: Any, part: Any) -> int:
    if isinstance(value, list):
        return next((at for at, item in enumerate(value) if item == part), -1)
    return _string(value).lower().find(_string(part).lower())


def _take(value: Any, count: Any) -> Any:
    return value[: max(_integer(count), 0)]


def _skip(value: Any, count: Any) -> Any:
    return value[max(_integer(count), 0) :]


def _split(value: Any, by: Any) -> list[str]:
    separators = by if isinstance(by, list) else [by]
    return re.split("|".join(re.escape(_string(one)) for one in separators), _string(value))


def _join(values: Any, by: Any) -> str:
    return _string(by).join(text(value) for value in values)


def _substring(value: Any, start: Any, length: Any = None) -> str:
    whole, begin = _string(value), _integer(start)
    end = len(whole) if length is None else begin + _integer(length)
    if not 0 <= begin <= end <= len(whole):
        raise ValueError("the index and length refer to a place within the string")
    return whole[begin:end]


def _pad_left(value: Any, width: Any, filler: Any = " ") -> str:
    return text(value).rjust(_integer(width), _string(filler))


def _merge(one: Any, other: Any) -> Any:
    """union() of objects goes down into objects; arrays in them are replaced."""
    merged = dict(one)
    for name, value in other.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _union(*values: Any) -> Any:
    if all(isinstance(value, dict) for value in values):
        return reduce(_merge, values)
    if not all(isinstance(value, list) for value in values):
        raise ValueError("all are arrays or all are objects")
    found: list[Any] = []
    for item in (item for value in values for item in value):
        if item not in found:
            found.append(item)
    return found


def _intersection(*values: Any) -> Any:
    if all(isinstance(value, dict) for value in values):
        return {k: v for k, v in values[0].items() if all(k in other and other[k] == v for other in values[1:])}
    if not all(isinstance(value, list) for value in values):
        raise ValueError("all are arrays or all are objects")
    return [item for item in values[0] if all(item in other for other in values[1:])]


def _create_object(*parts: Any) -> dict[str, Any]:
    if len(parts) % 2:
        raise ValueError("names and values come in pairs")
    return {_string(name): value for name, value in zip(parts[::2], parts[1::2], strict=True)}


def _range(start: Any, count: Any) -> list[int]:
    if not 0 <= _integer(count) <= 10000:
        raise ValueError("the count is between 0 and 10000")
    return list(range(_integer(start), _integer(start) + _integer(count)))


def _divide(one: int, other: int) -> int:
    if _integer(other) == 0:
        raise ValueError("a number cannot be divided by zero")
    quotient = abs(_integer(one)) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def _modulo(one: int, other: int) -> int:
    return _integer(one) - _divide(one, other) * _integer(other)


def _equals(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(one: Any, other: Any) -> bool:
        if type(one) is not type(other) or not isinstance(one, int | str) or isinstance(one, bool):
            raise ValueError("two whole numbers or two texts were expected")
        return test(one, other)

    return compared


def _unique_string(*values: Any) -> str:
    digest = hashlib.sha256("-".join(_string(value) for value in values).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _guid(*values: Any) -> str:
    return str(uuid.uuid5(_GUIDS, "-".join(_string(value) for value in values)))


def _json(value: Any) -> Any:
    try:
        return json.loads(_string(value))
    except json.JSONDecodeError as unread:
        raise ValueError(f"the text is no JSON: {unread}") from None


def _objects(*values: Any) -> list[dict[str, Any]]:
    if not all(isinstance(value, dict) for value in values):
        raise ValueError("all are objects")
    return list(values)


def _shallow_merge(values: Any) -> dict[str, Any]:
    return {name: value for one in _objects(*values) for name, value in one.items()}


def _from_end(values: Any, index: Any) -> Any:
    if not isinstance(values, list) or not 1 <= _integer(index) <= len(values):
        raise ValueError("an array and a place in it, counted from 1 at its end, were expected")
    return values[-index]


def _try_from_end(values: Any, index: Any) -> Any:
    return _from_end(values, index) if isinstance(values, list) and 1 <= _integer(index) <= len(values) else None


def _data_uri_text(value: Any) -> str:
    found = re.fullmatch(r"data:[^,]*?(;base64)?,(.*)", _string(value), re.S | re.I)
    if found is None:
        raise ValueError("a data URI was expected")
    return _decode(found[2]) if found[1] else unquote(found[2])


def _data_uri(value: Any) -> str:
    return "data:text/plain;charset=utf8;base64," + base64.b64encode(_string(value).encode()).decode()


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _decode(value: Any) -> str:
    return base64.b64decode(_string(value), validate=True).decode()


_TABLE: Mapping[str, tuple[Callable[..., Any], int, int | None]] = {
    "add": (lambda a, b: _integer(a) + _integer(b), 2, 2),
    "array": (lambda value: value if isinstance(value, list) else [value], 1, 1),
    "base64": (lambda value: base64.b64encode(_string(value).encode()).decode(), 1, 1),
    "base64ToJson": (lambda value: _json(_decode(value)), 1, 1),
    "base64ToString": (_decode, 1, 1),
    "bool": (_bool, 1, 1),
    "cidrHost": (lambda network, index: cidr.host(_string(network), _integer(index)), 2, 2),
    "cidrSubnet": (
        lambda network, length, index: cidr.subnet(_string(network), _integer(length), _integer(index)),
        3,
        3,
    ),
    "concat": (_concat, 1, None),
    "contains": (_contains, 2, 2),
    "createArray": (lambda *values: list(values), 0, None),
    "createObject": (_create_object, 0, None),
    "dataUri": (_data_uri, 1, 1),
    "dataUriToString": (_data_uri_text, 1, 1),
    "dateTimeAdd": (lambda *values: dates.add(*map(_string, values)), 2, 3),
    "dateTimeFromEpoch": (lambda value: dates.from_epoch(_integer(value)), 1, 1),
    "dateTimeToEpoch": (lambda value: dates.to_epoch(_string(value)), 1, 1),
    "div": (_divide, 2, 2),
    "empty": (_empty, 1, 1),
    "endsWith": (lambda value, end: _string(value).lower().endswith(_string(end).lower()), 2, 2),
    "equals": (_equals, 2, 2),
    "false": (lambda: False, 0, 0),
    "first": (_first, 1, 1),
    "flatten": (lambda values: [item for value in values for item in value], 1, 1),
    "format": (composite, 1, None),
    "greater": (_compare(lambda a, b: a > b), 2, 2),
    "greaterOrEquals": (_compare(lambda a, b: a >= b), 2, 2),
    "guid": (_guid, 1, None),
    "indexFromEnd": (_from_end, 2, 2),
    "indexOf": (_index_of, 2, 2),
    "int": (_int, 1, 1),
    "intersection": (_intersection, 2, None),
    "items": (lambda value: [{"key": key, "value": value[key]} for key in sorted(value)], 1, 1),
    "join": (_join, 2, 2),
    "json": (_json, 1, 1),
    "last": (_last, 1, 1),
    "lastIndexOf": (lambda value, part: _string(value).lower().rfind(_string(part).lower()), 2, 2),
    "length": (_length, 1, 1),
    "less": (_compare(lambda a, b: a < b), 2, 2),
    "lessOrEquals": (_compare(lambda a, b: a <= b), 2, 2),
    "max": (lambda *values: max(_numbers(values)), 1, None),
    "min": (lambda *values: min(_numbers(values)), 1, None),
    "mod": (_modulo, 2, 2),
    "mul": (lambda a, b: _integer(a) * _integer(b), 2, 2),
    "not": (lambda value: not _bool(value), 1, 1),
    "null": (lambda: None, 0, 0),
    "objectKeys": (lambda value: sorted(value), 1, 1),
    "padLeft": (_pad_left, 2, 3),
    "parseCidr": (lambda network: cidr.parts(_string(network)), 1, 1),
    "range": (_range, 2, 2),
    "replace": (lambda value, old, new: _string(value).replace(_string(old), _string(new)), 3, 3),
    "shallowMerge": (_shallow_merge, 1, 1),
    "skip": (_skip, 2, 2),
    "split": (_split, 2, 2),
    "startsWith": (lambda value, start: _string(value).lower().startswith(_string(start).lower()), 2, 2),
    "string": (text, 1, 1),
    "sub": (lambda a, b: _integer(a) - _integer(b), 2, 2),
    "substring": (_substring, 2, 3),
    "take": (_take, 2, 2),
    "toLower": (lambda value: _string(value).lower(), 1, 1),
    "toUpper": (lambda value: _string(value).upper(), 1, 1),
    "trim": (lambda value: _string(value).strip(), 1, 1),
    "true": (lambda: True, 0, 0),
    "tryIndexFromEnd": (_try_from_end, 2, 2),
    "union": (_union, 1, None),
    "uniqueString": (_unique_string, 1, None),
    "uri": (lambda base, relative: urljoin(_string(base), _string(relative)), 2, 2),
    "uriComponent": (lambda value: quote(_string(value), safe=""), 1, 1),
    "uriComponentToString": (lambda value: unquote(_string(value)), 1, 1),
}

FUNCTIONS = {name.lower(): Function(*row) for name, row in _TABLE.items()}
