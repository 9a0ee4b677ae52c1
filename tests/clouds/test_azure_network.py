"""Rules, exposures, routes and the network of the Azure account, against the lab's Azure."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure_lab import TEMPLATES, VPC, at, face, open_account, world

from trunkline import Error
from trunkline.clouds.azure import AzureAccount
from trunkline.clouds.cloud import CloudError, NextHop, Rule
from trunkline.network.model import Permission, Route
from trunkline_lab.azure import AzureFace
from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.http import Answer, Call

__all__ = ["face", "world"]
API = Rule("tcp", 8000, "127.0.0.1/32")


@pytest.fixture(scope="module")
def azure(face: AzureFace) -> AzureAccount:
    return open_account(face)


@pytest.fixture(scope="module")
def vpc(azure: AzureAccount) -> dict[str, Any]:
    with at("acme", "vpc"):
        return azure.stack(TEMPLATES / "vpc.azure.json")(VPC)  # type: ignore[return-value]


def rules(azure: AzureAccount, group: str) -> dict[str, Any]:
    name = group.rsplit("/", 1)[-1]
    listed = azure.clients.network.security_rules.list(azure.resource_group, name)
    return {rule.name: rule for rule in listed if rule.name.startswith("trunkline-")}


def soon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=15)


def test_access_opens_shows_and_closes(azure, face, vpc):
    group, expires = vpc["router_group_id"], soon()
    azure.allow(group, API, run="r1", purpose="api access", expires=expires)
    (seen,) = azure.exposures()
    assert (seen.account, seen.group, seen.rule, seen.run, seen.purpose) == ("B", group, API, "r1", "api access")
    assert seen.expires == expires
    assert timedelta(0) <= datetime.now(UTC) - seen.opened < timedelta(minutes=1)
    azure.close(seen)
    azure.close(seen)
    assert azure.exposures() == []
    assert rules(azure, group) == {}


def test_allow_twice_is_one_rule_without_a_second_write_and_a_later_expiry_extends_it(azure, face, vpc):
    group, expires = vpc["router_group_id"], soon()
    azure.allow(group, API, run="r2", purpose="api", expires=expires)
    writes = sum(call.method == "PUT" for call in face.calls)
    azure.allow(group, API, run="r2", purpose="api", expires=expires)
    assert sum(call.method == "PUT" for call in face.calls) == writes
    (first,) = azure.exposures()
    azure.allow(group, API, run="r2", purpose="api", expires=expires + timedelta(hours=1))
    (second,) = azure.exposures()
    assert second.expires == first.expires + timedelta(hours=1)
    assert second.opened == first.opened
    azure.revoke(group, API, run="r2", purpose="api")
    azure.revoke(group, API, run="r2", purpose="api")
    assert azure.exposures() == []


def test_a_rule_for_good_is_no_exposure_and_runs_do_not_share_rules(azure, vpc):
    group = vpc["router_group_id"]
    for run in ("one", "two"):
        azure.allow(group, Rule("udp", 4500, "198.51.100.0/24"), run=run, purpose="peer")
    assert azure.exposures() == []
    azure.revoke(group, Rule("udp", 4500, "198.51.100.0/24"), run="one", purpose="peer")
    (left,) = rules(azure, group).values()
    assert left.description == "trunkline run=two purpose=peer"
    assert (left.protocol, left.destination_port_range) == ("Udp", "4500")
    azure.revoke(group, Rule("udp", 4500, "198.51.100.0/24"), run="two", purpose="peer")


def test_every_port_and_protocol(azure, vpc):
    group = vpc["router_group_id"]
    azure.allow(group, Rule("any", 0, "10.0.0.0/16"), run="r", purpose="p", expires=soon())
    (seen,) = azure.exposures()
    assert seen.rule == Rule("any", 0, "10.0.0.0/16")
    azure.close(seen)


def test_many_at_once_get_priorities_of_their_own(azure, face, vpc):
    group = vpc["router_group_id"]

    def open_one(number: int) -> None:
        open_account(face, azure.resource_group).allow(group, API, run=f"run-{number}", purpose="api", expires=soon())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_one, range(8)))
    priorities = sorted(rule.priority for rule in rules(azure, group).values())
    assert len(set(priorities)) == 8
    assert min(priorities) >= 300
    seen = azure.exposures()
    assert {exposure.run for exposure in seen} == {f"run-{n}" for n in range(8)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(azure.close, seen))
    assert azure.exposures() == []


@pytest.mark.parametrize("source", ["0.0.0.0/0", "Internet", "*", "::/0"])
def test_nobody_opens_access_for_everybody(azure, face, vpc, source):
    before = len(face.calls)
    with pytest.raises(Error, match="refused"):
        azure.allow(vpc["router_group_id"], Rule("tcp", 8000, source), run="r", purpose="p", expires=soon())
    assert len(face.calls) == before


def test_a_group_that_is_not_there(azure, vpc):
    gone = vpc["router_group_id"] + "-gone"
    azure.revoke(gone, API, run="r", purpose="p")
    with pytest.raises(CloudError) as error:
        azure.allow(gone, API, run="r", purpose="p")
    assert "gone" in str(error.value)


def test_routes_are_made_once_and_never_moved(azure, vpc):
    table, via = vpc["app_route_table_id"], NextHop(vpc["router_interface_id"], "10.1.0.10")
    for _ in range(2):
        azure.route(table, "10.0.0.0/16", via, run="r")
    with pytest.raises(Error, match=r"leads to 10\.1\.0\.10 .* not to 10\.1\.0\.99"):
        azure.route(table, "10.0.0.0/16", NextHop("nic", "10.1.0.99"), run="r")
    with pytest.raises(Error, match=r"0\.0\.0\.0/0 leads to None .*not to 10\.1\.0\.10"):
        azure.route(table, "0.0.0.0/0", via, run="r")
    azure.unroute(table, "10.0.0.0/16", via=NextHop("nic", "10.1.0.99"))
    assert "10.0.0.0/16" in prefixes(azure, vpc)
    azure.unroute(table, "10.0.0.0/16", via=via)
    azure.unroute(table, "10.0.0.0/16")
    assert "10.0.0.0/16" not in prefixes(azure, vpc)
    azure.unroute(table + "-gone", "10.0.0.0/16")


def test_the_same_route_from_many_sides(azure, face, vpc):
    table, via = vpc["app_route_table_id"], NextHop(vpc["router_interface_id"], "10.1.0.10")

    def add(_: int) -> None:
        open_account(face, azure.resource_group).route(table, "10.7.0.0/16", via, run="r")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(6)))
    assert prefixes(azure, vpc).count("10.7.0.0/16") == 1
    azure.unroute(table, "10.7.0.0/16", via=via)


def prefixes(azure: AzureAccount, vpc: dict[str, Any]) -> list[str]:
    (table,) = [t for t in azure.network(vpc["vpc_id"]).route_tables if t.id == vpc["app_route_table_id"]]
    return [route.prefix for route in table.routes]


def test_the_network_as_the_model(azure, vpc):
    network = azure.network(vpc["vpc_id"])
    assert (network.cloud, network.account, network.cidrs) == ("azure", "B", ("10.1.0.0/16",))
    assert {s.name: s.cidr for s in network.subnets} == {
        "router": "10.1.0.0/24",
        "app-1": "10.1.1.0/24",
        "app-2": "10.1.2.0/24",
    }
    (interface,) = network.interfaces
    assert interface.forwards
    assert (interface.private_address, interface.public_address) == ("10.1.0.10", vpc["router_address"])
    assert interface.instance == vpc["router_instance_id"]
    assert interface.rule_sets == (vpc["router_group_id"],)
    tables = {table.id: table for table in network.route_tables}
    targets = {route.prefix: route.target for route in tables[vpc["router_route_table_id"]].routes}
    assert targets == {
        "0.0.0.0/0": "none",
        "203.0.113.11/32": "internet",
        "203.0.113.12/32": "internet",
        "10.1.0.0/16": "local",
    }
    assert set(tables[vpc["app_route_table_id"]].subnets) == {vpc["app_subnet1_id"], vpc["app_subnet2_id"]}
    (group,) = network.rule_sets
    ipsec = [p for p in group.permissions if p.direction == "in" and p.protocol == "udp"]
    assert {(p.first_port, p.peer) for p in ipsec} == {
        (port, f"203.0.113.{n}/32") for port in (500, 4500) for n in (11, 12)
    }
    assert any(p.action == "deny" and p.priority == 65500 for p in group.permissions)


class Refuses:
    """A hook that answers a few requests with an error before they are done."""

    def __init__(self, error: ArmError, times: int) -> None:
        self.error, self.times = error, times

    async def before(self, call: Call) -> None:
        if self.times:
            self.times -= 1
            raise self.error

    async def after(self, call: Call, answer: Answer) -> None:
        return None


@pytest.fixture
def refuses(face):
    def refuse(error: ArmError, times: int = 99) -> Refuses:
        face.hooks.append(Refuses(error, times))
        return face.hooks[-1]

    yield refuse
    face.hooks.clear()


def test_missing_rights_are_told_with_a_remedy(azure, refuses):
    refuses(ArmError(403, "AuthorizationFailed", "The client does not have authorization"))
    with pytest.raises(CloudError, match="list the NSGs: AuthorizationFailed: The client") as error:
        azure.exposures()
    assert error.value.code == "AuthorizationFailed"
    assert "Network Contributor" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("status", "code"), [(429, "TooManyRequests"), (503, "ServerBusy"), (409, "AnotherOperationInProgress")]
)
def test_a_busy_provider_is_asked_again(azure, vpc, refuses, status, code):
    group = vpc["router_group_id"]
    azure.allow(group, API, run="busy", purpose="api", expires=soon())
    (seen,) = azure.exposures()
    hook = refuses(ArmError(status, code, "come back later"), 2)
    azure.close(seen)
    assert hook.times == 0
    assert azure.exposures() == []


def test_a_network_that_is_not_there(azure, vpc):
    with pytest.raises(CloudError, match="read network"):
        azure.network(vpc["vpc_id"] + "-gone")
    with pytest.raises(Error, match="virtualNetworks"):
        azure.network(vpc["app_route_table_id"])


PEERED = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [
        {
            "type": "Microsoft.Network/applicationSecurityGroups",
            "apiVersion": "2024-05-01",
            "name": "web",
            "location": "westeurope",
            "properties": {},
        },
        {
            "type": "Microsoft.Network/networkSecurityGroups",
            "apiVersion": "2024-05-01",
            "name": "guard",
            "location": "westeurope",
            "dependsOn": ["web"],
            "properties": {
                "securityRules": [
                    {
                        "name": "to-web",
                        "properties": {
                            "priority": 100,
                            "direction": "Inbound",
                            "access": "Deny",
                            "protocol": "Tcp",
                            "sourceAddressPrefix": "Internet",
                            "sourcePortRange": "*",
                            "destinationApplicationSecurityGroups": [
                                {"id": "[resourceId('Microsoft.Network/applicationSecurityGroups', 'web')]"}
                            ],
                            "destinationPortRange": "443",
                        },
                    },
                    {
                        "name": "from-low-ports",
                        "properties": {
                            "priority": 110,
                            "direction": "Inbound",
                            "access": "Allow",
                            "protocol": "Tcp",
                            "sourceAddressPrefix": "*",
                            "sourcePortRange": "1-1023",
                            "destinationAddressPrefix": "*",
                            "destinationPortRange": "*",
                        },
                    },
                ]
            },
        },
        *(
            {
                "type": "Microsoft.Network/virtualNetworks",
                "apiVersion": "2024-05-01",
                "name": name,
                "location": "westeurope",
                "dependsOn": ["guard"],
                "properties": {
                    "addressSpace": {"addressPrefixes": [f"10.{n}.0.0/16"]},
                    "subnets": [
                        {
                            "name": "hosts",
                            "properties": {
                                "addressPrefix": f"10.{n}.1.0/24",
                                "networkSecurityGroup": {
                                    "id": "[resourceId('Microsoft.Network/networkSecurityGroups', 'GUARD')]"
                                },
                            },
                        }
                    ],
                },
            }
            for n, name in ((41, "one"), (42, "two"))
        ),
        *(
            {
                "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
                "apiVersion": "2024-05-01",
                "name": f"{name}/to-{other}",
                "dependsOn": ["one", "two", *(["one/to-two"] if name == "two" else [])],
                "properties": {
                    "remoteVirtualNetwork": {
                        "id": f"[toUpper(resourceId('Microsoft.Network/virtualNetworks', '{other}'))]"
                    },
                    "allowVirtualNetworkAccess": True,
                },
            }
            for name, other in (("one", "two"), ("two", "one"))
        ),
        {
            "type": "Microsoft.Network/networkInterfaces",
            "apiVersion": "2024-05-01",
            "name": "web-nic",
            "location": "westeurope",
            "dependsOn": ["one", "web"],
            "properties": {
                "ipConfigurations": [
                    {
                        "name": "ip",
                        "properties": {
                            "subnet": {
                                "id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'ONE', 'hosts')]"
                            },
                            "applicationSecurityGroups": [
                                {"id": "[resourceId('Microsoft.Network/applicationSecurityGroups', 'web')]"}
                            ],
                        },
                    }
                ]
            },
        },
    ],
}


def test_peerings_groups_and_names_whatever_the_case_of_ids(face, tmp_path):
    azure = open_account(face)
    file = tmp_path / "peered.azure.json"
    file.write_text(json.dumps(PEERED))
    with at("acme", "peered"):
        azure.stack(file)({})
    one, two = (each for each in azure.networks() if each.name in ("one", "two"))
    (there,), (back,) = one.peerings, two.peerings
    assert (there.peer, there.active) == (two.id, True)
    assert (back.peer, back.active) == (one.id, True)
    assert one.route_tables[0].routes == (
        Route("10.41.0.0/16", "local"),
        Route("10.42.0.0/16", there.id),
        Route("0.0.0.0/0", "internet"),
    )
    (rules,) = one.rule_sets
    assert one.subnets[0].rule_sets == (rules.id,)
    own = [each for each in rules.permissions if each.priority < 1000]
    (host,) = one.interfaces
    assert own == [Permission("in", "tcp", 443, 443, "Internet", "deny", 100, host.groups[0])]
    assert (host.name, host.subnet) == ("web-nic", one.subnets[0].id)


def test_all_networks_are_read_in_as_many_calls_as_one(azure, face, vpc):
    def calls(read: Any) -> int:
        before = len(face.calls)
        read()
        return len(face.calls) - before

    assert calls(azure.networks) == calls(lambda: azure.network(vpc["vpc_id"])) == 5
    assert vpc["vpc_id"] in {each.id for each in azure.networks()}
