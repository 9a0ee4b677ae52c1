"""Address blocks: carving subnets, refusing overlaps, and a pool that hands each block out once."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from trunkline._core.errors import Error

# AWS keeps a subnet's first four addresses and its last, Azure the same: the eleventh is free on both, also in a /28.
ROUTER_OFFSET = 10
SMALLEST_SUBNET = 28


class Overlap(Error):
    """Two address blocks overlap that must not; `block` and `other` are the two, `owner` whose the other is."""

    def __init__(self, block: IPv4Network, other: IPv4Network, owner: str) -> None:
        super().__init__(f"{block} overlaps {other} ({owner})", hint="choose a block that is free")
        self.block, self.other, self.owner = block, other, owner


def network(text: object, field: str = "cidr") -> IPv4Network:
    """Read an IPv4 block such as "10.1.0.0/16". Raises Error naming `field` for anything else."""
    try:
        return IPv4Network(str(text))
    except ValueError as error:
        raise Error(f"{field}={text!s} is no IPv4 block: {error}", hint="write it like 10.1.0.0/16") from None


def carve(block: IPv4Network, names: Sequence[str]) -> dict[str, IPv4Network]:
    """The first subnets of `block`, one a name, in the order of the names.

    A subnet is 8 bits longer than the block and never smaller than /28, the smallest that AWS takes: 10.1.0.0/16
    gives 10.1.0.0/24, 10.1.1.0/24, ...

    Raises:
        Error: the block is too small for that many subnets.
    """
    length = min(SMALLEST_SUBNET, block.prefixlen + 8)
    if block.prefixlen > length or 2 ** (length - block.prefixlen) < len(names):
        raise Error(
            f"{block} is too small for {len(names)} subnets of /{SMALLEST_SUBNET} or more",
            hint=f"a /{SMALLEST_SUBNET - (len(names) - 1).bit_length()} or larger holds them",
        )
    return dict(zip(names, block.subnets(new_prefix=length), strict=False))


def router_address(subnet: IPv4Network) -> IPv4Address:
    """The address that a router gets in its subnet."""
    return subnet[ROUTER_OFFSET]


def refuse_overlap(block: IPv4Network, taken: Iterable[tuple[IPv4Network, str]]) -> None:
    """Raise Overlap when `block` overlaps one of the blocks that are taken, each with its owner's name."""
    for other, owner in taken:
        if block.overlaps(other):
            raise Overlap(block, other, owner)


class Pool:
    """A pool of address blocks, kept in a file, that hands each block out once.

    Parameters:
        path: The JSON file of what is handed out; made at first use. Safe among processes of one machine.
        pool: The block from which others are cut.
        reserved: Blocks that are never handed out, by their owner's name ("datacentre": ["10.0.0.0/16"]).
    """

    def __init__(self, path: Path, pool: IPv4Network, reserved: Mapping[str, Iterable[IPv4Network]]) -> None:
        self.path, self.pool = path, pool
        self.reserved = [(block, owner) for owner, blocks in reserved.items() for block in blocks]

    def allocate(
        self,
        key: str,
        block: IPv4Network | None = None,
        *,
        length: int = 16,
        taken: Iterable[tuple[IPv4Network, str]] = (),
    ) -> IPv4Network:
        """The block of `key`: the same at every call, never one that overlaps another's.

        Parameters:
            key: Whose block it is; a run's name, say.
            block: The block wanted; the first free one of `length` when left out.
            length: Prefix length of a block that the pool chooses.
            taken: Further blocks in use, each with its owner's name.

        Raises:
            Overlap: the block wanted overlaps another's, or a reserved or taken one.
            Error: the key has another block already, the block lies outside the pool, or the pool is used up.
        """
        with self._locked() as table:
            others = ((IPv4Network(b), f"of run {o}, by {self.path}") for o, b in table.items() if o != key)
            in_use = [*self.reserved, *taken, *others]
            if key in table:
                held = IPv4Network(table[key])
                if block not in (None, held):
                    raise Error(
                        f"{key} already has {held}, not {block}",
                        hint=f"use {held}, or another name; or give it back: trunkline undo {key}",
                    )
            else:
                held = block if block is not None else self._free(length, in_use)
            if not held.subnet_of(self.pool):
                raise Error(f"{held} lies outside of the pool {self.pool}", hint="choose a block inside the pool")
            refuse_overlap(held, in_use)
            table[key] = str(held)
            return held

    def release(self, key: str) -> None:
        """Give the block of `key` back; nothing happens when it has none."""
        with self._locked() as table:
            table.pop(key, None)

    def allocations(self) -> dict[str, IPv4Network]:
        """What is handed out, by key."""
        with self._locked() as table:
            return {key: IPv4Network(block) for key, block in table.items()}

    def _free(self, length: int, in_use: Sequence[tuple[IPv4Network, str]]) -> IPv4Network:
        if not self.pool.prefixlen <= length <= SMALLEST_SUBNET:
            raise Error(
                f"the pool {self.pool} has no room for a /{length}", hint="enlarge the pool, or name a block inside it"
            )
        candidate = int(self.pool.network_address)
        while candidate <= int(self.pool.broadcast_address):
            block = IPv4Network((candidate, length))
            other = next((other for other, _ in in_use if block.overlaps(other)), None)
            if other is None:
                return block
            # Go on behind the larger of the two: a step a time would take for ever past a /8.
            candidate = max(int(block.broadcast_address), int(other.broadcast_address)) + 1
        raise Error(
            f"the pool {self.pool} has no free /{length} left",
            hint="enlarge the pool, or undo a run that is not needed any more; its block is free then",
        )

    @contextmanager
    def _locked(self) -> Iterator[dict[str, str]]:
        """The table, for one process at a time; written back whole when it changed and nothing failed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self._read()
            before = dict(table)
            yield table
            if table != before:
                draft = self.path.with_suffix(f".{os.getpid()}.new")
                draft.write_text(json.dumps(table, indent=1, sort_keys=True))
                os.replace(draft, self.path)

    def _read(self) -> dict[str, str]:
        try:
            table = json.loads(self.path.read_text())
            return {key: str(IPv4Network(block.strip())) for key, block in table.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError) as error:
            raise Error(
                f"the address pool's file {self.path} cannot be read: {error}",
                hint="mend it: an object of names and blocks; or remove it when nothing is deployed from it",
            ) from None
