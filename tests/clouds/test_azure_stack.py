"""Stacks of the Azure account against the lab's Azure, over a real socket."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure_lab import FEDERATION, TEMPLATES, VPC, at, azure, face, open_account, resources, world

from trunkline import check, during, pipe
from trunkline.clouds.azure import AzureAccount
from trunkline.clouds.cloud import CloudError, NextHop, Rule, StackFailed
from trunkline.errors import StepTimeout
from trunkline_lab.azure import AzureFace
from trunkline_lab.azure.errors import Lost
from trunkline_lab.azure.http import Answer, Call
from trunkline_lab.world import Pace

__all__ = ["azure", "face", "world"]
NETWORK = "Microsoft.Network"


def started(face: AzureFace) -> int:
    """How many deployments were started so far."""
    return sum(call.method == "PUT" and call.resource_type.endswith("/deployments") for call in face.calls)


def template(tmp_path: Path, name: str, *resources: dict[str, Any], **parts: Any) -> Path:
    path = tmp_path / f"{name}.azure.json"
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    body = {"$schema": schema, "contentVersion": "1.0.0.0", "resources": list(resources), **parts}
    path.write_text(json.dumps(body))
    return path


def table(name: str, **more: Any) -> dict[str, Any]:
    return {
        "type": f"{NETWORK}/routeTables",
        "apiVersion": "2024-05-01",
        "name": name,
        "location": "westeurope",
        "properties": {},
        **more,
    }


def vnet(name: str, cidr: str = "10.9.0.0/16", subnet: str = "10.9.1.0/24") -> dict[str, Any]:
    properties = {
        "addressSpace": {"addressPrefixes": [cidr]},
        "subnets": [{"name": "one", "properties": {"addressPrefix": subnet}}],
    }
    return {**table(name), "type": f"{NETWORK}/virtualNetworks", "properties": properties}


def test_the_vpc_runs_in_a_pipe_and_a_second_run_deploys_nothing(azure, face):
    steps = [("vpc", azure.stack(TEMPLATES / "vpc.azure.json"))]
    end = pipe(VPC, steps, run="acme-1")
    assert end["router_address"].startswith("127.77.31.")
    assert end["router_assigned_private_address"] == "10.1.0.10"
    assert end["router_default_password"] == "acme-router-10.1.0.10"
    assert end["vpc_id"].endswith("/virtualNetworks/acme-vnet")
    before = started(face)
    assert pipe(VPC, steps, run="acme-1") == end
    assert started(face) == before
    (machine,) = [m for m in face.machines() if m.network == end["vpc_id"]]
    assert machine.default_password == end["router_default_password"]


def test_nothing_reaches_the_router_but_ipsec_from_the_federation(azure, face):
    end = pipe(VPC, [("vpc", azure.stack(TEMPLATES / "vpc.azure.json"))], run="acme-2")
    machine = end["router_instance_id"]
    assert face.admits(machine, "udp", 500, VPC["federation_address1"])
    assert face.admits(machine, "udp", 4500, VPC["federation_address2"])
    assert not face.admits(machine, "udp", 4500, "203.0.113.99")
    assert not face.admits(machine, "tcp", 8000, VPC["federation_address1"])
    assert not face.admits(machine, "tcp", 8000, "127.0.0.1")
    assert not face.admits(machine, "tcp", 8000, "10.1.1.5")
    assert face.admits(machine, "tcp", 443, "10.1.1.5")


def test_the_caller_needs_a_rule_and_a_route(azure, face):
    vpc = azure.stack(TEMPLATES / "vpc.azure.json")
    route = azure.stack(TEMPLATES / "caller-route.azure.json", keys={"RouteTableId": "router_route_table_id"})
    state = pipe({**VPC, "caller_prefix": "127.0.0.1/32"}, [("vpc", vpc)], run="acme-3")
    machine, rule = state["router_instance_id"], Rule("tcp", 8000, "127.0.0.1/32")
    azure.allow(state["router_group_id"], rule, run="acme-3", purpose="api")
    assert not face.admits(machine, "tcp", 8000, "127.0.0.1")
    with at("acme-3", "bootstrap"):
        route(state)
        assert face.admits(machine, "tcp", 8000, "127.0.0.1")
        route.undo(state)
    assert not face.admits(machine, "tcp", 8000, "127.0.0.1")
    azure.revoke(state["router_group_id"], rule, run="acme-3", purpose="api")


def test_a_stack_may_be_a_scope_of_its_own(azure, face):
    """The caller's route stands while a scope lasts: opened and closed by one step's function and its undo."""
    route = azure.stack(TEMPLATES / "caller-route.azure.json", keys={"RouteTableId": "router_route_table_id"})
    seen: list[bool] = []

    def look(state: dict[str, Any]) -> None:
        routes = azure.network(state["vpc_id"]).route_tables
        seen.append(any(r.prefix == "127.0.0.1/32" for table in routes for r in table.routes))

    scope = during("caller", open=route, close=route.undo, steps=[("look", look)])
    steps = [("vpc", azure.stack(TEMPLATES / "vpc.azure.json")), scope, ("again", look)]
    data = {**VPC, "caller_prefix": "127.0.0.1/32"}
    assert [problem for problem in check(steps, data) if problem.level == "error"] == []
    pipe(data, steps, run="acme-5")
    assert seen == [True, False]
    pipe(data, steps, run="acme-5")
    assert seen == [True, False, True, False]


def test_the_federation_has_two_routers_and_is_undone_whole(azure, face):
    stack = azure.stack(TEMPLATES / "federation.azure.json")
    with at("fed", "federation"):
        outputs = stack(FEDERATION)
        assert {outputs["router1_default_password"], outputs["router2_default_password"]} == {
            "hub-router-1-10.250.1.10",
            "hub-router-2-10.250.2.10",
        }
        for n in "12":
            machine = outputs[f"router{n}_instance_id"]
            assert face.admits(machine, "udp", 500, FEDERATION["site_address"])
            assert face.admits(machine, "tcp", 8000, FEDERATION["router1_private_address"])
            assert not face.admits(machine, "tcp", 8000, "127.0.0.1")
        assert stack.find(FEDERATION) == outputs
        notes: list[str] = []
        with at("fed", "federation", notes=notes):
            stack.undo({**FEDERATION, **outputs})
        assert resources(azure) == set()
        assert any("virtualMachines hub-router-1" in note for note in notes)
        assert stack.find(FEDERATION) is None
        stack.undo({**FEDERATION, **outputs})
    assert azure.clients.resources.resource_groups.get(azure.resource_group).tags == {"trunkline": "resource-group"}


def test_a_resource_group_that_is_there_keeps_its_tags(azure):
    groups = azure.clients.resources.resource_groups
    groups.create_or_update(azure.resource_group, {"location": "westeurope", "tags": {"owner": "net"}})
    pipe(VPC, [("vpc", azure.stack(TEMPLATES / "vpc.azure.json"))], run="acme-4")
    assert groups.get(azure.resource_group).tags == {"owner": "net"}


def test_a_deployment_of_another_run_is_never_touched(azure, tmp_path):
    stack = azure.stack(template(tmp_path, "t", table("rt")), name="shared")
    with at("one", "net"):
        stack({})
    with at("two", "net"):
        with pytest.raises(CloudError, match="belongs to run 'one', step 'net'") as refused:
            stack({})
        assert refused.value.code == "DeploymentExists"
        assert stack.find({}) is None
        stack.undo({})
    assert resources(azure) == {"rt"}


def test_what_is_there_already_is_not_taken_over(azure, tmp_path):
    with at("one", "net"):
        azure.stack(template(tmp_path, "t", table("rt")))({})
    with at("two", "net"), pytest.raises(CloudError, match="routeTables/rt") as refused:
        azure.stack(template(tmp_path, "t", table("rt"), vnet("other")))({})
    assert refused.value.code == "ResourceExists"
    assert resources(azure) == {"rt"}


def test_an_update_removes_what_the_template_no_longer_has_and_keeps_our_routes(azure, tmp_path):
    with at("one", "net"):
        azure.stack(template(tmp_path, "a", table("rt"), table("old")), name="net")({})
    rt = f"/subscriptions/{azure.clients.subscription}/resourceGroups/{azure.resource_group}"
    rt += f"/providers/{NETWORK}/routeTables/rt"
    azure.route(rt, "10.1.0.0/16", NextHop("nic", "10.9.0.4"), run="other")
    changed = azure.stack(template(tmp_path, "b", table("rt", tags={"a": "b"}), vnet("new")), name="net")
    with at("one", "net"):
        changed({})
    assert resources(azure) == {"rt", "new"}
    routes = {r.name: r.next_hop_ip_address for r in azure.clients.network.routes.list(azure.resource_group, "rt")}
    assert routes == {"trunkline-10.1.0.0-16": "10.9.0.4"}
    with at("one", "net"):
        changed.undo({})
    assert resources(azure) == set()


def test_an_update_keeps_lasting_rules_and_ends_temporary_access(azure, tmp_path):
    """Carried along, access that its run closes meanwhile would be opened again, and stay."""
    group = {**table("nsg"), "type": f"{NETWORK}/networkSecurityGroups"}
    outputs = {"group": {"type": "string", "value": f"[resourceId('{NETWORK}/networkSecurityGroups', 'nsg')]"}}
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    with at("one", "net"):
        made = azure.stack(template(tmp_path, "a", group, outputs=outputs), name="net")({})
        azure.allow(made["group"], Rule("tcp", 8000, "127.0.0.1/32"), run="other", purpose="api", expires=expires)
        azure.allow(made["group"], Rule("udp", 500, "203.0.113.9/32"), run="other", purpose="ipsec")
        azure.stack(template(tmp_path, "b", {**group, "tags": {"a": "b"}}, outputs=outputs), name="net")({})
    (left,) = azure.clients.network.security_rules.list(azure.resource_group, "nsg")
    assert left.description == "trunkline run=other purpose=ipsec"
    assert not [seen for seen in azure.exposures() if seen.group == made["group"]]


def test_drift_is_mended_and_our_own_routes_are_no_drift(azure, face, tmp_path):
    route = {"name": "r", "properties": {"addressPrefix": "10.5.0.0/16", "nextHopType": "None"}}
    stack = azure.stack(template(tmp_path, "t", table("rt", properties={"routes": [route]})), name="net")
    rt = f"/subscriptions/{azure.clients.subscription}/resourceGroups/{azure.resource_group}"
    rt += f"/providers/{NETWORK}/routeTables/rt"
    with at("one", "net"):
        stack({})
        azure.route(rt, "10.1.0.0/16", NextHop("nic", "10.9.0.4"), run="other")
        before = started(face)
        stack({})
        assert started(face) == before
        azure.unroute(rt, "10.5.0.0/16")
        stack({})
    assert started(face) == before + 1
    found = {r.address_prefix for r in azure.clients.network.routes.list(azure.resource_group, "rt")}
    assert found == {"10.1.0.0/16", "10.5.0.0/16"}


def test_a_template_that_arm_refuses_makes_nothing(azure, tmp_path):
    wrong = azure.stack(template(tmp_path, "t", table("rt"), {**table("x"), "type": f"{NETWORK}/nonsense"}))
    with at(), pytest.raises(CloudError, match="nonsense"):
        wrong({})
    assert resources(azure) == set()


def test_a_stack_that_fails_in_the_middle_names_the_first_cause_and_is_undone(azure, tmp_path):
    first = table("first")
    # What-if cannot see that the second network's subnet lies outside: its range is only known at deployment.
    bad = vnet("second", subnet="[reference(resourceId('Microsoft.Network/routeTables', 'first')).provisioningState]")
    bad["dependsOn"] = ["[resourceId('Microsoft.Network/routeTables', 'first')]"]
    stack = azure.stack(template(tmp_path, "t", first, bad))
    with at("one", "net"):
        with pytest.raises(StackFailed) as failed:
            stack({})
        assert failed.value.resource == f"{NETWORK}/virtualNetworks second"
        assert "Succeeded" in failed.value.reason
        assert resources(azure) == {"first"}
        assert stack.find({}) is None
        stack.undo({})
    assert resources(azure) == set()


def test_a_stack_too_slow_is_cancelled_and_names_what_it_waited_for(azure, face, world, tmp_path, monkeypatch):
    path = template(tmp_path, "t", table("one"), table("two", dependsOn=[f"{NETWORK}/routeTables/one"]))
    monkeypatch.setattr(world, "pace", replace(world.pace, resource=0.6))
    with at("run", "net"):
        with pytest.raises(StepTimeout, match="routeTables one"):
            azure.stack(path, timeout=0.3)({})
        monkeypatch.setattr(world, "pace", Pace(resource=0.0, boot=0.0))
        assert azure.stack(path)({}) == {}
    assert resources(azure) == {"one", "two"}


def test_what_an_earlier_attempt_began_is_waited_for(azure, face, world, tmp_path, monkeypatch):
    monkeypatch.setattr(world, "pace", replace(world.pace, resource=0.5))
    outputs = {"theTable": {"type": "string", "value": "[resourceId('Microsoft.Network/routeTables', 'rt')]"}}
    stack = azure.stack(template(tmp_path, "t", table("rt"), outputs=outputs), name="net")
    before, going = started(face), threading.Event()

    def first() -> Any:
        with at("run", "net"):
            going.set()
            return stack({})

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(first)
        assert going.wait(5)
        while started(face) == before:
            pass
        with at("run", "net"):
            second = open_account(face, azure.resource_group).stack(tmp_path / "t.azure.json", name="net")({})
        assert future.result() == second
    assert second["the_table"].endswith("/rt")
    assert started(face) == before + 1


class LostOnce:
    """A hook that closes the connection after the first request of a kind was done."""

    def __init__(self, method: str, ending: str) -> None:
        self.method, self.ending, self.lost = method, ending, 0

    async def before(self, call: Call) -> None:
        return None

    async def after(self, call: Call, answer: Answer) -> None:
        if call.method == self.method and call.resource_type.endswith(self.ending) and not self.lost:
            self.lost += 1
            raise Lost


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("ending", ["/deployments", "/routeTables", "/securityRules", "/routes"])
def test_a_lost_answer_is_made_good(azure, face, world, tmp_path, monkeypatch, method, ending):
    monkeypatch.setattr(world, "pace", replace(world.pace, resource=0.1))
    group = {**table("nsg"), "type": f"{NETWORK}/networkSecurityGroups"}
    stack = azure.stack(template(tmp_path, "t", table("rt"), group))
    top = f"/subscriptions/{azure.clients.subscription}/resourceGroups/{azure.resource_group}/providers/{NETWORK}"
    rule, via = Rule("tcp", 8000, "127.0.0.1/32"), NextHop("nic", "10.9.0.4")
    hook = LostOnce(method, ending)
    face.hooks.append(hook)
    try:
        with at():
            stack({})
            azure.allow(f"{top}/networkSecurityGroups/nsg", rule, run="r", purpose="p")
            azure.route(f"{top}/routeTables/rt", "10.1.0.0/16", via, run="r")
            assert len(list(azure.clients.network.security_rules.list(azure.resource_group, "nsg"))) == 1
            azure.revoke(f"{top}/networkSecurityGroups/nsg", rule, run="r", purpose="p")
            azure.unroute(f"{top}/routeTables/rt", "10.1.0.0/16", via=via)
            stack.undo({})
    finally:
        face.hooks.remove(hook)
    assert resources(azure) == set()
    assert hook.lost == (0 if (method, ending) == ("PUT", "/routeTables") else 1)


def test_a_deadline_of_the_pipe_ends_the_wait(azure, face, world, tmp_path, monkeypatch):
    import time

    monkeypatch.setattr(world, "pace", replace(world.pace, resource=0.6))
    stack = azure.stack(template(tmp_path, "t", table("rt")))
    with at("run", "net", deadline=time.monotonic() + 0.3), pytest.raises(StepTimeout):
        stack({})


def test_outputs_by_name(azure, tmp_path):
    outputs = {"theName": {"type": "string", "value": "x"}}
    assert azure.outputs("net") is None
    with at():
        azure.stack(template(tmp_path, "t", outputs=outputs), name="net")({})
    assert azure.outputs("net") == {"the_name": "x"}


def test_the_preview_tells_resources_and_properties_and_no_secret(azure, face):
    stack = azure.stack(TEMPLATES / "vpc.azure.json")
    with at("acme", "vpc"):
        first = stack.preview(VPC)
        assert first.startswith(f"create resource group {azure.resource_group}")
        assert "router_address" in azure.stack(
            TEMPLATES / "vpc.azure.json", keys={"VpcCidr": "router_address"}
        ).preview(VPC)
        stack(VPC)
        assert stack.preview(VPC) == "no change"
        changed = stack.preview({**VPC, "federation_address1": "203.0.113.77"})
    assert "modify Microsoft.Network/networkSecurityGroups acme-router-nsg" in changed
    assert "203.0.113.77/32" in changed
    assert VPC["router_password"] not in changed


def test_notes_say_what_is_waited_for(azure, face, world, monkeypatch, tmp_path):
    monkeypatch.setattr(world, "pace", replace(world.pace, resource=0.2))
    notes: list[str] = []
    with at(notes=notes):
        azure.stack(template(tmp_path, "t", table("rt")))({})
    assert any(note.startswith(f"{NETWORK}/routeTables rt (") for note in notes)


def test_undo_refused_by_a_stranger_names_the_resource(azure, tmp_path):
    with at("one", "tables"):
        tables = azure.stack(template(tmp_path, "t", table("rt")))
        tables({})
    user = vnet("user")
    user["properties"]["subnets"][0]["properties"]["routeTable"] = {
        "id": "[resourceId('Microsoft.Network/routeTables', 'rt')]"
    }
    with at("two", "net"):
        network = azure.stack(template(tmp_path, "u", user))
        network({})
    with at("one", "tables"), pytest.raises(CloudError, match="routeTables rt") as refused:
        tables.undo({})
    assert refused.value.code == "InUseRouteTableCannotBeDeleted"
    with at("two", "net"):
        network.undo({})
    with at("one", "tables"):
        tables.undo({})
    assert resources(azure) == set()


def test_stacks_side_by_side_in_one_group(face):
    azure = open_account(face)
    route = TEMPLATES / "vpc.azure.json"
    states = [{**VPC, "name_prefix": f"side{n}", "vpc_cidr": "10.1.0.0/16"} for n in range(4)]

    def deploy(state: dict[str, Any]) -> Any:
        with at(state["name_prefix"], "vpc"):
            return azure.stack(route)(state)

    with ThreadPoolExecutor(4) as pool:
        addresses = {made["router_address"] for made in pool.map(deploy, states)}
    assert len(addresses) == 4


def test_an_account_satisfies_what_others_ask(azure: AzureAccount):
    assert azure.name == "B"
    with pytest.raises(LookupError):
        azure.stack(TEMPLATES / "caller-route.azure.json")({"route_table_id": "x", "caller_prefix": "10.0.0.1/32"})


def bad_after(*names: str) -> dict[str, Any]:
    """A network that what-if lets through and the deployment refuses: its range is only known by then."""
    bad = vnet("bad", subnet=f"[reference(resourceId('{NETWORK}/routeTables', '{names[0]}')).provisioningState]")
    return {**bad, "dependsOn": [f"[resourceId('{NETWORK}/routeTables', '{name}')]" for name in names]}


def test_undo_finds_what_an_earlier_failed_attempt_made(azure, face, world, tmp_path, monkeypatch):
    """A second attempt that is cut off early leaves no operation for what the first one made."""
    tables = [table("a"), table("b", dependsOn=[f"{NETWORK}/routeTables/a"])]
    path = template(tmp_path, "t", *tables, bad_after("b"))
    stack = azure.stack(path, name="net")
    with at("one", "net"):
        with pytest.raises(StackFailed):
            stack({})
        assert resources(azure) == {"a", "b"}
        monkeypatch.setattr(world, "pace", replace(world.pace, resource=0.8))
        with pytest.raises(StepTimeout):
            azure.stack(path, name="net", timeout=0.2)({})
        monkeypatch.setattr(world, "pace", Pace(resource=0.0, boot=0.0))
        stack.undo({})
    assert resources(azure) == set()


def test_an_update_that_fails_forgets_nothing(azure, tmp_path):
    with at("one", "net"):
        azure.stack(template(tmp_path, "a", table("a"), table("old")), name="net")({})
        failing = azure.stack(template(tmp_path, "b", table("a"), bad_after("a")), name="net")
        with pytest.raises(StackFailed):
            failing({})
        assert resources(azure) == {"a", "old"}
        failing.undo({})
    assert resources(azure) == set()


def test_an_update_does_not_take_over_what_is_anothers(azure, tmp_path):
    with at("one", "net"):
        azure.stack(template(tmp_path, "a", table("a")))({})
    with at("two", "net"):
        azure.stack(template(tmp_path, "b", table("b")))({})
        with pytest.raises(CloudError, match=r"take over .*routeTables/a"):
            azure.stack(template(tmp_path, "b", table("b"), table("a")))({})
