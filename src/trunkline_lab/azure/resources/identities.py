"""Microsoft.ManagedIdentity/userAssignedIdentities."""

from __future__ import annotations

import uuid
from typing import ClassVar

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site, linked, names
from trunkline_lab.azure.store import Document, Resource


class Identities(Kind):
    """Identities that machines can have; who they are to others follows from the resource's own number."""

    type: ClassVar[str] = "Microsoft.ManagedIdentity/userAssignedIdentities"
    known: ClassVar[frozenset[str]] = names("tenantId principalId clientId isolationScope")
    networked: ClassVar[bool] = False

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties: none of its own."""
        return {}

    def view(self, site: Site, resource: Resource) -> Document:
        """The identity with its three numbers; Azure tells no state of it."""
        document = super().view(site, resource)
        document["properties"] = numbers(site, resource.guid)
        return document


def numbers(site: Site, guid: str) -> Document:
    """The tenant, principal and client of the identity that belongs to a resource's number."""
    owner = uuid.UUID(guid)
    return {
        "tenantId": site.store.tenant,
        "principalId": str(uuid.uuid5(owner, "principal")),
        "clientId": str(uuid.uuid5(owner, "client")),
    }


def checked(site: Site, id_: ResourceId, given: object) -> Document:
    """A resource's `identity` as it is stored, its identities checked to be there. Raises ArmError."""
    kinds = [part.strip().lower() for part in str((given or {}).get("type", "None")).split(",")]  # type: ignore[attr-defined]
    if not isinstance(given, dict) or set(kinds) - {"systemassigned", "userassigned", "none"}:
        raise invalid_request("InvalidIdentityType", f"The identity of {id_} is not valid.", "identity")
    spelt = {"systemassigned": "SystemAssigned", "userassigned": "UserAssigned", "none": "None"}
    found: Document = {"type": ", ".join(spelt[kind] for kind in kinds)}
    owned = given.get("userAssignedIdentities") or {}
    listed = [linked(site, str(id_), {"id": one}, Identities.type, None) for one in owned]
    if ("userassigned" in kinds) != bool(listed):
        raise invalid_request(
            "InvalidIdentityType", f"The identity of {id_} is UserAssigned where it names identities.", "identity"
        )
    if listed:
        found["userAssignedIdentities"] = {one: {} for one in listed}
    return found


def told(site: Site, resource: Resource, identity: Document) -> Document:
    """A resource's `identity` as it is told, with the numbers of each."""
    found = dict(identity)
    if "SystemAssigned" in found["type"]:
        own = numbers(site, resource.guid)
        found |= {"principalId": own["principalId"], "tenantId": own["tenantId"]}
    for one in found.get("userAssignedIdentities") or {}:
        owner = site.store.find(one)
        if owner is not None:
            own = numbers(site, owner.guid)
            found["userAssignedIdentities"] = {
                **found["userAssignedIdentities"],
                one: {"principalId": own["principalId"], "clientId": own["clientId"]},
            }
    return found
