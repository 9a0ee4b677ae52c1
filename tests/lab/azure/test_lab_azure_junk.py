"""Bodies that would be taken, spoilt at each of their places: refused in ARM's words, or taken and told again."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from lab_azure import GROUP, REGION
from test_lab_azure_shapes import JUNK, SUB, places, provider, with_junk

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.provider import Provider

ROOT = f"/subscriptions/{SUB}/resourceGroups/{GROUP}/providers"


def at(path: str) -> dict[str, str]:
    return {"id": f"{ROOT}/Microsoft.Network/{path}"}


def part(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "properties": properties}


STANDARD = {"sku": {"name": "Standard"}}
BASE: dict[str, dict[str, Any]] = {
    "Microsoft.Network/applicationSecurityGroups/asg": {},
    "Microsoft.Network/networkSecurityGroups/nsg": {"properties": {}},
    "Microsoft.Network/publicIPAddresses/pip": {"properties": {"publicIPAllocationMethod": "Static"}, **STANDARD},
    "Microsoft.Network/virtualNetworks/far": {"properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}},
    "Microsoft.Network/virtualNetworks/base": {
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [part("s", addressPrefix="10.0.0.0/24"), part("GatewaySubnet", addressPrefix="10.0.1.0/27")],
        }
    },
    "Microsoft.Network/networkInterfaces/nic": {
        "properties": {"ipConfigurations": [part("one", subnet=at("virtualNetworks/base/subnets/s"))]}
    },
    "Microsoft.Compute/availabilitySets/set": {"sku": {"name": "Aligned"}},
    "Microsoft.ManagedIdentity/userAssignedIdentities/who": {},
}
LB = "loadBalancers/lb"
BODIES: dict[str, dict[str, Any]] = {
    "Microsoft.Network/virtualNetworks/near": {
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16", "fd00::/48"]},
            "subnets": [
                part(
                    "a",
                    addressPrefixes=["10.1.0.0/24", "fd00::/64"],
                    networkSecurityGroup=at("networkSecurityGroups/nsg"),
                )
            ],
            "virtualNetworkPeerings": [part("p", remoteVirtualNetwork=at("virtualNetworks/far"))],
        }
    },
    "Microsoft.Network/networkInterfaces/new": {
        "properties": {
            "ipConfigurations": [
                part(
                    "one",
                    subnet=at("virtualNetworks/base/subnets/s"),
                    privateIPAllocationMethod="Static",
                    privateIPAddress="10.0.0.9",
                    publicIPAddress=at("publicIPAddresses/pip"),
                    applicationSecurityGroups=[at("applicationSecurityGroups/asg")],
                )
            ]
        }
    },
    "Microsoft.Network/loadBalancers/lb": {
        "properties": {
            "frontendIPConfigurations": [part("f", publicIPAddress=at("publicIPAddresses/pip"))],
            "backendAddressPools": [part("p")],
            "probes": [part("p", protocol="Tcp", port=80)],
            "loadBalancingRules": [
                part(
                    "r",
                    frontendIPConfiguration=at(f"{LB}/frontendIPConfigurations/f"),
                    backendAddressPool=at(f"{LB}/backendAddressPools/p"),
                    probe=at(f"{LB}/probes/p"),
                    protocol="Tcp",
                    frontendPort=80,
                    backendPort=80,
                )
            ],
            "outboundRules": [
                part(
                    "o",
                    frontendIPConfigurations=[at(f"{LB}/frontendIPConfigurations/f")],
                    backendAddressPool=at(f"{LB}/backendAddressPools/p"),
                    protocol="All",
                )
            ],
        },
        **STANDARD,
    },
    "Microsoft.Network/natGateways/nat": {
        "properties": {"publicIpAddresses": [at("publicIPAddresses/pip")]},
        **STANDARD,
    },
    "Microsoft.Network/virtualNetworkGateways/gw": {
        "properties": {
            "gatewayType": "Vpn",
            "sku": {"name": "VpnGw1"},
            "bgpSettings": {"asn": 65010},
            "ipConfigurations": [
                part(
                    "one",
                    subnet=at("virtualNetworks/base/subnets/GatewaySubnet"),
                    publicIPAddress=at("publicIPAddresses/pip"),
                )
            ],
        }
    },
    "Microsoft.Network/networkSecurityGroups/rules": {
        "properties": {
            "securityRules": [
                part(
                    "r",
                    priority=100,
                    direction="Inbound",
                    access="Allow",
                    protocol="*",
                    sourcePortRange="*",
                    destinationPortRanges=["1-2"],
                    sourceAddressPrefixes=["10.0.0.0/8"],
                    destinationApplicationSecurityGroups=[at("applicationSecurityGroups/asg")],
                )
            ]
        }
    },
    "Microsoft.Compute/virtualMachines/vm": {
        "identity": {
            "type": "UserAssigned",
            "userAssignedIdentities": {f"{ROOT}/Microsoft.ManagedIdentity/userAssignedIdentities/who": {}},
        },
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_B1s"},
            "availabilitySet": {"id": f"{ROOT}/Microsoft.Compute/availabilitySets/set"},
            "storageProfile": {
                "imageReference": {
                    "publisher": "Canonical",
                    "offer": "ubuntu-24_04-lts",
                    "sku": "server",
                    "version": "latest",
                },
                "osDisk": {"createOption": "FromImage", "managedDisk": {"storageAccountType": "Standard_LRS"}},
                "dataDisks": [{"lun": 0, "createOption": "Empty", "diskSizeGB": 4}],
            },
            "osProfile": {
                "computerName": "vm",
                "adminUsername": "me",
                "adminPassword": "A-long-Passw0rd",
                "linuxConfiguration": {"ssh": {"publicKeys": []}},
            },
            "networkProfile": {
                "networkInterfaces": [{"id": at("networkInterfaces/nic")["id"], "properties": {"primary": True}}]
            },
        },
    },
}


def based() -> Provider:
    azure = provider()
    for path, body in BASE.items():
        made = azure.put(ResourceId.parse(f"{ROOT}/{path}"), {"location": REGION, **copy.deepcopy(body)})
        made.resource.pending = 0
    return azure


@pytest.mark.parametrize("path", BODIES)
def test_the_bodies_are_taken_as_they_are(path: str) -> None:
    id_ = ResourceId.parse(f"{ROOT}/{path}")
    azure = based()
    azure.put(id_, {"location": REGION, **BODIES[path]})
    assert azure.get(id_)["name"] == id_.name


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.long
def test_no_spoilt_body_breaks_a_resource(path: str) -> None:
    id_, body = ResourceId.parse(f"{ROOT}/{path}"), {"location": REGION, **BODIES[path]}
    for junk in JUNK:
        for place in places(body):
            given = with_junk(body, place, copy.deepcopy(junk))
            if not isinstance(given, dict):
                continue
            azure = based()
            with suppress(ArmError):
                change = azure.put(id_, given)
                azure.get(id_)
                for type_ in {one.rpartition("/")[0] for one in BASE}:
                    azure.all_of(type_, SUB, GROUP)
                change.resource.pending = 0
                azure.patch(id_, {"tags": {"a": "b"}})
                change.resource.pending = 0
                azure.delete(id_)
