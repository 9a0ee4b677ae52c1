"""Templates with symbolic names (languageVersion 2.0), types of their own, and linked templates.

Sources: "Use symbolic name in ARM templates", "Type definitions in ARM templates", "Using linked and nested templates
when deploying Azure resources", all in Microsoft's reference of Azure Resource Manager.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from lab_azure import GROUP, REGION, SCHEMA, Clients, Deploy, connect, network, outputs, template

from trunkline_lab.azure import AzureFace
from trunkline_lab.world import World


def symbolic(resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {
        "$schema": SCHEMA,
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "resources": resources,
        **sections,
    }


def space(prefix: str = "10.0.0.0/16") -> dict[str, Any]:
    return {"addressSpace": {"addressPrefixes": [prefix]}}


def output(text: str, kind: str = "string") -> dict[str, Any]:
    return {"type": kind, "value": f"[{text}]"}


def refusal(deploy: Deploy, source: dict[str, Any], **values: Any) -> tuple[str, str]:
    with pytest.raises(HttpResponseError) as caught:
        deploy(source, **values)
    assert caught.value.error is not None
    return str(caught.value.error.code), str(caught.value.error.message)


def test_symbols_name_resources_in_dependencies_and_references(clients: Clients, deploy: Deploy) -> None:
    source = symbolic(
        {
            "after": network(
                "routeTables",
                "table",
                {},
                dependsOn=["net", "many"],
                tags={"x": "[reference('net').addressSpace.addressPrefixes[0]]"},
            ),
            "net": network("virtualNetworks", "vnet", space()),
            "many": network("routeTables", "[format('t{0}', copyIndex())]", {}, copy={"name": "loop", "count": 2}),
            "never": network("routeTables", "gone", {}, condition=False),
        },
        outputs={
            "one": output("reference('many[1]', '2024-05-01', 'Full').name"),
            "all": output("map(references('many', 'full'), lambda('r', lambdaVariables('r').name))", "array"),
            "info": output("resourceInfo('net').type"),
        },
    )
    made = outputs(deploy(source))
    assert made == {"one": "t1", "all": ["t0", "t1"], "info": "Microsoft.Network/virtualNetworks"}
    assert clients.network.route_tables.get(GROUP, "table").tags == {"x": "10.0.0.0/16"}
    assert sorted(one.name for one in clients.network.route_tables.list(GROUP)) == ["t0", "t1", "table"]


def test_an_existing_resource_is_read_and_left_alone(clients: Clients, deploy: Deploy) -> None:
    deploy(template(network("virtualNetworks", "vnet", space(), tags={"by": "hand"})), name="before")
    etag = clients.network.virtual_networks.get(GROUP, "vnet").etag
    existing = {
        "existing": True,
        "type": "Microsoft.Network/virtualNetworks",
        "apiVersion": "2024-05-01",
        "name": "vnet",
    }
    subnet = network("virtualNetworks/subnets", "vnet/a", {"addressPrefix": "10.0.1.0/24"}, dependsOn=["net"])
    deploy(symbolic({"net": existing}, outputs={"space": output("reference('net').addressSpace.addressPrefixes[0]")}))
    assert clients.network.virtual_networks.get(GROUP, "vnet").etag == etag
    deploy(symbolic({"net": existing, "a": subnet}))
    found = clients.network.virtual_networks.get(GROUP, "vnet")
    assert (found.tags, [one.name for one in found.subnets]) == ({"by": "hand"}, ["a"])


def test_children_of_symbols(clients: Clients, deploy: Deploy) -> None:
    child = {
        "type": "subnets",
        "apiVersion": "2024-05-01",
        "name": "a",
        "properties": {"addressPrefix": "10.0.1.0/24"},
        "dependsOn": ["net"],
    }
    source = symbolic(
        {"net": network("virtualNetworks", "vnet", space(), resources={"sub": child})},
        outputs={"id": output("resourceInfo('net::sub').name")},
    )
    assert outputs(deploy(source)) == {"id": "vnet/a"}
    assert [one.name for one in clients.network.subnets.list(GROUP, "vnet")] == ["a"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"languageVersion": "1.0"}, "a list of resources"),
        ({"languageVersion": "3.0"}, "3.0"),
        ({"resources": []}, "an object of resources"),
        ({"imports": {"k": {"provider": "Kubernetes"}}}, "section 'imports'"),
        ({"extensions": {"k": {"name": "Kubernetes"}}}, "section 'extensions'"),
        ({"asserts": {"a": "[true()]"}}, "section 'asserts'"),
        ({"apiProfile": "1999-01-01-hybrid"}, "apiProfile"),
        ({"resources": {"a": network("routeTables", "t", {}, dependsOn=["nobody"])}}, "'nobody' is not defined"),
        ({"resources": {"a": {**network("routeTables", "t", {}), "scale": {}}}}, "unknown property 'scale'"),
    ],
)
def test_forms_that_are_refused_by_name(deploy: Deploy, change: dict[str, Any], words: str) -> None:
    code, message = refusal(deploy, {**symbolic({}), **change})
    assert code == "InvalidTemplate"
    assert words in message


TYPES = {
    "port": {"type": "int", "minValue": 1, "maxValue": 65535},
    "rule": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 2},
            "port": {"$ref": "#/definitions/port"},
            "note": {"type": "string", "nullable": True},
        },
        "additionalProperties": False,
    },
    "shape": {
        "type": "object",
        "discriminator": {
            "propertyName": "kind",
            "mapping": {
                "one": {"type": "object", "properties": {"kind": {"type": "string"}, "size": {"type": "int"}}},
                "two": {"type": "object", "properties": {"kind": {"type": "string"}}},
            },
        },
    },
}


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ({"type": "array", "items": {"$ref": "#/definitions/rule"}}, [{"name": "ab", "port": 5}], None),
        ({"type": "array", "items": {"$ref": "#/definitions/rule"}}, [{"name": "ab", "port": 5, "note": None}], None),
        ({"type": "array", "items": {"$ref": "#/definitions/rule"}}, [{"name": "ab", "port": 0}], "p[0].port"),
        ({"type": "array", "items": {"$ref": "#/definitions/rule"}}, [{"name": "a", "port": 5}], "p[0].name"),
        ({"$ref": "#/definitions/rule"}, {"name": "ab"}, "'port' of the template parameter 'p' is missing"),
        ({"$ref": "#/definitions/rule"}, {"name": "ab", "port": 1, "x": 1}, "no property 'x'"),
        ({"$ref": "#/definitions/nobody"}, 1, "'#/definitions/nobody'"),
        ({"$ref": "#/definitions/shape"}, {"kind": "two"}, None),
        ({"$ref": "#/definitions/shape"}, {"kind": "one"}, "'size'"),
        ({"$ref": "#/definitions/shape"}, {"kind": "three"}, "one of 'one, two'"),
        ({"type": "array", "prefixItems": [{"type": "int"}], "items": False}, [1], None),
        ({"type": "array", "prefixItems": [{"type": "int"}], "items": False}, [1, 2], "no element 1"),
        ({"type": "object", "additionalProperties": {"type": "int"}}, {"a": "x"}, "p.a"),
    ],
)
def test_a_templates_own_types(deploy: Deploy, parameter: Any, value: Any, words: str | None) -> None:
    source = symbolic({}, definitions=TYPES, parameters={"p": parameter})
    if words is None:
        assert deploy(source, p=value).properties.provisioning_state == "Succeeded"
    else:
        code, message = refusal(deploy, source, p=value)
        assert code == "InvalidTemplate"
        assert words in message


# Linked templates

BASE = "https://templates.example/set/"


@pytest.fixture
def linked(world: World, tmp_path: Path) -> Iterator[tuple[Clients, Path]]:
    with AzureFace(world, templates={BASE: tmp_path}) as face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        yield clients, tmp_path


def save(folder: Path, name: str, document: Any, comment: str = "") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(comment + json.dumps(document))


def run(clients: Clients, **properties: Any) -> Any:
    body: Any = {"properties": {"mode": "Incremental", **properties}}
    return clients.deployments.deployments.begin_create_or_update(GROUP, "main", body).result()


def nested(name: str, link: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": {"mode": "Incremental", "templateLink": link, **properties},
    }


def test_linked_templates_may_have_a_comma_after_the_last_item(linked: tuple[Clients, Path]) -> None:
    """Azure/azure-powershell#353: the service takes it; Azure's own quickstarts have some."""
    clients, folder = linked
    plain = json.dumps(template(outputs={"o": output("',}'")}))
    (folder / "main.json").write_text(plain[:-1] + ", // the last\n}")
    assert run(clients, templateLink={"uri": BASE + "main.json"}).properties.outputs["o"]["value"] == ",}"
    (folder / "main.json").write_text(plain[:-1] + ",,}")
    with pytest.raises(HttpResponseError, match="It is no JSON"):
        run(clients, templateLink={"uri": BASE + "main.json"})


def test_linked_templates_have_addresses_with_escapes(linked: tuple[Clients, Path]) -> None:
    clients, folder = linked
    save(folder, "a set+more/main.json", template(outputs={"o": output("'found'")}))
    made = run(clients, templateLink={"uri": BASE + "a%20set%2Bmore/main.json"})
    assert outputs(made) == {"o": "found"}
    with pytest.raises(HttpResponseError, match="InvalidContentLink"):
        run(clients, templateLink={"uri": BASE + "a%20set%2Bmore/%2E%2E/%2E%2E/main.json"})


def test_linked_templates_by_address_and_by_relative_path(linked: tuple[Clients, Path]) -> None:
    clients, folder = linked
    table = template(
        network("routeTables", "[parameters('name')]", {}),
        parameters={"name": {"type": "string"}},
        outputs={"where": output("deployment().properties.templateLink.uri")},
    )
    save(folder, "parts/table.json", table, "// a comment\n/* and another */\n")
    save(folder, "parts/table.parameters.json", {"parameters": {"name": {"value": "second"}}})
    main = template(
        nested("first", {"relativePath": "parts/table.json"}, parameters={"name": {"value": "first"}}),
        nested(
            "second",
            {
                "uri": "[uri(deployment().properties.templateLink.uri, 'parts/table.json?token=1')]",
                "contentVersion": "1.0.0.0",
            },
            parametersLink={"uri": BASE + "parts/table.parameters.json"},
        ),
        outputs={"inner": output("reference('first').outputs.where.value")},
    )
    save(folder, "main.json", main)
    made = run(clients, templateLink={"uri": BASE + "main.json"})
    assert outputs(made) == {"inner": BASE + "parts/table.json"}
    assert made.properties.template_link.uri == BASE + "main.json"
    assert sorted(one.name for one in clients.network.route_tables.list(GROUP)) == ["first", "second"]


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ({"uri": BASE + "absent.json"}, "Unable to download"),
        ({"uri": BASE + "../secret.json"}, "Unable to download"),
        ({"uri": "https://elsewhere.example/main.json"}, "where a folder was given"),
        ({"uri": BASE + "broken.json"}, "It is no JSON"),
        ({"uri": BASE + "good.json", "contentVersion": "2.0.0.0"}, "and not '2.0.0.0'"),
        ({"relativePath": "good.json"}, "needs a parent template that is linked"),
        ({"id": "/subscriptions/x/templateSpecs/y"}, "no template specs"),
        ({}, "has a uri or a relativePath"),
    ],
)
def test_links_that_lead_nowhere(linked: tuple[Clients, Path], link: dict[str, Any], words: str) -> None:
    clients, folder = linked
    save(folder, "good.json", template())
    (folder / "broken.json").write_text("{")
    (folder.parent / "secret.json").write_text(json.dumps(template()))
    source = template(nested("inner", link)) if link else None
    with pytest.raises(HttpResponseError) as caught:
        run(clients, **({"template": source} if source else {"templateLink": {"uri": ""}}))
    assert words in str(caught.value)
