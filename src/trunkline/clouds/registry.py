"""The registry of clouds: an account from a section of the configuration.

A cloud is an entry point of the group `trunkline.clouds` whose value is a factory, `account(name, *, ...)`. Its
signature is the section's schema: what the factory takes, the section may have. Nothing is loaded before an account
of that cloud is opened.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import get_type_hints

from trunkline._core.errors import Error
from trunkline.clouds.cloud import Account

GROUP = "trunkline.clouds"


@cache
def clouds() -> tuple[str, ...]:
    """The names of the installed clouds, sorted. Loads none of them."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def open_account(name: str, section: Mapping[str, object]) -> Account:
    """The account that one section of the configuration describes. No request is made.

    Parameters:
        name: The account's name, the section's own ("A").
        section: `cloud`, one of `clouds()`, and the fields of that cloud's factory
            (`{"cloud": "aws", "region": "eu-central-1", "profile": "net"}`).

    Raises:
        Error: An unknown cloud, an unknown or missing field, or a value of the wrong type; names field and value.
    """
    factory = _factory(name, section.get("cloud"))
    fields = {field: value for field, value in section.items() if field != "cloud"}
    _validate(name, factory, fields)
    return factory(name, **fields)


def _factory(name: str, cloud: object) -> Callable[..., Account]:
    if cloud is None:
        raise Error(f"account {name}: the field 'cloud' is missing", hint=f"give one of {_list(clouds())}")
    if cloud not in clouds():
        raise Error(f"account {name}: cloud = {cloud!r} is not known", hint=_one_of(str(cloud), clouds()))
    entry: EntryPoint = next(iter(entry_points(group=GROUP, name=str(cloud))))
    factory: Callable[..., Account] = entry.load()
    return factory


def _validate(name: str, factory: Callable[..., Account], fields: Mapping[str, object]) -> None:
    parameters = {
        key: parameter
        for key, parameter in inspect.signature(factory).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    types = get_type_hints(factory)
    for field, value in fields.items():
        if field not in parameters:
            # Its value is not shown: a field that nobody knows may be a secret's, written wrongly.
            raise Error(
                f"account {name}: the field '{field}' is not known",
                hint=_one_of(field, parameters),
            )
        if not isinstance(value, types[field]):
            raise Error(
                f"account {name}: {field} = {_shown(field, value)} is {type(value).__name__}",
                hint=f"it must be {_type_name(types[field])}",
            )
        if value == "":
            raise Error(f"account {name}: {field} is empty", hint="give a value, or leave the field out")
    missing = [key for key, each in parameters.items() if each.default is each.empty and key not in fields]
    if missing:
        raise Error(f"account {name}: the field '{missing[0]}' is missing", hint=f"{_list(missing)} must be given")


def _shown(field: str, value: object) -> str:
    return "(hidden)" if any(word in field for word in ("secret", "token", "password", "key")) else repr(value)


def _one_of(word: str, words: Iterable[str]) -> str:
    words = list(words)
    near = difflib.get_close_matches(word, words, n=1)
    return f"did you mean '{near[0]}'?" if near else f"it is one of {_list(words)}"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words) or "none: install trunkline[aws] or trunkline[azure]"


def _type_name(annotation: object) -> str:
    name = annotation.__name__ if isinstance(annotation, type) else str(annotation).replace(" | None", "")
    return {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}.get(name, name)
