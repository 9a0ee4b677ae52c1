"""Paths of steps and scopes: "access/peers[hub]/tunnel"."""

from __future__ import annotations


def below(path: str, above: str) -> bool:
    """Whether `path` is inside of `above`."""
    return path.startswith((f"{above}/", f"{above}["))
