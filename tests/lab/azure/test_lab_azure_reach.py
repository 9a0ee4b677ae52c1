"""Who gets in: groups of the interface and of the subnet, default rules, service tags, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lab_azure import GROUP, REGION, Clients, Deploy, network, rule, template

from trunkline_lab.azure import AzureFace

Admits = Callable[..., bool]
GROUP_ID = "[resourceId('Microsoft.Network/networkSecurityGroups', 'group')]"
GUARD_ID = "[resourceId('Microsoft.Network/networkSecurityGroups', 'guard')]"
TABLE_ID = "[resourceId('Microsoft.Network/routeTables', 'table')]"
NIC_ID = "[resourceId('Microsoft.Network/networkInterfaces', 'nic')]"
PUBLIC_ID = "[resourceId('Microsoft.Network/publicIPAddresses', 'public')]"
SUBNET_ID = "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'a')]"


def site(
    rules: list[dict[str, Any]] | None = None,
    guard: list[dict[str, Any]] | None = None,
    routes: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One router; `rules` are its interface's, `guard` its subnet's; None is no group at all."""

    def group(name: str, listed: list[dict[str, Any]] | None) -> dict[str, Any]:
        named = [{"name": f"r{at}", "properties": one} for at, one in enumerate(listed or [])]
        return network("networkSecurityGroups", name, {"securityRules": named})

    subnet: dict[str, Any] = {"addressPrefix": "10.0.0.0/24", "routeTable": {"id": TABLE_ID}}
    subnet |= {"networkSecurityGroup": {"id": GUARD_ID}} if guard is not None else {}
    nic: dict[str, Any] = {"networkSecurityGroup": {"id": GROUP_ID}} if rules is not None else {}
    address = {"subnet": {"id": SUBNET_ID}, "publicIPAddress": {"id": PUBLIC_ID}}
    plan = {"publisher": "cohesive", "product": "vns3", "name": "byol"}
    machine = {
        "type": "Microsoft.Compute/virtualMachines",
        "apiVersion": "2024-07-01",
        "name": "vm",
        "location": REGION,
        "plan": plan,
        "dependsOn": ["nic"],
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B1s"},
            "storageProfile": {
                "imageReference": {"publisher": "cohesive", "offer": "vns3", "sku": "byol", "version": "6.0.0"}
            },
            "osProfile": {"computerName": "vm", "adminUsername": "op", "adminPassword": "A-long-Passw0rd"},
            "networkProfile": {"networkInterfaces": [{"id": NIC_ID}]},
        },
    }
    listed = [{"name": f"r{at}", "properties": one} for at, one in enumerate(routes or [])]
    return template(
        group("group", rules),
        group("guard", guard),
        network("routeTables", "table", {"routes": listed}),
        network(
            "virtualNetworks",
            "net",
            {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "a", "properties": subnet}],
            },
            dependsOn=["group", "guard", "table"],
        ),
        network("publicIPAddresses", "public", {"publicIPAllocationMethod": "Static"}, sku={"name": "Standard"}),
        network(
            "networkInterfaces",
            "nic",
            {"enableIPForwarding": True, "ipConfigurations": [{"name": "c", "properties": address}], **nic},
            dependsOn=["net", "public"],
        ),
        machine,
    )


@pytest.fixture
def admits(face: AzureFace, deploy: Deploy) -> Callable[..., Admits]:
    def ready(**parts: Any) -> Admits:
        deploy(site(**parts))
        (machine,) = face.machines()
        return lambda protocol, port, source: face.admits(machine.id, protocol, port, source)

    return ready


def test_a_public_address_without_any_group_is_shut(admits: Callable[..., Admits]) -> None:
    asks = admits()
    assert not asks("tcp", 8000, "127.0.0.1")
    assert asks("tcp", 8000, "10.0.5.5")


def test_the_default_rules_let_the_network_in_and_nobody_else(admits: Callable[..., Admits]) -> None:
    asks = admits(rules=[])
    assert asks("tcp", 1, "10.0.200.1")
    assert not asks("tcp", 1, "127.0.0.1")
    assert not asks("tcp", 1, "10.9.0.1")


def test_the_lowest_priority_number_wins(admits: Callable[..., Admits]) -> None:
    wide = rule(300, source="Internet", port="*", protocol="*")
    deny = rule(200, source="127.0.0.0/30", access="Deny")
    exact = rule(100, source="127.0.0.1")
    asks = admits(rules=[wide, deny, exact])
    assert asks("tcp", 8000, "127.0.0.1")
    assert not asks("tcp", 8000, "127.0.0.2")
    assert asks("udp", 8000, "127.0.0.2")
    assert asks("tcp", 8000, "127.0.0.9")


def test_both_groups_must_agree(admits: Callable[..., Admits]) -> None:
    asks = admits(rules=[rule(100, source="*")], guard=[rule(100, source="127.0.0.1")])
    assert asks("tcp", 8000, "127.0.0.1")
    assert not asks("tcp", 8000, "127.0.0.2")


def test_ports_protocols_destinations_and_directions(admits: Callable[..., Admits]) -> None:
    asks = admits(
        rules=[
            rule(100, source="*", port="1000-1002"),
            {**rule(101, source="*"), "destinationPortRange": None, "destinationPortRanges": ["20", "30-31"]},
            rule(102, source="*", port="40", destinationAddressPrefix="10.0.0.4"),
            rule(103, source="*", port="41", destinationAddressPrefix="10.0.0.5"),
            rule(104, source="*", port="42", direction="Outbound"),
            rule(105, source="*", port="43", sourcePortRange="1-1024"),
        ]
    )
    for port, open_ in {999: 0, 1000: 1, 1002: 1, 1003: 0, 20: 1, 21: 0, 31: 1, 40: 1, 41: 0, 42: 0, 43: 0}.items():
        assert asks("tcp", port, "127.0.0.1") is bool(open_), port
    assert not asks("udp", 1000, "127.0.0.1")


def to(prefix: str, hop: str, via: str | None = None) -> dict[str, Any]:
    return {"addressPrefix": prefix, "nextHopType": hop, **({"nextHopIpAddress": via} if via else {})}


def test_the_answer_needs_a_way_back(admits: Callable[..., Admits], clients: Clients) -> None:
    asks = admits(rules=[rule(100, source="*")], routes=[to("0.0.0.0/0", "None"), to("127.0.0.1/32", "Internet")])
    assert asks("tcp", 8000, "127.0.0.1")
    assert not asks("tcp", 8000, "127.0.0.2")
    assert asks("tcp", 8000, "10.0.9.9")
    clients.network.routes.begin_delete(GROUP, "table", "r1").result()
    assert not asks("tcp", 8000, "127.0.0.1")
    clients.network.routes.begin_delete(GROUP, "table", "r0").result()
    assert asks("tcp", 8000, "127.0.0.1"), "Azure's own route leads to the internet"


def test_private_sources_come_back_through_a_forwarding_interface_only(
    admits: Callable[..., Admits], clients: Clients
) -> None:
    asks = admits(rules=[rule(100, source="*")])
    assert not asks("tcp", 8000, "192.168.1.1"), "Azure drops private ranges by itself"
    routes = clients.network.routes.begin_create_or_update
    routes(GROUP, "table", "site", {"properties": to("192.168.0.0/16", "VirtualAppliance", "10.0.0.4")}).result()
    assert asks("tcp", 8000, "192.168.1.1")
    routes(GROUP, "table", "site", {"properties": to("192.168.0.0/16", "VirtualAppliance", "10.0.0.9")}).result()
    assert not asks("tcp", 8000, "192.168.1.1")
    routes(GROUP, "table", "all", {"properties": to("0.0.0.0/0", "VirtualAppliance", "10.0.0.4")}).result()
    assert not asks("tcp", 8000, "127.0.0.1"), "an answer through another router has another sender"


def test_prefixes_routed_to_an_appliance_belong_to_the_virtual_network_tag(admits: Callable[..., Admits]) -> None:
    asks = admits(rules=[], routes=[to("192.168.0.0/16", "VirtualAppliance", "10.0.0.4")])
    assert asks("tcp", 8000, "192.168.1.1")
    assert not asks("tcp", 8000, "192.169.1.1")


def test_an_unknown_machine_admits_nobody(face: AzureFace) -> None:
    assert not face.admits("/subscriptions/x", "tcp", 8000, "127.0.0.1")
