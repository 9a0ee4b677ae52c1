"""The registry of router makes: entry points of the group `trunkline.routers`, loaded on first use."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from trunkline._core.errors import Error
from trunkline.routers.router import Driver

GROUP = "trunkline.routers"


def kinds() -> tuple[str, ...]:
    """The installed makes of router, sorted. Loads none of them."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


@cache
def driver(kind: str) -> type[Driver]:
    """The driver of this make ("vns3"): a class to be called with its licence, keyset token and secrets.

    Raises:
        Error: No such make is installed.
    """
    for entry in entry_points(group=GROUP, name=kind):
        loaded: type[Driver] = entry.load()
        return loaded
    known = ", ".join(kinds()) or "none"
    raise Error(f"router kind = {kind!r} is not known", hint=f"installed: {known}; an extra such as trunkline[vns3]?")
