"""What may change in a list of steps between two attempts of one run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trunkline._core.events import Outline
from trunkline.durable.errors import Changed
from trunkline.durable.ledger import Ledger

_ITEM = re.compile(r"\[[^\]]*\]")


def flattened(shape: Sequence[Outline], prefix: str = "") -> list[str]:
    """Every path of an outline, in order; an item of `each` stands as "[]"."""
    paths = []
    for part in shape:
        path = prefix + part.name
        paths.append(path)
        paths += flattened(part.parts, f"{path}[]/" if part.kind == "each" else f"{path}/")
    return paths


def refuse_changed(ledger: Ledger, before: Sequence[str], now: Sequence[str], run: str) -> None:
    """Raise Changed unless all that is recorded is still there, in order, with nothing new before the last of it.

    Parameters:
        ledger: What is recorded.
        before, now: The run's paths as it began, and as they are now.
        run: Its name.
    """
    recorded = {_ITEM.sub("[]", path) for path in (*ledger.steps, *ledger.scopes)}
    kept = [path for path in before if path in recorded]
    hint = f"go on with the steps it began with, or take it back first: trunkline undo {run}"
    for path in kept:
        if path not in now:
            raise Changed(f"run {run}: step {path} was begun, and is no longer among the steps", hint=hint)
    places = [now.index(path) for path in kept]
    if places != sorted(places):
        raise Changed(f"run {run}: the steps that were begun stand in another order now", hint=hint)
    last = max(places, default=-1)
    for path in now[: last + 1]:
        if path not in before:
            raise Changed(f"run {run}: step {path} is new, and stands before steps that were begun", hint=hint)
