"""What an operation does to single resources, and what of it may still have to be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trunkline_lab.aws.cloudformation.records import Built, Desired, Output


@dataclass(eq=False)
class Task:
    """One resource of a wave.

    Parameters:
        built: Its record; in place in the stack already.
        action: What happens to it.
        properties, tags: What an update brings.
        before: Properties and tags before an update.
        replaced: The replaced record of a replacement.
    """

    built: Built
    action: Literal["create", "update", "replace"]
    properties: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    before: tuple[Mapping[str, Any], Mapping[str, str]] = ({}, {})
    replaced: Built | None = None

    @property
    def verb(self) -> str:
        """What its statuses begin with."""
        return "CREATE" if self.action == "create" else "UPDATE"

    @property
    def failed(self) -> bool:
        """Whether it came to nothing."""
        return self.built.status.endswith("_FAILED")


@dataclass
class Unfinished:
    """An operation that has not reached its goal, or was stopped on its way: what leads back.

    Parameters:
        desired: What the stack was when it was last stable; None for one that never was.
        outputs, imports: Its outputs and imports then.
        wanted: The resources that a finished update leaves, until it is cleaned up.
        done: Every task since then, oldest first, that is not taken back yet.
        trash: Records that belong to no state of the stack any more, to be removed at the end.
    """

    desired: Desired | None
    outputs: list[Output]
    imports: set[str]
    wanted: frozenset[str] = frozenset()
    done: list[Task] = field(default_factory=list)
    trash: list[Built] = field(default_factory=list)
