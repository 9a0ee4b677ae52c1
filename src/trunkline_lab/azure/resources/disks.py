"""Microsoft.Compute/disks: managed disks that templates make and machines attach."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site, names, one_of, refuse_used
from trunkline_lab.azure.store import Document, Resource

_SKUS = (
    "Standard_LRS", "StandardSSD_LRS", "StandardSSD_ZRS", "Premium_LRS", "Premium_ZRS", "PremiumV2_LRS", "UltraSSD_LRS",
)  # fmt: skip
_ORIGINS = ("Empty", "Attach", "FromImage", "Import", "Copy", "Restore", "Upload", "CopyStart", "ImportSecure")


class Disks(Kind):
    """Managed disks. The lab's machines make none by themselves: those that exist were asked for."""

    type: ClassVar[str] = "Microsoft.Compute/disks"
    created: ClassVar[int] = 200  # azure-mgmt-compute takes no 201 for one
    known: ClassVar[frozenset[str]] = names("""
    creationData diskSizeGB osType hyperVGeneration purchasePlan supportedCapabilities encryptionSettingsCollection
    encryption maxShares networkAccessPolicy publicNetworkAccess diskAccessId tier burstingEnabled dataAccessAuthMode
    diskIOPSReadWrite diskMBpsReadWrite diskIOPSReadOnly diskMBpsReadOnly supportsHibernation securityProfile
    optimizedForFrequentAttach completionPercent diskState timeCreated uniqueId diskSizeBytes accountType
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku", "zones"})
    networked: ClassVar[bool] = False
    patches: ClassVar[frozenset[str]] = frozenset({"tags", "sku", "properties"})

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        one_of((body.get("sku") or {}).get("name"), _SKUS, "sku.name", id_, "Standard_LRS")
        given = body.get("properties") or {}
        origin = one_of(
            (given.get("creationData") or {}).get("createOption"), _ORIGINS, "creationData.createOption", id_
        )
        size = given.get("diskSizeGB")
        if origin == "Empty" and size is None:
            raise invalid_request(
                "InvalidParameter", "Required parameter 'disk.diskSizeGB' is missing (null).", "disk.diskSizeGB"
            )
        if size is not None and (not isinstance(size, int) or not 1 <= size <= 65536):
            raise invalid_request("InvalidParameter", f"The disk size {size} GB is not possible.", "disk.diskSizeGB")

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes, its SKU told. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        name = one_of(document.get("sku", {}).get("name"), _SKUS, "sku.name", id_, "Standard_LRS")
        document["sku"] = {"name": name, "tier": name.partition("_")[0]}
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError for a smaller size than before."""
        given = dict(body["properties"])
        size = given.get("diskSizeGB") or (current.properties["diskSizeGB"] if current else 30)
        if current is not None and size < current.properties["diskSizeGB"]:
            raise invalid_request(
                "ResizeDiskError",
                f"The disk/snapshot resource with id {id_} cannot be resized down. Reducing disk/snapshot size is not "
                "supported in Azure to prevent data loss.",
                "diskSizeGB",
            )
        return {"networkAccessPolicy": "AllowAll", "publicNetworkAccess": "Enabled", **given, "diskSizeGB": size}

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a disk of a machine. Raises ArmError (OperationNotAllowed)."""
        refuse_used(site, resource, "OperationNotAllowed", "Disk {name} is attached to VM {users}.", 409)

    def view(self, site: Site, resource: Resource) -> Document:
        """The disk, with the machine that it is attached to."""
        document = super().view(site, resource)
        users = site.store.users(str(resource.id))
        document["properties"] |= {"diskState": "Attached" if users else "Unattached", "uniqueId": resource.guid}
        return {**document, "managedBy": users[0]} if users else document
