"""What templates take for given: made before they are tried, or once they turn out to need it."""

from __future__ import annotations

import re
from typing import Any

from lab_azure import REGION, Clients

GROUP, NETWORK = "tried", "given-vnet"
SPACES: Any = {"addressSpace": {"addressPrefixes": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}}
ADDRESS: Any = {
    "location": REGION,
    "sku": {"name": "Standard"},
    "properties": {"publicIPAllocationMethod": "Static"},
}
SET: Any = {"sku": {"name": "Aligned"}, "properties": {"platformFaultDomainCount": 2}}
# What the lab says of what must be there already.
MISSING = re.compile(
    r"(/subscriptions/[^ ]+/resourceGroups/[^ ]+/(?:Microsoft.Compute/availabilitySets|Microsoft.Network/"
    r"(?:virtualNetworks|networkSecurityGroups|publicIPAddresses|virtualNetworkGateways|localNetworkGateways))/[^ ]+)"
    r" referenced by",
    re.I,
)


def missing_in(reason: str) -> str | None:
    """The id of what an error says is not there, if `provide` can make it."""
    found = MISSING.search(reason)
    return found[1] if found else None


def furnish(clients: Clients) -> None:
    """What templates for an existing network ask for."""
    clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
    net, where = clients.network, {"location": REGION}
    net.network_security_groups.begin_create_or_update(GROUP, "given-nsg", where).result()  # type: ignore[call-overload]
    body: Any = {
        **where,
        "properties": {
            **SPACES,
            "subnets": [
                {"name": name, "properties": {"addressPrefix": f"10.250.{n}.0/24"}}
                for n, name in enumerate(("one", "two", "three", "four", "default"))
            ],
        },
    }
    net.virtual_networks.begin_create_or_update(GROUP, NETWORK, body).result()
    net.public_ip_addresses.begin_create_or_update(GROUP, "given-ip", ADDRESS).result()


def provide(clients: Clients, id_: str, prefix: str, location: str, sku: str) -> None:
    """Make the network (with a subnet), security group, address, gateway or set that has an id.

    Parameters:
        prefix: The network's or subnet's.
        sku: The address's.
    """
    _, _, _, _, group, _, _, kind, name, *rest = id_.split("/")
    net, where, listed = clients.network, {"location": location}, kind.lower()
    if not clients.resources.resource_groups.check_existence(group):
        clients.resources.resource_groups.create_or_update(group, {"location": REGION})
    if listed == "networksecuritygroups":
        net.network_security_groups.begin_create_or_update(group, name, where).result()  # type: ignore[call-overload]
    elif listed == "publicipaddresses":
        net.public_ip_addresses.begin_create_or_update(group, name, ADDRESS | where | {"sku": {"name": sku}}).result()
    elif listed == "availabilitysets":
        clients.compute.availability_sets.create_or_update(group, name, SET | where)
    elif listed == "virtualnetworkgateways":
        gateway(clients, group, name, prefix, location)
    elif listed == "localnetworkgateways":
        side: Any = {"gatewayIpAddress": "192.0.2.1", "localNetworkAddressSpace": {"addressPrefixes": [prefix]}}
        net.local_network_gateways.begin_create_or_update(group, name, where | {"properties": side}).result()
    elif name.lower() not in {str(one.name).lower() for one in net.virtual_networks.list(group)}:
        space = SPACES if rest else {"addressSpace": {"addressPrefixes": [prefix]}}
        net.virtual_networks.begin_create_or_update(group, name, {**where, "properties": space}).result()
    if rest:
        subnet: Any = {"properties": {"addressPrefix": prefix}}
        net.subnets.begin_create_or_update(group, name, rest[1], subnet).result()


def gateway(clients: Clients, group: str, name: str, prefix: str, location: str) -> None:
    """Make a gateway, in a network of its own."""
    net, where = clients.network, {"location": location}
    subnet = {"name": "GatewaySubnet", "properties": {"addressPrefix": prefix}}
    body: Any = {**where, "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": [subnet]}}
    made: Any = net.virtual_networks.begin_create_or_update(group, f"{name}-net", body).result()
    address: Any = net.public_ip_addresses.begin_create_or_update(group, f"{name}-ip", ADDRESS | where).result()
    part = {"subnet": {"id": made.subnets[0].id}, "publicIPAddress": {"id": address.id}}
    kind = {"gatewayType": "Vpn", "vpnType": "RouteBased", "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"}}
    parts = {"ipConfigurations": [{"name": "one", "properties": part}]}
    whole: Any = {**where, "properties": kind | parts}
    net.virtual_network_gateways.begin_create_or_update(group, name, whole).result()
