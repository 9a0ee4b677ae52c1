"""Microsoft.Network/publicIPAddresses: static ones, out of the lab's own addresses."""

from __future__ import annotations

import ipaddress
import re
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, linked, names, one_of, refuse_parts, region
from trunkline_lab.azure.store import Document, Resource

PREFIXES = "Microsoft.Network/publicIPPrefixes"
_METHODS = ("Static", "Dynamic")
_LABEL = re.compile(r"^[a-z][a-z0-9-]{1,61}[a-z0-9]$")


class PublicAddresses(Kind):
    """Public addresses of the Standard SKU; Azure makes no Basic ones any more (since 30 September 2025).

    `basic` is whether they can be made all the same, for templates that were written before.
    """

    type: ClassVar[str] = "Microsoft.Network/publicIPAddresses"
    known: ClassVar[frozenset[str]] = names("""
    publicIPAllocationMethod publicIPAddressVersion ipConfiguration dnsSettings ddosSettings ipTags ipAddress
    publicIPPrefix idleTimeoutInMinutes deleteOption natGateway
    """)
    extras: ClassVar[frozenset[str]] = frozenset({"sku", "zones"})

    def __init__(self, basic: bool = False) -> None:
        self._basic = basic

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        sku = one_of((body.get("sku") or {}).get("name"), ("Basic", "Standard"), "sku.name", id_, "Basic")
        one_of(given.get("publicIPAllocationMethod"), _METHODS, "publicIPAllocationMethod", id_, "Dynamic")
        refuse_parts(id_, given, ("ddosSettings",))
        if sku == "Basic" and not self._basic:
            raise invalid_request(
                "IPv4BasicSkuPublicIpCountLimitReached",
                "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this subscription in this region.",
                str(id_),
            )
        if sku == "Standard" and not same(str(given.get("publicIPAllocationMethod", "Dynamic")), "Static"):
            raise invalid_request(
                "StandardSkuPublicIPAddressesMustBeStatic",
                f"{sku} sku publicIp {id_} must have AllocationMethod set to Static.",
                str(id_),
            )
        if str(given.get("publicIPAddressVersion", "IPv4")).lower() != "ipv4":
            raise invalid_request("IPv6NotSupported", f"Public IP address {id_}: this region has IPv4 only.", str(id_))

    def fill(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document that `body` makes, its SKU told. Raises ArmError."""
        document = super().fill(site, id_, body, current)
        document["sku"] = {"name": "Basic", "tier": "Regional", **document.get("sku", {})}
        return document

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body.get("properties") or {}
        kept = {"ipAddress": current.properties["ipAddress"]} if current else {}
        method = one_of(given.get("publicIPAllocationMethod"), _METHODS, "publicIPAllocationMethod", id_, "Dynamic")
        properties: Document = {
            **kept,
            "publicIPAddressVersion": "IPv4",
            "publicIPAllocationMethod": method,
            "idleTimeoutInMinutes": given.get("idleTimeoutInMinutes", 4),
            "ipTags": given.get("ipTags") or [],
        }
        if given.get("publicIPPrefix"):
            properties["publicIPPrefix"] = {
                "id": linked(site, str(id_), given["publicIPPrefix"], PREFIXES, body["location"])
            }
        if given.get("dnsSettings"):
            properties["dnsSettings"] = _names(site, id_, given["dnsSettings"], region(body["location"]))
        return properties

    def made(self, site: Site, resource: Resource) -> None:
        """Take an address, out of the prefix if there is one. Raises ArmError when there is none left."""
        prefix = resource.properties.get("publicIPPrefix")
        if prefix:
            resource.properties["ipAddress"] = _of_prefix(site, prefix["id"])
            return
        try:
            resource.properties["ipAddress"] = site.world.addresses.take()
        except RuntimeError as none_left:
            held = sum(1 for _ in site.store.resources(resource.id.subscription, None, self.type))
            raise invalid_request(
                "PublicIPCountLimitReached",
                f"Cannot create more than {held} public IP addresses for this subscription in this region.",
                str(resource.id),
            ) from none_left

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
        """Give the address back; one of a prefix stays the prefix's."""
        if not resource.properties.get("publicIPPrefix"):
            site.world.addresses.give_back(resource.properties["ipAddress"])

    def view(self, site: Site, resource: Resource) -> Document:
        """The address, with who uses it. A dynamic one is told only while something does."""
        document = super().view(site, resource)
        users = site.store.users(str(resource.id))
        if users:
            natted = same(ResourceId.parse(users[0]).types[0], "natGateways")
            document["properties"]["natGateway" if natted else "ipConfiguration"] = {"id": users[0]}
        elif resource.properties["publicIPAllocationMethod"] == "Dynamic":
            del document["properties"]["ipAddress"]
        return document


def claimed(site: Site, holder: str, reference: object, location: str) -> str:
    """The id of the public address that `holder` is to have. Raises ArmError when it is not there, or another's."""
    public = linked(site, holder, reference, PublicAddresses.type, location)
    for user in site.store.users(public):
        if not same(user, holder):
            raise invalid_request(
                "PublicIPAddressInUse",
                f"Resource {holder} is referencing public IP address {public} that is already allocated to "
                f"resource {user}.",
                holder,
            )
    return public


def _names(site: Site, id_: ResourceId, given: Document, location: str) -> Document:
    """The DNS settings with their full name. Raises ArmError for a label that is no label, or another's."""
    label = given.get("domainNameLabel")
    if label is None:
        return dict(given)
    if not isinstance(label, str) or not _LABEL.match(label):
        raise invalid_request(
            "InvalidDomainNameLabel",
            f"The domain name label {label} is invalid. It must conform to the following regular expression: "
            "^[a-z][a-z0-9-]{1,61}[a-z0-9]$.",
            str(id_),
        )
    full = f"{label}.{location}.cloudapp.azure.com"
    for other in site.store.resources(type_=PublicAddresses.type):
        if other.id.key != id_.key and (other.properties.get("dnsSettings") or {}).get("fqdn") == full:
            raise invalid_request(
                "DnsRecordInUse", f"DNS record {full} is already used by another public IP.", str(id_)
            )
    return {**given, "fqdn": full}


def _of_prefix(site: Site, prefix: str) -> str:
    """A free address of a prefix. Raises ArmError when all are taken."""
    owner = site.store.find(prefix)
    taken = {one.properties.get("ipAddress") for one in site.store.resources(type_=PublicAddresses.type)}
    for address in ipaddress.IPv4Network(owner.properties["ipPrefix"]) if owner else ():
        if str(address) not in taken:
            return str(address)
    raise ArmError(409, "PublicIpPrefixOutOfIpAddresses", f"Public IP prefix {prefix} has no free address.")
