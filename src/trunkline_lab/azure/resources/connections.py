"""Microsoft.Network/connections: VPN connections between gateways, as records that carry no packets."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.kind import Kind, Site, linked, names, one_of, refuse_parts
from trunkline_lab.azure.store import Document, Resource

_TYPES = ("IPsec", "Vnet2Vnet", "ExpressRoute", "VPNClient")
_ENDS = {
    "virtualNetworkGateway1": "Microsoft.Network/virtualNetworkGateways",
    "virtualNetworkGateway2": "Microsoft.Network/virtualNetworkGateways",
    "localNetworkGateway2": "Microsoft.Network/localNetworkGateways",
}
# Which ends each type of connection has.
_NEEDED = {
    "IPsec": ("virtualNetworkGateway1", "localNetworkGateway2"),
    "Vnet2Vnet": ("virtualNetworkGateway1", "virtualNetworkGateway2"),
}


class Connections(Kind):
    """Connections. A shared key is kept and never told, but by the connection's own action."""

    type: ClassVar[str] = "Microsoft.Network/connections"
    known: ClassVar[frozenset[str]] = names("""
    authorizationKey virtualNetworkGateway1 virtualNetworkGateway2 localNetworkGateway2 connectionType
    connectionProtocol connectionMode routingWeight dpdTimeoutSeconds sharedKey enableBgp usePolicyBasedTrafficSelectors
    ipsecPolicies trafficSelectorPolicies expressRouteGatewayBypass useLocalAzureIpAddress gatewayCustomBgpIpAddresses
    connectionStatus tunnelConnectionStatus egressBytesTransferred ingressBytesTransferred peer ingressNatRules
    egressNatRules enablePrivateLinkFastPath authenticationType certificateAuthentication tunnelProperties
    """)

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        kind = one_of(given.get("connectionType"), _TYPES, "connectionType", id_)
        if kind not in _NEEDED:
            raise invalid_request(
                "FeatureNotSupported", f"{id_}: the lab's Azure has no {kind} connections.", "connectionType"
            )
        refuse_parts(id_, given, ("ingressNatRules", "egressNatRules", "certificateAuthentication", "peer"))
        for name in _NEEDED[kind]:
            if not isinstance(given.get(name), dict):
                raise invalid_request("MissingParameter", f"{id_} of the type {kind} needs {name}.", name)

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body["properties"]
        kind = one_of(given["connectionType"], _TYPES, "connectionType", id_)
        if current is not None and current.properties["connectionType"] != kind:
            raise invalid_request("PropertyChangeNotAllowed", f"The connectionType of {id_} cannot change.", str(id_))
        properties: Document = {}
        for name in _NEEDED[kind]:
            # Both gateways of a connection between networks may be in regions of their own.
            place = body["location"] if name == "virtualNetworkGateway1" else None
            properties[name] = {"id": linked(site, str(id_), given[name], _ENDS[name], place)}
        properties |= {
            "connectionType": kind,
            "connectionProtocol": one_of(given.get("connectionProtocol"), ("IKEv2", "IKEv1"), "protocol", id_, "IKEv2"),
            "connectionMode": given.get("connectionMode", "Default"),
            "routingWeight": given.get("routingWeight", 0),
            "enableBgp": bool(given.get("enableBgp", False)),
            "usePolicyBasedTrafficSelectors": bool(given.get("usePolicyBasedTrafficSelectors", False)),
            "ipsecPolicies": given.get("ipsecPolicies") or [],
            "trafficSelectorPolicies": given.get("trafficSelectorPolicies") or [],
            "dpdTimeoutSeconds": given.get("dpdTimeoutSeconds", 0),
        }
        key = given.get("sharedKey") or (current.properties.get("sharedKey") if current else None)
        return {**properties, **({"sharedKey": key} if key else {})}

    def listed(self, site: Site, resource: Resource, action: str) -> Document:
        """No list action: a shared key is not told to templates. Raises ArmError."""
        raise ArmError(400, "FeatureNotSupported", f"The action '{action}' of {self.type} is not in the lab.")

    def view(self, site: Site, resource: Resource) -> Document:
        """The connection without its key; the lab's gateways never connect."""
        document = super().view(site, resource)
        document["properties"].pop("sharedKey", None)
        document["properties"] |= {
            "connectionStatus": "NotConnected",
            "ingressBytesTransferred": 0,
            "egressBytesTransferred": 0,
        }
        return document
