"""Microsoft.Compute/availabilitySets."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site, names, one_of, refuse_used
from trunkline_lab.azure.store import Document, Resource


class AvailabilitySets(Kind):
    """Availability sets. Machines refer to them when they are made."""

    type: ClassVar[str] = "Microsoft.Compute/availabilitySets"
    created: ClassVar[int] = 200  # azure-mgmt-compute takes no 201 for one
    known: ClassVar[frozenset[str]] = names("""
    platformFaultDomainCount platformUpdateDomainCount virtualMachines proximityPlacementGroup
    scheduledEventsPolicy managed
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku"})
    networked: ClassVar[bool] = False
    patches: ClassVar[frozenset[str]] = frozenset({"tags", "sku", "properties"})

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        one_of((body.get("sku") or {}).get("name"), ("Classic", "Aligned"), "sku.name", id_, "Classic")
        given = body.get("properties") or {}
        for name, most in (("platformFaultDomainCount", 3), ("platformUpdateDomainCount", 20)):
            count = given.get(name, 1)
            if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= most:
                raise invalid_request(
                    "InvalidParameter",
                    f"The specified value {count} for {name} must fall in the range 1 to {most}.",
                    name,
                )

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes, its SKU told. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        # The first preview with managed disks said so by a property, which is the SKU now.
        usual = "Aligned" if (body.get("properties") or {}).get("managed") else "Classic"
        document["sku"] = {"name": usual, **document.get("sku", {})}
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError for domains that an existing set keeps."""
        given = body.get("properties") or {}
        properties: Document = {}
        for name, usual in (("platformFaultDomainCount", 3), ("platformUpdateDomainCount", 5)):
            properties[name] = given.get(name, current.properties[name] if current else usual)
            if current is not None and current.properties[name] != properties[name]:
                raise invalid_request("PropertyChangeNotAllowed", f"Changing property '{name}' is not allowed.", name)
        return properties

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a set with machines. Raises ArmError (OperationNotAllowed)."""
        refuse_used(
            site,
            resource,
            "OperationNotAllowed",
            "Availability Set '{name}' cannot be deleted. Before deleting an Availability Set please ensure that it "
            "does not contain any VM.",
            409,
        )

    def view(self, site: Site, resource: Resource) -> Document:
        """The set with its machines; Microsoft.Compute tells no state of it."""
        document = super().view(site, resource)
        del document["properties"]["provisioningState"]
        document["properties"]["virtualMachines"] = [{"id": user} for user in site.store.users(str(resource.id))]
        return document
