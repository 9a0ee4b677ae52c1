"""The Azure plug-in's parts that need no cloud: credentials, errors, ids, descriptions of rules, what-if."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from azure.core import exceptions as azure
from azure.mgmt.resource.deployments.models import WhatIfChange

from trunkline import Error
from trunkline.clouds.azure import account, whatif
from trunkline.clouds.azure.errors import azure_errors, innermost
from trunkline.clouds.azure.ids import parse
from trunkline.clouds.azure.routes import canonical, route_name
from trunkline.clouds.azure.rules import _described, _free_priority, describe, rule_name, source_of
from trunkline.clouds.cloud import Account, CloudError, Rule

GIVEN = {"subscription": "00000000-0000-0000-0000-00000000000b", "region": "westeurope", "resource_group": "net"}
TABLE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t"


def test_an_account_is_an_account_and_loads_no_sdk():
    made = account("B", **GIVEN, router_image="cohesive:vns3:byol:6.0.0", router_size="Standard_B2s")
    assert isinstance(made, Account)
    assert (made.cloud, made.region, made.router_size) == ("azure", "westeurope", "Standard_B2s")
    code = "import sys; from trunkline.clouds.azure import account; account('B', **eval(sys.argv[1]));"
    code += "print({m.split('.')[0] for m in sys.modules} & {'azure', 'msal'})"
    ran = subprocess.run([sys.executable, "-c", code, repr(GIVEN)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_the_parameters_that_launch_a_router():
    asked: list[int] = []
    made = account("B", **GIVEN, router_image="cohesive:vns3:byol:6.0.0")
    launch = made.launch(lambda: asked.append(1) or "secret")
    assert launch["routerImage"] == "cohesive:vns3:byol:6.0.0"
    assert "routerSize" not in launch
    assert not asked
    with pytest.raises(CloudError, match="no router_image"):
        account("B", **GIVEN).launch(lambda: "secret")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subscription", "a b"),
        ("region", "West Europe"),
        ("resource_group", "ends."),
        ("router_image", "cohesive/vns3"),
        ("endpoint", "http://203.0.113.9:80"),
        ("endpoint", "http://example.com"),
        ("endpoint", "127.0.0.1:80"),
        ("client_secret", "s3cret-value"),
    ],
)
def test_what_is_not_acceptable_is_named_with_a_remedy(field, value):
    with pytest.raises(Error) as refused:
        account("B", **{**GIVEN, field: value})
    assert field in str(refused.value)
    assert refused.value.hint
    assert "s3cret-value" not in str(refused.value)


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:1", "http://127.9.9.9:1/", "http://[::1]:1", "http://localhost:1"]
)
def test_plain_http_is_for_loopback(endpoint):
    assert account("B", **GIVEN, endpoint=endpoint).clients.near


def test_clients_are_made_once():
    clients = account("B", **GIVEN, endpoint="http://127.0.0.1:1").clients
    assert clients.network is clients.network
    assert clients.deployments is clients.deployments


def test_the_first_cause_is_taken_out_of_nested_and_json_errors():
    inside = {"error": {"code": "SkuNotAvailable", "message": "no such size here", "details": []}}
    wrapped = SimpleNamespace(code="Conflict", message=json.dumps(inside), details=None)
    outer = SimpleNamespace(code="DeploymentFailed", message="At least one", details=[wrapped])
    assert innermost(outer) == ("SkuNotAvailable", "no such size here")


def test_the_sdks_errors_become_cloud_errors_and_others_pass():
    with pytest.raises(CloudError, match="deploy x: no credentials") as none, azure_errors("deploy x"):
        raise azure.ClientAuthenticationError("DefaultAzureCredential failed")
    assert none.value.code == "NoCredentials"
    assert "az login" in (none.value.hint or "")
    with pytest.raises(ZeroDivisionError), azure_errors("deploy x"):
        raise ZeroDivisionError


def test_an_endpoint_that_nobody_listens_on_is_a_clear_error():
    lost = account("B", **GIVEN, endpoint="http://127.0.0.1:1")
    with pytest.raises(CloudError, match="cannot be reached") as error:
        lost.exposures()
    assert error.value.code == "EndpointUnreachable"
    assert error.value.hint


def test_an_endpoint_that_never_answers_ends_in_time(monkeypatch):
    monkeypatch.setattr("trunkline.clouds.azure.clients.READ_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        silent = account("B", **GIVEN, endpoint=f"http://127.0.0.1:{deaf.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(CloudError, match="no whole answer") as error:
            silent.outputs("net")
    assert error.value.code == "NoAnswer"
    assert time.monotonic() - started < 5


def test_what_a_rule_says_about_itself_reads_back():
    opened = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    text = describe("acme 10.1=b%", "api-access", opened, opened + timedelta(minutes=15))
    said = _described(SimpleNamespace(description=text))
    assert said == {
        "run": "acme 10.1=b%",
        "purpose": "api-access",
        "opened": opened,
        "expires": opened + timedelta(minutes=15),
    }
    assert len(text) <= 140


def test_names_that_do_not_fit_azures_description_are_refused():
    with pytest.raises(Error, match="20 characters too long"):
        describe("r" * 70, "p" * 10, datetime.now(UTC), datetime.now(UTC))
    with pytest.raises(Error, match="no time zone"):
        describe("r", "p", datetime.now(UTC), datetime(2026, 1, 1))


@pytest.mark.parametrize("text", [None, "", "made by hand", "trunkline run=a purpose=b opened=soon expires=later"])
def test_rules_of_others_are_not_ours(text):
    assert _described(SimpleNamespace(description=text))["expires"] is None


@pytest.mark.parametrize("source", ["0.0.0.0/0", "::/0", "*", "Internet", "any", "1.2.3.4/0"])
def test_temporary_access_from_everywhere_is_refused_by_name(source):
    with pytest.raises(Error) as refused:
        source_of(Rule("tcp", 8000, source), temporary=True)
    assert source in str(refused.value)
    assert "/32" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "rule",
    [Rule("tcp", 8000, "nowhere"), Rule("tcp", 70000, "10.0.0.1/32"), Rule("gre", 1, "10.0.0.1/32")],  # type: ignore[arg-type]
)
def test_rules_that_are_none(rule):
    with pytest.raises(Error):
        source_of(rule, temporary=False)


def test_a_rules_name_is_its_own():
    rule = Rule("tcp", 8000, "127.0.0.1")
    assert rule_name("r", "p", rule) == rule_name("r", "p", Rule("tcp", 8000, "127.0.0.1/32"))
    assert len({rule_name(run, p, rule) for run, p in (("r", "p"), ("rp", ""), ("q", "p"))}) == 3


def test_the_first_free_priority_is_taken_of_inbound_rules():
    rules = [SimpleNamespace(priority=n, direction="Inbound") for n in (300, 301, 303)]
    rules.append(SimpleNamespace(priority=302, direction="Outbound"))
    assert _free_priority("nsg", rules, 300) == 302
    assert _free_priority("nsg", rules, 303) == 304
    full = [SimpleNamespace(priority=n, direction="Inbound") for n in range(300, 4096)]
    with pytest.raises(CloudError, match="no free priority"):
        _free_priority("nsg", full, 300)


def test_ids_and_prefixes():
    assert parse(TABLE, "routeTables", "table").name == "t"
    assert parse(f"{TABLE.upper()}/routes/R", "routeTables", "table").child == "R"
    for text in ("t", TABLE.replace("routeTables", "virtualNetworks"), ""):
        with pytest.raises(Error, match="table="):
            parse(text, "routeTables", "table")
    assert route_name("10.1.0.0/16") == "trunkline-10.1.0.0-16"
    assert canonical(" 10.1.0.0/16") == "10.1.0.0/16"
    with pytest.raises(Error, match="host bits"):
        canonical("10.1.0.1/16")


def change(kind, delta=(), before=None, after=None):
    return WhatIfChange(
        {"resourceId": TABLE, "changeType": kind, "delta": list(delta), "before": before, "after": after}
    )


def removed(name):
    route = {"name": name, "properties": {"addressPrefix": "10.1.0.0/16", "provisioningState": "Succeeded"}}
    kept = {"name": "internet", "properties": {"addressPrefix": "0.0.0.0/0"}}
    child = {"path": "1", "propertyChangeType": "Delete", "before": route}
    delta = {"path": "properties.routes", "propertyChangeType": "Array", "children": [child]}
    before, after = {"properties": {"routes": [kept, route]}}, {"properties": {"routes": [kept]}}
    return change("Modify", [delta], before, after)


def test_what_counts_as_a_change():
    noise = {"path": "properties.x", "propertyChangeType": "NoEffect", "after": 1}
    drift = {"path": "properties.x", "propertyChangeType": "Modify", "before": 1, "after": 2}
    assert not whatif.is_change(change("NoChange"))
    assert not whatif.is_change(change("Unsupported"))
    assert not whatif.is_change(change("Modify", [noise]))
    assert whatif.is_change(change("Modify", [noise, drift]))
    assert whatif.is_change(change("Create"))
    assert not whatif.is_change(removed("trunkline-10.1.0.0-16"))
    assert whatif.is_change(removed("by-hand"))


def test_our_routes_are_carried_through_a_deployment():
    assert whatif.carried([removed("by-hand")], "2024-05-01") == []
    assert whatif.carried([removed("trunkline-10.1.0.0-16")], "2024-05-01") == [
        {
            "type": "Microsoft.Network/routeTables/routes",
            "apiVersion": "2024-05-01",
            "name": "t/trunkline-10.1.0.0-16",
            "dependsOn": [TABLE],
            "properties": {"addressPrefix": "10.1.0.0/16"},
        }
    ]


def test_changes_as_text_down_to_properties_and_without_secrets():
    drift = {"path": "properties.password", "propertyChangeType": "Modify", "before": "old-secret", "after": "new"}
    text = "\n".join(whatif.lines([change("Modify", [drift]), change("NoChange")], ["old-secret"]))
    assert text == "modify Microsoft.Network/routeTables t\n    properties.password: (secret) -> new"
