"""What one end says of its tunnel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TunnelReport:
    """How one end sees its tunnel.

    Parameters:
        connected: Whether it is up.
        peer: The other gateway's name, "" when none answers.
        since: When it came up (epoch seconds), None while it is down.
        reason: Why it is down, "" when it is up.
        parameters: What was negotiated.
        remote: The other end's gateway and tunnel id, when it is up.
    """

    connected: bool
    peer: str = ""
    since: float | None = None
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    remote: tuple[str, int] | None = None
