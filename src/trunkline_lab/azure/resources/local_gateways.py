"""Microsoft.Network/localNetworkGateways: the other side of a VPN, and the networks behind it."""

from __future__ import annotations

from typing import ClassVar

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.resources.addresses import address, any_address, any_prefix
from trunkline_lab.azure.resources.kind import Kind, Site, names, refuse_used
from trunkline_lab.azure.store import Document, Resource


class LocalGateways(Kind):
    """Local network gateways."""

    type: ClassVar[str] = "Microsoft.Network/localNetworkGateways"
    known: ClassVar[frozenset[str]] = names("gatewayIpAddress fqdn localNetworkAddressSpace bgpSettings")

    def check(self, id_: ResourceId, body: Document) -> None:
        """Refuse a body by its form alone. Raises ArmError."""
        super().check(id_, body)
        given = body.get("properties") or {}
        if bool(given.get("gatewayIpAddress")) == bool(given.get("fqdn")):
            raise invalid_request(
                "LocalNetworkGatewayInvalidRemoteEndpoint",
                f"Local network gateway {id_} has a gatewayIpAddress or an fqdn, one of them.",
                str(id_),
            )
        if given.get("gatewayIpAddress"):
            address(given["gatewayIpAddress"], str(id_))
        for text in (given.get("localNetworkAddressSpace") or {}).get("addressPrefixes") or ():
            any_prefix(text, str(id_))
        bgp = given.get("bgpSettings") or {}
        if bgp:
            _check_bgp(bgp, id_)

    def properties(self, site: Site, id_: ResourceId, body: Document, current: Resource | None) -> Document:
        """The document's properties. Raises ArmError."""
        given = body["properties"]
        listed = (given.get("localNetworkAddressSpace") or {}).get("addressPrefixes") or []
        kept = {name: given[name] for name in ("gatewayIpAddress", "fqdn") if given.get(name)}
        properties: Document = {**kept, "localNetworkAddressSpace": {"addressPrefixes": list(listed)}}
        if given.get("bgpSettings"):
            properties["bgpSettings"] = {"peerWeight": 0, **given["bgpSettings"]}
        return properties

    def check_delete(self, site: Site, resource: Resource) -> None:
        """Refuse to delete a gateway that a connection uses. Raises ArmError."""
        refuse_used(
            site,
            resource,
            "LocalNetworkGatewayInUse",
            "Local network gateway {id} cannot be deleted because it is in use by the connections {users}.",
        )


def _check_bgp(bgp: Document, holder: ResourceId) -> None:
    """Refuse BGP settings without a number or an address. Raises ArmError."""
    number = bgp.get("asn")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 4294967295:
        words = f"The BGP settings of {holder} have the asn {number}."
        if number == 0:
            words = f"The local network gateway {holder} cannot have an ASN of zero"
        raise invalid_request("InvalidBgpAsn", words, "asn")
    if bgp.get("bgpPeeringAddress"):
        any_address(bgp["bgpPeeringAddress"], str(holder))
