"""Deployments through the official SDK: how they are read, run, fail and are told.

Sources: of a code, docs/reference/lab-errors.md; of a behaviour, docs/reference/lab-azure.md; of a row that has one of
its own, the row says it (owner/repository#number is a public report of Azure's own answer).
"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from lab_azure import GROUP, REGION, Clients, Deploy, connect, deploy_with, network, outputs, properties, template

from trunkline_lab.azure import AzureFace
from trunkline_lab.world import Pace, PublicAddresses, World

TABLE = "'Microsoft.Network/routeTables'"
NET_ID = "resourceId('Microsoft.Network/virtualNetworks', 'net')"


def ref(id_: str) -> dict[str, str]:
    return {"id": id_}


def made_by(clients: Clients) -> list[str]:
    steps = clients.deployments.deployment_operations.list(GROUP, "main")
    return [step.properties.target_resource.resource_name for step in steps]


def vnet(name: str, *subnets: dict[str, Any], prefix: str = "10.0.0.0/16", **more: Any) -> dict[str, Any]:
    return network(
        "virtualNetworks", name, {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": list(subnets)}, **more
    )


def subnet(name: str, prefix: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "properties": {"addressPrefix": prefix, **more}}


def refused(deploy: Deploy, *args: Any, **values: Any) -> Any:
    with pytest.raises(HttpResponseError) as caught:
        deploy(*args, **values)
    return caught.value


def test_parameters_variables_outputs_and_dependencies(clients: Clients, deploy: Deploy) -> None:
    table = "[resourceId('Microsoft.Network/routeTables', 'table')]"
    source = template(
        vnet("net", subnet("a", "[cidrSubnet(parameters('cidr'), 24, 1)]", routeTable=ref(table)), dependsOn=[table]),
        network("routeTables", "table", {}),
        parameters={"cidr": {"type": "string"}, "secret": {"type": "secureString"}},
        outputs={
            "subnet": {"type": "string", "value": "[reference('net').subnets[0].properties.addressPrefix]"},
            "where": {"type": "string", "value": f"[reference({NET_ID}, '2024-05-01', 'Full').location]"},
            "secret": {"type": "secureString", "value": "[parameters('secret')]"},
            "count": {"type": "array", "copy": {"count": 3, "input": "[copyIndex()]"}},
        },
    )
    made = deploy(source, cidr="10.0.0.0/16", secret="hunter2")
    assert made.properties.provisioning_state == "Succeeded"
    assert made.properties.outputs["subnet"] == {"type": "String", "value": "10.0.1.0/24"}
    assert made.properties.outputs["where"]["value"] == REGION
    assert made.properties.outputs["count"]["value"] == [0, 1, 2]
    assert made.properties.outputs["secret"] == {"type": "SecureString"}
    assert made.properties.parameters == {
        "cidr": {"type": "String", "value": "10.0.0.0/16"},
        "secret": {"type": "SecureString"},
    }
    assert {found.id.rpartition("/")[2] for found in made.properties.output_resources} == {"net", "table"}
    (dependency,) = made.properties.dependencies
    assert (dependency.resource_name, dependency.depends_on[0].resource_name) == ("net", "table")
    steps = list(clients.deployments.deployment_operations.list(GROUP, "main"))
    assert [step.properties.target_resource.resource_name for step in steps] == ["table", "net"]
    assert {step.properties.status_code for step in steps} == {"Created"}
    again = clients.deployments.deployment_operations.get(GROUP, "main", steps[0].operation_id)
    assert again.properties.provisioning_state == "Succeeded"
    assert clients.deployments.deployments.export_template(GROUP, "main").template == source


def test_reference_implies_a_dependency_and_without_one_order_is_anything(clients: Clients, deploy: Deploy) -> None:
    source = template(
        network("routeTables", "second", {}, tags={"space": "[reference('first').addressSpace.addressPrefixes[0]]"}),
        vnet("first"),
    )
    deploy(source)
    assert clients.network.route_tables.get(GROUP, "second").tags == {"space": "10.0.0.0/16"}


def test_copy_loops_conditions_and_their_names(clients: Clients, deploy: Deploy) -> None:
    source = template(
        vnet(
            "[concat('net', copyIndex())]",
            prefix="[concat('10.', copyIndex(1), '.0.0/16')]",
            copy={"name": "nets", "count": "[parameters('count')]", "mode": "serial", "batchSize": 2},
        ),
        network("routeTables", "after", {}, dependsOn=["nets"]),
        network("routeTables", "never", {}, condition="[greater(parameters('count'), 10)]"),
        network("routeTables", "last", {}, dependsOn=["never", "after"]),
        parameters={"count": {"type": "int"}},
    )
    deploy(source, count=5)
    found = {net.name: net.address_space.address_prefixes for net in clients.network.virtual_networks.list(GROUP)}
    assert found == {f"net{n}": [f"10.{n + 1}.0.0/16"] for n in range(5)}
    assert [table.name for table in clients.network.route_tables.list(GROUP)] == ["after", "last"]
    steps = made_by(clients)
    assert set(steps[:2]) == {"net0", "net1"}
    assert set(steps[2:4]) == {"net2", "net3"}
    assert steps[4:] == ["net4", "after", "last"]


def test_children_stand_in_their_parent_or_by_themselves(clients: Clients, deploy: Deploy) -> None:
    inside = {"type": "routes", "apiVersion": "2024-05-01", "name": "in", "dependsOn": ["table"]}
    hop = {"addressPrefix": "10.1.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.9"}
    source = template(
        network("routeTables", "table", {}, resources=[{**inside, "properties": hop}]),
        network(
            "routeTables/routes",
            "table/out",
            {"addressPrefix": "10.2.0.0/16", "nextHopType": "None"},
            dependsOn=["[resourceId('Microsoft.Network/routeTables/routes', 'table', 'in')]"],
        ),
    )
    deploy(source)
    assert [route.name for route in clients.network.routes.list(GROUP, "table")] == ["in", "out"]
    deploy(template(network("routeTables", "table", {})))
    assert list(clients.network.routes.list(GROUP, "table")) == []


def test_a_resources_own_id_is_read_past(clients: Clients, deploy: Deploy) -> None:
    """Eight of Azure's quickstarts write one, such as oms-existing-storage-account."""
    deploy(template(network("routeTables", "table", {}, id="[resourceId('Microsoft.Network/routeTables', 'other')]")))
    assert [table.name for table in clients.network.route_tables.list(GROUP)] == ["table"]


def test_children_of_a_copied_resource_are_copied_with_it(clients: Clients, deploy: Deploy) -> None:
    """Thirteen of Azure's quickstarts have extensions so, such as jboss-eap-clustered-multivm-rhel."""
    route = {
        "type": "routes",
        "apiVersion": "2024-05-01",
        "name": "[concat('in', copyIndex('tables', 1))]",
        "dependsOn": ["[resourceId('Microsoft.Network/routeTables', concat('table', copyIndex()))]"],
        "properties": {"addressPrefix": "[concat('10.', copyIndex(), '.0.0/16')]", "nextHopType": "None"},
    }
    loop = {"name": "tables", "count": 3, "mode": "serial", "batchSize": 1}
    table = network("routeTables", "[concat('table', copyIndex())]", {}, copy=loop, resources=[route])
    deploy(template(table, network("routeTables", "after", {}, dependsOn=["tables"])))
    found = {
        str(each.name): [(route.name, route.address_prefix) for route in clients.network.routes.list(GROUP, each.name)]
        for each in clients.network.route_tables.list(GROUP)
    }
    assert found == {"after": []} | {f"table{n}": [(f"in{n + 1}", f"10.{n}.0.0/16")] for n in range(3)}


def nested(name: str, inner: dict[str, Any], scope: str | None, **more: Any) -> dict[str, Any]:
    given = {"mode": "Incremental", "template": inner, **more.pop("settings", {})}
    options = {"expressionEvaluationOptions": {"scope": scope}} if scope else {}
    made = {"type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": name}
    return {**made, "properties": {**given, **options}, **more}


def test_nested_deployments_of_both_scopes_also_in_another_group(clients: Clients, deploy: Deploy) -> None:
    clients.resources.resource_groups.create_or_update("other", {"location": "northeurope"})
    inner = template(
        network("routeTables", "[parameters('name')]", {}, location="[resourceGroup().location]"),
        parameters={"name": {"type": "string"}},
        outputs={
            "id": {"type": "string", "value": "[resourceId('Microsoft.Network/routeTables', parameters('name'))]"}
        },
    )
    outer = template(network("routeTables", "[concat(parameters('prefix'), '-outer')]", {}))
    name = "[concat(parameters('prefix'), '-inner')]"
    source = template(
        nested("one", inner, "inner", resourceGroup="other", settings={"parameters": {"name": {"value": name}}}),
        nested("two", outer, None, dependsOn=["one"]),
        parameters={"prefix": {"type": "string"}},
        outputs={"id": {"type": "string", "value": "[reference('one').outputs.id.value]"}},
    )
    made = outputs(deploy(source, prefix="acme"))
    assert made["id"].endswith("/resourceGroups/other/providers/Microsoft.Network/routeTables/acme-inner")
    assert clients.network.route_tables.get("other", "acme-inner").location == "northeurope"
    assert clients.network.route_tables.get(GROUP, "acme-outer").location == REGION
    assert clients.deployments.deployments.get("other", "one").properties.provisioning_state == "Succeeded"


def test_the_first_cause_comes_through_and_what_was_made_stays(clients: Clients, deploy: Deploy) -> None:
    missing = "[resourceId('Microsoft.Network/routeTables', 'nowhere')]"
    source = template(
        network("routeTables", "before", {}),
        vnet("net", subnet("a", "10.0.1.0/24", routeTable={"id": missing}), dependsOn=["before"]),
        network("routeTables", "behind", {}, dependsOn=["net"]),
    )
    error = refused(deploy, source)
    assert error.error.code == "DeploymentFailed"
    (cause,) = error.error.details
    assert cause.code == "InvalidResourceReference"
    assert "routeTables/nowhere referenced by resource" in cause.message
    assert cause.target.endswith("/virtualNetworks/net")
    deployment = clients.deployments.deployments.get(GROUP, "main")
    assert deployment.properties.provisioning_state == "Failed"
    assert deployment.properties.error.details[0].code == "InvalidResourceReference"
    steps = {
        step.properties.target_resource.resource_name: step.properties
        for step in clients.deployments.deployment_operations.list(GROUP, "main")
    }
    assert set(steps) == {"before", "net"}
    assert steps["net"].status_code == "BadRequest"
    assert steps["net"].status_message.error.code == "InvalidResourceReference"
    assert [table.name for table in clients.network.route_tables.list(GROUP)] == ["before"]


def test_a_parameter_that_the_template_has_not_is_refused(deploy: Deploy) -> None:
    error = refused(deploy, template(parameters={"cidr": {"type": "string"}}), cird="10.0.0.0/8", cidr="10.0.0.0/8")
    assert error.error.code == "InvalidTemplate"
    assert "'cird'" in error.error.message
    assert "only supported parameters for this template are 'cidr'" in error.error.message


def test_preflight_tells_all_bodies_that_cannot_be_right_before_anything_is_made(
    clients: Clients, deploy: Deploy
) -> None:
    source = template(
        network("routeTables", "fine", {}),
        vnet("outside", subnet("a", "192.168.0.0/24")),
        network("virtualNetworks", "spaceless", {}),
        network("routeTables", "typo", {"route": []}),
    )
    error = refused(deploy, source)
    assert error.error.code == "InvalidTemplateDeployment"
    assert [cause.code for cause in error.error.details] == [
        "NetcfgSubnetRangeOutsideVnet",
        "AddressSpaceMissing",
        "InvalidRequestFormat",
    ]
    assert error.error.details[2].details[0].message.startswith("Could not find member 'route'")
    assert list(clients.network.route_tables.list(GROUP)) == []


def test_validate_answers_as_a_deployment_would_and_makes_nothing(clients: Clients) -> None:
    check = clients.deployments.deployments.begin_validate
    good = check(GROUP, "v", properties(template(vnet("net")))).result()
    assert good.properties.provisioning_state == "Succeeded"
    assert good.properties.validated_resources[0].id.endswith("/virtualNetworks/net")
    with pytest.raises(HttpResponseError) as caught:
        check(GROUP, "v", properties(template(network("virtualNetworks", "net", {})))).result()
    assert caught.value.error.code == "InvalidTemplateDeployment"
    assert list(clients.network.virtual_networks.list(GROUP)) == []
    assert not clients.deployments.deployments.check_existence(GROUP, "v")


def test_an_output_that_cannot_be_told_fails_the_deployment(clients: Clients, deploy: Deploy) -> None:
    source = template(vnet("net"), outputs={"a": {"type": "string", "value": "[reference('net').colour]"}})
    error = refused(deploy, source)
    assert error.error.code == "DeploymentOutputEvaluationFailed"
    words = error.error.details[0].message
    assert words.startswith("The template output 'a' is not valid: The language expression property 'colour' doesn't")
    wrong = template(outputs={"a": {"type": "int", "value": "text"}})
    cause = refused(deploy, wrong).error.details[0]
    assert cause.code == "DeploymentOutputEvaluationFailed"
    assert (
        "'a' is not valid: Template output JToken type is not valid. Expected 'Integer'. Actual 'String'"
        in cause.message
    )


def test_complete_mode_deletes_what_the_template_does_not_have(clients: Clients, deploy: Deploy) -> None:
    group = "[resourceId('Microsoft.Network/networkSecurityGroups', 'group')]"
    old = template(
        network("networkSecurityGroups", "group", {}),
        vnet("net", subnet("a", "10.0.0.0/24", networkSecurityGroup={"id": group}), dependsOn=["group"]),
        network("routeTables", "kept", {}),
    )
    deploy(old)
    deploy(template(network("routeTables", "kept", {}, tags={"a": "b"})), mode="Incremental")
    assert len(list(clients.resources.resources.list_by_resource_group(GROUP))) == 3
    deploy(template(network("routeTables", "kept", {}, tags={"a": "b"})), mode="Complete")
    assert [one.name for one in clients.resources.resources.list_by_resource_group(GROUP)] == ["kept"]


def test_deployments_are_listed_found_and_forgotten_without_their_resources(clients: Clients, deploy: Deploy) -> None:
    api = clients.deployments.deployments
    deploy(template(vnet("one", prefix="10.1.0.0/16")), "first")
    deploy(template(vnet("two", prefix="10.2.0.0/16")), "second")
    assert [one.name for one in api.list_by_resource_group(GROUP)] == ["second", "first"]
    assert api.check_existence(GROUP, "first")
    api.begin_delete(GROUP, "first").result()
    assert not api.check_existence(GROUP, "first")
    with pytest.raises(HttpResponseError) as caught:
        api.get(GROUP, "first")
    assert caught.value.error.code == "DeploymentNotFound"
    assert clients.network.virtual_networks.get(GROUP, "one").name == "one"


@pytest.fixture
def slow() -> Any:
    with AzureFace(World(PublicAddresses("127.77.8"), Pace(resource=0.3, boot=0.3))) as face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        yield face, clients


def test_a_running_deployment_can_be_cancelled_and_not_be_replaced(slow: tuple[AzureFace, Clients]) -> None:
    _, clients = slow
    api = clients.deployments.deployments
    body = properties(template(vnet("one"), network("routeTables", "two", {}, dependsOn=["one"])))
    poller = api.begin_create_or_update(GROUP, "main", body)
    with pytest.raises(HttpResponseError) as caught:
        api.begin_create_or_update(GROUP, "main", body)
    assert caught.value.error.code == "DeploymentActive"
    assert "is still active (expiration time is '" in caught.value.error.message
    assert clients.network.virtual_networks.get(GROUP, "one").provisioning_state == "Updating"
    api.cancel(GROUP, "main")
    with pytest.raises(HttpResponseError):
        poller.result()
    assert api.get(GROUP, "main").properties.provisioning_state == "Canceled"
    assert clients.network.virtual_networks.get(GROUP, "one").provisioning_state == "Succeeded"
    assert list(clients.network.route_tables.list(GROUP)) == []
    with pytest.raises(HttpResponseError) as caught:
        api.cancel(GROUP, "main")
    assert caught.value.error.code == "DeploymentCannotBeCancelled"


def test_cancelling_reaches_the_deployments_inside(slow: tuple[AzureFace, Clients]) -> None:
    _, clients = slow
    inner = template(vnet("one"), network("routeTables", "two", {}, dependsOn=["one"]))
    api = clients.deployments.deployments
    poller = api.begin_create_or_update(GROUP, "main", properties(template(nested("inside", inner, "inner"))))
    api.cancel(GROUP, "main")
    with pytest.raises(HttpResponseError):
        poller.result()
    states = {one.name: one.properties.provisioning_state for one in api.list_by_resource_group(GROUP)}
    assert states == {"main": "Canceled", "inside": "Canceled"}
    assert list(clients.network.route_tables.list(GROUP)) == []


def test_nested_deployments_are_incremental(deploy: Deploy) -> None:
    source = template(nested("inside", template(), "inner", settings={"mode": "Complete"}))
    error = refused(deploy, source).error
    assert error.code == "InvalidTemplate"
    assert "Specified deployment mode 'Complete' is not supported for nested deployment" in error.message


def test_independent_resources_are_made_side_by_side(slow: tuple[AzureFace, Clients]) -> None:
    _, clients = slow
    began = time.monotonic()
    deploy_with(clients)(template(*(network("routeTables", f"t{n}", {}) for n in range(8))))
    assert 0.3 <= time.monotonic() - began < 1.2


def test_deployments_at_once_do_not_mix(clients: Clients) -> None:
    deploy = deploy_with(clients)
    failures: list[BaseException] = []

    def one(number: int) -> None:
        try:
            made = deploy(
                template(
                    network("routeTables", "[parameters('n')]", {}),
                    parameters={"n": {"type": "string"}},
                    outputs={"n": {"type": "string", "value": "[parameters('n')]"}},
                ),
                f"d{number}",
                n=f"t{number}",
            )
            assert outputs(made) == {"n": f"t{number}"}
        except BaseException as failed:
            failures.append(failed)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(list(clients.network.route_tables.list(GROUP))) == 8


def test_what_is_outside_of_the_template_is_referred_to_by_id_and_version(clients: Clients, deploy: Deploy) -> None:
    deploy(template(vnet("there")))
    there = "resourceId('Microsoft.Network/virtualNetworks', 'there')"

    def ask(expression: str) -> dict[str, Any]:
        return template(outputs={"o": {"type": "string", "value": f"[{expression}.addressSpace.addressPrefixes[0]]"}})

    assert outputs(deploy(ask(f"reference({there}, '2024-05-01')"))) == {"o": "10.0.0.0/16"}
    assert "names no resource of this template" in str(refused(deploy, ask(f"reference({there})")).error.details[0])
    gone = there.replace("there", "gone")
    assert "gone" in refused(deploy, ask(f"reference({gone}, '2024-05-01')")).error.details[0].message


def test_names_of_deployments_are_short(deploy: Deploy) -> None:
    assert deploy(template(), "n" * 64).name == "n" * 64
    long = refused(deploy, template(), "n" * 65).error
    assert (long.code, "has a length of '65' which exceeds" in long.message) == ("InvalidDeployment", True)
    assert refused(deploy, template(), "a b").error.code == "DeploymentNameInvalidCharacters"
    inside = template(nested("n" * 65, template(), "inner"))
    assert refused(deploy, inside).error.code == "InvalidDeployment"


def test_patching_more_than_tags_is_refused(clients: Clients, deploy: Deploy) -> None:
    deploy(template(network("routeTables", "t", {})))
    with pytest.raises(HttpResponseError) as caught:
        clients.network.route_tables.update_tags(GROUP, "t", {"tags": {}, "properties": {}})  # type: ignore[arg-type]
    assert caught.value.error.code == "InvalidRequestContent"
