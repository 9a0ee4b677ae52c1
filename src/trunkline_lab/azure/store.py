"""What the cloud holds: subscriptions, resource groups and resources.

Only top resources are documents of their own. Children (subnets, rules, routes) live in their parent's
document, as they do in Azure's answers, so there is one truth about them.
"""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from trunkline_lab.azure.errors import ArmError, group_not_found
from trunkline_lab.azure.ids import ResourceId

Document = dict[str, Any]


@dataclass
class Resource:
    """One top resource: its id, its document without what is computed on reading, and its state."""

    id: ResourceId
    document: Document
    state: str = "Succeeded"
    power: str = ""
    revision: int = 0
    pending: int = 0
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))
    links: tuple[tuple[str, str], ...] = ()

    @property
    def properties(self) -> Document:
        """The document's properties."""
        found: Document = self.document["properties"]
        return found


@dataclass
class Group:
    """One resource group."""

    subscription: str
    name: str
    location: str
    tags: dict[str, str] = field(default_factory=dict)
    state: str = "Succeeded"

    def view(self) -> Document:
        """The group as ARM tells it."""
        return {
            "id": f"/subscriptions/{self.subscription}/resourceGroups/{self.name}",
            "name": self.name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": self.location,
            "tags": copy.deepcopy(self.tags),
            "properties": {"provisioningState": self.state},
        }


class Store:
    """The state of one Azure cloud. Every reader and writer holds `lock`."""

    def __init__(self, tenant: str, subscriptions: tuple[str, ...]) -> None:
        self.tenant = tenant
        self.subscriptions = subscriptions
        self.lock = threading.RLock()
        self._groups: dict[tuple[str, str], Group] = {}
        self._resources: dict[str, Resource] = {}

    def group(self, subscription: str, name: str) -> Group:
        """The group. Raises ArmError (ResourceGroupNotFound)."""
        found = self._groups.get((subscription.lower(), name.lower()))
        if found is None:
            raise group_not_found(name)
        return found

    def open_group(self, subscription: str, name: str) -> Group:
        """The group, for something to be made in it. Raises ArmError, also while it is being deleted."""
        group = self.group(subscription, name)
        if group.state == "Deleting":
            raise ArmError(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{name}' is in deprovisioning state and cannot perform this operation.",
            )
        return group

    def has_group(self, subscription: str, name: str) -> bool:
        """Whether there is such a group."""
        return (subscription.lower(), name.lower()) in self._groups

    def groups(self, subscription: str) -> list[Group]:
        """The subscription's groups, oldest first."""
        return [group for (owner, _), group in self._groups.items() if owner == subscription.lower()]

    def put_group(self, group: Group) -> None:
        """Add a group."""
        self._groups[group.subscription.lower(), group.name.lower()] = group

    def drop_group(self, group: Group) -> None:
        """Forget a group; one that was made anew under its name stays."""
        key = (group.subscription.lower(), group.name.lower())
        if self._groups.get(key) is group:
            del self._groups[key]

    def find(self, id_: ResourceId | str) -> Resource | None:
        """The top resource that is, or holds, `id_`."""
        if isinstance(id_, str):
            try:
                id_ = ResourceId.parse(id_)
            except ArmError:
                return None
        return self._resources.get(id_.top.key)

    def save(self, resource: Resource) -> None:
        """Add or replace a resource."""
        resource.revision += 1
        resource.links = tuple(_links(resource.document, str(resource.id)))
        self._resources[resource.id.key] = resource

    def drop(self, resource: Resource) -> None:
        """Forget a resource."""
        self._resources.pop(resource.id.key, None)

    def users(self, target: str) -> list[str]:
        """The ids of what refers to `target`: resources, or their parts such as an interface's configuration."""
        wanted = target.lower()
        return [
            holder for resource in self._resources.values() for holder, used in resource.links if used.lower() == wanted
        ]

    def resources(
        self, subscription: str | None = None, group: str | None = None, type_: str | None = None
    ) -> Iterator[Resource]:
        """The resources of a subscription, group or type, oldest first."""
        for resource in list(self._resources.values()):
            id_ = resource.id
            if subscription is not None and id_.subscription.lower() != subscription.lower():
                continue
            if group is not None and id_.group.lower() != group.lower():
                continue
            if type_ is not None and id_.type.lower() != type_.lower():
                continue
            yield resource


def _links(node: Any, holder: str) -> Iterator[tuple[str, str]]:
    """Who refers to what in a document: pairs of the nearest part with an id of its own, and a foreign id."""
    if isinstance(node, list):
        for item in node:
            yield from _links(item, holder)
        return
    if not isinstance(node, dict):
        return
    own = node.get("id")
    if isinstance(own, str) and own.lower().startswith("/subscriptions/"):
        if _within(own, holder):
            holder = own
        else:
            yield holder, own
    for value in node.values():
        yield from _links(value, holder)


def _within(id_: str, holder: str) -> bool:
    """Whether `id_` is `holder` or a part of it."""
    return (id_.lower() + "/").startswith(holder.lower() + "/")
