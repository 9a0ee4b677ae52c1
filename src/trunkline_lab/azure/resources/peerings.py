"""Peerings of virtual networks: one on each side, Connected when both are there.

The states follow https://learn.microsoft.com/azure/virtual-network/virtual-network-manage-peering: the first side is
Initiated, both are Connected once there is a second, and the one that is left is Disconnected for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline_lab.azure.errors import invalid_request
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.resources.addresses import any_prefix
from trunkline_lab.azure.resources.kind import Site, linked, names
from trunkline_lab.azure.store import Document, Resource

NETWORKS = "Microsoft.Network/virtualNetworks"
KNOWN = names("""
    allowVirtualNetworkAccess allowForwardedTraffic allowGatewayTransit useRemoteGateways remoteVirtualNetwork
    localAddressSpace localVirtualNetworkAddressSpace remoteAddressSpace remoteVirtualNetworkAddressSpace
    remoteBgpCommunities remoteVirtualNetworkEncryption peeringState peeringSyncLevel doNotVerifyRemoteGateways
    peerCompleteVnets enableOnlyIPv6Peering localSubnetNames remoteSubnetNames
    """)
_FLAGS = {
    "allowVirtualNetworkAccess": True,
    "allowForwardedTraffic": False,
    "allowGatewayTransit": False,
    "useRemoteGateways": False,
}


def fill(site: Site, id_: ResourceId, item: Document, spaces: list[str], old: Document | None) -> Document:
    """One peering as it is stored.

    Parameters:
        site: The store.
        id_: The network that it belongs to.
        item: The peering as asked for, with its id.
        spaces: The network's address prefixes.
        old: The peering as it was.

    Raises:
        ArmError: When the other network is not there, overlaps, or its own peering is Disconnected.
    """
    given, holder = item["properties"], item["id"]
    remote = linked(site, holder, given.get("remoteVirtualNetwork"), NETWORKS, None)
    if same(remote, str(id_)):
        raise invalid_request("VnetCannotBePeeredWithItself", f"Virtual network {id_} cannot peer itself.", holder)
    other = site.store.find(remote)
    back = _back(other, id_) if other is not None else None
    if other is not None:
        _refuse_overlap(id_, holder, other, spaces)
        _refuse_third(site, id_, holder, other, spaces)
        if given.get("useRemoteGateways") and not _has_gateway(site, other):
            raise invalid_request(
                "RemoteVnetHasNoGateways",
                f"Peering {holder} cannot have UseRemoteGateway flag set to true because remote virtual network "
                f"{remote} referenced by the peering does not have any gateways.",
                holder,
            )
    if back is not None and back["properties"]["peeringState"] == "Disconnected":
        raise invalid_request(
            "RemotePeeringIsDisconnected",
            f"Cannot create or update peering {holder} because remote peering {back['id']} referencing parent virtual "
            f"network {id_} is in Disconnected state. Update or re-create the remote peering to get it back to "
            "Initiated state. Peering gets Disconnected when remote vnet or remote peering is deleted and re-created.",
            holder,
        )
    # Saying it again mends a peering whose other side is gone: it waits for a new one.
    state = "Connected" if back is not None else "Initiated"
    if old is not None and not same(old["properties"]["remoteVirtualNetwork"]["id"], remote):
        raise invalid_request(
            "ChangingRemoteVirtualNetworkNotAllowed", f"The remote network of {holder} cannot change.", holder
        )
    flags = {name: bool(given.get(name, usual)) for name, usual in _FLAGS.items()}
    return {**item, "properties": {"remoteVirtualNetwork": {"id": remote}, **flags, "peeringState": state}}


def refuse_twice(peerings: list[Document]) -> None:
    """Raise ArmError when two of a network's peerings have one remote network."""
    seen: dict[str, str] = {}
    for item in peerings:
        remote = item["properties"]["remoteVirtualNetwork"]["id"]
        first = seen.setdefault(remote.lower(), item["id"])
        if first != item["id"]:
            raise invalid_request(
                "AnotherPeeringAlreadyReferencesRemoteVnet",
                f"Peering {item['id']} cannot reference remote virtual network {remote} because existing peering "
                f"{first} already references the same remote virtual network.",
                item["id"],
            )


def _back(other: Resource, id_: ResourceId) -> Document | None:
    """The other network's peering that leads back."""
    for item in other.properties.get("virtualNetworkPeerings", ()):
        if same(item["properties"]["remoteVirtualNetwork"]["id"], str(id_)):
            found: Document = item
            return found
    return None


def _refuse_overlap(id_: ResourceId, holder: str, other: Resource, spaces: list[str]) -> None:
    clash = _clash(holder, other, spaces)
    if clash:
        raise invalid_request(
            "VnetAddressSpacesOverlap",
            f"Cannot create or update peering {holder}. Virtual networks {id_} and {other.id} cannot be peered because "
            f"their address spaces overlap. Overlapping address prefixes: {', '.join(clash)}.",
            holder,
        )


def _refuse_third(site: Site, id_: ResourceId, holder: str, other: Resource, spaces: list[str]) -> None:
    """Refuse what would give one network two peers with the same addresses (Azure/ResourceModules#731)."""
    for item in other.properties.get("virtualNetworkPeerings", ()):
        third = site.store.find(item["properties"]["remoteVirtualNetwork"]["id"])
        clash = _clash(holder, third, spaces) if third is not None and not same(str(third.id), str(id_)) else []
        if clash:
            raise invalid_request(
                "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                f"Cannot create or update peering {holder}. Virtual networks {id_} and {other.id} cannot be peered "
                f"because address space of the first virtual network overlaps with address space of virtual network "
                f"{third.id if third else ''} already peered with the second virtual network. "
                f"Overlapping address prefixes: {', '.join(clash)}. For more information please refer to "
                "https://aka.ms/VnetPeeringInfo",
                holder,
            )


def _clash(holder: str, other: Resource, spaces: list[str]) -> list[str]:
    """Those of the prefixes that overlap with a network's."""
    mine = [any_prefix(text, holder) for text in spaces]
    theirs = [any_prefix(text, holder) for text in other.properties["addressSpace"]["addressPrefixes"]]
    return [str(one) for one in mine if any(one.version == two.version and one.overlaps(two) for two in theirs)]


def _has_gateway(site: Site, network: Resource) -> bool:
    subnets = [subnet["id"] for subnet in network.properties["subnets"] if same(subnet["name"], "GatewaySubnet")]
    return any(site.store.users(subnet) for subnet in subnets)


def align(site: Site) -> None:
    """Bring both sides of all peerings to one state, after a network was changed or deleted."""
    for network in site.store.resources(type_=NETWORKS):
        for item in network.properties.get("virtualNetworkPeerings", ()):
            properties = item["properties"]
            other = site.store.find(properties["remoteVirtualNetwork"]["id"])
            back = _back(other, network.id) if other is not None and other.state != "Deleting" else None
            if back is None and properties["peeringState"] == "Connected":
                properties["peeringState"] = "Disconnected"
            elif back is not None and properties["peeringState"] == "Initiated":
                properties["peeringState"] = "Connected"


def peered(site: Site, network: Resource) -> Iterator[Resource]:
    """The networks that a network's packets reach over its connected peerings."""
    for item in network.properties.get("virtualNetworkPeerings", ()):
        properties = item["properties"]
        other = site.store.find(properties["remoteVirtualNetwork"]["id"])
        if other is not None and properties["peeringState"] == "Connected" and properties["allowVirtualNetworkAccess"]:
            yield other
