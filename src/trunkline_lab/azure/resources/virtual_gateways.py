"""Microsoft.Network/virtualNetworkGateways: VPN and ExpressRoute gateways of a virtual network, as records."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.kind import Kind, Site, in_subnet, known_properties, names, one_of, refuse_parts
from trunkline_lab.azure.resources.public_addresses import claimed
from trunkline_lab.azure.store import Document, Resource

_SKUS = (
    *("Basic", "Standard", "HighPerformance", "UltraPerformance"),
    *(f"VpnGw{size}{zoned}" for size in range(1, 6) for zoned in ("", "AZ")),
    *("ErGw1AZ", "ErGw2AZ", "ErGw3AZ", "ErGwScale"),
)
_CONFIGURATION = names("subnet publicIPAddress privateIPAllocationMethod privateIPAddress")
# What is kept as it was given.
_KEPT = (
    "vpnClientConfiguration",
    "gatewayDefaultSite",
    "customRoutes",
    "enablePrivateIpAddress",
    "vNetExtendedLocationResourceId",
)


class VirtualGateways(Kind):
    """Virtual network gateways. They sit in the subnet GatewaySubnet, and carry no packets in the lab."""

    type: ClassVar[str] = "Microsoft.Network/virtualNetworkGateways"
    inner: ClassVar[frozenset[str]] = _CONFIGURATION
    known: ClassVar[frozenset[str]] = names("""
    ipConfigurations gatewayType vpnType vpnGatewayGeneration enableBgp enablePrivateIpAddress activeActive sku
    vpnClientConfiguration bgpSettings customRoutes gatewayDefaultSite disableIPSecReplayProtection
    enableBgpRouteTranslationForNat enableDnsForwarding inboundDnsForwardingEndpoint natRules
    virtualNetworkGatewayPolicyGroups allowRemoteVnetTraffic allowVirtualWanTraffic adminState autoScaleConfiguration
    resiliencyModel enableHighBandwidthVpnGateway vNetExtendedLocationResourceId
    """)
    exclusive: ClassVar[bool] = True

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        refuse_parts(id_, given, ("natRules", "virtualNetworkGatewayPolicyGroups", "autoScaleConfiguration"))
        one_of(given.get("gatewayType"), ("Vpn", "ExpressRoute", "LocalGateway"), "gatewayType", id_)
        one_of((given.get("sku") or {}).get("name"), _SKUS, "sku.name", id_, "Basic")
        listed = given.get("ipConfigurations") or []
        if not listed:
            raise invalid_request(
                "VirtualNetworkGatewayNoIpConfigurations", f"{id_} needs an IP configuration.", "ipConfigurations"
            )
        for item in listed:
            known_properties(f"{id_}/ipConfigurations/{item.get('name')}", item.get("properties") or {}, _CONFIGURATION)
        if given.get("activeActive") and len(listed) < 2:
            raise invalid_request(
                "ActiveActiveGatewayMustHaveExactlyTwoIpConfigurations",
                f"Gateway has {len(listed)} IP configurations specified for gateway {id_}. ActiveActive Gateway must "
                "be created with two IP configurations.",
                "ipConfigurations",
            )

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given, location = body["properties"], body["location"]
        kind = one_of(given["gatewayType"], ("Vpn", "ExpressRoute", "LocalGateway"), "gatewayType", id_)
        _refuse_change(id_, current, "gatewayType", kind)
        usual = "Basic" if kind == "Vpn" else "Standard"  # the first API versions asked for none
        sku = one_of((given.get("sku") or {}).get("name"), _SKUS, "sku.name", id_, usual)
        properties: Document = {
            "ipConfigurations": [self._configuration(site, id_, item, location) for item in given["ipConfigurations"]],
            "gatewayType": kind,
            "vpnType": one_of(given.get("vpnType"), ("RouteBased", "PolicyBased"), "vpnType", id_, "RouteBased"),
            "vpnGatewayGeneration": given.get("vpnGatewayGeneration") or ("Generation1" if kind == "Vpn" else "None"),
            "enableBgp": bool(given.get("enableBgp", False)),
            "activeActive": bool(given.get("activeActive", False)),
            "sku": {"name": sku, "tier": sku, "capacity": 2},
            "bgpSettings": {"asn": 65515, "peerWeight": 0, **(given.get("bgpSettings") or {})},
        }
        return {**properties, **{name: given[name] for name in _KEPT if given.get(name) is not None}}

    def _configuration(self, site: Site, id_: ResourceId, item: Document, location: str) -> Document:
        """One IP configuration. Raises ArmError."""
        holder, given = str(id_.child("ipConfigurations", item["name"])), item.get("properties") or {}
        subnet = in_subnet(site, holder, given, location)
        if not same(subnet.rpartition("/")[2], "GatewaySubnet"):
            raise invalid_request(
                "InvalidGatewaySubnet",
                f"{holder} refers to the subnet {subnet}; a gateway sits in the subnet named GatewaySubnet.",
                holder,
            )
        for user in site.store.users(subnet):
            if not same(ResourceId.parse(user).top.key, id_.key) and _is_like(site, user, id_):
                raise invalid_request(
                    "VirtualNetworkGatewayAlreadyExists", f"The virtual network of {subnet} has {user} already.", holder
                )
        properties: Document = {"subnet": {"id": subnet}, "privateIPAllocationMethod": "Dynamic"}
        if given.get("publicIPAddress"):
            properties["publicIPAddress"] = {"id": claimed(site, holder, given["publicIPAddress"], location)}
        return {"id": holder, "name": item["name"], "properties": properties}

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a gateway with connections. Raises ArmError."""
        users = site.store.users(str(resource.id))
        if users:
            raise ArmError(
                400,
                "VirtualNetworkGatewayCannotBeDeleted",
                f"Virtual network gateway {resource.id} cannot be deleted because it is in use by the connections "
                f"{', '.join(users)}.",
            )

    def view(self, site: Site, resource: Resource) -> Document:
        """The gateway, with the state of its parts."""
        document = super().view(site, resource)
        for item in document["properties"]["ipConfigurations"]:
            item["etag"] = document["etag"]
            item["properties"]["provisioningState"] = resource.state
        return document


def _is_like(site: Site, user: str, id_: ResourceId) -> bool:
    """Whether the user of a gateway's subnet is a gateway, too."""
    return same(ResourceId.parse(user).top.type, id_.type)


def _refuse_change(id_: ResourceId, current: Resource | None, name: str, value: object) -> None:
    """Raise ArmError when a PUT would change what a gateway keeps for life."""
    if current is not None and current.properties[name] != value:
        raise invalid_request("PropertyChangeNotAllowed", f"The {name} of {id_} cannot change.", name)
