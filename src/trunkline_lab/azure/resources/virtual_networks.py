"""Microsoft.Network/virtualNetworks and their subnets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from itertools import combinations
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources import peerings
from trunkline_lab.azure.resources.addresses import AnyNet, Net, any_prefix
from trunkline_lab.azure.resources.kind import Children, Kind, Site, inline, linked, names, refuse_parts
from trunkline_lab.azure.store import Document, Resource

_GROUPS = "Microsoft.Network/networkSecurityGroups"
_TABLES = "Microsoft.Network/routeTables"
_SUBNET = names("""
    addressPrefix addressPrefixes networkSecurityGroup routeTable natGateway serviceEndpoints
    serviceEndpointPolicies delegations ipConfigurations purpose privateEndpointNetworkPolicies
    privateLinkServiceNetworkPolicies defaultOutboundAccess sharingScope ipAllocations privateEndpoints
    resourceNavigationLinks serviceAssociationLinks
    """)


class VirtualNetworks(Kind):
    """Virtual networks. A PUT that lists subnets replaces them all: one that is left out is deleted."""

    type: ClassVar[str] = "Microsoft.Network/virtualNetworks"
    known: ClassVar[frozenset[str]] = names("""
    addressSpace dhcpOptions flowTimeoutInMinutes subnets virtualNetworkPeerings enableDdosProtection
    enableVmProtection encryption privateEndpointVNetPolicies
    """)
    exclusive: ClassVar[bool] = True
    children: ClassVar[Mapping[str, Children]] = {
        "subnets": Children("subnets", _SUBNET, "Microsoft.Network/virtualNetworks/subnets"),
        "virtualNetworkPeerings": Children(
            "virtualNetworkPeerings", peerings.KNOWN, "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
        ),
    }

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        properties = body.get("properties") or {}
        spaces = self._spaces(id_, properties)
        subnets = inline(id_, self.children["subnets"], "subnets", properties)
        for subnet in subnets:
            refuse_parts(subnet["id"], subnet["properties"], ("serviceEndpointPolicies", "ipAllocations"))
        ranges = [(subnet["name"], network) for subnet in subnets for network in _ranges(subnet)]
        for name, network in ranges:
            if not any(_within(network, space) for space in spaces):
                raise invalid_request(
                    "NetcfgSubnetRangeOutsideVnet",
                    f"Subnet '{name}' is not valid because its IP address range is outside the IP address range of "
                    f"virtual network '{id_.name}'.",
                    f"{id_}/subnets/{name}",
                )
        for (_, one), (name, other) in combinations(ranges, 2):
            if one.version == other.version and one.overlaps(other):
                raise invalid_request(
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{name}' is not valid because its IP address range overlaps with that of an existing "
                    f"subnet in virtual network '{id_.name}'.",
                    f"{id_}/subnets/{name}",
                )

    def _spaces(self, id_: ResourceId, properties: Document) -> list[AnyNet]:
        """The network's address spaces. Raises ArmError when there is none, or two overlap."""
        listed = (properties.get("addressSpace") or {}).get("addressPrefixes") or []
        if not listed:
            raise invalid_request(
                "AddressSpaceMissing",
                f"AddressSpace of the virtual network {id_} does not have any address prefixes in addressPrefixes "
                "array. AddressSpace and prefixes must be specified within properties object.",
                "properties.addressSpace",
            )
        spaces = [any_prefix(value, str(id_)) for value in listed]
        for one, other in combinations(spaces, 2):
            if one.version == other.version and one.overlaps(other):
                raise invalid_request(
                    "NetcfgVnetAddressPrefixesOverlap",
                    f"Address prefixes {one} and {other} of virtual network '{id_.name}' overlap.",
                    str(id_),
                )
        return spaces

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body.get("properties") or {}
        if current is not None and "subnets" not in given and _keeps(site.version):
            given = {**given, "subnets": current.properties["subnets"]}
        before = {subnet["name"].lower(): subnet for subnet in (current.properties["subnets"] if current else ())}
        subnets = []
        for item in inline(id_, self.children["subnets"], "subnets", given):
            old = before.pop(item["name"].lower(), None)
            subnets.append(self._subnet(site, item, body["location"], old))
        for removed in before.values():
            refuse_in_use(site, removed)
        return {
            "addressSpace": {"addressPrefixes": list(given["addressSpace"]["addressPrefixes"])},
            **({"dhcpOptions": given["dhcpOptions"]} if given.get("dhcpOptions") else {}),
            "subnets": subnets,
            "virtualNetworkPeerings": self._peerings(site, id_, given, current),
            "enableDdosProtection": bool(given.get("enableDdosProtection", False)),
        }

    def _peerings(self, site: Site, id_: ResourceId, given: Document, current: Resource | None) -> list[Document]:
        """The network's peerings: those that a PUT lists, or those that there are when it lists none."""
        before = {
            item["name"].lower(): item for item in (current.properties["virtualNetworkPeerings"] if current else ())
        }
        if given.get("virtualNetworkPeerings") is None:
            return list(before.values())
        spaces = list(given["addressSpace"]["addressPrefixes"])
        found = []
        for item in inline(id_, self.children["virtualNetworkPeerings"], "virtualNetworkPeerings", given):
            old = before.get(item["name"].lower())
            unchanged = old is not None and old["properties"] == item["properties"]
            found.append(old if old and unchanged else peerings.fill(site, id_, item, spaces, old))
        peerings.refuse_twice(found)
        return found

    def saved(self, site: Site, resource: Resource) -> None:
        """The other side of a peering follows."""
        peerings.align(site)

    def gone(self, site: Site, resource: Resource) -> None:
        """The other sides of its peerings are Disconnected."""
        peerings.align(site)

    def _subnet(self, site: Site, item: Document, location: str, old: Document | None) -> Document:
        """One subnet with Azure's defaults. Raises ArmError."""
        given, id_ = item["properties"], item["id"]
        properties: Document = {"addressPrefix": str(_range(item))}
        if len(given.get("addressPrefixes") or ()) > 1:
            properties["addressPrefixes"] = list(given["addressPrefixes"])
        if old is not None and old["properties"]["addressPrefix"] != properties["addressPrefix"]:
            refuse_in_use(site, old, "InUseSubnetCannotBeUpdated")
        if given.get("networkSecurityGroup") and same(item["name"], "GatewaySubnet"):
            raise _no_group(given["networkSecurityGroup"], id_)
        for name, type_ in (("networkSecurityGroup", _GROUPS), ("routeTable", _TABLES)):
            if given.get(name):
                properties[name] = {"id": linked(site, id_, given[name], type_, location)}
        if given.get("natGateway"):
            nat = linked(site, id_, given["natGateway"], "Microsoft.Network/natGateways", location)
            properties["natGateway"] = {"id": nat}
        properties |= {
            "serviceEndpoints": given.get("serviceEndpoints") or [],
            "delegations": given.get("delegations") or [],
            "privateEndpointNetworkPolicies": given.get("privateEndpointNetworkPolicies", "Disabled"),
            "privateLinkServiceNetworkPolicies": given.get("privateLinkServiceNetworkPolicies", "Enabled"),
        }
        if "defaultOutboundAccess" in given:
            properties["defaultOutboundAccess"] = given["defaultOutboundAccess"]
        return {**item, "properties": properties}

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a network with a subnet in use. Raises ArmError."""
        for subnet in resource.properties["subnets"]:
            refuse_in_use(site, subnet)

    def view(self, site: Site, resource: Resource) -> Document:
        """The network, with who uses each subnet."""
        document = super().view(site, resource)
        for subnet in document["properties"]["subnets"]:
            users = site.store.users(subnet["id"])
            if users:
                subnet["properties"]["ipConfigurations"] = [{"id": user} for user in users]
        for item in document["properties"]["virtualNetworkPeerings"]:
            other = site.store.find(item["properties"]["remoteVirtualNetwork"]["id"])
            if other is not None:
                item["properties"]["remoteAddressSpace"] = dict(other.properties["addressSpace"])
        return document


def subnet_of(site: Site, id_: str) -> Document | None:
    """The subnet with this id, as stored."""
    network = site.store.find(id_)
    for subnet in network.properties.get("subnets", ()) if network else ():
        if same(subnet["id"], id_):
            found: Document = subnet
            return found
    return None


def _no_group(reference: object, subnet: str) -> ArmError:
    """GatewaySubnet takes no security group (Azure-Terraform/terraform-azurerm-virtual-network#18)."""
    group = reference.get("id") if isinstance(reference, dict) else reference
    return invalid_request(
        "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet",
        f"The operation failed because the network security group {str(group).rpartition('/')[2]} can not be "
        "associated to the GatewaySubnet. Please remove the network security group associated to the GatewaySubnet.",
        subnet,
    )


def refuse_in_use(site: Site, subnet: Document, code: str = "InUseSubnetCannotBeDeleted") -> None:
    """Raise ArmError when anything has an address in the subnet."""
    users = site.store.users(subnet["id"])
    if users:
        words = f"Subnet {subnet['name']} is in use and cannot be updated."
        if code == "InUseSubnetCannotBeDeleted":
            words = (
                f"Subnet {subnet['name']} is in use by {users[0]} and cannot be deleted. In order to delete the "
                "subnet, delete all the resources within the subnet. See aka.ms/deletesubnet."
            )
        raise ArmError(
            400,
            code,
            words,
        )


def _keeps(version: str) -> bool:
    """Whether a PUT without `subnets` keeps them: since this API version it does, before it deleted them.

    https://techcommunity.microsoft.com/blog/azurenetworkingblog/azure-virtual-network-now-supports-updates-without-
    subnet-property/4067952
    """
    return version == "" or version[:10] >= "2023-09-01"


def _within(network: AnyNet, space: AnyNet) -> bool:
    """Whether a range lies in an address space of its version."""
    if isinstance(network, ipaddress.IPv4Network) and isinstance(space, ipaddress.IPv4Network):
        return network.subnet_of(space)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(space, ipaddress.IPv6Network):
        return network.subnet_of(space)
    return False


def _invalid(subnet: Document, why: str = "") -> ArmError:
    network = ResourceId.parse(subnet["id"]).names[0]
    return invalid_request(
        "NetcfgInvalidSubnet",
        f"Subnet '{subnet['name']}' is not valid in virtual network '{network}'{why}.",
        subnet["id"],
    )


def _ranges(subnet: Document) -> list[AnyNet]:
    """A subnet's prefixes: one of IPv4, and perhaps one of IPv6. Raises ArmError (NetcfgInvalidSubnet)."""
    properties = subnet["properties"]
    one = properties.get("addressPrefix")
    listed = properties.get("addressPrefixes") or ([one] if one is not None else [])
    found = [any_prefix(value, subnet["id"]) for value in listed]
    if sum(network.version == 4 for network in found) != 1 or len(found) > 2:
        raise _invalid(subnet, ": it has one IPv4 prefix, and at most one of IPv6" if found else "")
    for network in found:
        if network.version == 4 and network.prefixlen > 29:
            raise _invalid(subnet, ": the smallest subnet that Azure takes is a /29")
        if network.version == 6 and network.prefixlen != 64:
            raise _invalid(subnet, ": a subnet's IPv6 prefix is a /64")
    return found


def _range(subnet: Document) -> Net:
    """A subnet's IPv4 prefix. Raises ArmError (NetcfgInvalidSubnet)."""
    return next(network for network in _ranges(subnet) if isinstance(network, ipaddress.IPv4Network))
