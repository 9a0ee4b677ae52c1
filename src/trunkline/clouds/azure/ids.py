"""Azure resource ids: read, and refused with a clear word when they are none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trunkline._core.errors import Error

OURS = "trunkline-"  # how the names of rules and routes begin that trunkline adds beside a template
_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/(?P<type>[^/]+/[^/]+)/(?P<name>[^/]+)(?:/(?P<child_kind>[^/]+)/(?P<child>[^/]+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The parts of a resource's id; `child` is empty for a resource that is nobody's child."""

    group: str
    name: str
    child: str = ""


def parse(text: str, kind: str, field: str) -> ResourceId:
    """Read a resource id.

    Parameters:
        text: The full id.
        kind: The type it must have, without the provider ("routeTables").
        field: What the caller calls it, for the message.

    Raises:
        Error: It is no id, or of another type.
    """
    match = _ID.fullmatch(text.strip())
    if match is None or match["type"].lower() != f"microsoft.network/{kind}".lower():
        raise Error(
            f"{field}={text!r} is not the id of one of Microsoft.Network/{kind}",
            hint=f"/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/{kind}/NAME",
        )
    return ResourceId(match["group"], match["name"], match["child"] or "")


def same(one: str | None, other: str | None) -> bool:
    """Whether two ids mean the same: Azure keeps, and ignores, the case in which they were written."""
    return (one or "").lower() == (other or "").lower()
