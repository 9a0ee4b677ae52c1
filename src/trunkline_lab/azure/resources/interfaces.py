"""Microsoft.Network/networkInterfaces."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.addresses import Net, address, reserved
from trunkline_lab.azure.resources.kind import Kind, Site, known_properties, linked, names
from trunkline_lab.azure.resources.virtual_networks import subnet_of
from trunkline_lab.azure.store import Document, Resource

_CONFIGURATION = names("""
    subnet privateIPAddress privateIPAllocationMethod privateIPAddressVersion primary publicIPAddress
    privateIPAddressPrefixLength loadBalancerBackendAddressPools loadBalancerInboundNatRules
    gatewayLoadBalancer applicationGatewayBackendAddressPools applicationSecurityGroups
    privateLinkConnectionProperties virtualNetworkTaps
    """)


class Interfaces(Kind):
    """Network interfaces: private addresses from their subnet, groups, public addresses, IP forwarding."""

    type: ClassVar[str] = "Microsoft.Network/networkInterfaces"
    known: ClassVar[frozenset[str]] = names("""
    virtualMachine networkSecurityGroup ipConfigurations dnsSettings macAddress primary enableIPForwarding
    enableAcceleratedNetworking disableTcpStateTracking hostedWorkloads vnetEncryptionSupported nicType
    auxiliaryMode auxiliarySku tapConfigurations workloadType defaultOutboundConnectivityEnabled
    allowPort25Out
    """)

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        listed = (body.get("properties") or {}).get("ipConfigurations") or []
        if not listed:
            raise invalid_request(
                "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
                f"Network interface {id_} must have at least one IP configuration.",
                "properties.ipConfigurations",
            )
        for item in listed:
            if not isinstance(item, dict) or not isinstance(item.get("name"), str):
                raise invalid_request("MissingName", f"An IP configuration of {id_} has no name.", "ipConfigurations")
            known_properties(f"{id_}/ipConfigurations/{item['name']}", item.get("properties") or {}, _CONFIGURATION)

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body["properties"]
        before = {item["name"]: item for item in (current.properties["ipConfigurations"] if current else ())}
        configurations: list[Document] = []
        for item in given["ipConfigurations"]:
            configurations.append(
                self._configuration(site, id_, item, body["location"], before.get(item["name"]), configurations)
            )
        properties: Document = {
            "ipConfigurations": configurations,
            "dnsSettings": {"dnsServers": (given.get("dnsSettings") or {}).get("dnsServers") or []},
            "enableIPForwarding": bool(given.get("enableIPForwarding", False)),
            "enableAcceleratedNetworking": bool(given.get("enableAcceleratedNetworking", False)),
            "disableTcpStateTracking": bool(given.get("disableTcpStateTracking", False)),
            "nicType": "Standard",
        }
        if given.get("networkSecurityGroup"):
            properties["networkSecurityGroup"] = {
                "id": linked(
                    site,
                    str(id_),
                    given["networkSecurityGroup"],
                    "Microsoft.Network/networkSecurityGroups",
                    body["location"],
                )
            }
        return properties

    def _configuration(
        self, site: Site, id_: ResourceId, item: Document, location: str, old: Document | None, others: list[Document]
    ) -> Document:
        """One IP configuration, with its address. Raises ArmError."""
        holder = str(id_.child("ipConfigurations", item["name"]))
        given = item.get("properties") or {}
        subnet_id = linked(site, holder, given.get("subnet"), "Microsoft.Network/virtualNetworks/subnets", location)
        properties: Document = {
            "subnet": {"id": subnet_id},
            "primary": bool(given.get("primary", not others)),
            "privateIPAddressVersion": "IPv4",
            "privateIPAllocationMethod": "Dynamic",
        }
        subnet = subnet_of(site, subnet_id)
        static = str(given.get("privateIPAllocationMethod", "Dynamic")).lower() == "static"
        if static:
            properties["privateIPAllocationMethod"] = "Static"
            properties["privateIPAddress"] = str(address(given.get("privateIPAddress"), holder))
        if subnet is not None:
            network = ipaddress.IPv4Network(subnet["properties"]["addressPrefix"])
            taken = _taken(site, id_, subnet_id, others)
            if static:
                _refuse(properties["privateIPAddress"], network, taken, holder)
            else:
                kept = old and old["properties"]["privateIPAddress"]
                free = kept if kept and ipaddress.IPv4Address(kept) in network else _next(network, taken)
                if free is None:
                    raise invalid_request("SubnetIsFull", f"Subnet {subnet['name']} is full.", subnet_id)
                properties["privateIPAddress"] = free
        if given.get("publicIPAddress"):
            public = linked(site, holder, given["publicIPAddress"], "Microsoft.Network/publicIPAddresses", location)
            for user in site.store.users(public):
                if not same(user, holder):
                    raise invalid_request(
                        "PublicIPAddressInUse",
                        f"Resource {holder} is referencing public IP address {public} that is already allocated to "
                        f"resource {user}.",
                        holder,
                    )
            properties["publicIPAddress"] = {"id": public}
        return {
            "id": holder,
            "name": item["name"],
            "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
            "properties": properties,
        }

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete the interface of a machine. Raises ArmError (NicInUse)."""
        refuse_attached(site, str(resource.id))

    def view(self, site: Site, resource: Resource) -> Document:
        """The interface, with its machine and its hardware address."""
        document = super().view(site, resource)
        properties = document["properties"]
        for item in properties["ipConfigurations"]:
            item["etag"] = document["etag"]
            item["properties"]["provisioningState"] = resource.state
        users = site.store.users(str(resource.id))
        if users:
            properties["virtualMachine"] = {"id": users[0]}
            properties["primary"] = True
            pairs = resource.guid.replace("-", "")[:6].upper()
            properties["macAddress"] = f"00-0D-3A-{pairs[:2]}-{pairs[2:4]}-{pairs[4:]}"
        return document


def refuse_attached(site: Site, interface: str, but: str = "") -> None:
    """Raise ArmError (NicInUse) when a machine other than `but` has the interface."""
    for user in site.store.users(interface):
        if not same(user, but):
            raise ArmError(
                400,
                "NicInUse",
                f"Network Interface {interface} is used by existing resource {user}. In order to delete the network "
                "interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.",
            )


def _taken(site: Site, id_: ResourceId, subnet: str, others: Iterable[Document]) -> dict[str, str]:
    """Who has which private address of `subnet`; the interface's own old ones are free."""
    found = [(str(id_), item) for item in others]
    for nic in site.store.resources(type_=Interfaces.type):
        if nic.id.key != id_.key:
            found += [(str(nic.id), item) for item in nic.properties["ipConfigurations"]]
    return {
        item["properties"]["privateIPAddress"]: owner
        for owner, item in found
        if same(item["properties"]["subnet"]["id"], subnet)
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
