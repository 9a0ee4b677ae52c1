"""Microsoft.Network/applicationSecurityGroups: names for sets of interfaces, which rules refer to."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site
from trunkline_lab.azure.store import Document, Resource


class ApplicationSecurityGroups(Kind):
    """Application security groups. They have no properties of their own."""

    type: ClassVar[str] = "Microsoft.Network/applicationSecurityGroups"

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties: none."""
        return {}

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a group that an interface or a rule refers to. Raises ArmError."""
        users = site.store.users(str(resource.id))
        if users:
            parts = ", ".join(ResourceId.parse(user).name for user in users)
            raise ArmError(
                400,
                "InUseApplicationSecurityGroupCannotBeDeleted",
                f"Application Security Group {resource.id.name} cannot be deleted because it is referenced by {parts}.",
            )
