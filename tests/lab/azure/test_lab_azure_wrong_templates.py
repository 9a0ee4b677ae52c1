"""Templates that are wrong are refused at once, and told which part it is.

Sources: of a code, docs/reference/lab-errors.md; of a behaviour, docs/reference/lab-azure.md; of a row that has one of
its own, the row says it (owner/repository#number is a public report of Azure's own answer).
"""

from __future__ import annotations

from typing import Any

import pytest
from lab_azure import GROUP, Clients, Deploy, network, template
from test_lab_azure_deployments import refused, vnet


def loop(**more: Any) -> dict[str, Any]:
    return {"name": "l", "count": 2, **more}


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        (template(network("noSuchThings", "x", {})), "InvalidResourceType", "'noSuchThings' could not be found"),
        (template(vnet("x") | {"type": "No.Such/things"}), "InvalidResourceNamespace", "'No.Such' is invalid"),
        (template(vnet("x") | {"apiVersion": "latest"}), "NoRegisteredProviderFound", "API version 'latest'"),
        (template(vnet("x", dependsOn=["nobody"])), "InvalidTemplate", "'nobody' is not defined in the template"),
        (template(vnet("x"), vnet("X")), "InvalidTemplate", "defined multiple times"),
        (template(vnet("x/y")), "InvalidTemplate", "incorrect segment lengths"),
        (template(vnet("x", dependsOn=["y"]), vnet("y", dependsOn=["x"])), "InvalidTemplate", "Circular dependency"),
        (template(vnet("[reference('y').id]")), "InvalidTemplate", "'reference' is not expected"),
        (template(vnet("[parameters('p')]")), "InvalidTemplate", "parameter 'p' is not found"),
        (template(vnet("x", colour="red")), "InvalidTemplate", "unknown property 'colour'"),
        (template(vnet("[loud('x')]")), "InvalidTemplate", "'loud' is not valid"),
        # Azure-Samples/azure-search-openai-demo#2321, and of properties dmauser/opnazure#60
        (template(vnet("[loud('x')]")), "InvalidTemplate", "The template resource '[loud('x')]' is not valid: The "),
        (template(vnet("x", tags={"a": "[loud('x')]"})), "InvalidTemplate", "language expressions for resource '/sub"),
        (template(vnet("x", condition="yes")), "InvalidTemplate", "'x' is not valid: Its condition is neither true"),
        (template(vnet("x", dependsOn=["[loud('x')]"])), "InvalidTemplate", "The template resource 'x' is not valid"),
        (template(vnet("x", copy=loop(mode="odd"))), "InvalidTemplate", "has the mode 'odd'"),
        (template(vnet("x", copy=loop(name=""))), "InvalidTemplate", "'copy' definition needs a name"),
        # MicrosoftDocs/azure-docs#62948 and #60638, hashicorp/terraform-provider-azurerm#8090
        (template(vnet("x", copy=loop(count=801))), "InvalidTemplate", "has an invalid copy count"),
        (template(vnet("x", copy=loop(mode="serial", batchSize=3))), "InvalidTemplate", "exceed the copy count '2'"),
        (  # Azure/pcs-cli#522
            template(vnet("x", location="mars")),
            "LocationNotAvailableForResourceType",
            "type 'Microsoft.Network/virtual",
        ),
        (template(parameters={"p": {"type": "string"}}), "InvalidTemplate", "parameter 'p' is not provided"),
        (template(colours={}), "InvalidRequestContent", "Could not find member 'colours'"),
        ({"resources": []}, "InvalidRequestContent", "'$schema' not found"),
    ],
)
def test_a_template_that_is_wrong_is_refused_at_once(
    clients: Clients, deploy: Deploy, source: Any, code: str, words: str
) -> None:
    error = refused(deploy, source)
    assert (error.status_code, error.error.code) == (400, code)
    assert words in error.error.message
    assert list(clients.deployments.deployments.list_by_resource_group(GROUP)) == []
