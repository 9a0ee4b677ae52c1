"""What a stack is made of, as plain data: what it shall be, its resources, outputs and history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trunkline_lab.aws.calls import now
from trunkline_lab.aws.cloudformation.language import Template


@dataclass(frozen=True)
class Desired:
    """What a stack shall be.

    Parameters:
        template: The template.
        texts: Parameters as text, as describing the stack shows them.
        values: Parameters as the template's expressions see them: lists split, SSM names looked up.
        tags: The stack's tags, passed on to its resources.
        capabilities: As given; kept for describing.
    """

    template: Template
    texts: Mapping[str, str]
    values: Mapping[str, Any]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drift:
    """What was found about one resource.

    Parameters:
        status: "IN_SYNC", "MODIFIED" or "DELETED".
        expected: What the template set of what can be compared.
        actual: What is there instead.
    """

    status: str
    expected: Mapping[str, Any]
    actual: Mapping[str, Any]
    when: datetime = field(default_factory=now)


@dataclass(eq=False)
class Built:
    """A resource of a stack, as it was made last."""

    name: str
    type: str
    physical: str = ""
    status: str = ""
    reason: str = ""
    updated: datetime = field(default_factory=now)
    properties: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    drift: Drift | None = None


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    id: str
    logical: str
    physical: str
    type: str
    status: str
    reason: str
    token: str
    when: datetime
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """One output of a finished stack."""

    key: str
    value: str
    description: str = ""
    export: str = ""
