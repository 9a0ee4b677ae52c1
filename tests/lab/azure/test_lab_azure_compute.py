"""Machines with what they stand on, storage accounts, and how bodies are read, through the official SDKs.

Sources by row or test: the pages of Microsoft's documentation that are named, and, for codes that it does not list,
public reports of Azure's own answers (owner/repository#number).
"""

from __future__ import annotations

from typing import Any

import pytest
from lab_azure import GROUP, REGION, Clients, Deploy, network, template
from lab_azure_kinds import BASE, KEY, put
from test_lab_azure_resources import ROOT, net, nic, refused, sub

# Compute: "Virtual Machines REST API", "Availability Sets", "Disks"


def compute(clients: Clients, type_: str, name: str, properties: Any = None, **more: Any) -> Any:
    return put(
        clients,
        f"Microsoft.Compute/{type_}",
        name,
        properties,
        "2024-03-02" if type_ == "disks" else "2024-07-01",
        **more,
    )


def test_machines_in_a_set_with_a_disk_and_an_identity(clients: Clients) -> None:
    compute(clients, "availabilitySets", "set", {"platformFaultDomainCount": 2}, sku={"name": "Aligned"})
    compute(clients, "disks", "data", {"creationData": {"createOption": "Empty"}, "diskSizeGB": 32})
    who = put(clients, "Microsoft.ManagedIdentity/userAssignedIdentities", "who", version="2023-01-31")
    assert len(who.properties["principalId"]) == 36
    net(clients, sub("s", "10.0.0.0/24"))
    made = nic(clients, f"{ROOT}/virtualNetworks/net/subnets/s")
    properties = {
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "availabilitySet": {"id": f"{BASE}/Microsoft.Compute/availabilitySets/set"},
        "storageProfile": {
            "imageReference": {
                "publisher": "Canonical",
                "offer": "ubuntu-24_04-lts",
                "sku": "server",
                "version": "latest",
            },
            "osDisk": {"createOption": "FromImage"},
            "dataDisks": [
                {"lun": 0, "createOption": "Attach", "managedDisk": {"id": f"{BASE}/Microsoft.Compute/disks/data"}}
            ],
        },
        "osProfile": {"computerName": "vm", "adminUsername": "operator", "adminPassword": "A-long-Passw0rd"},
        "networkProfile": {"networkInterfaces": [{"id": made.id}]},
    }
    identity = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {who.id: {}}}
    found = compute(clients, "virtualMachines", "vm", properties, identity=identity)
    assert found.identity.principal_id
    assert found.identity.user_assigned_identities[who.id].principal_id == who.properties["principalId"]
    assert [one.id for one in clients.compute.availability_sets.get(GROUP, "set").virtual_machines] == [found.id]
    assert clients.compute.disks.get(GROUP, "data").managed_by == found.id
    assert refused(clients.compute.availability_sets.delete, GROUP, "set")[0] == "OperationNotAllowed"
    assert refused(clients.compute.disks.begin_delete, GROUP, "data")[0] == "OperationNotAllowed"
    changed = clients.compute.virtual_machines.begin_update(GROUP, "vm", {"tags": {"a": "1"}}).result()
    assert changed.tags == {"a": "1"}
    size: Any = {"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}}}
    assert (
        clients.compute.virtual_machines.begin_update(GROUP, "vm", size).result().hardware_profile.vm_size
        == "Standard_D4s_v5"
    )
    clients.resources.resource_groups.begin_delete(GROUP).result()


def test_sets_and_disks_are_made_with_the_sdks_own_calls(clients: Clients) -> None:
    """They take 200 for a set and 200 or 202 for a disk, and no 201 (azure-mgmt-compute, create_or_update)."""
    one: Any = {"location": REGION, "sku": {"name": "Aligned"}, "properties": {"platformFaultDomainCount": 2}}
    for _ in range(2):
        assert clients.compute.availability_sets.create_or_update(GROUP, "set", one).name == "set"
    disk: Any = {"location": REGION, "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    for _ in range(2):
        assert clients.compute.disks.begin_create_or_update(GROUP, "data", disk).result().disk_size_gb == 4


@pytest.mark.parametrize(
    ("type_", "body", "code"),
    [
        ("availabilitySets", {"properties": {"platformFaultDomainCount": 9}}, "InvalidParameter"),
        ("availabilitySets", {"sku": {"name": "Odd"}}, "InvalidParameter"),
        ("disks", {"properties": {"creationData": {"createOption": "Empty"}}}, "InvalidParameter"),
        ("disks", {"properties": {"creationData": {"createOption": "Dream"}, "diskSizeGB": 1}}, "InvalidParameter"),
        ("sshPublicKeys", {"properties": {"publicKey": "hello"}}, "InvalidParameter"),
    ],
)
def test_compute_that_is_refused(clients: Clients, type_: str, body: dict[str, Any], code: str) -> None:
    assert refused(lambda: compute(clients, type_, "one", body.pop("properties", None), **body))[0] == code


def test_disks_grow_and_keys_change_by_patch(clients: Clients) -> None:
    compute(clients, "disks", "data", {"creationData": {"createOption": "Empty"}, "diskSizeGB": 32})
    disks = clients.compute.disks
    bigger: Any = {"properties": {"diskSizeGB": 64}}
    assert disks.begin_update(GROUP, "data", bigger).result().disk_size_gb == 64
    smaller: Any = {"properties": {"diskSizeGB": 8}}
    assert refused(disks.begin_update, GROUP, "data", smaller)[0] == "ResizeDiskError"
    compute(clients, "sshPublicKeys", "key", {"publicKey": KEY})
    other: Any = {"properties": {"publicKey": KEY + "2"}}
    assert clients.compute.ssh_public_keys.update(GROUP, "key", other).public_key == KEY + "2"


def test_only_tags_are_patched_in_networks(clients: Clients) -> None:
    net(clients)
    assert clients.network.virtual_networks.update_tags(GROUP, "net", {"tags": {"a": "1"}}).tags == {"a": "1"}
    begin = clients.resources.resources.begin_update_by_id
    body: Any = {"properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}
    code, _ = refused(lambda: begin(f"{ROOT}/virtualNetworks/net", api_version="2024-05-01", parameters=body))
    assert code == "InvalidRequestContent"


# Storage accounts: "Storage Accounts - Create", and listKeys() of "Resource functions for ARM templates"


def test_a_storage_account_is_a_record_with_keys(clients: Clients, deploy: Deploy) -> None:
    account = {
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2023-01-01",
        "name": "labaccount",
        "location": REGION,
        "sku": {"name": "Standard_LRS"},
        "kind": "StorageV2",
    }
    source = template(
        account,
        outputs={
            "blob": {"type": "string", "value": "[reference('labaccount').primaryEndpoints.blob]"},
            "keys": {"type": "int", "value": "[length(listKeys('labaccount', '2023-01-01').keys)]"},
        },
    )
    made = deploy(source).properties.outputs
    assert made["blob"]["value"] == "https://labaccount.blob.core.windows.net/"
    assert made["keys"]["value"] == 2
    sku = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "version": "2023-01-01"}
    kind = "Microsoft.Storage/storageAccounts"
    assert refused(lambda: put(clients, kind, "Upper-Case", **sku))[0] == "AccountNameInvalid"
    clients.resources.resource_groups.create_or_update("other", {"location": REGION})
    with pytest.raises(Exception, match="StorageAccountAlreadyTaken"):
        deploy(source, group="other")


# Names in any case, and plain values as texts: Azure's own parser takes both


def test_names_in_any_case_and_numbers_as_texts(deploy: Deploy, clients: Clients) -> None:
    rule = {
        "Protocol": "tcp",
        "PRIORITY": "100",
        "direction": "inbound",
        "access": "allow",
        "sourcePortRange": "*",
        "sourceaddressprefix": "*",
        "destinationPortRange": "22",
        "destinationAddressPrefix": "*",
    }
    deploy(template(network("networkSecurityGroups", "g", {"SecurityRules": [{"Name": "one", "Properties": rule}]})))
    (found,) = clients.network.network_security_groups.get(GROUP, "g").security_rules
    assert (found.priority, found.protocol, found.source_address_prefix) == (100, "Tcp", "*")


def test_a_resources_own_properties_in_any_case(deploy: Deploy, clients: Clients) -> None:
    """Azure/azure-quickstart-templates#5849: templates with "apiversion" deployed for years."""
    deploy(
        template(
            {"Type": "Microsoft.Network/routeTables", "apiversion": "2024-05-01", "NAME": "t", "Location": REGION},
            network("networkSecurityGroups", "g", {}, DependsOn=["[resourceId('Microsoft.Network/routeTables', 't')]"]),
        )
    )
    assert clients.network.route_tables.get(GROUP, "t").location == REGION
    with pytest.raises(Exception, match="unknown property 'apiversions'"):
        deploy(template(network("routeTables", "t", {}, apiversions="2024-05-01")))


# Most Linux quickstarts have one parameter adminPasswordOrKey, which is the password as well when it is a key: it is
# no password where only keys are taken (Azure/azure-quickstart-templates, 101-vm-simple-linux).


@pytest.mark.parametrize("only_keys", [True, False])
def test_a_key_in_the_passwords_place(clients: Clients, only_keys: bool) -> None:
    net(clients, sub("s", "10.0.0.0/24"))
    made = nic(clients, f"{ROOT}/virtualNetworks/net/subnets/s")
    key = "ssh-rsa " + "A" * 372
    linux = {
        "disablePasswordAuthentication": only_keys,
        "ssh": {"publicKeys": [{"path": "/home/operator/.ssh/authorized_keys", "keyData": key}]},
    }
    image = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"}
    properties = {
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "storageProfile": {"imageReference": image, "osDisk": {"createOption": "FromImage"}},
        "osProfile": {
            "computerName": "vm",
            "adminUsername": "operator",
            "adminPassword": key,
            "linuxConfiguration": linux,
        },
        "networkProfile": {"networkInterfaces": [{"id": made.id}]},
    }
    if only_keys:
        compute(clients, "virtualMachines", "vm", properties)
        return
    code, words = refused(lambda: compute(clients, "virtualMachines", "vm", properties))
    assert (code, "between 6-72 characters" in words) == ("InvalidParameter", True)
