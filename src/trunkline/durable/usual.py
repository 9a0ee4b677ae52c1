"""How long the steps of a pipeline usually take: the median of what they took in its latest runs."""

from __future__ import annotations

import re
from statistics import median

from trunkline.durable.store import Store

RUNS = 20  # the latest ones that count
_ITEM = re.compile(r"\[[^\]]*\]")


def usual(store: Store, pipeline: str) -> dict[str, float]:
    """Seconds by path; items of an `each` count together, as "name[]".

    In each run the first time counts: later ones find what is there, and are no measure of what it takes to make it.
    """
    took: dict[str, list[float]] = {}
    names = store.query("SELECT name FROM runs WHERE pipeline = ? ORDER BY rowid DESC LIMIT ?", (pipeline, RUNS))
    for (name,) in names:
        begun, done = dict[str, float](), set[str]()
        sql = "SELECT kind, path, at FROM log WHERE run = ? AND kind IN ('intend', 'done') ORDER BY seq"
        for kind, path, at in store.query(sql, (name,)):
            if kind == "intend":
                begun[path] = at
            elif path in begun and path not in done:
                done.add(path)
                took.setdefault(general(path), []).append(max(0.0, at - begun[path]))
    return {path: median(times) for path, times in took.items()}


def general(path: str) -> str:
    """A path in which an item's own key is left out: what is usual for one is usual for the others."""
    return _ITEM.sub("[]", path)
