"""Microsoft.Network/networkInterfaces."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, in_subnet, known_properties, linked, names, refuse_parts
from trunkline_lab.azure.resources.private_addresses import choose
from trunkline_lab.azure.resources.public_addresses import claimed
from trunkline_lab.azure.store import Document, Resource

# What a configuration may be listed in, and the type of that.
_LISTS = {
    "applicationSecurityGroups": "Microsoft.Network/applicationSecurityGroups",
    "loadBalancerBackendAddressPools": "Microsoft.Network/loadBalancers/backendAddressPools",
    "loadBalancerInboundNatRules": "Microsoft.Network/loadBalancers/inboundNatRules",
}
# What a configuration may have in Azure and not in the lab.
_REFUSED = ("gatewayLoadBalancer", "applicationGatewayBackendAddressPools", "virtualNetworkTaps")
_CONFIGURATION = names("""
    subnet privateIPAddress privateIPAllocationMethod privateIPAddressVersion primary publicIPAddress
    privateIPAddressPrefixLength loadBalancerBackendAddressPools loadBalancerInboundNatRules
    gatewayLoadBalancer applicationGatewayBackendAddressPools applicationSecurityGroups
    privateLinkConnectionProperties virtualNetworkTaps
    """)


class Interfaces(Kind):
    """Network interfaces: private addresses from their subnet, groups, public addresses, IP forwarding."""

    type: ClassVar[str] = "Microsoft.Network/networkInterfaces"
    inner: ClassVar[frozenset[str]] = _CONFIGURATION
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
                raise invalid_request(
                    "InvalidRequestFormat", f"An IP configuration of {id_} has no name.", "ipConfigurations"
                )
            holder, given = f"{id_}/ipConfigurations/{item['name']}", item.get("properties") or {}
            known_properties(holder, given, _CONFIGURATION)
            refuse_parts(holder, given, _REFUSED)
            if not same(str(given.get("privateIPAddressVersion", "IPv4")), "IPv4"):
                raise invalid_request("IPv6NotSupported", f"{holder}: the lab's interfaces have IPv4 only.", holder)

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
            "dnsSettings": {
                **(given.get("dnsSettings") or {}),
                "dnsServers": (given.get("dnsSettings") or {}).get("dnsServers") or [],
            },
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
        subnet_id = in_subnet(site, holder, given, location)
        if others and not same(others[0]["properties"]["subnet"]["id"], subnet_id):
            raise invalid_request(
                "IpConfigurationsOnSameNicCannotUseDifferentSubnets",
                f"IPConfigurations on a Nic cannot belong to different subnets: {holder} and {others[0]['id']}.",
                str(id_),
            )
        properties: Document = {
            "subnet": {"id": subnet_id},
            "primary": bool(given.get("primary", not others)),
            "privateIPAddressVersion": "IPv4",
            **choose(site, id_, holder, given, subnet_id, old, others),
        }
        if given.get("publicIPAddress"):
            properties["publicIPAddress"] = {"id": claimed(site, holder, given["publicIPAddress"], location)}
        for name, type_ in _LISTS.items():
            if given.get(name):
                properties[name] = [{"id": linked(site, holder, one, type_, location)} for one in given[name]]
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
