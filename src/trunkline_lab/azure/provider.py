"""Making, changing and deleting resources: what a direct request and a deployment both do.

Everything here is quick and holds the store's lock; how long it takes to the world's pace is told by
`finish_put` and `finish_delete`, which an operation awaits.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from trunkline_lab.azure.errors import ArmError, invalid_request, resource_not_found
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.interfaces import Interfaces
from trunkline_lab.azure.resources.kind import Children, Kind, Site, etag, regions
from trunkline_lab.azure.resources.public_addresses import PublicAddresses
from trunkline_lab.azure.resources.route_tables import RouteTables
from trunkline_lab.azure.resources.security_groups import SecurityGroups
from trunkline_lab.azure.resources.virtual_machines import VirtualMachines
from trunkline_lab.azure.resources.virtual_networks import VirtualNetworks
from trunkline_lab.azure.store import Document, Resource

API_VERSION = re.compile(r"^20[1-9]\d-[01]\d-[0-3]\d(-preview|-privatepreview)?$")
_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,78}[A-Za-z0-9_]$|^[A-Za-z0-9]$")
DEPLOYMENTS = "Microsoft.Resources/deployments"


@dataclass(frozen=True)
class Change:
    """A change that was begun: which resource, asked for by which id, and whether it is new."""

    id: ResourceId
    resource: Resource
    fresh: bool


class Provider:
    """The resource providers of one cloud: Microsoft.Network and Microsoft.Compute.

    Parameters:
        site: The store and the world.
        router_image: (publisher, offer) of the router's image.
    """

    def __init__(self, site: Site, router_image: tuple[str, str]) -> None:
        self.site = site
        self.machines = VirtualMachines(router_image)
        kinds: tuple[Kind, ...] = (
            VirtualNetworks(),
            SecurityGroups(),
            RouteTables(),
            PublicAddresses(),
            Interfaces(),
            self.machines,
        )
        self._kinds = {kind.type.lower(): kind for kind in kinds}

    def types(self) -> list[str]:
        """All types, children after their parents."""
        found = []
        for kind in self._kinds.values():
            found += [kind.type, *(child.type for child in kind.children.values())]
        return [*found, DEPLOYMENTS]

    def known(self, type_: str, api_version: object) -> str:
        """The type as Azure spells it. Raises ArmError for an unknown namespace, type or API version."""
        namespace, _, rest = type_.partition("/")
        ours = [one for one in self.types() if one.partition("/")[0].lower() == namespace.lower()]
        if not ours:
            raise invalid_request("InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
        found = next((one for one in ours if same(one, type_)), None)
        if found is None:
            raise invalid_request(
                "InvalidResourceType",
                f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api version "
                f"'{api_version}'. The supported resource types are "
                f"'{', '.join(one.partition('/')[2] for one in ours)}'.",
            )
        if not isinstance(api_version, str) or not API_VERSION.match(api_version):
            raise invalid_request(
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{api_version}' for type '{rest}'. "
                f"The supported api-versions are dates such as '2024-05-01'. The supported locations are "
                f"'{', '.join(regions())}'.",
            )
        return found

    def kind(self, id_: ResourceId) -> tuple[Kind, Children | None]:
        """The type of the top resource, and of the child when `id_` is one. Raises ArmError."""
        kind = self._kinds.get(id_.top.type.lower())
        if kind is None or len(id_.types) > 2:
            raise self._unknown(id_)
        if len(id_.types) == 1:
            return kind, None
        for name, child in kind.children.items():
            if same(name, id_.types[1]):
                return kind, child
        raise self._unknown(id_)

    def _unknown(self, id_: ResourceId) -> ArmError:
        return ArmError(
            404,
            "InvalidResourceType",
            f"The resource type '{'/'.join(id_.types)}' could not be found in the namespace '{id_.namespace}'.",
        )

    # Reading

    def get(self, id_: ResourceId) -> Document:
        """The resource or child as a GET tells it. Raises ArmError when it is not there."""
        kind, child = self.kind(id_)
        self.site.store.group(id_.subscription, id_.group)
        found = self.site.store.find(id_)
        if found is None:
            raise resource_not_found(id_.top.type, id_.top.name, id_.group)
        document = kind.view(self.site, found)
        return document if child is None else _child(document, child, id_)

    def exists(self, id_: ResourceId) -> bool:
        """Whether the resource or child is there."""
        try:
            self.get(id_)
        except ArmError:
            return False
        return True

    def all_of(self, type_: str, subscription: str, group: str | None) -> list[Document]:
        """All top resources of a type. Raises ArmError for an unknown type or group."""
        kind = self._kinds.get(type_.lower())
        if kind is None:
            raise ArmError(404, "InvalidResourceType", f"The resource type '{type_}' could not be found.")
        if group is not None:
            self.site.store.group(subscription, group)
        return [kind.view(self.site, one) for one in self.site.store.resources(subscription, group, type_)]

    def children(self, parent: ResourceId, type_: str) -> list[Document]:
        """All children of one type. Raises ArmError."""
        _, child = self.kind(parent.child(type_, "any"))
        assert child is not None
        properties = self.get(parent)["properties"]
        found: list[Document] = properties[child.property]
        return found

    def view(self, resource: Resource) -> Document:
        """A top resource as a GET tells it."""
        return self.kind(resource.id)[0].view(self.site, resource)

    # Making and changing

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone, before anything is made. Raises ArmError."""
        kind, child = self.kind(id_)
        _refuse_name(id_)
        if child is None:
            with _readable(id_):
                kind.check(id_, body)

    def compose(self, id_: ResourceId, body: Document, site: Site | None = None) -> tuple[Kind, Document]:
        """The document of the top resource that a PUT of `body` to `id_` makes. Raises ArmError; changes nothing."""
        site = site or self.site
        kind, child = self.kind(id_)
        _refuse_name(id_)
        current = site.store.find(id_)
        if child is None:
            _refuse_move(id_, body, current)
            with _readable(id_):
                return kind, kind.fill(site, current.id if current else id_, body, current)
        if current is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Failed to perform 'write' on resource(s) of type '{'/'.join(id_.types)}', because the parent "
                f"resource '{id_.parent}' could not be found.",
            )
        whole = copy.deepcopy(current.document)
        items = whole["properties"][child.property]
        at = next((at for at, item in enumerate(items) if same(item["name"], id_.name)), len(items))
        items[at : at + 1] = [{"name": id_.name, "properties": body.get("properties") or {}}]
        with _readable(id_):
            return kind, kind.fill(site, current.id, whole, current)

    def put(
        self, id_: ResourceId, body: Document, if_match: str | None = None, if_none_match: str | None = None
    ) -> Change:
        """Begin to make or change a resource or child. Raises ArmError, and then nothing has changed."""
        store = self.site.store
        with store.lock:
            store.open_group(id_.subscription, id_.group)
            fresh = not self.exists(id_)
            resource = store.find(id_)
            self._match(resource, fresh, if_match, if_none_match)
            kind, document = self.compose(id_, body)
            self._refuse_busy(kind, resource)
            if resource is None:
                resource = Resource(id_, document)
                kind.made(self.site, resource)
                resource.state = kind.creating
            else:
                if resource.document == document:
                    resource.revision -= 1  # saving bumps it; what did not change keeps its etag
                resource.document, resource.state = document, "Updating"
            resource.pending += 1
            store.save(resource)
            return Change(id_, resource, fresh)

    def tag(self, id_: ResourceId, body: Document) -> Change:
        """Begin to replace a resource's tags (PATCH), which is all that the lab patches. Raises ArmError."""
        refuse_but_tags(body)
        with self.site.store.lock:
            self.get(id_)
            resource = self.site.store.find(id_)
            if resource is None or len(id_.types) > 1:
                raise resource_not_found(id_.type, id_.path_name, id_.group)
            return self.put(id_, {**copy.deepcopy(resource.document), "tags": body.get("tags") or {}})

    async def finish_put(self, change: Change) -> None:
        """Let the change take its time, and end it."""
        kind, _ = self.kind(change.id)
        await asyncio.sleep(kind.seconds(self.site, change.fresh and len(change.id.types) == 1))
        with self.site.store.lock:
            change.resource.pending -= 1
            if not change.resource.pending and change.resource.state != "Deleting":
                kind.ready(self.site, change.resource)
                change.resource.state = "Succeeded"

    # Deleting

    def delete(self, id_: ResourceId, if_match: str | None = None) -> Change | None:
        """Begin to delete a resource or child; None when it is not there. Raises ArmError when it is in use."""
        store = self.site.store
        with store.lock:
            store.group(id_.subscription, id_.group)
            kind, child = self.kind(id_)
            if not self.exists(id_):
                return None
            resource = store.find(id_)
            assert resource is not None
            self._match(resource, False, if_match, None)
            self._refuse_busy(kind, resource)
            if child is None:
                kind.check_delete(self.site, resource)
                resource.state = "Deleting"
            else:
                whole = copy.deepcopy(resource.document)
                items = whole["properties"][child.property]
                whole["properties"][child.property] = [one for one in items if not same(one["name"], id_.name)]
                resource.document, resource.state = kind.fill(self.site, resource.id, whole, resource), "Updating"
                store.save(resource)
            resource.pending += 1
            return Change(id_, resource, False)

    async def finish_delete(self, change: Change) -> None:
        """Let the deletion take its time, and end it."""
        if len(change.id.types) > 1:
            await self.finish_put(change)
            return
        await asyncio.sleep(self.site.world.pace.resource)
        with self.site.store.lock:
            kind, _ = self.kind(change.id)
            self.site.store.drop(change.resource)
            kind.gone(self.site, change.resource)

    def _match(self, resource: Resource | None, fresh: bool, if_match: str | None, if_none_match: str | None) -> None:
        """Hold a request to its If-Match and If-None-Match. Raises ArmError (PreconditionFailed)."""
        if if_none_match is not None and if_none_match.strip() == "*" and not fresh:
            raise ArmError(412, "PreconditionFailed", "Precondition failed: the resource exists already.")
        if if_match is None:
            return
        wanted = [value.strip() for value in if_match.split(",")]
        if resource is None or fresh or not ("*" in wanted or etag(resource) in wanted):
            raise ArmError(412, "PreconditionFailed", f"Precondition failed: the etag is not {if_match} any more.")

    def _refuse_busy(self, kind: Kind, resource: Resource | None) -> None:
        """Refuse a change while another one that forbids it goes on. Raises ArmError (429), to be tried again."""
        if resource is not None and (resource.state == "Deleting" or (kind.exclusive and resource.pending)):
            raise ArmError(
                429,
                "AnotherOperationInProgress",
                f"Another operation on this or dependent resource is in progress: {resource.id} is {resource.state}.",
            )

    def power(self, id_: ResourceId, state: str) -> Change:
        """Begin to start or stop a machine. Raises ArmError."""
        with self.site.store.lock:
            self.get(id_)
            resource = self.site.store.find(id_)
            assert resource is not None
            resource.power = state
            resource.state = "Updating"
            resource.pending += 1
            return Change(id_, resource, False)

    def routers(self) -> Iterator[Resource]:
        """All running machines of the router's image."""
        for machine in self.site.store.resources(type_=self.machines.type):
            if (
                machine.power == "running"
                and machine.state != "Deleting"
                and self.machines.is_router(machine.properties)
            ):
                yield machine


def _child(document: Document, child: Children, id_: ResourceId) -> Document:
    """The child in its parent's document. Raises ArmError (NotFound)."""
    for item in document["properties"].get(child.property, ()):
        if same(item["name"], id_.name):
            found: dict[str, Any] = item
            return found
    raise ArmError(404, "NotFound", f"Resource {id_} not found.")


def refuse_but_tags(body: Document) -> None:
    """Raise ArmError when a PATCH would change more than tags."""
    strangers = set(body) - {"tags"}
    if strangers:
        raise invalid_request(
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: "
            f"'Could not find member '{min(strangers)}' on object of type 'TagsObject'.'. Use PUT to change it.",
        )


@contextmanager
def _readable(id_: ResourceId) -> Iterator[None]:
    """A body of the wrong shape, wherever that shows, is one that Azure cannot parse."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as unread:
        cause = invalid_request("InvalidJson", f"The body has the wrong shape: {type(unread).__name__}: {unread}")
        raise ArmError(
            400, "InvalidRequestFormat", "Cannot parse the request.", target=str(id_), details=[cause]
        ) from unread


def _refuse_name(id_: ResourceId) -> None:
    """Raise ArmError for a name that Azure does not take."""
    for name in id_.names:
        if not _NAME.match(name):
            raise invalid_request(
                "InvalidResourceName",
                f"Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a word "
                "character, and it must end with a word character. The name may contain word characters or '.', '-', "
                "'_'.",
                "name",
            )


def _refuse_move(id_: ResourceId, body: Document, current: Resource | None) -> None:
    """Raise ArmError when a PUT would move a resource to another region."""
    wanted = str(body.get("location", "")).replace(" ", "").lower()
    if current is not None and wanted and wanted != current.document["location"]:
        raise ArmError(
            409,
            "InvalidResourceLocation",
            f"The resource '{id_.name}' already exists in location '{current.document['location']}' in resource group "
            f"'{id_.group}'. A resource with the same name cannot be created in location '{wanted}'. "
            "Please select a new resource name.",
        )
