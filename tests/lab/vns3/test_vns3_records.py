"""What a controller keeps for its users: what is taken, what is refused, and in which words."""

import http.server
import json
import threading
import time

import pytest
from vns3_rig import until

HOOK = {"name": "hook", "url": "https://hooks.example.com/one", "events": ["tunnel_down"]}
RULE = "FORWARD_CUST -s 10.1.0.0/24 -j ACCEPT"


@pytest.fixture
def listener():
    """A server on loopback that keeps what it is sent."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["X-Key"], body.decode()))
            self.send_response(200 if self.path.startswith("/ok") else 500)
            self.end_headers()
            self.wfile.write(b"thanks")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def alerted(api, url, **more):
    webhook = api.ok("POST", "/webhook", {"name": "hook", "url": url, **more})
    alert = api.ok("POST", "/alert", {"name": "down", "url": url, "webhook_name": "hook"})
    assert alert["webhook_id"] == webhook["id"]
    return api.ok("POST", f"/alert/{alert['id']}/test")


def test_a_webhook_to_loopback_is_really_sent(rig, listener):
    url, got = listener
    told = alerted(
        rig.fresh(),
        f"{url}/ok",
        headers=[{"name": "X-Key", "value": "k"}],
        parameters=[{"name": "q", "value": "1"}],
        custom_properties=[{"name": "site", "value": "paris"}],
        body='{"site": "%{site}", "alert": "%{alert_name}"}',
    )
    assert told == {"status": "ok", "code": "200", "message": "thanks"}
    assert got == [("/ok?q=1", "k", '{"site": "paris", "alert": "down"}')]


def test_a_webhook_that_fails_says_so(rig, listener):
    url, got = listener
    assert alerted(rig.fresh(), f"{url}/broken")["code"] == "500"
    assert json.loads(got[0][2])["alert_name"] == "down"
    assert alerted(rig.fresh(), "http://127.0.0.1:9/none")["status"] == "failed"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://hooks.example.com/one", "not to hooks.example.com"),
        ("http://192.0.2.1/", "not to 192.0.2.1"),
        ("http://127.0.0.1.example.com/", "not to 127.0.0.1.example.com"),
        ("ftp://127.0.0.1/", "is no http or https URL"),
        ("nonsense", "is no http or https URL"),
    ],
)
def test_a_webhook_to_elsewhere_is_kept_and_refused_by_name(rig, url, named):
    api = rig.fresh()
    told = alerted(api, url)
    assert told["status"] == "refused"
    assert named in told["message"]
    assert api.get("/webhooks")[0]["url"] == url


def test_alerts_and_webhooks_hold_together(rig):
    api = rig.fresh()
    assert "events is invalid" in api.error("POST", "/webhook", HOOK | {"events": ["earthquake"]})[2]
    assert "webhook_id is invalid" in api.error("POST", "/alert", {"name": "a", "url": "x", "webhook_id": 99})[2]
    hook = api.ok("POST", "/webhook", HOOK)["id"]
    alert = api.ok("POST", "/alert", {"name": "a", "url": "x", "webhook_id": hook})
    assert "uses webhook" in api.error("DELETE", f"/webhook/{hook}")[2]
    assert api.ok("POST", f"/alert/{alert['id']}/toggle_enabled")["enabled"] is False
    api.ok("DELETE", f"/alert/{alert['id']}")
    api.ok("DELETE", f"/webhook/{hook}")
    assert api.error("GET", f"/alert/{alert['id']}")[0] == api.error("GET", f"/webhook/{hook}")[0] == 404


def test_urls_open_nothing_once_they_expired(rig):
    api = rig.fresh()
    made = api.ok("POST", "/access/url", {"expires": 1, "name": "u"})
    path = made["url"].split(":8000", 1)[1]
    assert api.pool.request("GET", path, redirect=False).status == 200
    assert api.get(f"/access/url/{made['id']}")["last_accessed_ip"] == "127.0.0.1"
    until(lambda: api.pool.request("GET", path).status == 403)
    assert api.get(f"/access/url/{made['id']}")["expired"] is True
    assert api.pool.request("GET", "/access/guessed").status == 403


def test_a_refreshing_token_lives_as_long_as_it_is_used(rig):
    api = rig.fresh()
    bearer = api.stranger(token=api.ok("POST", "/access/token", {"expires": 1, "refreshes": True})["token"])
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert bearer.ask("GET", "/config")[0] == 200
        time.sleep(0.1)
    until(lambda: time.sleep(1.1) or bearer.ask("GET", "/config")[0] == 401)


def test_sets_take_what_fits_and_tell_of_the_rest(rig):
    api = rig.licensed()
    made = api.ok("POST", "/v2/firewall/fwsets", {"name": "nets", "type": "net", "entries": "10.1.0.0/24\nx"})
    assert [each["entry"] for each in made["entries"]] == ["10.1.0.0/24"]
    assert made["errors"][0]["error"] == "'x' is no address or CIDR"
    assert api.error("POST", "/v2/firewall/fwsets", {"name": "nets", "type": "net"})[0] == 400
    assert api.error("POST", "/v2/firewall/fwsets", {"name": "n", "type": "colour"})[0] == 400
    base = "/v2/firewall/fwsets/nets"
    assert api.error("POST", f"{base}/entries", {"entry": "10.1.0.0/24"})[0] == 400
    assert api.error("DELETE", f"{base}/entries", {"entry": "10.9.0.0/24"})[0] == 404
    api.ok("POST", "/v2/firewall/rules", {"rule": "FORWARD_CUST -m set --match-set nets src -j ACCEPT"})
    assert "is in use by firewall rule" in api.error("DELETE", base)[2]
    assert api.ok("DELETE", f"{base}?force=true")["size"] == 1
    assert api.error("GET", base)[0] == 404


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("port", "443", "70000"), ("port", "1000-2000", "x"), ("service", "tcp:443", "443"), ("list", "other", " ")],
)
def test_entries_by_type(rig, kind, right, wrong):
    api = rig.licensed()
    api.ok("POST", "/v2/firewall/fwsets", {"name": "set", "type": kind})
    assert api.ok("POST", "/v2/firewall/fwsets/set/entries", {"entry": right})["size"] == 1
    assert api.error("POST", "/v2/firewall/fwsets/set/entries", {"entry": wrong})[0] == 400


def test_a_rule_may_jump_to_a_subtable_that_is_there(rig):
    api = rig.licensed()
    jump = {"rule": "FORWARD_CUST -j sub"}
    assert "unknown target 'sub'" in api.error("POST", "/v2/firewall/rules", jump)[2]
    table = {"name": "sub", "type": "filter", "rules": [{"rule": "-j DROP", "position": 1}, {"rule": "-p x -j DROP"}]}
    made = api.ok("POST", "/v2/firewall/subtables", table)
    assert (made["size"], "unknown protocol" in made["errors"][0]["error"]) == (1, True)
    api.ok("POST", "/v2/firewall/rules", jump)
    assert "is in use" in api.error("DELETE", "/v2/firewall/subtables/sub")[2]
    first = api.ok("POST", "/v2/firewall/subtables/sub/rules", {"rule": "-j ACCEPT", "position": 0})["rules"][0]
    assert (first["rule"], first["position"]) == ("-j ACCEPT", 0)
    api.ok("DELETE", "/v2/firewall/subtables/sub?force=true")


@pytest.mark.parametrize("words", ["rules-groups", "rule-groups"])
def test_groups_follow_their_rules(rig, words):
    api = rig.licensed()
    rule = api.ok("POST", "/v2/firewall/rules", {"rule": RULE})["id"]
    base = f"/v2/firewall/{words}"

    def ask(method, path, body=None):
        return api.pool.request(method, f"/api{path}", json=body, headers=api.headers())

    assert ask("POST", base, {"name": "g", "rule_ids": [rule]}).json()["response"]["rules"] == [rule]
    assert api.get("/v2/firewall/rules?groups=g")[0]["groups"] == ["g"]
    assert ask("PUT", f"{base}/g", {"name": "h"}).json()["response"]["rules"] == [rule]
    assert ask("POST", f"{base}/h/rules", {"rule_id": "99"}).status == 404
    assert ask("DELETE", f"{base}/h").status == 400
    assert ask("DELETE", f"{base}/h?force=true").status == 202
    assert api.get("/v2/firewall/rules")[0]["groups"] == []


def test_overwrite_import_and_export(rig):
    api = rig.licensed()
    api.ok("POST", "/v2/firewall/rules", {"rule": RULE})
    told = api.ok("PUT", "/v2/firewall/rules", {"rules": [{"rule": RULE}, {"rule": "nonsense"}]})
    assert (len(told["rules"]), told["errors"][0]["rule"]) == (1, "nonsense")
    assert api.ok("PUT", "/v2/firewall/rules", {"rules": [{"rule": "nonsense"}]})["rules"] == []
    assert len(api.get("/v2/firewall/rules")) == 1  # all wrong: nothing is replaced
    text = f"INPUT_CUST -p tcp --dport 22 -j DROP\n{RULE}\n"
    told = api.ok("PUT", "/v2/firewall/rules/import", {"rules": text + "wrong\n", "position": 0, "groups": ["g"]})
    assert [rule["position"] for rule in told["rules"]] == [0, 1]
    assert len(told["errors"]) == 1
    exported = api.pool.request("GET", "/api/v2/firewall/rules/export?group=g", headers=api.headers())
    assert exported.data.decode() == text


def test_version_one_sets_and_subgroups(rig):
    api = rig.licensed()
    assert api.ok("POST", "/firewall/fwsets", {"rules": "NETS_a 10.1.0.0/24\nNETS_a 10.2.0.0/24"})
    assert api.get("/firewall/fwsets") == ["NETS_a"]
    assert api.get("/firewall/fwsets?name=NETS_a") == ["NETS_a 10.1.0.0/24", "NETS_a 10.2.0.0/24"]
    api.ok("DELETE", "/firewall/fwsets", {"rules": "NETS_a 10.1.0.0/24"})
    assert api.error("DELETE", "/firewall/fwsets", {"name": "none"})[0] == 400
    assert api.error("POST", "/firewall/rules/subgroup", {"name": "X", "rules": "-j DROP"})[0] == 400
    api.ok("POST", "/firewall/rules/subgroup", {"name": "FWD_C_a", "rules": "-j DROP"})
    assert api.error("DELETE", "/firewall/rules/subgroup", {"name": "FWD_C_b"})[0] == 404


def test_client_packs_follow_the_licence(rig):
    api = rig.licensed()
    packs = api.get("/clientpacks")
    assert len(packs) == 20
    first = api.ok("POST", "/clientpacks/next_available", {})
    assert api.ok("POST", "/clientpacks/next_available", {})["name"] != first["name"]
    before = packs[first["name"]]["conf_sha1"]
    assert api.ok("PUT", "/clientpack", {"name": first["name"], "regenerate": True})["conf_sha1"] != before
    assert (
        "is not a free address" in api.error("POST", "/clientpacks/add_clientpacks", {"requested_ips": "10.0.0.1"})[2]
    )
    api.ok("PUT", "/clientpacks", {"checked_out": True})
    assert "no client pack is available" in api.error("POST", "/clientpacks/next_available", {})[2]


def test_what_only_a_running_container_could_say_is_refused_by_name(rig):
    api = rig.licensed()
    plugin = api.ok("POST", "/plugins", {"name": "p", "image_url": "https://images.example.com/p"})["id"]
    instance = api.ok("POST", "/plugin-instances", {"name": "i", "plugin_id": plugin})["id"]
    told = api.ok("POST", f"/plugin-instances/{instance}/commands/execute", {"command": "date"})
    assert (told["failed"], "the lab runs none" in told["error"]) == (True, True)
    assert "has instances" in api.error("DELETE", f"/plugins/{plugin}")[2]
    twin = {"name": "j", "plugin_id": plugin, "ip_address": api.get(f"/plugin-instances/{instance}")["ip_address"]}
    assert "is not a free address" in api.error("POST", "/plugin-instances", twin)[2]
    assert "containers in the present one" in api.error("PUT", "/container_system", {"network": "10.9.0.0/24"})[2]


def test_configuration_files_keep_their_versions(rig):
    api = rig.licensed()
    plugin = api.ok("POST", "/plugins", {"name": "p", "image_url": "x"})["id"]
    manager = {"configuration_files": [{"path": "/etc/app.conf", "contents": {"9": "planted"}}]}
    made = api.ok("POST", "/plugin-instances", {"name": "i", "plugin_id": plugin, "manager_config": manager})
    base = f"/plugin-instances/{made['id']}/configurations/app-conf"
    for text in ("one", "two"):
        api.ok("PUT", f"{base}/content", {"content": text})
    assert (api.get(f"{base}/content"), api.get(f"{base}/content?version=2")) == ("two", "one")
    api.ok("POST", f"{base}/revert", {"version": 2})
    assert api.get(f"{base}/content") == "one"
    assert api.error("GET", f"{base}/content?version=9")[0] == 400
    assert api.error("DELETE", f"{base}/versions/4")[0] == 400  # the present one


def test_interfaces_that_are_the_systems_own_stay(rig):
    api = rig.fresh()
    assert "is the system's own" in api.error("DELETE", "/interfaces/system/1")[2]
    assert api.error("POST", "/interfaces/system", {"name": "eth0"})[0] == 400
    assert "ip_internal is invalid" in api.error("POST", "/interfaces/system", {"name": "eth1", "ip_internal": "x"})[2]
    made = api.ok("POST", "/interfaces/system", {"name": "eth1", "enabled": False})
    assert made["status"] == "Down"
    assert api.error("GET", f"/interfaces/system/{made['id']}/addresses/99")[0] == 404


def test_identity_is_kept_and_its_secrets_are_not_shown(rig):
    api = rig.fresh()
    ldap = {"provider": "ldap", "enabled": True, "host": "192.0.2.1", "bindpw": "secret"}
    assert "bindpw" not in api.ok("PUT", "/identity/vpn", ldap)
    assert api.get("/identity/vpn")["host"] == "192.0.2.1"
    assert "host is required" in api.error("PUT", "/identity/controller", {"provider": "ldap", "enabled": True})[2]
    assert api.error("PUT", "/identity/controller", {"provider": "radius", "enabled": True, "server": "x"})[0] == 400
    assert api.ok("POST", "/identity/vpn/test", ldap)["connect_success"] is False


def test_support_keys_want_support_and_a_passphrase(rig):
    api = rig.fresh()
    assert "is not enabled" in api.error("POST", "/remote_support/keypair", text="phrase")[2]
    api.ok("PUT", "/remote_support", {"enabled": True})
    answer = api.pool.request("POST", "/api/remote_support/keypair", body="phrase", headers=api.headers())
    assert answer.status == 201
    assert b"ENCRYPTED PRIVATE KEY" in answer.data
    assert api.error("PUT", "/remote_support", {})[0] == 400


def test_no_file_says_json(rig):
    api = rig.licensed()
    api.ok("POST", "/packet_monitor", {"name": "m", "type": "pcap", "interface": "eth0", "filter": "tcp",
                                       "duration": "1", "destination": "local"})  # fmt: skip
    answer = api.pool.request("GET", "/api/packet_monitor/m/download", headers=api.headers())
    assert (answer.headers["Content-Type"], answer.data[:4]) == ("application/octet-stream", b"\xd4\xc3\xb2\xa1")
    assert "running already" in [api.ok("PUT", "/packet_monitor/m/start") for _ in range(2)][1]["output"]


def test_jobs_are_known_by_their_tokens_only(rig):
    api = rig.licensed()
    token = api.ok("POST", "/firewall/rules", {"rule": RULE})["token"]
    assert api.get(f"/status/task?token={token}")["task_status"] == "finished_ok"
    assert api.error("GET", "/status/task?token=x")[0] == 400
