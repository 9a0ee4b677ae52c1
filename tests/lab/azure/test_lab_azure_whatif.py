"""What-if through the official SDK: what would change, down to the property, and nothing else."""

from __future__ import annotations

from typing import Any

from lab_azure import GROUP, Clients, Deploy, network, properties, rule, shipped, template
from test_lab_azure_templates import VPC


def ask(clients: Clients, source: dict[str, Any], mode: str = "Incremental", **values: Any) -> dict[str, Any]:
    found = clients.deployments.deployments.begin_what_if(GROUP, "w", properties(source, mode, **values)).result()
    assert found.status == "Succeeded"
    return {change.resource_id.rpartition("/providers/")[2].partition("/")[2]: change for change in found.changes}


def test_everything_is_new_and_no_secret_is_shown(clients: Clients) -> None:
    changes = ask(clients, shipped("vpc"), **VPC)
    assert {change.change_type for change in changes.values()} == {"Create"}
    assert len(changes) == 7
    machine = changes["virtualMachines/acme-router"].after
    assert machine["properties"]["osProfile"]["adminUsername"] == "vns3user"
    assert VPC["routerPassword"] not in str(machine)
    assert list(clients.network.virtual_networks.list(GROUP)) == []


def test_a_nested_template_that_sees_its_parents_secret_shows_it_no_more_than_the_parent(clients: Clients) -> None:
    inner = template(network("routeTables", "t", {}, tags={"end": "[substring(parameters('secret').key, 0, 3)]"}))
    nested = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2024-03-01",
        "name": "inside",
        "properties": {"mode": "Incremental", "template": inner},
    }
    source = template(nested, parameters={"secret": {"type": "secureObject"}})
    changes = ask(clients, source, secret={"key": "hunter2"})
    assert changes["routeTables/t"].after["tags"] == {"end": "***"}


def test_the_same_again_is_no_change(clients: Clients, deploy: Deploy) -> None:
    deploy(shipped("vpc"), **VPC)
    changes = ask(clients, shipped("vpc"), **VPC)
    assert {name: change.change_type for name, change in changes.items()} == dict.fromkeys(changes, "NoChange")


def test_changes_are_told_by_property(clients: Clients, deploy: Deploy) -> None:
    one, two = {"name": "one", "properties": rule(100)}, {"name": "two", "properties": rule(101)}
    group = network("networkSecurityGroups", "group", {"securityRules": [one, two]}, tags={"a": "b", "old": "x"})
    deploy(template(group, network("routeTables", "table", {})))
    changed = {"name": "one", "properties": rule(100, port="9000")}
    three = {"name": "three", "properties": rule(103)}
    new = network("networkSecurityGroups", "group", {"securityRules": [changed, three]}, tags={"a": "c"})
    changes = ask(clients, template(new, network("routeTables", "fresh", {})))
    kinds = {name: change.change_type for name, change in changes.items()}
    assert kinds == {
        "networkSecurityGroups/group": "Modify",
        "routeTables/fresh": "Create",
        "routeTables/table": "Ignore",
    }
    delta = {part.path: part for part in changes["networkSecurityGroups/group"].delta}
    assert set(delta) == {"tags.a", "tags.old", "properties.securityRules"}
    assert (delta["tags.a"].property_change_type, delta["tags.a"].before, delta["tags.a"].after) == ("Modify", "b", "c")
    assert delta["tags.old"].property_change_type == "Delete"
    rules = delta["properties.securityRules"]
    assert rules.property_change_type == "Array"
    parts = [(child.path, child.property_change_type) for child in rules.children]
    assert parts == [("0", "Modify"), ("1", "Delete"), ("1", "Create")]
    (port,) = rules.children[0].children
    assert (port.path, port.before, port.after) == ("properties.destinationPortRange", "8000", "9000")
    assert [one.name for one in clients.network.security_rules.list(GROUP, "group")] == ["one", "two"]


def test_complete_mode_tells_what_would_go(clients: Clients, deploy: Deploy) -> None:
    deploy(template(network("routeTables", "old", {})))
    changes = ask(clients, template(network("routeTables", "new", {})), mode="Complete")
    assert {name: change.change_type for name, change in changes.items()} == {
        "routeTables/old": "Delete",
        "routeTables/new": "Create",
    }


def test_what_is_not_known_yet_stays_an_expression(clients: Clients, deploy: Deploy) -> None:
    space = "[reference('net').addressSpace.addressPrefixes[0]]"
    net = network("virtualNetworks", "net", {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}})
    source = template(net, network("routeTables", "table", {}, tags={"space": space}))
    assert ask(clients, source)["routeTables/table"].after["tags"] == {"space": space}
    deploy(source)
    assert ask(clients, source)["routeTables/table"].change_type == "NoChange"


def test_a_child_alone_is_compared_alone(clients: Clients, deploy: Deploy) -> None:
    deploy(template(network("routeTables", "table", {})))
    route = network("routeTables/routes", "table/up", {"addressPrefix": "10.1.0.0/16", "nextHopType": "None"})
    assert ask(clients, template(route))["routeTables/table/routes/up"].change_type == "Create"
    deploy(template(route))
    route["properties"]["nextHopType"] = "Internet"
    change = ask(clients, template(route))["routeTables/table/routes/up"]
    assert [(part.path, part.before, part.after) for part in change.delta] == [
        ("properties.nextHopType", "None", "Internet")
    ]
