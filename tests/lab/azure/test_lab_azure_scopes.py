"""Deployments of a whole subscription, extension resources and API versions.

Sources: "Subscription deployments with ARM templates", "Set scope for extension resources in ARM templates" and
"Resolve errors for invalid resource provider / API version" in Microsoft's reference of Azure Resource Manager.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from lab_azure import GROUP, REGION, Clients, Deploy, network, template

from trunkline_lab.azure import SUBSCRIPTION, AzureFace

ROLE = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
WHO = "33333333-3333-4333-8333-333333333333"
ROLES = "Microsoft.Authorization/roleAssignments"


def group(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Resources/resourceGroups",
        "apiVersion": "2022-09-01",
        "name": name,
        "location": REGION,
        **more,
    }


def nested(name: str, inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": inner}
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": properties,
        **more,
    }


def body(source: dict[str, Any], **more: Any) -> Any:
    return {"location": REGION, "properties": {"mode": "Incremental", "template": source}, **more}


def deploy_all(clients: Clients, source: dict[str, Any], name: str = "main", **more: Any) -> Any:
    begin = clients.deployments.deployments.begin_create_or_update_at_subscription_scope
    return begin(name, body(source, **more)).result()


def _finish(found: Any) -> Any:
    return found.result() if hasattr(found, "result") else found


def refused(call: Any, *args: Any) -> tuple[str, str]:
    with pytest.raises(HttpResponseError) as caught:
        _finish(call(*args))
    error = caught.value.error
    assert error is not None
    while error.details:
        error = error.details[0]
    return str(error.code), str(error.message)


TABLE = template(
    network("routeTables", "table", {}),
    outputs={"where": {"type": "string", "value": "[resourceGroup().name]"}},
)


def test_groups_are_resources_of_a_subscription(clients: Clients) -> None:
    source = template(
        group("made", tags={"a": "1"}),
        nested(
            "inside",
            TABLE,
            resourceGroup="made",
            dependsOn=["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"],
        ),
        outputs={
            "group": {"type": "string", "value": "[reference('inside').outputs.where.value]"},
            "where": {"type": "string", "value": "[deployment().location]"},
            "id": {"type": "string", "value": "[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"},
        },
    )
    made = deploy_all(clients, source)
    assert made.properties.outputs["group"]["value"] == "made"
    assert made.properties.outputs["where"]["value"] == REGION
    assert made.properties.outputs["id"]["value"] == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/made"
    assert (made.location, made.id) == (
        REGION,
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Resources/deployments/main",
    )
    assert clients.resources.resource_groups.get("made").tags == {"a": "1"}
    assert clients.network.route_tables.get("made", "table").location == REGION
    deployments = clients.deployments.deployments
    assert [one.name for one in deployments.list_at_subscription_scope()] == ["main"]
    steps = list(clients.deployments.deployment_operations.list_at_subscription_scope("main"))
    assert [step.properties.target_resource.resource_name for step in steps] == ["made", "inside"]
    deploy_all(clients, source)
    deployments.begin_delete_at_subscription_scope("main").result()
    assert not deployments.check_existence_at_subscription_scope("main")
    assert clients.resources.resource_groups.check_existence("made")


def test_what_if_and_validate_of_a_subscription(clients: Clients) -> None:
    source = template(group(GROUP, tags={"a": "1"}), group("new"), nested("inside", TABLE, resourceGroup="new"))
    deployments = clients.deployments.deployments
    assert deployments.begin_validate_at_subscription_scope("main", body(source)).result().error is None
    found = deployments.begin_what_if_at_subscription_scope("main", body(source)).result()
    kinds = {change.resource_id.rpartition("/")[2]: change.change_type for change in found.changes}
    assert kinds == {GROUP: "Modify", "new": "Create", "table": "Create"}
    (modified,) = [change for change in found.changes if change.change_type == "Modify"]
    assert [one.path for one in modified.delta] == ["tags.a"]
    assert not clients.resources.resource_groups.check_existence("new")


@pytest.mark.parametrize(
    ("source", "more", "code", "words"),
    [
        (template(), {"location": None}, "InvalidDeployment", "'location' property must be specified"),
        (template(network("routeTables", "t", {})), {}, "InvalidTemplate", "at the scope of a resource group"),
        (
            template(outputs={"x": {"type": "string", "value": "[resourceGroup().name]"}}),
            {},
            "DeploymentOutputEvaluationFailed",
            "RESOURCEGROUP",
        ),
        (template(nested("n", TABLE, resourceGroup="absent")), {}, "ResourceGroupNotFound", "absent"),
        (template(nested("n", TABLE, scope="/")), {}, "InvalidTemplate", "has neither"),
    ],
)
def test_what_a_subscription_refuses(
    clients: Clients, source: dict[str, Any], more: dict[str, Any], code: str, words: str
) -> None:
    found = refused(lambda: deploy_all(clients, source, **more))
    assert (found[0], words in found[1]) == (code, True), found


def test_a_subscriptions_deployment_stays_where_it_is_and_is_never_complete(clients: Clients) -> None:
    deploy_all(clients, template())
    assert refused(lambda: deploy_all(clients, template(), location="eastus"))[0] == "InvalidDeploymentLocation"
    whole: Any = {"location": REGION, "properties": {"mode": "Complete", "template": template()}}
    begin = clients.deployments.deployments.begin_create_or_update_at_subscription_scope
    assert refused(begin, "other", whole)[0] == "InvalidDeployment"


def test_a_group_has_no_groups_in_it(deploy: Deploy) -> None:
    with pytest.raises(HttpResponseError, match="at the scope of a subscription"):
        deploy(template(group("inner")))


# Extension resources


def assignment(name: str, **more: Any) -> dict[str, Any]:
    role = f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{ROLE}')]"
    properties = {"principalId": WHO, "roleDefinitionId": role}
    return {"type": ROLES, "apiVersion": "2022-04-01", "name": name, "properties": properties, **more}


def test_assignments_belong_to_what_they_are_for_and_go_with_it(
    face: AzureFace, clients: Clients, deploy: Deploy
) -> None:
    one, two, three = (str(uuid.UUID(int=number)) for number in range(1, 4))
    old = {**assignment(f"table/Microsoft.Authorization/{three}"), "dependsOn": ["table"]}
    old["type"] = "Microsoft.Network/routeTables/providers/roleAssignments"
    old["properties"] = {**old["properties"], "principalId": str(uuid.UUID(int=9))}
    source = template(
        network("routeTables", "table", {}),
        assignment(one),
        assignment(two, scope="Microsoft.Network/routeTables/table", dependsOn=["table"]),
        old,
    )
    deploy(source)
    deploy(source)
    scopes = {str(found.id.name): found.properties["scope"] for found in face.store.resources(type_=ROLES)}
    root = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    table = f"{root}/providers/Microsoft.Network/routeTables/table"
    assert scopes == {one: root, two: table, three: table}
    got = clients.resources.resources.get_by_id(f"{table}/providers/{ROLES}/{two}", api_version="2022-04-01")
    assert got.properties["principalId"] == WHO
    clients.network.route_tables.begin_delete(GROUP, "table").result()
    assert [found.id.name for found in face.store.resources(type_=ROLES)] == [one]
    clients.resources.resource_groups.begin_delete(GROUP).result()
    assert list(face.store.resources()) == []


def test_a_role_is_assigned_for_a_whole_subscription(face: AzureFace, clients: Clients) -> None:
    name = str(uuid.UUID(int=7))
    deploy_all(clients, template(assignment(name)))
    (found,) = face.store.resources(type_=ROLES)
    assert str(found.id) == f"/subscriptions/{SUBSCRIPTION}/providers/{ROLES}/{name}"
    clients.resources.resources.begin_delete_by_id(str(found.id), api_version="2022-04-01").result()
    assert list(face.store.resources(type_=ROLES)) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "no-guid"}, "InvalidRoleAssignmentId"),
        ({"properties": {"principalId": WHO, "roleDefinitionId": "reader"}}, "InvalidRoleDefinitionId"),
        ({"properties": {"principalId": "me", "roleDefinitionId": ROLE}}, "InvalidPrincipalId"),
        ({"name": str(uuid.UUID(int=2))}, "RoleAssignmentExists"),
    ],
)
def test_assignments_that_are_refused(deploy: Deploy, change: dict[str, Any], code: str) -> None:
    deploy(template(assignment(str(uuid.UUID(int=1)))), name="first")
    with pytest.raises(HttpResponseError, match=code):
        deploy(template({**assignment(str(uuid.UUID(int=1))), **change}))


# API versions


@pytest.mark.parametrize(
    ("type_", "version", "fits"),
    [
        ("Microsoft.Network/virtualNetworks", "2015-06-15", True),
        ("Microsoft.Network/virtualNetworks", "2014-01-01", False),
        ("Microsoft.Network/virtualNetworks", "2099-01-01", False),
        ("Microsoft.Network/virtualNetworks", "2024-05-01-preview", True),
        ("Microsoft.Network/virtualNetworks", "newest", False),
        ("Microsoft.Network/natGateways", "2018-12-01", False),
        ("Microsoft.Network/natGateways", "2019-02-01", True),
        ("Microsoft.Network/applicationSecurityGroups", "2017-08-01", False),
        ("Microsoft.Network/publicIPPrefixes", "2018-06-01", False),
        ("Microsoft.Compute/sshPublicKeys", "2019-03-01", False),
        ("Microsoft.Compute/sshPublicKeys", "2024-07-01", True),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "2026-01-01", False),
        ("Microsoft.Authorization/roleAssignments", "2022-04-01", True),
        ("Microsoft.Authorization/roleAssignments", "2025-01-01", False),
    ],
)
def test_versions_in_ranges(face: AzureFace, clients: Clients, type_: str, version: str, fits: bool) -> None:
    id_ = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{type_}/{uuid.UUID(int=1)}"
    known = (refused(lambda: clients.resources.resources.get_by_id(id_, api_version=version))[0]) == "ResourceNotFound"
    assert known is fits
    source = template({"type": type_, "apiVersion": version, "name": "n", "condition": False})
    validate = clients.deployments.deployments.begin_validate
    if fits:
        assert validate(GROUP, "main", body(source)).result().error is None
    else:
        assert refused(validate, GROUP, "main", body(source))[0] == "NoRegisteredProviderFound"


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("Microsoft.Network/privateEndpoints", "InvalidResourceType"),
        ("Microsoft.Network/networkWatchers", "InvalidResourceType"),
        ("Microsoft.Compute/virtualMachines/extensions", "InvalidResourceType"),
        ("Microsoft.Compute/virtualMachineScaleSets", "InvalidResourceType"),
        ("Microsoft.KeyVault/vaults", "InvalidResourceNamespace"),
    ],
)
def test_types_that_are_refused_by_name(deploy: Deploy, type_: str, code: str) -> None:
    name = "a/b" if type_.count("/") == 2 else "a"
    with pytest.raises(HttpResponseError) as caught:
        deploy(template({"type": type_, "apiVersion": "2024-05-01", "name": name}))
    assert caught.value.error is not None
    assert caught.value.error.code == code
    assert type_.partition("/")[2].split("/")[-1] in str(caught.value) or type_.partition("/")[0] in str(caught.value)
