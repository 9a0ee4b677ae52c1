"""ARM's plain functions: those whose answer depends on their arguments alone.

What each does follows https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
A function refuses its arguments with ValueError; the evaluator says which call it was.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import quote, unquote

from trunkline_lab.azure.language import cidr, dates
from trunkline_lab.azure.language.formats import composite, kind, text
from trunkline_lab.azure.language.unique import unique
from trunkline_lab.azure.relaxed import read_json

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
        raise ValueError(f"a text was expected, not {kind(value)}")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a whole number was expected, not {kind(value)}")
    return value


def _numbers(values: tuple[Any, ...]) -> list[int]:
    found = [_integer(one) for one in (values[0] if len(values) == 1 and isinstance(values[0], list) else values)]
    if not found:
        raise ValueError("the array is empty")
    return found


def _int(value: Any) -> int:
    if isinstance(value, str) and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", value):
        raise ValueError("the text is no whole number")
    return int(value) if isinstance(value, str) else _integer(value)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"a text or a number was expected, not {kind(value)}")
    return float(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if str(value).lower() in ("true", "false"):
        return bool(str(value).lower() == "true")
    raise ValueError(f"{kind(value)} is neither true nor false")


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
        return any(_equals(item, one) for one in container)
    raise ValueError("a text, an array or an object was expected")


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"an array was expected, not {kind(value)}")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, not {kind(value)}")
    return value


def _row(value: Any) -> Any:
    """What has an order: a text or an array."""
    if not isinstance(value, str | list):
        raise ValueError(f"an array or a text was expected, not {kind(value)}")
    return value


def _first(value: Any) -> Any:
    return _row(value)[:1] if isinstance(value, str) else next(iter(_row(value)), None)


def _last(value: Any) -> Any:
    return _row(value)[-1:] if isinstance(value, str) else next(reversed(_row(value)), None)


def _index_of(value: Any, part: Any) -> int:
    if isinstance(value, list):
        return next((at for at, item in enumerate(value) if _equals(item, part)), -1)
    return _string(value).lower().find(_string(part).lower())


def _last_index_of(value: Any, part: Any) -> int:
    if isinstance(value, list):
        return next((at for at in reversed(range(len(value))) if _equals(value[at], part)), -1)
    return _string(value).lower().rfind(_string(part).lower())


def _take(value: Any, count: Any) -> Any:
    return _row(value)[: max(_integer(count), 0)]


def _skip(value: Any, count: Any) -> Any:
    return _row(value)[max(_integer(count), 0) :]


def _split(value: Any, by: Any) -> list[str]:
    separators = [re.escape(_string(one)) for one in (by if isinstance(by, list) else [by]) if one != ""]
    return re.split("|".join(separators), _string(value)) if separators else [_string(value)]


def _join(values: Any, by: Any) -> str:
    return _string(by).join(text(value) for value in _array(values))


def _replace(value: Any, old: Any, new: Any) -> str:
    if not _string(old):
        raise ValueError("the text to replace is empty")
    return _string(value).replace(old, _string(new))


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
        if not _contains(found, item):
            found.append(item)
    return found


def _intersection(*values: Any) -> Any:
    if all(isinstance(value, dict) for value in values):
        return {k: v for k, v in values[0].items() if all(k in other and _equals(other[k], v) for other in values[1:])}
    if not all(isinstance(value, list) for value in values):
        raise ValueError("all are arrays or all are objects")
    return [item for item in _union(values[0]) if all(_contains(other, item) for other in values[1:])]


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
    """Whether two values are the same, at any depth: 1 is not true, which Python takes for equal."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_equals, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equals(value, other[name]) for name, value in one.items())
    return bool(one == other)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(one: Any, other: Any) -> bool:
        if type(one) is not type(other) or not isinstance(one, int | str) or isinstance(one, bool):
            raise ValueError("two whole numbers or two texts were expected")
        return test(one, other)

    return compared


def _guid(*values: Any) -> str:
    return str(uuid.uuid5(_GUIDS, "-".join(_string(value) for value in values)))


def _json(value: Any) -> Any:
    try:
        return read_json(_string(value))
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
    if not isinstance(value, str | list | dict | None):
        raise ValueError(f"an object, an array or a text was expected, not {kind(value)}")
    return not value


def _uri(base: Any, relative: Any) -> str:
    """The two joined by one slash, after what stands behind the base's last one is gone; it is no RFC 3986."""
    head, slash, _ = _string(base).rpartition("/")
    alone = not slash or head.endswith(":/")  # http://host has the slashes of its scheme alone
    return f"{base if alone else head}/{_string(relative).removeprefix('/')}"


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
    "flatten": (lambda values: [item for value in _array(values) for item in _array(value)], 1, 1),
    "float": (_float, 1, 1),
    "format": (composite, 1, None),
    "greater": (_compare(lambda a, b: a > b), 2, 2),
    "greaterOrEquals": (_compare(lambda a, b: a >= b), 2, 2),
    "guid": (_guid, 1, None),
    "indexFromEnd": (_from_end, 2, 2),
    "indexOf": (_index_of, 2, 2),
    "int": (_int, 1, 1),
    "intersection": (_intersection, 2, None),
    "items": (lambda value: [{"key": key, "value": value[key]} for key in sorted(_object(value))], 1, 1),
    "join": (_join, 2, 2),
    "json": (_json, 1, 1),
    "last": (_last, 1, 1),
    "lastIndexOf": (_last_index_of, 2, 2),
    "length": (_length, 1, 1),
    "less": (_compare(lambda a, b: a < b), 2, 2),
    "lessOrEquals": (_compare(lambda a, b: a <= b), 2, 2),
    "max": (lambda *values: max(_numbers(values)), 1, None),
    "min": (lambda *values: min(_numbers(values)), 1, None),
    "mod": (_modulo, 2, 2),
    "mul": (lambda a, b: _integer(a) * _integer(b), 2, 2),
    "not": (lambda value: not _bool(value), 1, 1),
    "null": (lambda: None, 0, 0),
    "objectKeys": (lambda value: sorted(_object(value)), 1, 1),
    "padLeft": (_pad_left, 2, 3),
    "parseCidr": (lambda network: cidr.parts(_string(network)), 1, 1),
    "range": (_range, 2, 2),
    "replace": (_replace, 3, 3),
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
    "uniqueString": (lambda *values: unique("-".join(map(_string, values))), 1, None),
    "uri": (_uri, 2, 2),
    "uriComponent": (lambda value: quote(_string(value), safe=""), 1, 1),
    "uriComponentToString": (lambda value: unquote(_string(value)), 1, 1),
}

FUNCTIONS = {name.lower(): Function(*row) for name, row in _TABLE.items()}
