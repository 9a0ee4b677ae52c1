"""One deployment: its life, its operations, and how ARM tells them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.store import Document
from trunkline_lab.azure.template import Item, Template

_ENDED = ("Succeeded", "Failed", "Canceled")
_WORDS = {200: "OK", 201: "Created", 400: "BadRequest", 404: "NotFound", 409: "Conflict", 412: "PreconditionFailed"}


def _now() -> datetime:
    return datetime.now(UTC)


def duration(took: timedelta) -> str:
    """A time span in ISO 8601, as ARM writes it."""
    return f"PT{took.total_seconds():.7f}S"


@dataclass
class Step:
    """One deployment operation: what was done to one resource, and how it ended."""

    deployment: ResourceId
    target: ResourceId | None
    what: str = "Create"
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:16].upper())
    began: datetime = field(default_factory=_now)
    ended: datetime | None = None
    state: str = "Running"
    status: int = 201
    error: ArmError | None = None

    def end(self, status: int, error: ArmError | None = None) -> None:
        """Note how it ended."""
        self.status, self.error, self.ended = status, error, _now()
        self.state = "Failed" if error else "Succeeded"

    def view(self) -> Document:
        """The operation as ARM lists it."""
        properties: Document = {
            "provisioningOperation": self.what,
            "provisioningState": self.state,
            "timestamp": (self.ended or _now()).isoformat(),
            "duration": duration((self.ended or _now()) - self.began),
            "trackingId": str(uuid.uuid5(uuid.NAMESPACE_OID, self.id)),
        }
        if self.ended is not None:
            properties["statusCode"] = _WORDS.get(self.status, "InternalServerError")
        if self.error is not None:
            properties["statusMessage"] = {"status": "Failed", "error": self.error.inner()}
        if self.target is not None:
            properties["targetResource"] = {
                "id": str(self.target),
                "resourceType": self.target.type,
                "resourceName": self.target.path_name,
            }
        return {"id": f"{self.deployment}/operations/{self.id}", "operationId": self.id, "properties": properties}


@dataclass
class Deployment:
    """One deployment in a resource group.

    Parameters:
        id: Its id.
        template: The template with this deployment's values.
        mode: "Incremental" or "Complete".
        location: Where it is kept, for a deployment of a whole subscription.
        link: Where its template came from, if it was linked.
    """

    id: ResourceId
    template: Template
    mode: str
    state: str = "Accepted"
    tags: dict[str, str] = field(default_factory=dict)
    correlation: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: datetime = field(default_factory=_now)
    ended: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    outputs: Document | None = None
    error: ArmError | None = None
    canceled: bool = False
    location: str | None = None
    link: Document | None = None

    @property
    def active(self) -> bool:
        """Whether it still runs."""
        return self.state not in _ENDED

    def begin(self, target: ResourceId | None, what: str = "Create") -> Step:
        """Note the beginning of one operation."""
        step = Step(self.id, target, what)
        self.steps.append(step)
        return step

    def end(self, state: str, error: ArmError | None = None) -> None:
        """Note how it ended."""
        self.state, self.error, self.ended = state, error, _now()

    def made(self) -> list[ResourceId]:
        """The resources it made or changed."""
        return [step.target for step in self.steps if step.target is not None and step.state == "Succeeded"]

    def view(self) -> Document:
        """The deployment as a GET tells it: without the values of secrets."""
        properties: Document = {
            **self.summary(),
            "provisioningState": self.state,
            "timestamp": (self.ended or _now()).isoformat(),
            "duration": duration((self.ended or _now()) - self.began),
        }
        if self.outputs is not None:
            properties["outputs"] = self.outputs
        if self.state == "Succeeded":
            properties["outputResources"] = [{"id": str(id_)} for id_ in self.made()]
        if self.error is not None:
            properties["error"] = self.error.inner()
        return {
            "id": str(self.id),
            "name": self.id.name,
            "type": "Microsoft.Resources/deployments",
            **({"location": self.location} if self.location else {}),
            **({"tags": self.tags} if self.tags else {}),
            "properties": properties,
        }

    def summary(self) -> Document:
        """What is known before anything ran: parameters, providers, dependencies."""
        return {
            "templateHash": self.template.hash,
            **({"templateLink": self.link} if self.link else {}),
            "parameters": self.template.shown,
            "mode": self.mode,
            "correlationId": self.correlation,
            "providers": _providers(self.template.items),
            "dependencies": _dependencies(self.template.items),
        }


def _providers(items: list[Item]) -> list[Document]:
    """The resource types used, by namespace."""
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        namespace, _, type_ = item.id.type.partition("/")
        found.setdefault(namespace, {})[type_] = {"resourceType": type_, "locations": [item.raw.get("location")]}
    return [{"namespace": namespace, "resourceTypes": list(types.values())} for namespace, types in found.items()]


def _dependencies(items: list[Item]) -> list[Document]:
    """Who waits for whom."""
    by_key = {item.id.key: item.id for item in items}

    def basic(id_: ResourceId) -> Document:
        return {"id": str(id_), "resourceType": id_.type, "resourceName": id_.path_name}

    return [
        {"dependsOn": [basic(by_key[key]) for key in sorted(item.depends)], **basic(item.id)}
        for item in items
        if item.depends
    ]
