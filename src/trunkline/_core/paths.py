"""Paths of steps and scopes: "access/peers[hub]/tunnel"."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def below(path: str, above: str) -> bool:
    """Whether `path` is inside of `above`."""
    return path.startswith((f"{above}/", f"{above}["))


def shut_off(owed: Collection[str], scopes: Iterable[str]) -> list[str]:
    """Those of the owed scopes that are inside of a closed one: what opens nothing cannot close them.

    Parameters:
        owed, scopes: The scopes that are not closed, and all.
    """
    closed = [scope for scope in scopes if scope not in owed]
    return [path for path in owed if any(below(path, scope) for scope in closed)]
