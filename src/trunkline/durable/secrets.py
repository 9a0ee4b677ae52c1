"""Secrets that are derived and not stored, references to the ones a person keeps, and pinned certificates.

Every secret that trunkline makes up (a router's password, a tunnel's pre-shared key) is computed from one master key
and a label. A second run, or a resumed one, computes the same value, so none of them is ever written down.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import secrets as random_source
import stat
import string
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from trunkline._core.errors import Error

MASTER_KEY_VARIABLE = "TRUNKLINE_MASTER_KEY"
MASTER_KEY_BYTES = 32

# Without 0 O o 1 l I: these passwords are read aloud and typed. The three symbols pass VNS3's and Azure's rules and
# mean nothing to a shell, to JSON, to a URL's host part, or to an ipsec.secrets file.
UNAMBIGUOUS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789-_."


class Secret(str):
    """Text that does not show itself: `repr` masks it, `str` and everything that sends it sees the value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


class Secrets:
    """Every generated secret, computed from one master key.

    The key is the environment variable TRUNKLINE_MASTER_KEY (base64 of at least 32 bytes) where it is set, else the
    file `<home>/master.key` (32 random bytes, mode 0600), made at first use. Two processes that make it at once
    agree on one key.

    Parameters:
        home: The directory of trunkline's own files; made with mode 0700 when missing.
    """

    def __init__(self, home: Path) -> None:
        self._path = Path(home).expanduser() / "master.key"

    def derive(self, label: str, length: int = 32, alphabet: str = UNAMBIGUOUS) -> Secret:
        """The secret of this label: the same for the same master key, label, length and alphabet.

        HKDF (RFC 5869) with SHA-256 over the label; characters are drawn by rejection, so each is equally likely.

        Parameters:
            label: What the secret is for ("router-password/acme/vpc/i-0abc"); not secret itself.
            length: Characters; at least 12.
            alphabet: The characters to draw from, each once, at most 256. Of every class that it holds (upper case,
                lower case, digits, others) the result has at least one.

        Returns:
            `length` characters.

        Raises:
            Error: A length or alphabet out of range, or a master key that is malformed or open to others.
        """
        if length < 12:
            raise Error(f"secret {label}: length = {length} is too short", hint="ask for 12 characters or more")
        if not 2 <= len(set(alphabet)) == len(alphabet) <= 256:
            raise Error(f"secret {label}: an alphabet has 2 to 256 different characters", hint="mend the alphabet")
        info = json.dumps(["trunkline secret v1", label, length, alphabet]).encode()
        draw = _Draw(_keystream(self._key(), info))
        characters = [draw.one_of(part) for part in _classes(alphabet)]
        characters += [draw.one_of(alphabet) for _ in range(length - len(characters))]
        draw.shuffle(characters)
        return Secret("".join(characters))

    def _key(self) -> bytes:
        encoded = os.environ.get(MASTER_KEY_VARIABLE)
        if encoded is not None:
            return _decoded_key(encoded)
        try:
            return _read_key(self._path)
        except FileNotFoundError:
            _make_key(self._path)
            return _read_key(self._path)


def resolve(reference: str) -> Secret:
    """The secret that a configuration refers to.

    Parameters:
        reference: "env:NAME" (an environment variable) or "file:/path" (a file's text; one ending newline is
            dropped, "~" is the home directory).

    Raises:
        Error: The reference is something else, or what it names is missing or empty. The text itself is never shown:
            a literal secret may have been given by mistake.

    Warns:
        UserWarning: The file may be read by everyone on this machine.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name, "")
        if not value:
            raise Error(f"{reference}: the environment variable {name} is not set or empty", hint=f"export {name}=...")
        return Secret(value)
    if kind == "file" and name:
        return Secret(_secret_file(Path(name).expanduser(), reference))
    raise Error(
        "a secret stands in the configuration as a literal, or as a reference of an unknown kind",
        hint="put it into a file or the environment and refer to it as file:/path or env:NAME",
    )


class KnownRouters(MutableMapping[str, str]):
    """Certificates pinned at first contact, as ssh keeps known_hosts: a router's key to its certificate's SHA-256.

    Safe across threads and processes: writers hold a lock, readers always see a whole file.

    Parameters:
        home: The directory of trunkline's own files; the pins are `<home>/known_routers.json`.
    """

    def __init__(self, home: Path) -> None:
        self.path = Path(home).expanduser() / "known_routers.json"

    def __getitem__(self, key: str) -> str:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __setitem__(self, key: str, pin: str) -> None:
        with self._changing() as pins:
            pins[key] = pin

    def __delitem__(self, key: str) -> None:
        with self._changing() as pins:
            del pins[key]

    def setdefault(self, key: str, default: str = "") -> str:
        """The pin of `key`, set to `default` if it had none: under one lock, so that one of two contacts wins."""
        with self._changing() as pins:
            return pins.setdefault(key, default)

    def _read(self) -> dict[str, str]:
        try:
            pins = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise Error(f"{self.path}: not JSON: {error}", hint="restore the file, or remove it to pin anew") from None
        return {str(key): str(pin) for key, pin in pins.items()}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        _private_directory(self.path.parent)
        with open(os.open(self.path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._read()
            pins = dict(before)
            yield pins
            if pins != before:
                fresh = _written_beside(self.path, json.dumps(pins, indent=1, sort_keys=True).encode() + b"\n")
                os.replace(fresh, self.path)


def _decoded_key(encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < MASTER_KEY_BYTES:
        raise Error(
            f"{MASTER_KEY_VARIABLE} is not base64 of at least {MASTER_KEY_BYTES} bytes",
            hint=f"make one with: head -c {MASTER_KEY_BYTES} /dev/urandom | base64",
        )
    return key


def _read_key(path: Path) -> bytes:
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            mode = stat.S_IMODE(status.st_mode)
            raise Error(
                f"{path}: mode {mode:04o}, owner {status.st_uid}: the master key may be read or changed by others",
                hint=f"if nobody saw it: chown {os.geteuid()} and chmod 600 {path}; else make a new one",
            )
        key = file.read()
    if len(key) != MASTER_KEY_BYTES:
        raise Error(f"{path}: {len(key)} bytes instead of {MASTER_KEY_BYTES}", hint="restore the file from a backup")
    return key


def _make_key(path: Path) -> None:
    _private_directory(path.parent)
    fresh = _written_beside(path, random_source.token_bytes(MASTER_KEY_BYTES))
    try:
        # A link fails where the name is taken: of two processes one wins, and both read the winner's key.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(fresh)


def _private_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o022:
        raise Error(f"{directory}: others may write to this directory", hint=f"chmod 700 {directory}")


def _written_beside(path: Path, content: bytes) -> Path:
    """A whole, synced file of mode 0600 in the directory of `path`, under a name of its own."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{random_source.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return fresh


def _secret_file(path: Path, reference: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & 0o004:
                warnings.warn(f"{path} may be read by everyone on this machine: chmod 600 {path}", stacklevel=3)
            value = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise Error(
            f"{reference}: {reason}", hint="check the path, and that it is a text file that you may read"
        ) from None
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise Error(f"{reference}: the file is empty", hint="write the secret into it")
    return value


def _classes(alphabet: str) -> list[str]:
    """The alphabet's upper case, lower case, digits and others, without those that it does not have."""
    known = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
    parts = ["".join(c for c in alphabet if c in kind) for kind in known]
    parts.append("".join(c for c in alphabet if not any(c in kind for kind in known)))
    return [part for part in parts if part]


def _keystream(key: bytes, info: bytes) -> Iterator[int]:
    """HKDF with SHA-256 (RFC 5869), byte by byte; long before its limit of 255 blocks every secret is drawn."""
    pseudorandom = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    block = b""
    for counter in range(1, 256):
        block = hmac.digest(pseudorandom, block + info + bytes([counter]), "sha256")
        yield from block


class _Draw:
    """Uniform choices from a stream of bytes."""

    def __init__(self, stream: Iterator[int]) -> None:
        self._stream = stream

    def below(self, limit: int) -> int:
        fair = 256 - 256 % limit  # bytes from here on would favour the small numbers
        return next(byte for byte in self._stream if byte < fair) % limit

    def one_of(self, characters: str) -> str:
        return characters[self.below(len(characters))]

    def shuffle(self, items: list[str]) -> None:
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
