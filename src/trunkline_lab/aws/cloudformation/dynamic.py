"""Dynamic references: text in a template that is replaced by what Systems Manager holds when it is used.

User guide: "Get values stored in other services using dynamic references" and "Get a plaintext value from Systems
Manager Parameter Store".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from trunkline_lab.aws.cloudformation.errors import invalid

_REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):([^}]*)\}\}")
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9_./-]+)(?::(?P<version>[1-9][0-9]*))?")
_MOST = 60


def check(node: Any) -> None:
    """Refuse references to services that the lab has not, malformed ones, and too many."""
    found = list(_references(node))
    for service, rest in found:
        if service in {"ssm-secure", "secretsmanager"}:
            raise invalid(f"The lab does not support dynamic references to {service}: {{{{resolve:{service}:{rest}}}}}")
        if service != "ssm" or not _NAMED.fullmatch(rest):
            text = "Incorrect format is used in the following SSM reference"
            raise invalid(f"Template error: {text}: [{service}:{rest}]")
    if len(found) > _MOST:
        raise invalid(f"Template error: Number of dynamic references, {len(found)}, is greater than {_MOST}")


def resolve(node: Any, fetch: Callable[[str, str], str]) -> Any:
    """The value with every reference replaced; `fetch` gives a parameter's value by name and version ("" for any)."""
    if isinstance(node, dict):
        return {key: resolve(value, fetch) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(item, fetch) for item in node]
    if not isinstance(node, str) or "{{resolve:" not in node:
        return node
    # A reference may have been put together by functions, so it is checked only now.
    check(node)

    def value(match: re.Match[str]) -> str:
        named = _NAMED.fullmatch(match[2])
        return fetch(named["name"], named["version"] or "") if named else match[0]

    return _REFERENCE.sub(value, node)


def _references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for item in node.values():
            yield from _references(item)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, str):
        # What a function still has to fill in is checked when it has.
        yield from (found for found in _REFERENCE.findall(node) if "${" not in found[1])
