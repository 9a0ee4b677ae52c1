"""Microsoft.Network/publicIPAddresses: static ones, out of the lab's own addresses."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site, names
from trunkline_lab.azure.store import Document, Resource


class PublicAddresses(Kind):
    """Public addresses of the Standard SKU; Azure makes no Basic ones any more (since 30 September 2025)."""

    type: ClassVar[str] = "Microsoft.Network/publicIPAddresses"
    known: ClassVar[frozenset[str]] = names("""
    publicIPAllocationMethod publicIPAddressVersion ipConfiguration dnsSettings ddosSettings ipTags ipAddress
    publicIPPrefix idleTimeoutInMinutes deleteOption
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku", "zones"})

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        sku = str((body.get("sku") or {}).get("name", "Basic"))
        if sku.lower() == "basic":
            raise invalid_request(
                "IPv4BasicSkuPublicIpCountLimitReached",
                "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.",
                str(id_),
            )
        if str(given.get("publicIPAllocationMethod", "Dynamic")).lower() != "static":
            raise invalid_request(
                "StandardSkuPublicIPAddressesMustBeStatic",
                f"{sku} sku publicIp {id_} must have AllocationMethod set to Static.",
                str(id_),
            )
        if str(given.get("publicIPAddressVersion", "IPv4")).lower() != "ipv4":
            raise invalid_request("IPv6NotSupported", f"Public IP address {id_}: this region has IPv4 only.", str(id_))

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes, its SKU's tier told. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        document["sku"].setdefault("tier", "Regional")
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body.get("properties") or {}
        kept = {"ipAddress": current.properties["ipAddress"]} if current else {}
        return {
            **kept,
            "publicIPAddressVersion": "IPv4",
            "publicIPAllocationMethod": "Static",
            "idleTimeoutInMinutes": given.get("idleTimeoutInMinutes", 4),
            "ipTags": given.get("ipTags") or [],
            **({"dnsSettings": given["dnsSettings"]} if given.get("dnsSettings") else {}),
        }

    def made(self, site: Site, resource: Resource) -> None:
        """Take an address. Raises ArmError when the lab has none left."""
        try:
            resource.properties["ipAddress"] = site.world.addresses.take()
        except RuntimeError as none_left:
            raise ArmError(409, "PublicIPCountLimitReached", str(none_left)) from none_left

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete an address that an interface uses. Raises ArmError."""
        users = site.store.users(str(resource.id))
        if users:
            raise ArmError(
                400,
                "PublicIPAddressCannotBeDeleted",
                f"Public IP address {resource.id} can not be deleted since it is still allocated to resource "
                f"{users[0]}. In order to delete the public IP, disassociate/detach the Public IP address from the "
                "resource. To learn how to do this, see aka.ms/deletepublicip.",
            )

    def gone(self, site: Site, resource: Resource) -> None:
        """Give the address back."""
        site.world.addresses.give_back(resource.properties["ipAddress"])

    def view(self, site: Site, resource: Resource) -> Document:
        """The address, with the interface's configuration that uses it."""
        document = super().view(site, resource)
        users = site.store.users(str(resource.id))
        if users:
            document["properties"]["ipConfiguration"] = {"id": users[0]}
        return document
