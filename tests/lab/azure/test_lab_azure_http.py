"""The endpoint itself: who is let in, what is logged, how hooks make faults, and what a pace does.

Sources: of a code, docs/reference/lab-errors.md; of a behaviour, docs/reference/lab-azure.md; of a row that has one of
its own, the row says it (owner/repository#number is a public report of Azure's own answer).
"""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from lab_azure import GROUP, REGION, ZERO, Clients, Deploy, connect, network, rule, shipped, template
from test_lab_azure_templates import VPC

from trunkline_lab.azure import SUBSCRIPTION, Answer, ArmError, AzureFace, Call, Lost
from trunkline_lab.world import Pace, PublicAddresses, World

SUB = f"/subscriptions/{SUBSCRIPTION}"
API = "?api-version=2024-05-01"
MIXED = "&$filter=resourceType%20eq%20'Microsoft.Network/virtualNetworks'%20and%20tagName%20eq%20'a'"


def send(face: AzureFace, path: str, method: str = "GET", body: bytes | None = None, token: str = "Bearer x") -> Any:
    request = urllib.request.Request(face.endpoint + path, method=method, data=body)
    if token:
        request.add_header("Authorization", token)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read() or "null"), answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or "null"), refused.headers


def code(answer: Any) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


def test_only_loopback_is_listened_on(face: AzureFace) -> None:
    assert face.endpoint.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("token", ["", "Basic abc", "Bearer ", "Bearer"])
def test_a_bearer_token_must_be_there(face: AzureFace, token: str) -> None:
    expected = "AuthenticationFailedInvalidHeader" if token else "AuthenticationFailed"
    assert code(send(face, "/subscriptions" + API, token=token)) == (401, expected)
    assert face.calls == []


@pytest.mark.parametrize(
    ("path", "method", "body", "expected"),
    [
        ("/subscriptions", "GET", None, (400, "MissingApiVersionParameter")),
        ("/subscriptions?api-version=1", "GET", None, (400, "InvalidApiVersionParameter")),
        ("/subscriptions/nobody/resourcegroups" + API, "GET", None, (404, "SubscriptionNotFound")),
        ("/elsewhere" + API, "GET", None, (404, "NotFound")),
        (SUB + "/resourcegroups/a" + API, "POST", b"{}", (405, "MethodNotAllowed")),
        (SUB + "/resourcegroups/a!b" + API, "PUT", b"{}", (400, "InvalidResourceGroup")),
        (SUB + "/resourcegroups/a" + API, "PUT", b"{", (400, "InvalidRequestContent")),
        (SUB + "/resourcegroups/a" + API, "PUT", b"[]", (400, "InvalidRequestContent")),
        (SUB + "/resourcegroups/a" + API, "PUT", b"{}", (400, "LocationRequired")),
        (SUB + "/resourcegroups/a/providers/A.B/c" + API, "GET", None, (404, "InvalidResourceType")),
        (SUB + "/resourcegroups/a/resources" + API, "GET", None, (404, "ResourceGroupNotFound")),
        (SUB + "/providers/A.B" + API, "GET", None, (404, "InvalidResourceNamespace")),
        (SUB + "/resources" + API + "&$filter=colour%20eq%20'x'", "GET", None, (400, "InvalidFilterInQueryString")),
        (SUB + "/resourcegroups" + API + "&$filter=name%20eq%20'x'", "GET", None, (400, "InvalidFilterInQueryString")),
        (SUB + "/resources" + API + MIXED, "GET", None, (400, "InvalidFilterInQueryString")),
    ],
)
def test_what_is_refused(
    face: AzureFace, path: str, method: str, body: bytes | None, expected: tuple[int, str]
) -> None:
    assert code(send(face, path, method, body)) == expected


def test_paths_are_compared_without_case(clients: Clients, face: AzureFace) -> None:
    status, body, _ = send(face, f"{SUB.upper().replace('SUBSCRIPTIONS', 'Subscriptions')}/ResourceGroups/LAB{API}")
    assert (status, body["name"]) == (200, GROUP)


def test_a_name_with_escapes_and_providers(face: AzureFace) -> None:
    assert send(face, f"{SUB}/resourcegroups/a%20b{API}", "PUT", b'{"location": "westeurope"}')[0] == 400
    found = send(face, f"{SUB}/providers{API}")[1]["value"]
    assert {"Microsoft.Network", "Microsoft.Compute", "Microsoft.Resources"} <= {one["namespace"] for one in found}
    assert (
        send(face, f"{SUB}/providers/Microsoft.Network/register{API}", "POST")[1]["registrationState"] == "Registered"
    )


def test_both_styles_of_long_running_operations(face: AzureFace, clients: Clients) -> None:
    path = f"{SUB}/resourceGroups/{GROUP}/providers/Microsoft.Network/routeTables/table{API}"
    status, body, headers = send(face, path, "PUT", json.dumps({"location": REGION}).encode())
    assert (status, body["properties"]["provisioningState"]) == (201, "Updating")
    polled = send(face, headers["azure-asyncoperation"].removeprefix(face.endpoint))
    assert (polled[0], polled[1]["status"]) == (200, "Succeeded")
    status, _, headers = send(face, path, "DELETE")
    assert status == 202
    assert send(face, headers["azure-asyncoperation"].removeprefix(face.endpoint))[1]["status"] == "Succeeded"
    assert send(face, headers["location"].removeprefix(face.endpoint))[0] == 204
    assert send(face, path, "DELETE")[0] == 204
    assert code(send(face, f"{SUB}/providers/x/operations/{'0' * 36}{API}")) == (404, "OperationNotFound")


def test_the_log_tells_who_asked_for_what(face: AzureFace, clients: Clients) -> None:
    clients.network.route_tables.begin_create_or_update(GROUP, "table", {"location": REGION}).result()
    with pytest.raises(HttpResponseError):
        clients.network.route_tables.get(GROUP, "gone")
    seen = [(one.method, one.resource_type, one.operation, one.status) for one in face.calls]
    assert seen[0] == ("PUT", "Microsoft.Resources/resourceGroups", "put", 201)
    assert seen[1] == ("PUT", "Microsoft.Network/routeTables", "put", 201)
    assert seen[2][:1] + seen[2][2:] == ("GET", "poll", 200)
    assert seen[-1] == ("GET", "Microsoft.Network/routeTables", "get", 404)
    assert {one.subscription for one in face.calls} == {SUBSCRIPTION}
    assert [one.when for one in face.calls] == sorted(one.when for one in face.calls)


class Fault:
    """Does one thing to each PUT of a route table."""

    def __init__(self, before: Any = None, after: Any = None) -> None:
        self._before, self._after = before, after

    async def before(self, call: Call) -> Answer | None:
        return self._do(call, self._before)

    async def after(self, call: Call, answer: Answer) -> Answer | None:
        return self._do(call, self._after)

    def _do(self, call: Call, what: Any) -> Answer | None:
        if (call.method, call.resource_type) != ("PUT", "Microsoft.Network/routeTables"):
            return None
        if isinstance(what, Exception):
            raise what
        return what  # type: ignore[no-any-return]


def put_table(clients: Clients) -> Any:
    return clients.network.route_tables.begin_create_or_update(GROUP, "table", {"location": REGION}).result()


def test_hooks_refuse_answer_and_lose(face: AzureFace, clients: Clients) -> None:
    face.hooks.append(Fault(before=ArmError(429, "TooManyRequests", "slow down")))
    with pytest.raises(HttpResponseError) as caught:
        put_table(clients)
    assert (caught.value.status_code, face.calls[-1].status) == (429, 429)
    face.hooks[:] = [Fault(before=Answer(503, {"error": {"code": "ServiceUnavailable", "message": "later"}}))]
    with pytest.raises(HttpResponseError) as caught:
        put_table(clients)
    assert caught.value.error.code == "ServiceUnavailable"
    face.hooks[:] = [Fault(before=Lost())]
    with pytest.raises(ServiceResponseError):
        put_table(clients)
    assert list(clients.network.route_tables.list(GROUP)) == []
    face.hooks[:] = [Fault(after=Lost())]
    with pytest.raises(ServiceResponseError):
        put_table(clients)
    assert (face.calls[-1].method, face.calls[-1].status) == ("PUT", 0)
    face.hooks.clear()
    assert [one.name for one in clients.network.route_tables.list(GROUP)] == ["table"]


def test_other_subscriptions_are_apart() -> None:
    two = ("a" * 8 + "-0000-4000-8000-000000000001", "b" * 8 + "-0000-4000-8000-000000000002")
    with AzureFace(World(PublicAddresses("127.77.9"), ZERO), subscriptions=two) as face:
        one, other = (connect(face, subscription) for subscription in two)
        one.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        assert list(other.resources.resource_groups.list()) == []
        with pytest.raises(HttpResponseError) as caught:
            list(connect(face).resources.resource_groups.list())
        assert caught.value.error.code == "SubscriptionNotFound"


def test_everything_takes_its_time_and_the_world_hears_of_it() -> None:
    world = World(PublicAddresses("127.77.6"), Pace(resource=0.05, boot=0.4))
    heard: list[int] = []
    with AzureFace(world) as face:
        world.listen(lambda: heard.append(len(face.machines())))
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        poller = clients.deployments.deployments.begin_create_or_update(
            GROUP,
            "main",
            {
                "properties": {
                    "mode": "Incremental",
                    "template": shipped("vpc"),
                    "parameters": {name: {"value": value} for name, value in VPC.items()},
                }
            },  # type: ignore[arg-type]
        )
        deadline = time.monotonic() + 5
        machines = clients.compute.virtual_machines
        while not list(machines.list(GROUP)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert machines.get(GROUP, "acme-router").provisioning_state == "Creating"
        assert face.machines() == []
        poller.result()
        assert len(face.machines()) == 1
    assert 1 in heard
    assert heard[0] == 0


def test_two_changes_of_one_network_at_once_are_refused_as_azure_does() -> None:
    with AzureFace(World(PublicAddresses("127.77.5"), Pace(resource=0.3))) as face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        body = {"location": REGION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
        clients.network.virtual_networks.begin_create_or_update(GROUP, "net", body)
        subnets = clients.network.subnets
        first = {"properties": {"addressPrefix": "10.0.0.0/24"}}
        with pytest.raises(HttpResponseError) as caught:
            subnets.begin_create_or_update(GROUP, "net", "a", first)
        assert (caught.value.status_code, caught.value.error.code) == (429, "AnotherOperationInProgress")
        group = {"location": REGION, "properties": {}}
        clients.network.network_security_groups.begin_create_or_update(GROUP, "g", group)
        pollers = [
            clients.network.security_rules.begin_create_or_update(GROUP, "g", f"r{n}", {"properties": rule(100 + n)})
            for n in range(3)
        ]
        for poller in pollers:
            poller.result()
        assert len(clients.network.network_security_groups.get(GROUP, "g").security_rules) == 3


def test_a_deployment_waits_for_a_busy_network_as_arm_does() -> None:
    net = network("virtualNetworks", "net", {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}})
    subnets = [
        network("virtualNetworks/subnets", f"net/s{n}", {"addressPrefix": f"10.0.{n}.0/24"}, dependsOn=["net"])
        for n in range(3)
    ]
    with AzureFace(World(PublicAddresses("127.77.5"), Pace(resource=0.05))) as face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        given = {"properties": {"mode": "Incremental", "template": template(net, *subnets)}}
        clients.deployments.deployments.begin_create_or_update(GROUP, "main", given).result()  # type: ignore[arg-type]
        assert len(list(clients.network.subnets.list(GROUP, "net"))) == 3


def test_stop_ends_what_goes_on_and_leaves_no_thread_and_no_port() -> None:
    before = set(threading.enumerate())
    face = AzureFace(World(PublicAddresses("127.77.4"), Pace(resource=60.0)))
    with face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        clients.network.route_tables.begin_create_or_update(GROUP, "t", {"location": REGION}, polling=False)
        port = int(face.endpoint.rpartition(":")[2])
    face.stop()
    assert {thread for thread in set(threading.enumerate()) - before if thread.name == "azure-face"} == set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_machines_may_be_asked_for_from_any_thread_while_the_cloud_changes(
    face: AzureFace, clients: Clients, deploy: Deploy
) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def watch() -> None:
        try:
            while not done.is_set():
                for machine in face.machines():
                    face.admits(machine.id, "tcp", 8000, "127.0.0.1")
        except BaseException as failed:
            failures.append(failed)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(3):
        deploy(shipped("vpc"), **VPC)
        clients.resources.resource_groups.begin_delete(GROUP).result()
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
    done.set()
    watcher.join()
    assert failures == []


def test_stopping_in_the_middle_of_a_deployment_leaves_no_task_behind(caplog: pytest.LogCaptureFixture) -> None:
    with AzureFace(World(PublicAddresses("127.77.4"), Pace(resource=60.0))) as face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        body: Any = {"properties": {"mode": "Incremental", "template": template(network("routeTables", "t", {}))}}
        clients.deployments.deployments.begin_create_or_update(GROUP, "main", body, polling=False)
    gc.collect()
    assert caplog.records == []


def test_a_group_made_again_while_the_old_one_goes_is_refused_then_stays() -> None:
    with AzureFace(World(PublicAddresses("127.77.4"), Pace(resource=0.5))) as face:
        clients = connect(face)
        groups = clients.resources.resource_groups
        groups.create_or_update(GROUP, {"location": REGION})
        put_table(clients)
        first, second = groups.begin_delete(GROUP), groups.begin_delete(GROUP)
        with pytest.raises(HttpResponseError) as caught:
            groups.create_or_update(GROUP, {"location": REGION})
        assert caught.value.error.code == "ResourceGroupBeingDeleted"
        with pytest.raises(HttpResponseError) as caught:
            put_table(clients)
        assert caught.value.error.code == "ResourceGroupBeingDeleted"
        first.result()
        second.result()
        groups.create_or_update(GROUP, {"location": REGION})
        assert groups.check_existence(GROUP)
