"""Bodies and templates of any shape are refused in ARM's words, never by a fault of the lab's own."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from lab_azure import GROUP, REGION, ZERO, Clients, Deploy, network, rule, shipped, template
from test_lab_azure_templates import VPC

from trunkline_lab.azure.catalogue import Catalogue
from trunkline_lab.azure.deployments import Deployments
from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.links import Links
from trunkline_lab.azure.provider import Provider
from trunkline_lab.azure.resources.kind import Site
from trunkline_lab.azure.store import Group, Store
from trunkline_lab.azure.whatif import what_if
from trunkline_lab.world import PublicAddresses, World

SUB = "s"
JUNK: list[Any] = [None, True, 0, -1, "", "x", "[", "[x]", "[parameters('nobody')]", [], [None], {}, {"id": 5}, ["x"]]
SUBNET = {"name": "a", "properties": {"addressPrefix": "10.0.0.0/24", "routeTable": {"id": "x"}}}
BODIES: dict[str, dict[str, Any]] = {
    "virtualNetworks": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [SUBNET]},
    "networkSecurityGroups": {"securityRules": [{"name": "r", "properties": rule()}]},
    "routeTables": {"routes": [{"name": "r", "properties": {"addressPrefix": "10.0.0.0/8", "nextHopType": "None"}}]},
    "publicIPAddresses": {"publicIPAllocationMethod": "Static"},
    "networkInterfaces": {
        "ipConfigurations": [
            {"name": "c", "properties": {"subnet": {"id": "x"}, "privateIPAddress": "10.0.0.4"}}
        ],
        "networkSecurityGroup": {"id": "x"},
        "dnsSettings": {"dnsServers": []},
    },
    "publicIPPrefixes": {"prefixLength": 30},
    "applicationSecurityGroups": {},
    "natGateways": {"idleTimeoutInMinutes": 4, "publicIpAddresses": [], "publicIpPrefixes": []},
    "localNetworkGateways": {
        "gatewayIpAddress": "198.51.100.7",
        "localNetworkAddressSpace": {"addressPrefixes": ["10.0.0.0/8"]},
        "bgpSettings": {"asn": 65000, "bgpPeeringAddress": "10.0.0.1"},
    },
    "virtualNetworkGateways": {
        "gatewayType": "Vpn", "sku": {"name": "VpnGw1"}, "bgpSettings": {},
        "ipConfigurations": [{"name": "one", "properties": {"subnet": {"id": "x"}, "publicIPAddress": {"id": "x"}}}],
    },
    "connections": {
        "connectionType": "IPsec", "virtualNetworkGateway1": {"id": "x"}, "localNetworkGateway2": {"id": "x"},
    },
    "loadBalancers": {
        "frontendIPConfigurations": [{"name": "f", "properties": {"subnet": {"id": "x"}}}],
        "backendAddressPools": [{"name": "p", "properties": {}}],
        "probes": [{"name": "p", "properties": {"protocol": "Tcp", "port": 80}}],
        "loadBalancingRules": [{"name": "r", "properties": {"probe": {"id": "x"}, "frontendPort": 80}}],
        "inboundNatRules": [],
    },
}  # fmt: skip
OTHERS: dict[str, dict[str, Any]] = {
    "Microsoft.Compute/availabilitySets": {"properties": {"platformFaultDomainCount": 2}, "sku": {"name": "Aligned"}},
    "Microsoft.Compute/disks": {"properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}},
    "Microsoft.Compute/sshPublicKeys": {"properties": {"publicKey": "ssh-rsa AAAA"}},
    "Microsoft.ManagedIdentity/userAssignedIdentities": {"properties": {}},
    "Microsoft.Storage/storageAccounts": {
        "properties": {"accessTier": "Hot", "networkAcls": {}},
        "sku": {"name": "Standard_LRS"},
        "kind": "StorageV2",
    },
}
PEERED = {
    **BODIES["virtualNetworks"],
    "virtualNetworkPeerings": [{"name": "p", "properties": {"remoteVirtualNetwork": {"id": "x"}}}],
}


def provider() -> Provider:
    store = Store("t", (SUB,))
    store.put_group(Group(SUB, GROUP, REGION))
    return Provider(Site(store, World(PublicAddresses("127.77.3"), ZERO)), Catalogue(("cohesive", "vns3"), basic=False))


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all nodes."""
    yield path
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def with_junk(node: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    changed = copy.deepcopy(node)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = junk
    return changed


def ids() -> list[tuple[ResourceId, dict[str, Any]]]:
    found = []
    for type_, properties in [*BODIES.items(), ("virtualNetworks", PEERED)]:
        body = {"location": REGION, "tags": {"a": "b"}, "sku": {"name": "Standard"}, "properties": properties}
        found.append((ResourceId(SUB, GROUP, "Microsoft.Network", (type_,), ("x",)), body))
    machine = next(one for one in shipped("vpc")["resources"] if one["type"].startswith("Microsoft.Compute"))
    body = {name: machine[name] for name in ("location", "plan", "zones", "properties")} | {"location": REGION}
    for type_, part in OTHERS.items():
        namespace, _, kind = type_.partition("/")
        name = "account" if kind == "storageAccounts" else "x"
        found.append((ResourceId(SUB, GROUP, namespace, (kind,), (name,)), {"location": REGION, "tags": {}, **part}))
    body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {"x": {}}}
    return [*found, (ResourceId(SUB, GROUP, "Microsoft.Compute", ("virtualMachines",), ("x",)), body)]


CASES = [(id_, body, path) for id_, body in ids() for path in places(body)]


@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_no_body_breaks_a_resource(junk: Any) -> None:
    for id_, body, path in CASES:
        given_body = with_junk(body, path, copy.deepcopy(junk))
        if not isinstance(given_body, dict):
            continue
        with suppress(ArmError):
            azure = provider()
            azure.put(id_, given_body)
            azure.get(id_)
            azure.patch(id_, {"tags": {"a": "b"}})
            azure.site.store.find(id_).pending = 0  # type: ignore[union-attr]
            azure.delete(id_)


SOURCE = template(
    network(
        "routeTables",
        "[concat(parameters('name'), copyIndex())]",
        {"routes": [{"name": "r", "properties": {"addressPrefix": "10.0.0.0/8", "nextHopType": "None"}}]},
        copy={"name": "loop", "count": 2, "mode": "serial", "batchSize": 1},
        condition=True,
        tags={"a": "[variables('v')]"},
    ),
    network("networkSecurityGroups", "g", {"securityRules": []}, dependsOn=["loop"]),
    parameters={"name": {"type": "string", "defaultValue": "t", "allowedValues": ["t"], "minLength": 1}},
    variables={"v": "x", "copy": [{"name": "w", "count": 2, "input": "[copyIndex('w')]"}]},
    functions=[{"namespace": "my", "members": {"f": {"parameters": [], "output": {"type": "int", "value": 1}}}}],
    outputs={"o": {"type": "string", "value": "[parameters('name')]"}},
)


@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_no_template_breaks_a_deployment(junk: Any) -> None:
    id_ = ResourceId(SUB, GROUP, "Microsoft.Resources", ("deployments",), ("d",))
    for path in places(SOURCE):
        body = {"properties": {"mode": "Incremental", "template": with_junk(SOURCE, path, copy.deepcopy(junk))}}
        deployments = Deployments(provider(), lambda: None, Links({}))
        with suppress(ArmError):
            deployment = deployments.read(id_, body)
            what_if(deployments, deployment)
            deployments.begin(deployment)
            asyncio.run(deployments.run(deployment))


def test_what_is_read_can_be_written_back(clients: Clients, deploy: Deploy) -> None:
    deploy(shipped("vpc"), **VPC)
    net = clients.network
    for operations, name in (
        (net.virtual_networks, "acme-vnet"),
        (net.network_security_groups, "acme-router-nsg"),
        (net.route_tables, "acme-router-routes"),
        (net.public_ip_addresses, "acme-router-ip"),
        (net.network_interfaces, "acme-router-nic"),
    ):
        before = operations.get(GROUP, name)
        after = operations.begin_create_or_update(GROUP, name, before).result()
        assert after.as_dict() == before.as_dict()
    machine = clients.compute.virtual_machines.get(GROUP, "acme-router", expand="instanceView")
    again = clients.compute.virtual_machines.begin_create_or_update(GROUP, "acme-router", machine).result()
    assert again.vm_id == machine.vm_id
