"""Microsoft.Network/natGateways."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, linked, names, refuse_used
from trunkline_lab.azure.resources.public_addresses import PREFIXES, claimed
from trunkline_lab.azure.store import Document, Resource


class NatGateways(Kind):
    """NAT gateways of the Standard SKU, with public addresses or prefixes. Subnets refer to them."""

    type: ClassVar[str] = "Microsoft.Network/natGateways"
    known: ClassVar[frozenset[str]] = names(
        "idleTimeoutInMinutes publicIpAddresses publicIpPrefixes subnets sourceVirtualNetwork"
    )
    extras: ClassVar[frozenset[str]] = frozenset({"sku", "zones"})

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        sku = (body.get("sku") or {}).get("name")
        if not same(str(sku), "Standard"):
            raise invalid_request(
                "NatGatewaySkuNotSupported", f"NAT gateway {id_} has the SKU {sku}; Standard is possible.", str(id_)
            )
        minutes = (body.get("properties") or {}).get("idleTimeoutInMinutes", 4)
        if not isinstance(minutes, int) or not 4 <= minutes <= 120:
            raise invalid_request(
                "NatGatewayInvalidIdleTimeout",
                f"NAT gateway {id_} has an idle timeout of {minutes} minutes; 4 to 120 are possible.",
                "idleTimeoutInMinutes",
            )

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given, location, holder = body.get("properties") or {}, body["location"], str(id_)
        properties: Document = {"idleTimeoutInMinutes": given.get("idleTimeoutInMinutes", 4)}
        addresses = [{"id": claimed(site, holder, one, location)} for one in given.get("publicIpAddresses") or ()]
        prefixes = [
            {"id": linked(site, holder, one, PREFIXES, location)} for one in given.get("publicIpPrefixes") or ()
        ]
        if addresses:
            properties["publicIpAddresses"] = addresses
        if prefixes:
            properties["publicIpPrefixes"] = prefixes
        return properties

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a gateway that a subnet uses. Raises ArmError."""
        refuse_used(
            site,
            resource,
            "InUseNatGatewayCannotBeDeleted",
            "Nat gateway {id} is in use by {users} and cannot be deleted.",
        )

    def view(self, site: Site, resource: Resource) -> Document:
        """The gateway, with the subnets that use it."""
        document = super().view(site, resource)
        users = site.store.users(str(resource.id))
        if users:
            document["properties"]["subnets"] = [{"id": user} for user in users]
        return document
