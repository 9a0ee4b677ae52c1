"""Peerings, NAT gateways, prefixes and VPN gateways through the official SDKs.

Sources by row or test: the pages of Microsoft's documentation that are named, and, for codes that it does not list,
public reports of Azure's own answers (owner/repository#number).
"""

from __future__ import annotations

from typing import Any

import pytest
from lab_azure import GROUP, REGION, Clients
from lab_azure_kinds import get, put, ref
from test_lab_azure_resources import ROOT, group, machine, net, nic, public, refused, sub

from trunkline_lab.azure import AzureFace
from trunkline_lab.world import World

# Peerings: "Create, change, or delete a virtual network peering"


def peer(clients: Clients, one: str, other: str, name: str = "peer", **flags: Any) -> Any:
    body = {"properties": {"remoteVirtualNetwork": ref("virtualNetworks", other), **flags}}
    return clients.network.virtual_network_peerings.begin_create_or_update(GROUP, one, name, body).result()


def states(clients: Clients, *names: str) -> list[str]:
    found = clients.network.virtual_networks
    return [item.peering_state.value for name in names for item in found.get(GROUP, name).virtual_network_peerings]


@pytest.fixture
def two(clients: Clients) -> Clients:
    net(clients, sub("s", "10.0.0.0/24"), name="a")
    net(clients, sub("s", "10.1.0.0/24"), name="b", prefix="10.1.0.0/16")
    return clients


def test_a_peering_is_connected_by_both_sides(two: Clients) -> None:
    assert peer(two, "a", "b").peering_state == "Initiated"
    assert peer(two, "b", "a").peering_state == "Connected"
    assert states(two, "a", "b") == ["Connected", "Connected"]
    peerings = two.network.virtual_network_peerings
    assert peerings.get(GROUP, "a", "peer").remote_address_space.address_prefixes == ["10.1.0.0/16"]
    peerings.begin_delete(GROUP, "b", "peer").result()
    assert states(two, "a", "b") == ["Disconnected"]
    assert refused(peer, two, "b", "a")[0] == "RemotePeeringIsDisconnected"  # hashicorp/terraform#18091
    assert peer(two, "a", "b").peering_state == "Initiated"
    assert peer(two, "b", "a").peering_state == "Connected"
    assert states(two, "a", "b") == ["Connected", "Connected"]


def test_a_networks_peers_do_not_overlap_with_one_another(two: Clients) -> None:
    """Azure/ResourceModules#731."""
    net(two, sub("s", "10.0.1.0/24"), name="third")
    peer(two, "a", "b")
    peer(two, "b", "a")
    code, message = refused(peer, two, "third", "b")
    assert code == "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"
    assert "virtualNetworks/a already peered with the second virtual network" in message
    assert peer(two, "a", "b").peering_state == "Connected"


def test_a_network_that_goes_leaves_its_peers_disconnected(two: Clients) -> None:
    peer(two, "a", "b")
    peer(two, "b", "a")
    two.network.virtual_networks.begin_delete(GROUP, "b").result()
    assert states(two, "a") == ["Disconnected"]


def test_a_put_of_the_network_keeps_peerings_that_it_does_not_list(two: Clients) -> None:
    peer(two, "a", "b")
    net(two, sub("s", "10.0.0.0/24"), name="a")
    assert states(two, "a") == ["Initiated"]
    net(two, sub("s", "10.0.0.0/24"), name="a", virtualNetworkPeerings=[])
    assert states(two, "a") == []


@pytest.mark.parametrize(
    ("one", "other", "flags", "code"),
    [
        ("a", "absent", {}, "InvalidResourceReference"),
        ("a", "a", {}, "VnetCannotBePeeredWithItself"),
        ("a", "c", {}, "VnetAddressSpacesOverlap"),
        ("a", "b", {"useRemoteGateways": True}, "RemoteVnetHasNoGateways"),
        ("a", "d", {}, "AnotherPeeringAlreadyReferencesRemoteVnet"),
    ],
)
def test_peerings_that_cannot_be(two: Clients, one: str, other: str, flags: dict[str, Any], code: str) -> None:
    net(two, name="c", prefix="10.0.128.0/17")
    net(two, name="d", prefix="10.9.0.0/16")
    peer(two, "a", "d", "first")
    assert refused(lambda: peer(two, one, other, **flags))[0] == code
    assert states(two, "a") == ["Initiated"]


def test_peered_networks_reach_one_another(face: AzureFace, two: Clients) -> None:
    group(two)
    made = nic(two, f"{ROOT}/virtualNetworks/a/subnets/s", networkSecurityGroup=ref("networkSecurityGroups", "group"))
    router = machine(two, made.id).id
    assert not face.admits(router, "tcp", 22, "10.1.0.9")
    peer(two, "a", "b")
    assert not face.admits(router, "tcp", 22, "10.1.0.9")
    peer(two, "b", "a")
    assert face.admits(router, "tcp", 22, "10.1.0.9")
    peer(two, "a", "b", allowVirtualNetworkAccess=False)
    assert not face.admits(router, "tcp", 22, "10.1.0.9")


# A virtual network without `subnets`: "Azure Virtual Network now supports updates without subnet property"


@pytest.mark.parametrize(("version", "left"), [("2023-06-01", []), ("2023-09-01", ["s"]), ("2024-05-01", ["s"])])
def test_a_put_without_subnets_by_api_version(two: Clients, version: str, left: list[str]) -> None:
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    put(two, "Microsoft.Network/virtualNetworks", "a", space, version)
    assert [one.name for one in two.network.virtual_networks.get(GROUP, "a").subnets] == left


def test_prefixes_of_both_versions(clients: Clients) -> None:
    """ "IPv6 for Azure Virtual Network": a subnet has one prefix of each, and a /64 of IPv6."""
    prefixes = ["10.0.0.0/16", "fd00:1::/48"]
    dual = {"name": "s", "properties": {"addressPrefixes": ["10.0.0.0/24", "fd00:1:0:1::/64"]}}
    put(
        clients,
        "Microsoft.Network/virtualNetworks",
        "n",
        {"addressSpace": {"addressPrefixes": prefixes}, "subnets": [dual]},
    )
    (found,) = clients.network.virtual_networks.get(GROUP, "n").subnets
    assert found.address_prefixes == ["10.0.0.0/24", "fd00:1:0:1::/64"]
    dual["properties"] = {"addressPrefixes": ["10.0.0.0/24", "fd00:1:0:1::/65"]}
    body = {"addressSpace": {"addressPrefixes": prefixes}, "subnets": [dual]}
    assert refused(put, clients, "Microsoft.Network/virtualNetworks", "n", body)[0] == "NetcfgInvalidSubnet"


# NAT gateways and prefixes: "What is Azure NAT Gateway?", "Public IP address prefix"


def test_a_nat_gateway_with_its_addresses_and_subnets(clients: Clients, world: World) -> None:
    public(clients)
    prefix = {"prefixLength": 30}
    made = put(clients, "Microsoft.Network/publicIPPrefixes", "prefix", prefix, sku={"name": "Standard"})
    assert made.properties["ipPrefix"].endswith("/30")
    nat = {
        "publicIpAddresses": [ref("publicIPAddresses", "public")],
        "publicIpPrefixes": [ref("publicIPPrefixes", "prefix")],
    }
    put(clients, "Microsoft.Network/natGateways", "nat", nat, sku={"name": "Standard"})
    net(clients, sub("s", "10.0.0.0/24", natGateway=ref("natGateways", "nat")))
    found = clients.network.nat_gateways.get(GROUP, "nat")
    assert [one.id for one in found.subnets] == [f"{ROOT}/virtualNetworks/net/subnets/s"]
    assert clients.network.subnets.get(GROUP, "net", "s").nat_gateway.id == found.id
    assert clients.network.public_ip_addresses.get(GROUP, "public").nat_gateway.id == found.id
    # kube-egress-gateway#1223 tells the prefix's code; stackshy/cloudemu#967 the gateway's
    assert refused(clients.network.nat_gateways.begin_delete, GROUP, "nat")[0] == "InUseNatGatewayCannotBeDeleted"
    assert (
        refused(clients.network.public_ip_prefixes.begin_delete, GROUP, "prefix")[0]
        == "InUsePublicIpPrefixCannotBeDeleted"
    )
    assert (
        refused(clients.network.public_ip_addresses.begin_delete, GROUP, "public")[0]
        == "PublicIPAddressCannotBeDeleted"
    )
    clients.resources.resource_groups.begin_delete(GROUP).result()
    assert len({world.addresses.take() for _ in range(249)}) == 249


def test_addresses_out_of_a_prefix(clients: Clients) -> None:
    put(clients, "Microsoft.Network/publicIPPrefixes", "prefix", {"prefixLength": 31}, sku={"name": "Standard"})
    body = {"publicIPAllocationMethod": "Static", "publicIPPrefix": ref("publicIPPrefixes", "prefix")}
    kind, sku = "Microsoft.Network/publicIPAddresses", {"name": "Standard"}
    found = [put(clients, kind, name, body, sku=sku).properties["ipAddress"] for name in ("one", "two")]
    prefix = clients.network.public_ip_prefixes.get(GROUP, "prefix")
    assert prefix.ip_prefix == f"{found[0]}/31"
    assert [one.id.rpartition("/")[2] for one in prefix.public_ip_addresses] == ["one", "two"]
    assert refused(lambda: put(clients, kind, "three", body, sku=sku))[0] == "PublicIpPrefixOutOfIpAddresses"


# Gateways: "About VPN Gateway configuration settings"


def vpn(
    clients: Clients, name: str = "gateway", subnet: str = "GatewaySubnet", address: str = "public", **more: Any
) -> Any:
    configuration = {
        "subnet": ref("virtualNetworks/net/subnets", subnet),
        "publicIPAddress": ref("publicIPAddresses", address),
    }
    properties = {
        "gatewayType": "Vpn",
        "vpnType": "RouteBased",
        "sku": {"name": "VpnGw1", "tier": "VpnGw1"},
        "ipConfigurations": [{"name": "one", "properties": configuration}],
        **more,
    }
    return put(clients, "Microsoft.Network/virtualNetworkGateways", name, properties)


@pytest.fixture
def gateway(clients: Clients) -> Clients:
    net(clients, sub("GatewaySubnet", "10.0.0.0/27"), sub("other", "10.0.1.0/24"))
    public(clients)
    return clients


def test_a_gateway_its_connection_and_the_other_side(gateway: Clients) -> None:
    vpn(gateway)
    side = {"gatewayIpAddress": "198.51.100.7", "localNetworkAddressSpace": {"addressPrefixes": ["192.168.0.0/16"]}}
    put(gateway, "Microsoft.Network/localNetworkGateways", "side", side)
    wanted = {
        "connectionType": "IPsec",
        "virtualNetworkGateway1": ref("virtualNetworkGateways", "gateway"),
        "localNetworkGateway2": ref("localNetworkGateways", "side"),
        "sharedKey": "hunter2",
    }
    made = put(gateway, "Microsoft.Network/connections", "link", wanted)
    assert "hunter2" not in str(made.as_dict())
    assert get(gateway, "Microsoft.Network/connections", "link").properties["connectionStatus"] == "NotConnected"
    network = gateway.network
    assert (
        refused(network.virtual_network_gateways.begin_delete, GROUP, "gateway")[0]
        == "VirtualNetworkGatewayCannotBeDeleted"
    )
    assert refused(network.local_network_gateways.begin_delete, GROUP, "side")[0] == "LocalNetworkGatewayInUse"
    # microsoft/nav-arm-templates#161
    assert refused(network.subnets.begin_delete, GROUP, "net", "GatewaySubnet")[0] == "InUseSubnetCannotBeDeleted"
    network.virtual_network_gateway_connections.begin_delete(GROUP, "link").result()
    network.virtual_network_gateways.begin_delete(GROUP, "gateway").result()
    network.local_network_gateways.begin_delete(GROUP, "side").result()
    network.subnets.begin_delete(GROUP, "net", "GatewaySubnet").result()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"subnet": "other"}, "InvalidGatewaySubnet"),
        ({"address": "absent"}, "InvalidResourceReference"),
        ({"gatewayType": "Teleport"}, "InvalidParameter"),
        ({"sku": {"name": "Huge"}}, "InvalidParameter"),
        # Azure/azure-cli#25124
        ({"activeActive": True}, "ActiveActiveGatewayMustHaveExactlyTwoIpConfigurations"),
        # Azure/azure-cli#1238 (the words)
        ({"ipConfigurations": [{"name": "one", "properties": {}}]}, "SubnetIsRequired"),
        ({"ipConfigurations": []}, "VirtualNetworkGatewayNoIpConfigurations"),
        ({"natRules": [{"name": "x"}]}, "FeatureNotSupported"),
    ],
)
def test_gateways_that_cannot_be(gateway: Clients, more: dict[str, Any], code: str) -> None:
    assert refused(lambda: vpn(gateway, **more))[0] == code


@pytest.mark.parametrize(
    ("type_", "properties", "code"),
    [
        ("localNetworkGateways", {}, "LocalNetworkGatewayInvalidRemoteEndpoint"),
        ("localNetworkGateways", {"gatewayIpAddress": "x"}, "InvalidIPAddressFormat"),
        (
            "localNetworkGateways",
            {"fqdn": "a.example", "gatewayIpAddress": "198.51.100.7"},
            "LocalNetworkGatewayInvalidRemoteEndpoint",
        ),
        (
            "localNetworkGateways",
            {"gatewayIpAddress": "198.51.100.7", "localNetworkAddressSpace": {"addressPrefixes": ["10.0.0.1/8"]}},
            "InvalidCIDRNotation",
        ),
        ("localNetworkGateways", {"gatewayIpAddress": "198.51.100.7", "bgpSettings": {"asn": 0}}, "InvalidBgpAsn"),
        ("connections", {"connectionType": "IPsec"}, "MissingParameter"),
        ("connections", {"connectionType": "ExpressRoute"}, "FeatureNotSupported"),
        ("connections", {"connectionType": "String"}, "InvalidParameter"),
        ("natGateways", {}, "NatGatewaySkuNotSupported"),
        ("publicIPPrefixes", {"prefixLength": 30}, "PublicIpPrefixSkuNotSupported"),
        ("loadBalancers", {}, "BasicSkuLoadBalancerNotAllowed"),
        ("publicIPAddresses", {"publicIPAllocationMethod": "Dynamic"}, "IPv4BasicSkuPublicIpCountLimitReached"),
    ],
)
def test_bodies_that_are_refused(clients: Clients, type_: str, properties: dict[str, Any], code: str) -> None:
    assert refused(put, clients, f"Microsoft.Network/{type_}", "one", properties)[0] == code


# Interfaces: Azure/azure-sdk-for-java#1865 (the words of the first), Azure/azure-cli#1238 (those of the second)


@pytest.mark.parametrize(
    ("second", "code"),
    [("b", "IpConfigurationsOnSameNicCannotUseDifferentSubnets"), (None, "SubnetIsRequired")],
)
def test_an_interface_is_in_one_subnet(clients: Clients, second: str | None, code: str) -> None:
    net(clients, sub("a", "10.0.0.0/24"), sub("b", "10.0.1.0/24"))

    def configuration(name: str, subnet: str | None) -> dict[str, Any]:
        held = {"subnet": {"id": f"{ROOT}/virtualNetworks/net/subnets/{subnet}"}} if subnet else {}
        return {"name": name, "properties": held}

    make = clients.network.network_interfaces.begin_create_or_update
    body = {"location": REGION, "properties": {"ipConfigurations": [configuration("1", "a"), configuration("2", "a")]}}
    assert len(make(GROUP, "nic", body).result().ip_configurations) == 2
    body["properties"] = {"ipConfigurations": [configuration("1", "a"), configuration("2", second)]}
    assert refused(make, GROUP, "nic", body)[0] == code


def test_the_gateways_subnet_takes_no_security_group_and_no_interface(clients: Clients) -> None:
    """Azure-Terraform/terraform-azurerm-virtual-network#18 and Azure/azure-rest-api-specs#11861."""
    made = group(clients, "group")
    held = {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": made.id}}
    subnet = net(clients, sub("GatewaySubnet", "10.0.1.0/24")).subnets[0].id
    put = clients.network.subnets.begin_create_or_update
    code, _ = refused(put, GROUP, "net", "GatewaySubnet", {"properties": held})
    assert code == "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet"
    code, message = refused(lambda: nic(clients, subnet, "x"))
    assert (code, "only for the Gateway resource" in message) == ("GatewaySubnet", True)
