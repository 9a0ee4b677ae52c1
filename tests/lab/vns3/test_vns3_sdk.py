"""Every method of the official SDK is called, and every answer held against the 6.0.0 document."""

import inspect
import json

import pytest
import sdk_calls
import vns3_shapes
from cohesivenet import ApiException, Configuration, VNS3Client
from cohesivenet.exceptions import ApiMethodUnsupportedError
from vns3_rig import QUICK, Rig, license_router, until

from trunkline_lab.certificate import self_signed_pair
from trunkline_lab.vns3 import issue_license
from trunkline_lab.vns3.server import _GROUPS

APIS = (
    "access",
    "bgp",
    "config",
    "firewall",
    "interfaces",
    "ipsec",
    "licensing",
    "monitoring",
    "network_edge_plugins",
    "overlay_network",
    "peering",
    "routing",
    "snapshots",
    "sys_admin",
)


def client_of(api):
    host = f"{api.address}:8000"
    return VNS3Client(Configuration(host=host, username="api", password=api.password, verify_ssl=False))


def method_of(client, name):
    api, method = name.split(".")
    return getattr(getattr(client, api), method)


def documented_path(path):
    return path.replace("/firewall/rule-groups", "/firewall/rules-groups")


def problems(call):
    """What is wrong with an answered call, by the document; None when the document has no such call."""
    reply, path = call.reply, documented_path(call.path)
    try:
        is_file = vns3_shapes.is_file(call.method, path)
    except LookupError:
        return None
    if is_file:
        return [] if reply.content_type != "application/json" else [f"{path}: no file"]
    return vns3_shapes.wrong_in(call.method, path, reply.status, json.loads(json.dumps(reply.body)))


@pytest.fixture(scope="module")
def session():
    """All calls, made once in their order: what each asked and what was answered."""
    rig = Rig(QUICK)
    api = rig.licensed()
    asked = []
    api.controller.after.append(asked.append)
    client, results, seen = client_of(api), {}, {}
    results["private"] = api.machine.private_address
    results["upgrade"] = issue_license(managers=9, clients=30)
    other = self_signed_pair("other", ["127.0.0.1"])
    results["cert"], results["key"] = other
    for number, (name, arguments, named) in enumerate(sdk_calls.CALLS):
        asked.clear()
        try:
            values = [each(results) if callable(each) else each for each in arguments]
            words = {key: each(results) if callable(each) else each for key, each in named.items()}
            if name.startswith("raw."):
                api.pool.request(values[0], "/api" + values[1], json=words or None, headers=api.headers())
            else:
                method_of(client, name)(*values, **words)
        except Exception as error:  # told by the test of this call
            seen[f"{number} {name}"] = (list(asked), repr(error))
            continue
        seen[f"{number} {name}"] = (list(asked), None)
        body = asked[-1].reply.body
        results[name] = body["response"] if isinstance(body, dict) else body
        if name == "routing.post_create_route":
            results["route"] = max(map(int, results[name]))
        if name == "firewall.post_create_firewall_rule" and named.get("api_version") == 1:
            results["task"] = results[name]["token"]
    yield seen
    rig.close()


NUMBERED = [f"{number} {name}" for number, (name, _, _) in enumerate(sdk_calls.CALLS)]


@pytest.mark.parametrize("name", NUMBERED)
def test_the_answer_is_as_documented(session, name):
    calls, error = session[name]
    assert error is None
    assert calls
    for call in calls:
        assert call.reply.status < 300
        assert problems(call) in ([], None)


def test_every_method_of_the_sdk_is_called(rig):
    client = client_of(rig.fresh())
    methods = {
        f"{api}.{name}"
        for api in APIS
        for name, _ in inspect.getmembers(getattr(client, api), callable)
        if not name.startswith(("_", "print_"))
    }
    called = {name for name, _, _ in sdk_calls.CALLS if not name.startswith("raw.")}
    ldap = {name for name in methods if "ldap" in name}
    assert len(ldap) == 18
    assert methods - called - sdk_calls.ALONE - sdk_calls.LOOPS - sdk_calls.BROKEN - ldap == set()
    assert called | sdk_calls.ALONE | sdk_calls.LOOPS | sdk_calls.BROKEN <= methods


def test_every_operation_of_the_document_is_served_and_which_more():
    def plain(name):
        method, path = name.split(" ")
        return method, "/".join("{}" if part.startswith("{") else part for part in path.split("/"))

    served = {plain(operation.name) for group in _GROUPS for operation in group}
    documented = {plain(name) for name in vns3_shapes.documented()}
    assert len(documented) == 231
    assert documented - served == set()
    more = {f"{method} {path}" for method, path in served - documented}
    assert {name for name in more if "rule-groups" not in name and "/links" not in name} == {
        "DELETE /plugin-instances/{}/configurations/{}/clear",
        "DELETE /v2/firewall/subtables/{}/rules/{}",
        "PUT /v2/firewall",
        "POST /container_system/containers/{}/exports",
    }


def test_every_documented_operation_was_called(session):
    called = {
        vns3_shapes.operation_of(call.method, documented_path(call.path))
        for calls, _ in session.values()
        for call in calls
        if problems(call) is not None
    }
    reboots_or_ends_the_session = {
        "PUT /api_password",
        "PUT /license",
        "PUT /license/parameters",
        "PUT /server",
        "PUT /snapshots/running_config",
    }
    assert set(vns3_shapes.documented()) - called == reboots_or_ends_the_session


@pytest.mark.parametrize(
    ("name", "arguments", "words", "told"),
    [
        ("firewall.add_rule_to_subtable", ("sub",), {"rule": "-j DROP"}, "fwset_name"),
        ("overlay_network.create_link_tag", ("lnk0",), {"key": "k", "value": "v"}, "no such resource"),
        ("network_edge_plugins.create_plugin_export", (1,), {"name": "x"}, "plugin 1 not found"),
        ("network_edge_plugins.create_plugin_instance_export", (1,), {"name": "x"}, "plugin instance 1 not found"),
        ("network_edge_plugins.update_plugin", (), {"name": "x"}, r"plugin .*id.* not found|no such resource"),
    ],
)
def test_what_the_sdk_itself_cannot_call(rig, name, arguments, words, told):
    with pytest.raises((ApiException, NameError), match=told):
        method_of(client_of(rig.licensed()), name)(*arguments, **words)


def test_ldap_of_older_versions_is_refused_by_name(rig):
    api = rig.licensed()
    client = client_of(api)
    with pytest.raises(ApiMethodUnsupportedError, match=r"not supported on version 6\.0\.0"):
        client.access.get_ldap_settings()
    assert api.error("GET", "/settings/ldap") == (404, "NotFoundError", "no such resource: GET /api/settings/ldap")


def test_licence_password_and_reboots(rig):
    api = rig.fresh()
    client = client_of(api)
    assert client.licensing.upload_license(issue_license()).response.license == "accepted"
    with api.reboots():
        client.licensing.put_set_license_parameters(default=True)
    with api.reboots():
        assert client.sys_admin.put_server_action(reboot=True).response.status == "rebooting"
    client.config.put_update_api_password(password="a-new-password")
    api.password = "a-new-password"
    assert client_of(api).config.get_config().response.licensed is True


def test_loops_of_the_sdk_end(rig):
    api = rig.licensed()
    client = client_of(api)
    token = client.firewall.post_create_firewall_rule(rule=sdk_calls.RULE, api_version=1).response.token
    assert client.sys_admin.poll_token(token, retry_timeout=0.1, timeout=5)
    assert client.network_edge_plugins.wait_for_container_system_state(True, sleep_time=0.1, timeout=5)
    image = client.network_edge_plugins.post_create_container_image(name="i", url="https://images.example.com/i")
    client.network_edge_plugins.wait_for_image_import(image.response.import_uuid, timeout=5, sleep_time=0.1)
    route = {"cidr": "10.7.0.0/16", "gateway": "10.1.0.1", "interface": "eth0", "advertise": False}
    for _ in range(2):
        client.routing.post_create_route_if_not_exists(route)
    assert len([each for each in api.get("/routes").values() if each["cidr"] == "10.7.0.0/16"]) == 1


def test_a_snapshot_carries_a_configuration_to_another_controller(rig):
    source, target = rig.licensed(), rig.fresh()
    source.ok("PUT", "/config", {"topology_name": "carried"})
    source.ok("POST", "/ipsec/endpoints", sdk_calls.VTI)
    source.ok("POST", "/v2/firewall/rules", {"rule": sdk_calls.RULE})
    name = next(iter(source.ok("POST", "/snapshots", {"name": "one"})))
    text = source.controller.settings.records["snapshot"][name]["content"]
    source.ok("PUT", "/config", {"topology_name": "changed"})
    with target.reboots():
        client_of(target).snapshots.put_import_snapshot(body=text)
    config = target.get("/config")
    assert (config["topology_name"], config["licensed"]) == ("carried", True)
    assert [each["name"] for each in target.get("/ipsec")["remote_endpoints"].values()] == ["to other"]
    fresh = target.ok("POST", "/ipsec/endpoints", sdk_calls.POLICY)
    assert fresh["id"] > max(map(int, [n for n in target.get("/ipsec")["remote_endpoints"] if n != str(fresh["id"])]))
    with source.reboots():
        source.ok("PUT", "/snapshots/running_config", text=text)
    assert source.get("/config")["topology_name"] == "carried"
    assert list(source.get("/snapshots")["snapshots"]) == [name]


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-9], lambda text: "x" + text, lambda text: "", lambda text: "cos\nsystem"]
)
def test_a_spoilt_snapshot_is_refused(rig, spoil):
    api = rig.licensed()
    api.ok("POST", "/snapshots", {"name": "one"})
    text = spoil(api.controller.settings.records["snapshot"]["one"]["content"])
    assert api.error("PUT", "/snapshots/running_config", text=text or " ")[:2] == (400, "APIArgumentError")


def test_an_installed_certificate_is_shown(rig):
    import socket
    import ssl

    api = rig.fresh()
    cert, key = self_signed_pair("mine", [api.address])
    assert api.error("PUT", "/system/ssl/install")[0] == 400
    assert api.error("PUT", "/system/ssl/keypair", {"cert": cert, "key": "x"})[0] == 400
    _, other = self_signed_pair("other", [api.address])
    assert "does not belong" in api.error("PUT", "/system/ssl/keypair", {"cert": cert, "key": other})[2]
    api.ok("PUT", "/system/ssl/keypair", {"cert": cert, "key": key})
    api.ok("PUT", "/system/ssl/install")
    context = ssl.create_default_context(cadata=cert)
    with socket.create_connection((api.address, 8000), 5) as plain:
        assert context.wrap_socket(plain, server_hostname=api.address).version()


def test_an_upgraded_licence_brings_more(rig):
    api = rig.licensed()
    before = len(api.get("/clientpacks"))
    told = api.ok("PUT", "/license/upgrade", text=issue_license(managers=9, clients=25))
    assert (told["new_managers"], told["new_clientpacks"]) == (1, 5)
    assert len(api.get("/clientpacks")) == before + 5
    assert api.error("PUT", "/license/upgrade", text=issue_license(managers=2))[0] == 400
    assert rig.fresh().error("PUT", "/license/upgrade", text=issue_license())[0] == 404


def test_license_router_still_sets_up(rig):
    api = rig.fresh()
    license_router(api)
    until(lambda: api.get("/config")["licensed"])
