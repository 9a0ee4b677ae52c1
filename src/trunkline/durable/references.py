"""References to secrets: what a configuration says instead of the secret, and what it refers to at the moment of use.

    env:NAME                       an environment variable
    file:PATH                      a file's text
    keyring:SERVICE/NAME           the system's keyring
    generated:LABEL                computed from the master key; nothing to keep
    KIND:NAME                      whatever is installed under KIND in the entry-point group `trunkline.secrets`:
                                   aws-sm and azure-kv come with the clouds' plug-ins

A provider of another kind is a function `read(name, config)` that answers the text; `name` is what follows the colon,
`config` the configuration, whose `account(NAME)` gives an account with its clients.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from trunkline._core.context import Here, current
from trunkline._core.errors import Error
from trunkline._core.secret import Secret, revealed
from trunkline.durable import keyring_store
from trunkline.durable.secrets import Secrets

GROUP = "trunkline.secrets"


class Household(Protocol):
    """What a reference is read with: the configuration."""

    @property
    def home(self) -> Path:
        """The directory of trunkline's own files."""
        ...

    def account(self, name: str) -> Any:
        """The account of that name."""
        ...


Provider = Callable[[str, Any], str]
# What a step has read so far; it goes with the step.
_read: WeakKeyDictionary[Here, dict[tuple[Path, str], Secret]] = WeakKeyDictionary()


def resolve(reference: str, household: Household) -> Secret:
    """The secret that a reference refers to, now; a step that asks twice is given the first answer.

    Parameters:
        reference: As above.
        household: The configuration that it stands in.

    Raises:
        Error: The reference is malformed, or what it names is missing or empty. The text itself is never shown
            unless its kind is known: a literal secret may have been given by mistake.

    Warns:
        UserWarning: The file may be read by everyone on this machine.
    """
    place = current.get(None)
    known = {} if place is None else _read.setdefault(place, {})
    key = (household.home, reference)
    if key not in known:
        kind, name = parsed(reference)
        value = revealed(_provider(kind)(name, household))
        if not value:
            raise Error(f"{reference}: it is empty", hint="put the secret there")
        known[key] = Secret(value)
    return known[key]


def parsed(reference: str) -> tuple[str, str]:
    """Kind and name of a reference. Raises Error when it is none; does not show it then."""
    kind, colon, name = reference.partition(":")
    if not colon or not name or kind not in kinds():
        raise Error(
            "a secret stands in the configuration as a literal, or as a reference of an unknown kind",
            hint=f"put it where only you can read it, and refer to it: {', '.join(f'{each}:...' for each in kinds())}",
        )
    return kind, name


def kinds() -> tuple[str, ...]:
    """The kinds of references there are. Loads none of the plug-ins."""
    return (*BUILT_IN, *sorted(_installed()))


@cache
def _installed() -> frozenset[str]:
    return frozenset(entry.name for entry in entry_points(group=GROUP))


def _provider(kind: str) -> Provider:
    if kind in BUILT_IN:
        return BUILT_IN[kind]
    provider: Provider = next(iter(entry_points(group=GROUP, name=kind))).load()
    return provider


def _environment(name: str, household: Household) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise Error(f"env:{name}: the environment variable {name} is not set or empty", hint=f"export {name}=...")
    return value


def _file(name: str, household: Household) -> str:
    path = Path(name).expanduser()
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o004:
                warnings.warn(f"{path} may be read by everyone on this machine: chmod 600 {path}", stacklevel=4)
            value = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise Error(
            f"file:{name}: {reason}", hint="check the path, and that it is a text file that you may read"
        ) from None
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise Error(f"file:{name}: the file is empty", hint="write the secret into it")
    return value


def _keyring(name: str, household: Household) -> str:
    return keyring_store.read(name)


def _generated(name: str, household: Household) -> str:
    return Secrets(household.home).derive(f"generated/{name}")


BUILT_IN: dict[str, Provider] = {
    "env": _environment,
    "file": _file,
    "keyring": _keyring,
    "generated": _generated,
}
