"""Endpoints, routes and firewall rules: what is taken, what is refused, and in which words."""

import pytest

ENDPOINT = {"name": "a", "ipaddress": "192.0.2.1", "secret": "s"}
VTI = ENDPOINT | {"vpn_type": "vti", "route_based_int_address": "169.254.0.1/30"}


def endpoint(api, body=VTI):
    return api.ok("POST", "/ipsec/endpoints", body)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": None}, "name is required"),
        ({"secret": ""}, "secret is required"),
        ({"ipaddress": "host.example"}, "ipaddress is invalid"),
        ({"ike_version": 3}, "ike_version is invalid"),
        ({"pfs": "maybe"}, "pfs is invalid"),
        ({"vpn_type": "wireguard"}, "vpn_type is invalid"),
        ({"vpn_type": "vti"}, "route_based_int_address is required"),
        ({"vpn_type": "vti", "route_based_int_address": "x"}, "route_based_int_address is invalid"),
        ({"vpn_type": "gre"}, "gre_interface_address is required"),
    ],
)
def test_bad_endpoint(rig, change, named):
    api = rig.licensed()
    status, name, message = api.error("POST", "/ipsec/endpoints", ENDPOINT | change)
    assert (status, name) == (400, "APIArgumentError")
    assert message.startswith(named)
    assert api.get("/ipsec")["remote_endpoints"] == {}


def test_route_based_endpoint_has_one_tunnel_from_the_start(rig):
    api = rig.licensed()
    made = endpoint(api)
    assert len(made["tunnels"]) == 1
    assert next(iter(made["tunnels"].values()))["remote_subnet"] == "0.0.0.0/0"
    assert made["psk"] == "s"
    status, _, message = api.error("POST", f"/ipsec/endpoints/{made['id']}/tunnels", {"remote_subnet": "10.0.0.0/8"})
    assert (status, "one tunnel of its own" in message) == (400, True)


def test_a_refused_change_changes_nothing(rig):
    api = rig.licensed()
    made = endpoint(api)
    path = f"/ipsec/endpoints/{made['id']}"
    api.error("PUT", path, {"name": "b", "ike_version": 7})
    assert api.get(path) == made
    assert api.ok("PUT", path, {"name": "b", "extra_config": "phase1=a\nphase2=b\n"})["extra_config"] == [
        "phase1=a",
        "phase2=b",
    ]


def test_a_policy_endpoint_becomes_route_based(rig):
    api = rig.licensed()
    made = endpoint(api, ENDPOINT)
    assert made["tunnels"] == {}
    change = {"vpn_type": "vti", "route_based_int_address": "169.254.0.1/30", "route_based_remote": "10.0.0.0/8"}
    changed = api.ok("PUT", f"/ipsec/endpoints/{made['id']}", change)
    assert [tunnel["remote_subnet"] for tunnel in changed["tunnels"].values()] == ["10.0.0.0/8"]


def test_what_is_refused_is_refused_whole(rig):
    api = rig.licensed()
    made = endpoint(api, ENDPOINT)
    path = f"/ipsec/endpoints/{made['id']}/tunnels"
    made = api.ok("POST", path, {"remote_subnet": "10.2.0.0/16", "description": "as it was"})
    path += f"/{next(iter(made['tunnels']))}"
    api.error("PUT", path, {"description": "changed", "enabled": "perhaps"})
    assert next(iter(api.get(f"/ipsec/endpoints/{made['id']}")["tunnels"].values()))["description"] == "as it was"
    rule = api.ok("POST", "/v2/firewall/rules", {"rule": RULE})
    api.error("PUT", f"/v2/firewall/rules/{rule['id']}", {"comment": "changed", "disabled": "perhaps"})
    assert api.get("/v2/firewall/rules") == [rule]
    api.error("PUT", "/config", {"topology_name": "changed", "controller_name": ["x"]})
    assert api.get("/config")["topology_name"] == ""


def test_missing_endpoint_is_named(rig):
    api = rig.licensed()
    assert api.error("GET", "/ipsec/endpoints/99")[2] == "endpoint_id is invalid: no endpoint has the id 99"
    assert api.error("DELETE", "/ipsec/endpoints/x")[0] == 400
    made = endpoint(api)
    assert api.error("DELETE", f"/ipsec/endpoints/{made['id']}/tunnels/99")[0] == 400
    assert api.error("GET", f"/ipsec/endpoints/{made['id']}/ebgp_peers/99")[0] == 400
    assert api.error("PUT", f"/ipsec/endpoints/{made['id']}/traffic_pairs/99", {})[0] == 404


def test_deleting_an_endpoint_takes_its_routes_along(rig):
    api = rig.licensed()
    made = endpoint(api)
    tunnel = next(iter(made["tunnels"]))
    api.ok("POST", "/routes", {"cidr": "10.2.0.0/16", "tunnel": tunnel, "gateway": "_notset", "advertise": "False"})
    assert api.ok("DELETE", f"/ipsec/endpoints/{made['id']}")["remote_endpoints"] == {}
    assert [route["cidr"] for route in api.get("/routes").values()] == ["0.0.0.0/0"]


def test_traffic_pairs(rig):
    api = rig.licensed()
    path = f"/ipsec/endpoints/{endpoint(api)['id']}/traffic_pairs"
    pair = api.ok("POST", path, {"remote_subnet": "10.2.0.0/16", "local_subnet": "10.1.0.0/16"})
    assert api.ok("PUT", f"{path}/{pair['id']}/disable")["enabled"] is False
    assert api.ok("PUT", f"{path}/{pair['id']}/enable")["enabled"] is True
    assert api.ok("PUT", f"{path}/{pair['id']}", {"description": "x"})["description"] == "x"
    assert api.ok("DELETE", f"{path}/{pair['id']}")["id"] == pair["id"]


def test_local_address_for_ipsec_must_be_its_own(rig):
    api = rig.licensed()
    own = api.get("/config")["private_ipaddress"]
    assert api.ok("PUT", "/ipsec", {"ipsec_local_ipaddress": own})["this_endpoint"]["ipsec_local_ipaddress"] == own
    assert api.error("PUT", "/ipsec", {"ipsec_local_ipaddress": "192.0.2.1"})[0] == 400
    assert api.error("POST", "/ipsec", {"restart": False})[0] == 400


def test_routes_up_and_down(rig):
    api = rig.licensed()
    first = api.get("/routes")
    assert [route["editable"] for route in first.values()] == [False]
    route = {"cidr": "10.9.0.0/16", "interface": "eth0", "gateway": "192.168.100.1", "metric": "5"}
    after = api.ok("POST", "/routes", route)
    number = next(iter(after.keys() - first.keys()))
    assert after[number]["netmask"] == "255.255.0.0"
    assert after[number]["metric"] == 5
    assert api.ok("PUT", f"/routes/{number}/disable")["enabled"] is False
    assert api.ok("PUT", f"/routes/{number}/enable")["enabled"] is True
    assert number not in api.ok("DELETE", f"/routes/{number}")
    assert api.get("/routes?table=other") == {}


@pytest.mark.parametrize(
    ("route", "named"),
    [
        ({}, "cidr is required"),
        ({"cidr": "10.9.0.1/16", "gateway": "10.0.0.1"}, "cidr is invalid"),
        ({"cidr": "10.9.0.0/16"}, "one of interface, gateway, tunnel"),
        ({"cidr": "10.9.0.0/16", "interface": "wlan0"}, "interface is invalid"),
        ({"cidr": "10.9.0.0/16", "gateway": "home"}, "gateway is invalid"),
        ({"cidr": "10.9.0.0/16", "tunnel": "77"}, "tunnel is invalid"),
        ({"cidr": "10.9.0.0/16", "gateway": "10.0.0.1", "advertise": "perhaps"}, "advertise is invalid"),
    ],
)
def test_bad_route(rig, route, named):
    status, _, message = rig.licensed().error("POST", "/routes", route)
    assert status == 400
    assert message.startswith(named)


def test_system_route_stays(rig):
    api = rig.licensed()
    number = next(iter(api.get("/routes")))
    assert "not editable" in api.error("DELETE", f"/routes/{number}")[2]
    assert api.error("PUT", "/routes/99/enable")[0] == 400


RULE = "FORWARD_CUST -s 10.1.0.0/16 -d 10.0.0.0/16 -j ACCEPT"


def test_firewall_rules_in_both_versions_of_the_api(rig):
    api = rig.licensed()
    job = api.ok("POST", "/firewall/rules", {"rule": RULE})
    assert api.get(f"/status/task?token={job['token']}") == {"task_status": "finished_ok"}
    second = api.ok("POST", "/v2/firewall/rules", {"rule": "INPUT_CUST -p tcp --dport 22 -j DROP", "position": 0})
    assert second["table"] == "filter"
    assert [text.split()[0] for text, _ in api.get("/firewall/rules")] == ["INPUT_CUST", "FORWARD_CUST"]
    path = f"/v2/firewall/rules/{second['id']}"
    assert api.ok("PUT", path, {"disabled": "true", "comment": "c"})["comment"] == "c"
    assert api.get("/firewall/rules") == [[RULE, 1]]
    assert api.ok("DELETE", path)["id"] == second["id"]
    assert api.error("DELETE", path)[0] == 404
    assert api.ok("DELETE", "/firewall/rules", {"rule": RULE})["position"] == 0
    assert api.get("/v2/firewall/rules") == []
    assert api.error("DELETE", "/firewall/rules/0")[0] == 400
    assert api.error("GET", "/status/task?token=none")[0] == 400


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "INPUT -j ACCEPT",
        "INPUT_CUST -s 10.0.0.0/33 -j ACCEPT",
        "INPUT_CUST -p tcp --dport 99999 -j ACCEPT",
        "INPUT_CUST --dport 22 -j ACCEPT",
        "INPUT_CUST -j",
        "INPUT_CUST -j BLESS",
        "INPUT_CUST -p smtp -j ACCEPT",
        "INPUT_CUST",
        'INPUT_CUST -m comment --comment "open -j ACCEPT',
    ],
)
def test_bad_firewall_rule(rig, rule):
    api = rig.licensed()
    assert api.error("POST", "/firewall/rules", {"rule": rule})[:2] == (400, "APIArgumentError")
    status, name, message = api.error("POST", "/v2/firewall/rules", {"rule": rule})
    assert (status, name) == (400, "APIBadRequestError")
    assert message.startswith("Parse Error - iptables")


def test_several_rules_at_once(rig):
    api = rig.licensed()
    found = api.ok("POST", "/v2/firewall/rules", {"rules": [{"rule": RULE}, {"rule": "NOPE"}]})
    assert [rule["rule"] for rule in found["rules"]] == [RULE]
    assert found["errors"][0].startswith("NOPE: ")
    assert api.error("PUT", "/firewall", {"rules": f"{RULE}\nNOPE"})[0] == 400
    assert len(api.get("/firewall/rules")) == 1
    api.ok("PUT", "/firewall", {"rules": f"{RULE}\n{RULE}\n"})
    assert len(api.get("/firewall/rules")) == 2


def test_status_of_everything(rig):
    api = rig.licensed()
    endpoint(api)
    found = api.get("/status")
    assert next(iter(found["ipsec"].values()))["connected"] is False
    assert found["connected_subnets"] == []
    assert api.error("GET", "/status/link_history?tunnelid=99")[0] == 400
