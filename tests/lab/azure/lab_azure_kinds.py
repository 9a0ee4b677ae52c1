"""Resources of every type through the SDK's generic client, in few words."""

from __future__ import annotations

from typing import Any

from lab_azure import GROUP, REGION, Clients
from test_lab_azure_resources import ROOT

from trunkline_lab.azure import SUBSCRIPTION

BASE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Y9m8cH0 lab"


def ref(kind: str, name: str) -> dict[str, str]:
    return {"id": f"{ROOT}/{kind}/{name}"}


def put(
    clients: Clients, type_: str, name: str, properties: Any = None, version: str = "2024-05-01", **more: Any
) -> Any:
    body = {"location": REGION, **({} if properties is None else {"properties": properties}), **more}
    begin = clients.resources.resources.begin_create_or_update_by_id
    return begin(f"{BASE}/{type_}/{name}", api_version=version, parameters=body).result()


def get(clients: Clients, type_: str, name: str, version: str = "2024-05-01") -> Any:
    return clients.resources.resources.get_by_id(f"{BASE}/{type_}/{name}", api_version=version)


def part(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "properties": properties}
