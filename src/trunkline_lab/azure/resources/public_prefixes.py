"""Microsoft.Network/publicIPPrefixes: neighbouring addresses out of the lab's own."""

from __future__ import annotations

import ipaddress
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, names, refuse_parts
from trunkline_lab.azure.resources.public_addresses import PREFIXES
from trunkline_lab.azure.store import Document, Resource

_NAT = "natgateways"


class PublicPrefixes(Kind):
    """Prefixes of 28 to 31 bits. Public addresses and NAT gateways take their addresses from them."""

    type: ClassVar[str] = PREFIXES
    known: ClassVar[frozenset[str]] = names("""
    prefixLength publicIPAddressVersion ipTags ipPrefix publicIPAddresses customIPPrefix natGateway
    loadBalancerFrontendIpConfiguration
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku", "zones"})

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        refuse_parts(id_, given, ("customIPPrefix",))
        if not same(str((body.get("sku") or {}).get("name")), "Standard"):
            raise invalid_request(
                "PublicIpPrefixSkuNotSupported", f"Public IP prefix {id_} must be of the Standard SKU.", str(id_)
            )
        if not same(str(given.get("publicIPAddressVersion", "IPv4")), "IPv4"):
            raise invalid_request("IPv6NotSupported", f"Public IP prefix {id_}: this region has IPv4 only.", str(id_))
        length = given.get("prefixLength")
        if not isinstance(length, int) or isinstance(length, bool) or not 28 <= length <= 31:
            raise invalid_request(
                "InvalidPublicIpPrefixLength",
                f"Public IP prefix {id_} has the length {length}; 28 to 31 are possible.",
                str(id_),
            )

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        document["sku"] = {"tier": "Regional", **document["sku"]}
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError, also for another length than the one it has."""
        given = body["properties"]
        if current is not None and current.properties["prefixLength"] != given["prefixLength"]:
            raise invalid_request(
                "PublicIpPrefixLengthCannotBeChanged", f"The length of public IP prefix {id_} cannot change.", str(id_)
            )
        kept = {"ipPrefix": current.properties["ipPrefix"]} if current else {}
        return {
            **kept,
            "prefixLength": given["prefixLength"],
            "publicIPAddressVersion": "IPv4",
            "ipTags": given.get("ipTags") or [],
        }

    def made(self, site: Site, resource: Resource) -> None:
        """Take neighbouring addresses. Raises ArmError when the lab has none left."""
        try:
            resource.properties["ipPrefix"] = site.world.addresses.take_block(resource.properties["prefixLength"])
        except RuntimeError as none_left:
            raise ArmError(409, "PublicIPPrefixCountLimitReached", str(none_left)) from none_left

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a prefix in use. Raises ArmError (InUsePublicIpPrefixCannotBeDeleted)."""
        users = site.store.users(str(resource.id))
        if users:
            raise ArmError(
                400,
                "InUsePublicIpPrefixCannotBeDeleted",
                f"Public IP prefix {resource.id} cannot be deleted because it is in use by {', '.join(users)}.",
            )

    def gone(self, site: Site, resource: Resource) -> None:
        """Give the addresses back."""
        for address in ipaddress.IPv4Network(resource.properties["ipPrefix"]):
            site.world.addresses.give_back(str(address))

    def view(self, site: Site, resource: Resource) -> Document:
        """The prefix, with the addresses and the NAT gateway that use it."""
        document = super().view(site, resource)
        users = [(user, ResourceId.parse(user).types[0].lower()) for user in site.store.users(str(resource.id))]
        addresses = [{"id": user} for user, kind in users if kind != _NAT]
        if addresses:
            document["properties"]["publicIPAddresses"] = addresses
        for user, kind in users:
            if kind == _NAT:
                document["properties"]["natGateway"] = {"id": user}
        return document
