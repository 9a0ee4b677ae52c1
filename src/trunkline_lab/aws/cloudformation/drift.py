"""Drift: how what is there differs from what a stack's template set.

User guide: "Detect unmanaged configuration changes to stacks and resources with drift detection".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trunkline_lab.aws.calls import now
from trunkline_lab.aws.cloudformation.readers import READERS, Client, read
from trunkline_lab.aws.cloudformation.records import Built, Drift
from trunkline_lab.aws.cloudformation.stack import Stack


@dataclass
class Detection:
    """One search for drift in a whole stack."""

    id: str
    stack: Stack
    status: str = "DETECTION_IN_PROGRESS"
    reason: str = ""
    drifted: int = 0
    begun: datetime = field(default_factory=now)


def can_check(built: Built) -> bool:
    """Whether the lab detects drift of a resource: its type has a reader, and it has been made."""
    return built.type in READERS and bool(built.physical) and built.status not in {"DELETE_COMPLETE", "CREATE_FAILED"}


def detect(client: Client, built: Built, tags: Mapping[str, str]) -> Drift:
    """Compare a resource with its template: only what the template sets, and what can be read.

    Parameters:
        tags: The stack's tags, which are the resource's, too, but not of its template.
    """
    wanted = dict(built.properties)
    own = [{"Key": key, "Value": value} for key, value in built.tags.items() if key not in tags]
    if own:
        wanted["Tags"] = own
    found = read(client, built)
    if found is None:
        return Drift("DELETED", wanted, {})
    expected = {name: value for name, value in wanted.items() if name in found}
    actual = {name: found[name] for name in expected}
    if "Tags" in actual:
        actual["Tags"] = [tag for tag in actual["Tags"] if tags.get(tag["Key"]) != tag["Value"]]
    return Drift("MODIFIED" if differences(expected, actual) else "IN_SYNC", expected, actual)


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[dict[str, str]]:
    """The differing properties as DescribeStackResourceDrifts lists them; lists count as sets."""
    found = []
    for name, wanted in expected.items():
        there = actual[name]
        if isinstance(wanted, list) and isinstance(there, list):
            gone = [(index, item) for index, item in enumerate(wanted) if item not in there]
            extra = [(index, item) for index, item in enumerate(there) if item not in wanted]
            found += [_difference("REMOVE", f"/{name}/{index}", item, None) for index, item in gone]
            found += [_difference("ADD", f"/{name}/{index}", None, item) for index, item in extra]
        elif there is None:
            found.append(_difference("REMOVE", f"/{name}", wanted, None))
        elif wanted != there:
            found.append(_difference("NOT_EQUAL", f"/{name}", wanted, there))
    return found


def described(stack: Stack, built: Built, drift: Drift) -> dict[str, Any]:
    """A resource's drift in the shape of the API."""
    shown: dict[str, Any] = {
        "StackId": stack.id,
        "LogicalResourceId": built.name,
        "PhysicalResourceId": built.physical,
        "ResourceType": built.type,
        "ExpectedProperties": json.dumps(drift.expected, default=str),
        "PropertyDifferences": [],
        "StackResourceDriftStatus": drift.status,
        "Timestamp": drift.when,
    }
    if drift.status != "DELETED":
        shown["ActualProperties"] = json.dumps(drift.actual, default=str)
        shown["PropertyDifferences"] = differences(drift.expected, drift.actual)
    return shown


def _difference(kind: str, path: str, wanted: Any, there: Any) -> dict[str, str]:
    return {
        "PropertyPath": path,
        "ExpectedValue": _said(wanted),
        "ActualValue": _said(there),
        "DifferenceType": kind,
    }


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
