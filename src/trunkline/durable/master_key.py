"""The master key: from the environment, from the system's keyring, or from a file of mode 0600.

`<home>/master.key` holds the key itself, or where it stands: "keyring:SERVICE/NAME". A pointer whose keyring does not
answer is an error and never a new key, which would lock everybody out. While the key is being changed the one before
stays beside it, as `master.key.old`: it still opens what the change has not reached.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets as random_source
import stat
from pathlib import Path

from trunkline._core.errors import Error
from trunkline.durable import keyring_store
from trunkline.durable.private_files import created, private_directory, synced

VARIABLE = "TRUNKLINE_MASTER_KEY"
OLD_VARIABLE = "TRUNKLINE_MASTER_KEY_OLD"
BYTES = 32
_POINTER = b"keyring:"
_SERVICE = "trunkline"


class MasterKey:
    """The master key of one home.

    Parameters:
        home: The directory of trunkline's own files; made with mode 0700 when missing.
    """

    def __init__(self, home: Path) -> None:
        self.path = Path(home).expanduser() / "master.key"
        self._old, self._next = self.path.with_name("master.key.old"), self.path.with_name("master.key.next")

    def current(self) -> bytes:
        """The key; made at first use. Raises Error when it is malformed, open to others, or not to be had."""
        if (encoded := os.environ.get(VARIABLE)) is not None:
            return _decoded(encoded, VARIABLE)
        try:
            return _read(self.path)
        except FileNotFoundError:
            self._make(self.path)
            return _read(self.path)

    def before(self) -> bytes | None:
        """The key before, while a change of the key is under way."""
        if VARIABLE in os.environ:
            encoded = os.environ.get(OLD_VARIABLE)
            return None if encoded is None else _decoded(encoded, OLD_VARIABLE)
        try:
            return _read(self._old)
        except FileNotFoundError:
            return None

    def change(self) -> None:
        """Put a new key in the place of the one there is, and keep that beside it. Goes on where it was interrupted.

        Raises:
            Error: The key comes from the environment, which only its owner can change.
        """
        if VARIABLE in os.environ:
            raise Error(
                f"the master key comes from {VARIABLE}, and only you can change that",
                hint=f"set {VARIABLE} to a new key and {OLD_VARIABLE} to the old one, then: trunkline secrets rotate",
            )
        self.current()
        if self._old.exists() and not self._next.exists():
            return  # under way: the new key is in its place
        self._make(self._next)
        if not self._old.exists():
            os.link(self.path, self._old)
            synced(self.path.parent)
        os.replace(self._next, self.path)
        synced(self.path.parent)

    def forget_old(self) -> None:
        """Drop the key before, once nothing needs it; nothing happens when there is none."""
        try:
            content = self._old.read_bytes()
        except FileNotFoundError:
            return
        if content.startswith(_POINTER):
            keyring_store.delete(content.decode().removeprefix("keyring:").strip())
        self._old.unlink()
        synced(self._old.parent)

    def where(self) -> str:
        """Where the key stands, for people."""
        if VARIABLE in os.environ:
            return f"the environment variable {VARIABLE}"
        content = self.path.read_bytes() if self.path.exists() else b""
        if content.startswith(_POINTER):
            return f"the keyring, as {content.decode().strip().removeprefix('keyring:')}"
        return str(self.path)

    def _make(self, path: Path) -> None:
        """A fresh key: in the keyring where there is one that keeps secrets, else in the file."""
        private_directory(path.parent)
        key = random_source.token_bytes(BYTES)
        place = f"{_SERVICE}/{random_source.token_hex(8)}"
        if keyring_store.usable():
            keyring_store.write(place, base64.b64encode(key).decode())
            if not created(path, f"keyring:{place}\n".encode()):
                keyring_store.delete(place)  # another process was first
        else:
            created(path, key)


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            mode = stat.S_IMODE(status.st_mode)
            raise Error(
                f"{path}: mode {mode:04o}, owner {status.st_uid}: the master key may be read or changed by others",
                hint=f"if nobody saw it: chown {os.geteuid()} and chmod 600 {path}; else make a new one",
            )
        content = file.read()
    if content.startswith(_POINTER):
        place = content.decode("utf-8", "replace").removeprefix("keyring:").strip()
        return _decoded(keyring_store.read(place), f"keyring:{place}")
    if len(content) != BYTES:
        raise Error(f"{path}: {len(content)} bytes instead of {BYTES}", hint="restore the file from a backup")
    return content


def _decoded(encoded: str, where: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < BYTES:
        raise Error(
            f"{where} is not base64 of at least {BYTES} bytes",
            hint=f"make one with: head -c {BYTES} /dev/urandom | base64",
        )
    return key
