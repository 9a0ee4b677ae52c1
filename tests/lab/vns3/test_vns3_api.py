"""Who may ask, what an error looks like, and what a controller says of itself."""

import ssl

import pytest
from cohesivenet import ApiException, Configuration, VNS3Client
from vns3_rig import until

OPERATIONS_WITHOUT_LICENSE = [
    ("GET", "/license", None),
    ("GET", "/keyset", None),
    ("PUT", "/keyset", {"token": "t"}),
    ("GET", "/peering", None),
    ("PUT", "/peering/self", {"id": 1}),
    ("GET", "/routes", None),
    ("POST", "/ipsec/endpoints", {"name": "a", "ipaddress": "192.0.2.1", "secret": "s"}),
    ("GET", "/status/ipsec", None),
    ("GET", "/status", None),
    ("GET", "/firewall/rules", None),
    ("GET", "/v2/firewall/rules", None),
]


def test_factory_fresh_controller_answers_the_sdk(rig):
    machine = rig.fresh().machine
    client = VNS3Client(
        Configuration(
            host=f"{machine.public_address}:8000", username="api", password=machine.default_password, verify_ssl=False
        )
    )
    config = client.config.get_config().response
    assert config.licensed is False
    assert config.private_ipaddress == machine.private_address
    assert config.vns3_version.split("-")[0] == "6.0.0"
    with pytest.raises(ApiException) as caught:
        client.licensing.get_license()
    assert (caught.value.status, caught.value.get_error_message()) == (403, "Must be licensed first.")


@pytest.mark.parametrize(("password", "token"), [(None, None), ("wrong", None), (None, "wrong"), ("ü", None)])
def test_wrong_credentials_are_refused(rig, password, token):
    api = rig.fresh()
    stranger = api.stranger(password, token)
    assert stranger.error("GET", "/config")[:2] == (401, "UnauthorizedError")
    assert stranger.error("GET", "/nowhere")[0] == 401


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS_WITHOUT_LICENSE)
def test_unlicensed_is_told_so(rig, method, path, body):
    assert rig.fresh().error(method, path, body) == (403, "PrerequisiteError", "Must be licensed first.")


def test_password_replaced_at_once(rig):
    api = rig.fresh()
    assert rig.controllers.reports()[0]["default_password"] == api.password
    assert api.error("PUT", "/api_password", {"password": "short"})[0] == 400
    assert api.ok("PUT", "/api_password", {"password": "a-new-password"}) == {"password_reset": "ok"}
    assert api.error("GET", "/config")[0] == 401
    api.password = "a-new-password"
    assert api.get("/config")["licensed"] is False
    assert rig.controllers.reports()[0]["default_password"] is None


@pytest.mark.parametrize(
    ("body", "named"),
    [(None, "token"), ({}, "token"), ({"token": {"a": 1}}, "token"), ({"token": ["a"]}, "token")],
)
def test_bad_argument_is_named(rig, body, named):
    status, name, message = rig.licensed().error("PUT", "/keyset", body)
    assert (status, name) == (400, "APIArgumentError")
    assert named in message


@pytest.mark.parametrize("body", ["{", "[1]", '"text"'])
def test_body_that_is_no_json_object(rig, body):
    api = rig.fresh()
    headers = api.headers() | {"Content-Type": "application/json"}
    assert api.pool.request("PUT", "/api/config", body=body, headers=headers).status == 400


def test_unknown_path(rig):
    assert rig.fresh().error("GET", "/nowhere")[:2] == (404, "NotFoundError")


def test_config_is_set_and_read(rig):
    api = rig.fresh()
    api.ok("PUT", "/config", {"topology_name": "acme", "controller_name": "one"})
    config = api.get("/config")
    assert (config["topology_name"], config["controller_name"]) == ("acme", "one")
    assert api.error("PUT", "/config", {})[0] == 400


def test_small_things(rig):
    api = rig.fresh()
    assert api.ok("PUT", "/admin_ui", {"enabled": "False", "admin_username": "me"}) == {
        "enabled": False,
        "username": "me",
    }
    assert [found["name"] for found in api.get("/interfaces")] == ["eth0"]
    assert api.get("/cloud_data")["cloud_type"] == "other"
    assert api.error("PUT", "/server", {}) == (400, "APIArgumentError", "Nothing to do")


def test_certificate_names_both_addresses(rig):
    machine = rig.fresh().machine
    certificate = rig.controller(machine).certificate
    context = ssl.create_default_context(cadata=certificate.pem)
    import urllib3

    pool = urllib3.HTTPSConnectionPool(machine.public_address, 8000, ssl_context=context, retries=False)
    assert pool.request("GET", "/api/config").status == 401


def test_tokens_open_expire_and_are_taken_back(rig):
    api = rig.fresh()
    token = api.ok("POST", "/access/token", {"name": "run", "expires": "60", "refreshes": "False"})
    bearer = api.stranger(token=token["token"])
    assert bearer.get("/config")["licensed"] is False
    assert api.get(f"/access/token/{token['id']}")["last_accessed_ip"] == "127.0.0.1"
    assert [each["id"] for each in api.get("/access/tokens")] == [token["id"]]
    assert api.ok("PUT", f"/access/token/{token['id']}", {"expired": True})["expired"] is True
    assert bearer.error("GET", "/config")[0] == 401
    assert api.ok("DELETE", f"/access/token/{token['id']}") == "Token deleted"
    assert api.error("GET", f"/access/token/{token['id']}")[0] == 404


def test_token_dies_by_itself(rig):
    api = rig.fresh()
    bearer = api.stranger(token=api.ok("POST", "/access/token", {"expires": 1})["token"])
    assert bearer.reachable()
    until(lambda: bearer.ask("GET", "/config")[0] == 401)
    assert api.error("POST", "/access/token", {"expires": 0})[0] == 400


def test_access_urls(rig):
    api = rig.fresh()
    first, second = (api.ok("POST", "/access/url", {"name": name, "access": "rs"}) for name in "ab")
    assert [each["name"] for each in api.get("/access/urls")] == ["a", "b"]
    assert api.ok("PUT", f"/access/url/{first['id']}", {"expired": True})["expired"] is True
    api.ok("DELETE", f"/access/url/{first['id']}")
    api.ok("DELETE", "/access/url", {"access_url": second["url"]})
    assert api.get("/access/urls") == []


def test_call_log(rig):
    api = rig.fresh()
    controller = rig.controller(api.machine)
    controller.calls.clear()
    controller.counts.clear()
    api.get("/config")
    api.error("GET", "/license")
    assert [(call.operation, call.status, call.client) for call in controller.calls] == [
        ("GET /config", 200, "127.0.0.1"),
        ("GET /license", 403, "127.0.0.1"),
    ]
    assert rig.controllers.counts() == {"GET /config": 1, "GET /license": 1}
