"""Which steps of a run touched which network, by what they recorded, needed, and are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trunkline._core.steps import During, Each, Leaf, Step, Steps, nodes
from trunkline.durable.timeline import Timeline
from trunkline.network.model import Federation, Network
from trunkline.views.spans import parts

Needs = Mapping[str, frozenset[str]]  # the keys that a step needs, by its path; an item of `each` stands as "[]"
_ITEM = re.compile(r"\[[^\]]*\]")


def touched(federation: Federation, run: Timeline, needs: Needs) -> dict[str, list[str]]:
    """The paths of the steps that touched each network, by its id, in the order in which they first began.

    A step touched a network when what it gave, or a value that it needed, holds the id or an address of something in
    it, or when its path names the network's router as an item.
    """
    values = {**run.data, **{key: value for given in run.outputs.values() for key, value in given.items()}}
    paths = list(dict.fromkeys(attempt.path for attempt in run.attempts))
    seen = {
        path: {
            *texts(run.outputs.get(path.partition("#")[0], {})),
            *texts([values.get(key) for key in needs.get(_ITEM.sub("[]", path), ())]),
        }
        for path in paths
    }
    items = {path: {part.strip("[]") for part in parts(path) if part.startswith("[")} for path in paths}
    found = {}
    for network in federation.networks:
        ids, routers = _ids(network, federation)
        found[network.id] = [path for path in paths if seen[path] & ids or items[path] & routers]
    return found


def needs_of(steps: Steps, prefix: str = "") -> dict[str, frozenset[str]]:
    """What every step of a pipe needs, as far as it says so."""
    found: dict[str, frozenset[str]] = {}

    def add(path: str, step: Step) -> None:
        found[path] = frozenset(step.needs or ())

    for node in nodes(steps):
        path = prefix + node.name
        if isinstance(node, Leaf):
            add(path, node.step)
        if isinstance(node, During):
            add(f"{path}#open", node.opening)
            add(f"{path}#close", node.closing)
        inner = "[]/" if isinstance(node, Each) else "/"
        found |= needs_of(node.parts(), path + inner)
    return found


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def _ids(network: Network, federation: Federation) -> tuple[set[str], set[str]]:
    """The ids and addresses of what is in a network, and the names of its routers."""
    inside: Sequence[Any] = (*network.subnets, *network.route_tables, *network.rule_sets, *network.interfaces)
    ids = {network.id, *network.cidrs, *(each.id for each in inside)}
    routers = [router for router in federation.routers if router.network == network.id]
    for router in routers:
        ids |= {router.id, router.name, router.interface, router.public_address or ""} - {""}
    return ids, {router.name for router in routers}
