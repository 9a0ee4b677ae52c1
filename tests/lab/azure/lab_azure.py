"""The official SDKs on a face, and templates in few words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient

from trunkline_lab.azure import SUBSCRIPTION, AzureFace
from trunkline_lab.world import Pace

REGION = "westeurope"
GROUP = "lab"
ZERO = Pace(resource=0.0, boot=0.0, reboot=0.0, keyset=0.0)
TEMPLATES = Path(__file__).parents[3] / "src" / "trunkline" / "blueprints" / "templates"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


class Bearer(SansIOHTTPPolicy):
    def on_request(self, request: Any) -> None:
        request.http_request.headers["Authorization"] = "Bearer anything"


class Credential:
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("anything", 4102444800)


@dataclass
class Clients:
    resources: ResourceManagementClient
    deployments: DeploymentsMgmtClient
    network: NetworkManagementClient
    compute: ComputeManagementClient


def connect(face: AzureFace, subscription: str = SUBSCRIPTION) -> Clients:
    options: dict[str, Any] = {
        "base_url": face.endpoint,
        "credential_scopes": [face.endpoint + "/.default"],
        "authentication_policy": Bearer(),
        "retry_total": 0,
        "polling_interval": 0.02,
    }
    return Clients(
        *(
            kind(Credential(), subscription, **options)  # type: ignore[arg-type]
            for kind in (
                ResourceManagementClient,
                DeploymentsMgmtClient,
                NetworkManagementClient,
                ComputeManagementClient,
            )
        )
    )


def template(*resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": list(resources), **sections}


def network(type_: str, name: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {"type": f"Microsoft.Network/{type_}", "apiVersion": "2024-05-01", "name": name, "properties": properties}
    return {**made, **({} if "/" in type_ else {"location": REGION}), **more}


Deploy = Callable[..., Any]


def deploy_with(clients: Clients) -> Deploy:
    def deploy(
        source: dict[str, Any], name: str = "main", mode: str = "Incremental", group: str = GROUP, **values: Any
    ) -> Any:
        body = properties(source, mode, **values)
        return clients.deployments.deployments.begin_create_or_update(group, name, body).result()

    return deploy


def properties(source: dict[str, Any], mode: str = "Incremental", **values: Any) -> Any:
    given = {name: {"value": value} for name, value in values.items()}
    return {"properties": {"mode": mode, "template": source, "parameters": given}}


def outputs(deployment: Any) -> dict[str, Any]:
    return {name: output["value"] for name, output in (deployment.properties.outputs or {}).items()}


def shipped(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TEMPLATES / f"{name}.azure.json").read_text())
    return found


def rule(priority: int = 150, port: str = "8000", source: str = "127.0.0.1/32", **more: Any) -> dict[str, Any]:
    return {
        "priority": priority,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": source,
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": port,
        **more,
    }
