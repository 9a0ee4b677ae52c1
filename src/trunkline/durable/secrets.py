"""Secrets that are derived and not stored.

Every secret that trunkline makes up (a router's password, a tunnel's pre-shared key) is computed from one master key,
a label and the label's generation. A second run, or a resumed one, computes the same value, so none of them is ever
written down; a new generation, or a new master key, is a new value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import string
from collections.abc import Iterator
from pathlib import Path

from trunkline._core.errors import Error
from trunkline._core.secret import Secret
from trunkline.durable.generations import Generations
from trunkline.durable.master_key import MasterKey

# Without 0 O o 1 l I: these passwords are read aloud and typed. The three symbols pass VNS3's and Azure's rules and
# mean nothing to a shell, to JSON, to a URL's host part, or to an ipsec.secrets file.
UNAMBIGUOUS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789-_."


class Secrets:
    """Every generated secret, computed from one master key (see `MasterKey` for where that stands).

    Parameters:
        home: The directory of trunkline's own files; made with mode 0700 when missing.

    Attributes:
        key: The master key.
        generations: Which generation of each label is in force; what was never changed is in none of its files.
    """

    def __init__(self, home: Path) -> None:
        self.key, self.generations = MasterKey(home), Generations(home)

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
        return _derived(self.key.current(), label, length, alphabet, self.generations.of(label))

    def older(self, label: str) -> list[Secret]:
        """What may still be in force instead of `derive(label)` while a change is under way, the likeliest first.

        Empty unless the label's new generation was not seen in force yet, or the master key is being changed.
        """
        now, before = self.key.current(), self.key.before()
        generation, settled = self.generations.of(label), self.generations.settled(label)
        generations = [generation] if settled else [generation - 1, generation]
        keys = [now] if before is None else [before, now]
        candidates = [(key, each) for key in keys for each in generations if (key, each) != (now, generation)]
        return [_derived(key, label, 32, UNAMBIGUOUS, each) for key, each in candidates]


def _derived(key: bytes, label: str, length: int, alphabet: str, generation: int) -> Secret:
    if length < 12:
        raise Error(f"secret {label}: length = {length} is too short", hint="ask for 12 characters or more")
    if not 2 <= len(set(alphabet)) == len(alphabet) <= 256:
        raise Error(f"secret {label}: an alphabet has 2 to 256 different characters", hint="mend the alphabet")
    parts = ["trunkline secret v1", label, length, alphabet]
    info = json.dumps([*parts, generation] if generation else parts).encode()
    draw = _Draw(_keystream(key, info))
    characters = [draw.one_of(part) for part in _classes(alphabet)]
    characters += [draw.one_of(alphabet) for _ in range(length - len(characters))]
    draw.shuffle(characters)
    return Secret("".join(characters))


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
