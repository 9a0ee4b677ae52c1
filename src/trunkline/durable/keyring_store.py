"""The system's keyring, through the library `keyring`: the one place that imports it."""

from __future__ import annotations

import contextlib
from types import ModuleType

from trunkline._core.errors import Error

# The library's own scale: 1 and more is what it recommends; its plaintext and null back ends stand below.
RECOMMENDED = 1


def usable() -> bool:
    """Whether the library is installed and has found a keyring that it recommends."""
    try:
        import keyring
    except ModuleNotFoundError:
        return False
    return keyring.get_keyring().priority >= RECOMMENDED


def read(place: str) -> str:
    """The secret at "SERVICE/NAME". Raises Error when there is none, or no keyring that answers."""
    service, name = _parts(place)
    keyring = _library(place)
    from keyring.errors import KeyringError

    try:
        value = keyring.get_password(service, name)
    except KeyringError as error:
        raise Error(
            f"keyring:{place}: the keyring does not answer: {type(error).__name__}",
            hint="unlock it, or see what the machine has: keyring diagnose",
        ) from None
    if not value:
        raise Error(
            f"keyring:{place}: the keyring has no such secret", hint=f"put it there: keyring set {service} {name}"
        )
    return str(value)


def write(place: str, value: str) -> None:
    """Keep a secret at "SERVICE/NAME"."""
    service, name = _parts(place)
    _library(place).set_password(service, name, value)


def delete(place: str) -> None:
    """Remove the secret at "SERVICE/NAME"; nothing happens when it is not there."""
    service, name = _parts(place)
    keyring = _library(place)
    from keyring.errors import PasswordDeleteError

    with contextlib.suppress(PasswordDeleteError):
        keyring.delete_password(service, name)


def _parts(place: str) -> tuple[str, str]:
    service, _, name = place.partition("/")
    if not service or not name:
        raise Error(f"keyring:{place} is incomplete", hint="write keyring:SERVICE/NAME")
    return service, name


def _library(place: str) -> ModuleType:
    try:
        import keyring
    except ModuleNotFoundError:
        raise Error(
            f"keyring:{place}: the library keyring is missing", hint="pip install 'trunkline[keyring]'"
        ) from None
    return keyring
