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
from dataclasses import dataclass, replace
from typing import Any

from trunkline_lab.azure.catalogue import Catalogue
from trunkline_lab.azure.errors import ArmError, invalid_request, resource_not_found
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Children, Kind, Site, etag
from trunkline_lab.azure.resources.spelling import spelt
from trunkline_lab.azure.store import Document, Resource

_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,78}[A-Za-z0-9_]$|^[A-Za-z0-9]$")


@dataclass(frozen=True)
class Change:
    """A change that was begun: which resource, asked for by which id, whether it is new, and its PUT's status then."""

    id: ResourceId
    resource: Resource
    fresh: bool
    created: int = 201


class Provider:
    """The resource providers of one cloud.

    Parameters:
        site: The store and the world.
        catalogue: The types.
    """

    def __init__(self, site: Site, catalogue: Catalogue) -> None:
        self.site, self.catalogue = site, catalogue
        self.machines = catalogue.machines
        self.known, self.kind, self.types = catalogue.known, catalogue.kind, catalogue.types

    # Reading

    def get(self, id_: ResourceId) -> Document:
        """The resource or child as a GET tells it. Raises ArmError when it is not there."""
        if id_.is_group:
            return self.site.store.group(id_.subscription, id_.name).view()
        kind, child = self.kind(id_)
        self._scope(id_)
        found = self.site.store.find(id_)
        if found is None:
            raise resource_not_found(id_.top.type, id_.top.name, id_.group)
        document = kind.view(self.site, found)
        return document if child is None else _child(document, child, id_)

    def _scope(self, id_: ResourceId, making: bool = False) -> None:
        """Refuse what lies in a group, or belongs to a resource, that is not there. Raises ArmError."""
        store = self.site.store
        if id_.group:
            (store.open_group if making else store.group)(id_.subscription, id_.group)
        if id_.within:
            self.get(ResourceId.parse(id_.within))

    def listed(self, id_: ResourceId, action: str) -> Document:
        """What a list action such as listKeys answers. Raises ArmError where the type has none of this name."""
        kind, _ = self.kind(id_)
        self.get(id_)
        resource = self.site.store.find(id_)
        assert resource is not None
        return kind.listed(self.site, resource, action)

    def exists(self, id_: ResourceId) -> bool:
        """Whether the resource or child is there."""
        try:
            self.get(id_)
        except ArmError:
            return False
        return True

    def all_of(self, type_: str, subscription: str, group: str | None) -> list[Document]:
        """All top resources of a type. Raises ArmError for an unknown type or group."""
        kind = self.catalogue.top(type_)
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
                kind.check(id_, spelt(kind, body))

    def compose(self, id_: ResourceId, body: Document, site: Site | None = None) -> tuple[Kind, Document]:
        """The document of the top resource that a PUT of `body` to `id_` makes. Raises ArmError; changes nothing."""
        site = site or self.site
        kind, child = self.kind(id_)
        _refuse_name(id_)
        with _readable(id_):
            body = spelt(kind, body)
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
        self,
        id_: ResourceId,
        body: Document,
        if_match: str | None = None,
        if_none_match: str | None = None,
        version: str = "",
    ) -> Change:
        """Begin to make or change a resource or child. Raises ArmError, and then nothing has changed."""
        store = self.site.store
        with store.lock:
            self._scope(id_, making=True)
            fresh = not self.exists(id_)
            resource = store.find(id_)
            self._match(resource, fresh, if_match, if_none_match)
            kind, document = self.compose(id_, body, replace(self.site, version=version))
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
            kind.saved(self.site, resource)
            return Change(id_, resource, fresh, kind.created)

    def patch(self, id_: ResourceId, body: Document, if_match: str | None = None) -> Change:
        """Begin to change the parts of a resource that `body` names. Raises ArmError for parts that its type keeps."""
        with self.site.store.lock:
            kind, child = self.kind(id_)
            self.get(id_)
            resource = self.site.store.find(id_)
            if resource is None or child is not None:
                raise ArmError(405, "MethodNotAllowed", f"The HTTP method 'PATCH' is not supported on '{id_.type}'.")
            refuse_but(kind.patches, body)
            return self.put(id_, merged(kind.restated(resource), body), if_match)

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
            if id_.group:
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
                kind.saved(self.site, resource)
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
            for extension in list(self.site.store.resources()):
                if same(extension.id.within, str(change.resource.id)):
                    self.site.store.drop(extension)

    def _match(self, resource: Resource | None, fresh: bool, if_match: str | None, if_none_match: str | None) -> None:
        """Hold a request to its If-Match and If-None-Match. Raises ArmError (PreconditionFailed)."""
        if if_none_match is not None and if_none_match.strip() == "*" and not fresh:
            raise ArmError(412, "PreconditionFailed", "Precondition failed: the resource exists already.")
        if if_match is None:
            return
        wanted = [value.strip() for value in if_match.split(",")]
        if resource is None or fresh or not ("*" in wanted or etag(resource) in wanted):
            there = f"etag {etag(resource)} of resource {resource.id}" if resource and not fresh else "any resource"
            cause = ArmError(
                412,
                "PreconditionFailedEtagMismatch",
                f"Etag provided in if-match header {if_match} does not match {there}.",
            )
            raise ArmError(412, "PreconditionFailed", "Precondition failed.", details=[cause])

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


def refuse_but(taken: frozenset[str], body: Document) -> None:
    """Raise ArmError when a PATCH names more than what it may change."""
    strangers = set(body) - taken
    if strangers:
        raise invalid_request(
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: "
            f"'Could not find member '{min(strangers)}' on object of type 'TagsObject'.'. Use PUT to change it.",
        )


def merged(document: Document, patch: Document) -> Document:
    """A document after a JSON merge patch (RFC 7396): null removes, objects merge, tags are replaced as a whole."""
    found = copy.deepcopy(document)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name), dict) and name != "tags":
            found[name] = merged(found[name], value)
        else:
            found[name] = copy.deepcopy(value)
    return found


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
                "character, and it must end with a word character or with '_'. The name may contain word characters or "
                "'.', '-', '_'.",
                "name",
            )


def _refuse_move(id_: ResourceId, body: Document, current: Resource | None) -> None:
    """Raise ArmError when a PUT would move a resource to another region."""
    wanted = str(body.get("location", "")).replace(" ", "").lower()
    if current is not None and wanted and wanted != current.document.get("location", wanted):
        raise ArmError(
            409,
            "InvalidResourceLocation",
            f"The resource '{id_.name}' already exists in location '{current.document['location']}' in resource group "
            f"'{id_.group}'. A resource with the same name cannot be created in location '{wanted}'. "
            "Please select a new resource name.",
        )
