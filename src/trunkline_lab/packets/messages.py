"""What the lab and its fabric say to each other: one JSON document a line, over the child's standard streams.

lab     {"id": 7, "do": "ping", "with": {"source": "app", "target": "10.0.0.10"}}
fabric  {"id": 7, "gives": {"sent": 3, "received": 3, ...}}   or   {"id": 7, "failed": "...", "refused": false}
fabric  {"ready": true}                                       once, when it can be asked
"""

from __future__ import annotations

from functools import cache
from typing import Any

from cattrs.preconf.json import JsonConverter, make_converter


@cache
def converter() -> JsonConverter:
    """Turns plans and states into plain data, and back."""
    return make_converter()


def plain(value: object) -> Any:
    """A value as plain data for JSON."""
    return converter().unstructure(value)
