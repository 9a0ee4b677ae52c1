"""Private addresses: which of a subnet's are taken, by whatever has one there, and which one comes next."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.addresses import Net, address, reserved
from trunkline_lab.azure.resources.kind import Site
from trunkline_lab.azure.resources.virtual_networks import subnet_of
from trunkline_lab.azure.store import Document

# The parts of a resource that may hold a private address.
_HOLDERS = ("ipConfigurations", "frontendIPConfigurations")


def choose(
    site: Site,
    id_: ResourceId,
    holder: str,
    given: Document,
    subnet_id: str,
    old: Document | None,
    others: list[Document],
) -> Document:
    """How an address is allocated, and which it is: the static one that was asked for, the old one, or a free one.

    Parameters:
        site: The store.
        id_: The resource that the address is for.
        holder: The id of its part that has the address.
        given: The part's properties, as asked for.
        subnet_id: The subnet.
        old: The part as it was.
        others: The resource's other parts that have addresses already.

    Raises:
        ArmError: When the address does not fit, is reserved or taken, or the subnet is full.
    """
    static = same(str(given.get("privateIPAllocationMethod", "Dynamic")), "Static")
    found: Document = {"privateIPAllocationMethod": "Static" if static else "Dynamic"}
    if static and not given.get("privateIPAddress"):
        raise invalid_request(
            "PrivateIPAddressMissing",
            f"Private IP address is required when privateIPAllocationMethod is Static in IP configuration {holder}.",
            holder,
        )
    if static:
        found["privateIPAddress"] = str(address(given.get("privateIPAddress"), holder))
    subnet = subnet_of(site, subnet_id)
    if subnet is None:  # what-if, before there is a subnet
        return found
    if same(subnet["name"], "GatewaySubnet"):
        words = "Subnet with name 'GatewaySubnet' can be used only for the Gateway resource."
        raise invalid_request("GatewaySubnet", words, holder)
    network = ipaddress.IPv4Network(subnet["properties"]["addressPrefix"])
    taken = _taken(site, id_, subnet_id, others)
    if static:
        _refuse(found["privateIPAddress"], network, taken, holder)
        return found
    kept = old and old["properties"].get("privateIPAddress")
    free = kept if kept and ipaddress.IPv4Address(kept) in network and kept not in taken else _next(network, taken)
    if free is None:
        raise invalid_request("SubnetIsFull", f"Subnet {subnet['name']} is full.", subnet_id)
    found["privateIPAddress"] = free
    return found


def _parts(site: Site) -> Iterator[tuple[ResourceId, Document]]:
    """All parts of resources that may have an address."""
    for resource in site.store.resources():
        for name in _HOLDERS:
            for item in resource.properties.get(name) or ():
                yield resource.id, item


def _taken(site: Site, id_: ResourceId, subnet: str, others: Iterable[Document]) -> dict[str, str]:
    """Who has which private address of `subnet`; the resource's own old ones are free."""
    found = [(str(id_), item) for item in others]
    found += [(str(owner), item) for owner, item in _parts(site) if owner.key != id_.key]
    return {
        item["properties"]["privateIPAddress"]: owner
        for owner, item in found
        if item["properties"].get("privateIPAddress") and same(item["properties"]["subnet"]["id"], subnet)
    }


def _refuse(value: str, network: Net, taken: dict[str, str], holder: str) -> None:
    """Raise ArmError when a static address does not fit its subnet."""
    wanted = ipaddress.IPv4Address(value)
    if wanted not in network:
        raise invalid_request(
            "PrivateIPAddressNotInSubnet",
            f"Private static IP address {value} does not belong to the range of subnet prefix {network}.",
            holder,
        )
    if wanted in reserved(network):
        raise invalid_request(
            "PrivateIPAddressInReservedRange",
            f"Private static IP address {value} falls within reserved IP range of subnet prefix {network}.",
            holder,
        )
    if value in taken:
        raise invalid_request(
            "PrivateIPAddressIsAllocated",
            f"IP configuration {holder} is using the private IP address {value} which is already allocated to resource "
            f"{taken[value]}.",
            holder,
        )


def _next(network: Net, taken: dict[str, str]) -> str | None:
    """The lowest free address of a subnet, None when it is full."""
    kept = reserved(network)
    return next((str(one) for one in network if one not in kept and str(one) not in taken), None)
