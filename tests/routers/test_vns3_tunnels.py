"""Tunnels, routes, sessions, rules and tokens, on the lab's controllers."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from trunkline._core.errors import Error, StepTimeout
from trunkline.routers.router import RouterError
from trunkline.routers.vns3 import Vns3, session

PSK = "Pair-Secret-of-These-Two-1"


@pytest.fixture(scope="module")
def pair(table, tmp_path_factory):
    """A driver, and two licensed routers that it knows, with their controllers; shared, so tests clean up."""
    from trunkline.durable.secrets import Secrets
    from trunkline_lab.vns3.license import issue

    secrets = Secrets(tmp_path_factory.mktemp("pair"))
    vns3 = Vns3(issue, lambda: "token", secrets.derive, {}, timeout=20, patience=20, connect_timeout=2, read_timeout=5)
    one, other = table.put(asn=65101), table.put(asn=65102)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda router: (vns3.contact(router), vns3.license(router)), (one[0], other[0])))
    return vns3, one, other


@pytest.fixture
def clean(pair):
    """The pair, with nothing left between the two afterwards."""
    vns3, (one, first), (other, second) = pair
    first.calls.clear()
    second.calls.clear()
    yield vns3, one, first, other, second
    vns3.remove_endpoint(one, other)
    vns3.remove_endpoint(other, one)


def join(vns3, one, other, **more):
    """Both ends of a tunnel."""
    mine, theirs = vns3.tunnel_addresses(one, other)
    options = {"secret": PSK} | more
    vns3.endpoint(
        one,
        other,
        prefixes=[other["cidr"]],
        local_tunnel_address=mine,
        remote_tunnel_address=theirs,
        **options,
    )
    vns3.endpoint(
        other,
        one,
        prefixes=[one["cidr"]],
        local_tunnel_address=theirs,
        remote_tunnel_address=mine,
        **options,
    )


def only(mapping):
    (value,) = mapping.values()
    return value


def test_a_tunnel_is_up_when_both_ends_say_so(clean):
    vns3, one, _, other, _ = clean
    join(vns3, one, other)
    here, there = vns3.connected(one, other), vns3.connected(other, one)
    assert here["connected"]
    assert there["connected"]
    assert here["router"] == one["name"]
    assert here["endpoint"] == f"to {other['name']}"
    assert here["address"] == other["address"]
    assert here["detail"]["ike_version"] == "2" or "phase1" in here["detail"]
    assert [t["connected"] for t in vns3.tunnels(one)] == [True]


def test_what_verbs_return_can_be_kept_as_state_and_holds_no_secret(clean):
    vns3, one, _, other, _ = clean
    mine, theirs = vns3.tunnel_addresses(one, other)
    made = vns3.endpoint(
        one, other, secret=PSK, local_tunnel_address=mine, remote_tunnel_address=theirs, prefixes=["10.99.0.0/16"]
    )
    token = vns3.token(one, "trunkline", 60)
    kept = json.dumps([made, token, vns3.tunnels(one), [mine, theirs]])
    assert PSK not in kept
    assert "token" not in token
    vns3.revoke_token(one, "trunkline")


def test_the_endpoint_is_ikev2_route_based_with_forward_secrecy(clean):
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    endpoint = only(first.settings.endpoints)
    assert (endpoint.name, endpoint.ipaddress) == (f"to {other['name']}", other["address"])
    assert (endpoint.ike_version, endpoint.vpn_type, endpoint.pfs, endpoint.nat_t_enabled) == (2, "vti", True, True)
    assert endpoint.option("phase1") == "aes256-sha2_256-dh14"
    assert endpoint.option("phase2") == "aes256-sha2_256"
    assert endpoint.option("local-peer-id") == one["address"]


def test_a_second_run_adds_nothing(clean, writes):
    vns3, one, first, other, second = clean
    join(vns3, one, other)
    before = writes(first), writes(second)
    join(vns3, one, other)
    assert (writes(first), writes(second)) == before
    assert before[0] == ["POST /ipsec/endpoints", "POST /routes"]


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "Another-Secret-1"},
        {"secret": PSK.lower()},
        {"nat_t": False},
        {"proposals": {"phase1": "aes128-sha2_256-dh14"}},
        {"private_address": "10.77.0.4"},
    ],
    ids=str,
)
def test_what_differs_is_updated_and_not_doubled(clean, writes, change):
    vns3, one, first, other, _ = clean
    mine, theirs = vns3.tunnel_addresses(one, other)
    ends = {"local_tunnel_address": mine, "remote_tunnel_address": theirs}
    made = vns3.endpoint(one, other, **({"secret": PSK} | ends))
    again = vns3.endpoint(one, other, **({"secret": PSK} | ends | change))
    assert again == made
    endpoint = only(first.settings.endpoints)
    assert writes(first)[-1] == "PUT /ipsec/endpoints/{endpoint_id}"
    assert endpoint.secret == change.get("secret", PSK)
    assert endpoint.nat_t_enabled is change.get("nat_t", True)
    assert endpoint.ike_version == 2, "the SDK's own default would have gone back to IKEv1"
    vns3.endpoint(one, other, **({"secret": PSK} | ends | change))
    assert writes(first).count("PUT /ipsec/endpoints/{endpoint_id}") == 1


def test_a_router_that_moved_is_followed(clean):
    vns3, one, first, other, _ = clean
    ends = {"local_tunnel_address": "169.254.9.1/30", "remote_tunnel_address": "169.254.9.2/30"}
    vns3.endpoint(one, other | {"address": "192.0.2.9"}, secret=PSK, **ends)
    vns3.endpoint(one, other, secret=PSK, **ends)
    assert only(first.settings.endpoints).ipaddress == other["address"]


def test_a_secret_that_the_router_does_not_show_is_sent_again(clean, writes, monkeypatch):
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    call = session.Session.call

    def hiding(self, operation, *rest):
        answer = call(self, operation, *rest)
        if operation == "ipsec.get_ipsec_details":
            for endpoint in answer["remote_endpoints"].values():
                del endpoint["psk"]
        return answer

    monkeypatch.setattr(session.Session, "call", hiding)
    join(vns3, one, other)
    assert writes(first)[-1] == "PUT /ipsec/endpoints/{endpoint_id}"


def test_tunnel_addresses_stay_what_they_are(clean):
    """Both what follows from the names, and what either end has already."""
    vns3, one, _, other, _ = clean
    pair = vns3.tunnel_addresses(one, other)
    assert vns3.tunnel_addresses(other, one) == pair[::-1]
    ends = {"local_tunnel_address": "169.254.99.6/30", "remote_tunnel_address": "169.254.99.5/30"}
    vns3.endpoint(one, other, secret=PSK, **ends)
    assert vns3.tunnel_addresses(one, other) == ("169.254.99.6/30", "169.254.99.5/30")
    assert vns3.tunnel_addresses(other, one) == ("169.254.99.5/30", "169.254.99.6/30")


def test_tunnel_addresses_avoid_what_either_end_uses(clean):
    vns3, one, _, other, second = clean
    mine, theirs = vns3.tunnel_addresses(one, other)
    third = {"name": "third", "address": "192.0.2.3"}
    vns3.endpoint(other, third, secret=PSK, local_tunnel_address=theirs, remote_tunnel_address=mine)
    try:
        assert vns3.tunnel_addresses(one, other) != (mine, theirs)
    finally:
        vns3.remove_endpoint(other, third)
    assert second.settings.endpoints == {}


def test_a_gateway_that_is_not_ours_is_not_asked(clean):
    vns3, one, _, _, _ = clean
    site = {"name": "datacentre", "address": "192.0.2.50"}
    mine, theirs = vns3.tunnel_addresses(one, site)
    assert mine.startswith("169.254.")
    assert mine != theirs


def test_a_tunnel_that_does_not_come_up_names_both_and_the_last_status(clean):
    vns3, one, _, other, _ = clean
    join(vns3, one, other)
    mine, theirs = vns3.tunnel_addresses(one, other)
    vns3.endpoint(one, other, secret="Wrong-Secret-1", local_tunnel_address=mine, remote_tunnel_address=theirs)
    start = time.monotonic()
    with pytest.raises(StepTimeout, match="not connected") as late:
        vns3.connected(one, other, timeout=0.5)
    assert time.monotonic() - start < 3
    for name in (one["name"], other["name"]):
        assert name in str(late.value)
    assert "udp/4500" in late.value.hint


def test_a_tunnel_without_an_endpoint_is_not_waited_for(clean):
    vns3, one, _, other, _ = clean
    with pytest.raises(RouterError, match="has no endpoint"):
        vns3.connected(one, other, timeout=20)


def test_the_endpoint_goes_with_its_routes_and_no_others(clean, writes):
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    vns3.route(one, "10.200.0.0/16", gateway="192.168.100.1", interface="eth0")
    vns3.route(one, "10.201.0.0/16", endpoint=other)
    vns3.remove_endpoint(one, other)
    assert first.settings.endpoints == {}
    assert [r.cidr for r in first.settings.routes.values() if r.editable] == ["10.200.0.0/16"]
    count = len(writes(first))
    vns3.remove_endpoint(one, other)
    assert len(writes(first)) == count
    vns3.unroute(one, "10.200.0.0/16")


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"secret": ""}, "secret"),
        ({"prefixes": ["10.1.0.1/16"]}, "10.1.0.1/16"),
        ({"local_tunnel_address": "nonsense"}, "nonsense"),
        ({"remote_tunnel_address": "169.254.8.2/30"}, "not two of one subnet"),
        ({"remote_tunnel_address": "169.254.7.1/30"}, "not two of one subnet"),
    ],
    ids=str,
)
def test_a_malformed_endpoint_is_refused_before_anything_is_touched(clean, fault, field):
    vns3, one, first, other, _ = clean
    good = {"secret": PSK, "local_tunnel_address": "169.254.7.1/30", "remote_tunnel_address": "169.254.7.2/30"}
    with pytest.raises(Error, match=field):
        vns3.endpoint(one, other, **(good | fault))
    assert len(first.calls) == 0


def editable(controller):
    return [r for r in controller.settings.routes.values() if r.editable]


def test_routes_are_made_once_changed_in_place_and_removed(clean, writes):
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    for _ in range(2):
        vns3.route(one, "10.50.0.0/16", endpoint=other, advertise=True, metric=5)
    assert writes(first).count("POST /routes") == 2
    vns3.route(one, "10.50.0.0/16", endpoint=other, metric=7)
    (route,) = [r for r in editable(first) if r.cidr == "10.50.0.0/16"]
    assert (route.metric, route.advertise) == (7, False)
    vns3.unroute(one, "10.50.0.0/16", endpoint=other)
    vns3.unroute(one, "10.50.0.0/16", endpoint=other)
    assert [r.cidr for r in editable(first)] == [other["cidr"]]


def test_a_route_that_stands_twice_or_disabled_is_put_right(clean):
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    (route,) = editable(first)
    route.enabled = False
    vns3.route(one, other["cidr"], endpoint=other)
    assert route.enabled
    twin = type(route)(**(vars(route) | {"id": 9999}))
    first.settings.routes[9999] = twin
    vns3.route(one, other["cidr"], endpoint=other)
    assert [r.id for r in editable(first)] == [route.id]


def test_routes_that_lead_elsewhere_are_left_alone(clean):
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    vns3.route(one, other["cidr"], gateway="192.168.100.1", interface="eth0", metric=50)
    assert len(editable(first)) == 2
    vns3.unroute(one, other["cidr"], endpoint=other)
    assert [r.gateway for r in editable(first)] == ["192.168.100.1"]
    vns3.unroute(one, other["cidr"])
    assert editable(first) == []


def test_the_systems_own_routes_stay(clean):
    vns3, one, first, _, _ = clean
    vns3.unroute(one, "0.0.0.0/0")
    assert any(r.cidr == "0.0.0.0/0" for r in first.settings.routes.values())


def test_a_route_leads_to_one_thing(clean):
    vns3, one, first, other, _ = clean
    with pytest.raises(Error, match="either endpoint, or gateway"):
        vns3.route(one, "10.1.0.0/16")
    with pytest.raises(Error, match="either endpoint, or gateway"):
        vns3.route(one, "10.1.0.0/16", endpoint=other, gateway="192.168.100.1")
    with pytest.raises(Error, match=r"prefix = '10\.1/16'"):
        vns3.route(one, "10.1/16", endpoint=other)
    assert len(first.calls) == 0


def test_bgp_peers_are_found_by_address(clean, writes):
    vns3, one, first, other, second = clean
    join(vns3, one, other)
    mine, theirs = vns3.tunnel_addresses(one, other)
    for _ in range(2):
        vns3.bgp(one, other, address=theirs, asn=other["asn"], access_list="in permit any")
        vns3.bgp(other, one, address=mine, asn=one["asn"])
    assert writes(first).count("POST /ipsec/endpoints/{endpoint_id}/ebgp_peers") == 1
    peer = only(only(first.settings.endpoints).bgp_peers)
    assert (peer.ipaddress, peer.asn, peer.local_asn_alias) == (theirs.partition("/")[0], 65102, 65101)
    vns3.connected(one, other)
    assert list(second.surroundings.bgp(second).values()) == ["Established"]
    vns3.bgp(one, other, address=theirs, asn=65999)
    assert only(only(first.settings.endpoints).bgp_peers).asn == 65999


@pytest.mark.parametrize("asn", [0, "65001", None])
def test_a_malformed_session_is_refused(clean, asn):
    vns3, one, first, other, _ = clean
    with pytest.raises(Error, match="asn"):
        vns3.bgp(one, other, address="169.254.7.2", asn=asn)
    with pytest.raises(Error, match="address = 'x'"):
        vns3.bgp(one, other, address="x", asn=65001)
    assert len(first.calls) == 0


def test_firewall_rules_are_appended_once_and_in_order(clean, writes):
    vns3, one, first, _, _ = clean
    rules = ["FORWARD_CUST -s 10.1.0.0/16 -j ACCEPT", "FORWARD_CUST  -s 10.2.0.0/16  -j ACCEPT"]
    vns3.firewall(one, rules)
    vns3.firewall(one, [" ".join(rule.split()) for rule in rules])
    assert writes(first) == ["POST /v2/firewall/rules"] * 2
    vns3.firewall(one, ["FORWARD_CUST -s 10.3.0.0/16 -j ACCEPT"] * 2)
    assert [rule.rule.split()[2] for rule in first.settings.rules] == ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
    for _ in range(2):
        vns3.unfirewall(one, [*rules, "FORWARD_CUST -s 10.9.0.0/16 -j ACCEPT"])
    assert [rule.rule.split()[2] for rule in first.settings.rules] == ["10.3.0.0/16"]
    vns3.unfirewall(one, ["FORWARD_CUST -s 10.3.0.0/16 -j ACCEPT"])


def test_the_number_is_the_states_or_the_licences(clean):
    vns3, one, first, _, _ = clean
    assert vns3.asn(one) == 65101
    assert vns3.asn({key: value for key, value in one.items() if key != "asn"}) == first.settings.asn


def test_a_bad_rule_is_refused_in_the_apis_words(clean):
    vns3, one, _, _, _ = clean
    with pytest.raises(RouterError, match=one["name"]):
        vns3.firewall(one, ["not a rule at all"])


def test_a_token_is_used_and_then_gone(clean, writes):
    vns3, one, first, _, _ = clean
    told = vns3.token(one, "trunkline run", 60)
    assert told["name"] == "trunkline run"
    (token,) = first.settings.tokens.values()
    vns3.tunnels(one)
    assert token.last_accessed is not None
    vns3.token(one, "trunkline run", 60)
    assert [t.id for t in first.settings.tokens.values()] != [token.id]
    assert len(first.settings.tokens) == 1
    vns3.revoke_token(one, "trunkline run")
    vns3.revoke_token(one, "trunkline run")
    assert first.settings.tokens == {}
    assert writes(first).count("DELETE /access/token/{token_id}") == 2
    vns3.tunnels(one)


def test_a_token_that_ran_out_gives_way_to_the_password(clean):
    vns3, one, first, _, _ = clean
    vns3.token(one, "short", 60)
    for token in first.settings.tokens.values():
        token.expired = True
    assert vns3.tunnels(one) == []
    vns3.revoke_token(one, "short")


def test_other_tokens_are_left_alone(clean):
    vns3, one, first, _, _ = clean
    vns3.token(one, "of another run", 60)
    vns3.token(one, "mine", 60)
    vns3.revoke_token(one, "mine")
    assert [t.name for t in first.settings.tokens.values()] == ["of another run"]
    vns3.revoke_token(one, "of another run")


@pytest.mark.parametrize("lifetime", [0, -5, 1.5, True])
def test_a_lifetime_is_whole_seconds(clean, lifetime):
    vns3, one, first, _, _ = clean
    with pytest.raises(Error, match="lifetime"):
        vns3.token(one, "x", lifetime)
    assert len(first.calls) == 0


def test_peers_joined_at_once_from_many_threads(clean, writes):
    """One session, many verbs: nothing is doubled, nothing is lost."""
    vns3, one, first, other, _ = clean
    join(vns3, one, other)
    sites = [{"name": f"site{n}", "address": f"192.0.2.{n}"} for n in range(1, 7)]

    def connect(site):
        mine, theirs = vns3.tunnel_addresses(one, site)
        vns3.endpoint(one, site, secret=PSK, local_tunnel_address=mine, remote_tunnel_address=theirs)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(connect, sites))
    assert writes(first).count("POST /ipsec/endpoints") == 7
    addresses = [e.route_based_int_address for e in first.settings.endpoints.values()]
    assert len(set(addresses)) == 7
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda site: vns3.remove_endpoint(one, site), sites))
    assert len(first.settings.endpoints) == 1
