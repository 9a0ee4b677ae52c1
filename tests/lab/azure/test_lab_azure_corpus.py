"""The runner of template folders tells what deploys from what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab_azure import REGION, SCHEMA, network
from lab_azure_corpus import tried

SUBNET = "[resourceId('given', 'Microsoft.Network/virtualNetworks/subnets', 'net', 's')]"


def nic(subnet: str, address: str | None = None, **more: Any) -> dict[str, Any]:
    static = {"privateIPAllocationMethod": "Static", "privateIPAddress": address} if address else {}
    part = {"name": "one", "properties": {"subnet": {"id": subnet}, **static}}
    return network("networkInterfaces", "nic", {"ipConfigurations": [part]}, **more)


NET = network(
    "virtualNetworks",
    "own",
    {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "s", "properties": {"addressPrefix": "10.0.0.0/24"}}],
    },
)
OWN = "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'own', 's')]"
BASIC = network("publicIPAddresses", "ip", {}, sku={"name": "Basic"})
EXTENSION = {"type": "Microsoft.Compute/virtualMachines/extensions", "apiVersion": "2024-07-01", "name": "a/b"}
ROWS = {
    "deploys": ([network("routeTables", "t", {})], "deploys"),
    "what is taken for given": ([nic(SUBNET, "172.16.9.4")], "deploys"),
    "the retired SKU": ([BASIC], "basic"),
    "no such type": ([EXTENSION | {"location": REGION}], "refused"),
    "a dependency forgotten": (
        [nic(OWN), NET | {"dependsOn": ["[resourceId('Microsoft.Network/networkInterfaces', 'nic')]"]}],
        "fails",
    ),
    "another thing each time": (
        [network("routeTables", "t", {"routes": []}, tags={}), network("routeTables", "[concat('t', newGuid())]", {})],
        "fails",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_result(tmp_path: Path, row: str) -> None:
    listed, result = ROWS[row]
    folder = tmp_path / "owner" / "repository"
    folder.mkdir(parents=True)
    source = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": listed}
    (folder / "azuredeploy.json").write_text(json.dumps(source))
    (folder / "azuredeploy.parameters.json").write_text(json.dumps({"parameters": {}}))
    (folder / "part.json").write_text(json.dumps(source))
    (found,) = tried(tmp_path, {})
    assert (found["template"], found["result"]) == ("owner/repository/azuredeploy.json", result), found["reason"]


def test_placeholders_are_filled_in_and_what_is_told_wins(tmp_path: Path) -> None:
    rows = {"a": "GEN-UNIQUE-8", "b": "GEN-VNET-NAME", "c": "", "d": "kept", "e": "lost"}
    source = {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {name: {"type": "string"} for name in rows} | {"n": {"type": "int", "minValue": 3}},
        "resources": [network("routeTables", "[concat('t-', parameters('e'), parameters('n'))]", {})],
    }
    (tmp_path / "main.json").write_text(json.dumps(source))
    values = {name: {"value": value} for name, value in rows.items()}
    (tmp_path / "main.parameters.json").write_text(json.dumps({"parameters": values}))
    (found,) = tried(tmp_path, {"main.json": {"e": "told"}})
    assert found["result"] == "deploys", found["reason"]
