"""Microsoft.Authorization/roleAssignments: extension resources of a subscription, a group or a resource."""

from __future__ import annotations

import uuid
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, names
from trunkline_lab.azure.store import Document, Resource

_DEFINITIONS = "/providers/microsoft.authorization/roledefinitions/"
_FIXED = ("principalId", "roleDefinitionId")


class RoleAssignments(Kind):
    """Role assignments, as records: the lab lets every caller do everything."""

    type: ClassVar[str] = "Microsoft.Authorization/roleAssignments"
    known: ClassVar[frozenset[str]] = names("""
    roleDefinitionId principalId principalType description scope condition conditionVersion canDelegate
    delegatedManagedIdentityResourceId createdOn updatedOn createdBy updatedBy
    """)
    located: ClassVar[bool] = False
    extends: ClassVar[bool] = True
    tagged: ClassVar[bool] = False
    networked: ClassVar[bool] = False
    patches: ClassVar[frozenset[str]] = frozenset()

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        if not _is_guid(id_.name):
            raise invalid_request(
                "InvalidRoleAssignmentId",
                f"The role assignment ID '{id_.name}' is not valid. The role assignment ID must be a GUID.",
            )
        given = body.get("properties") or {}
        if not _is_guid(given.get("principalId")):
            raise invalid_request(
                "InvalidPrincipalId",
                f"The Principal ID '{given.get('principalId')}' is not valid. Principal ID must be a GUID.",
            )
        definition = str(given.get("roleDefinitionId")).lower()
        if _DEFINITIONS not in definition or not _is_guid(definition.rpartition("/")[2]):
            raise ArmError(
                400,
                "InvalidRoleDefinitionId",
                f"The role definition ID '{str(given.get('roleDefinitionId')).rpartition('/')[2]}' is not valid.",
            )

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError for one that is there already, or would change."""
        given = body["properties"]
        if current is not None and any(not same(current.properties[name], given[name]) for name in _FIXED):
            raise ArmError(
                409,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )
        for other in site.store.resources(type_=self.type):
            alike = other.id.scope.lower() == id_.scope.lower() and other.id.key != id_.key
            if alike and all(same(other.properties[name], given[name]) for name in _FIXED):
                raise ArmError(
                    409,
                    "RoleAssignmentExists",
                    "The role assignment already exists. "
                    f"The ID of the conflicting role assignment is {other.id.name}.",
                )
        kept = {
            name: value for name, value in given.items() if name in ("description", "condition", "conditionVersion")
        }
        return {
            **kept,
            "principalId": given["principalId"],
            "roleDefinitionId": given["roleDefinitionId"],
            "principalType": given.get("principalType", "ServicePrincipal"),
            "scope": id_.scope,
        }

    def view(self, site: Site, resource: Resource) -> Document:
        """The assignment; Azure tells no state of it."""
        document = super().view(site, resource)
        del document["properties"]["provisioningState"]
        return document


def _is_guid(value: object) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True
