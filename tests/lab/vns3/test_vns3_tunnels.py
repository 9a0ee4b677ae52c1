"""A tunnel is up only when both ends and the rules around both say so, and no longer."""

import pytest
from cohesivenet import Configuration, VNS3Client
from cohesivenet.macros import ipsec as macros
from vns3_rig import until

SECRET = "a-secret-of-two"


def endpoint(api, peer, **more):
    """What one end says of the other."""
    base = {
        "name": f"to {peer.machine.name}",
        "ipaddress": peer.address,
        "secret": SECRET,
        "pfs": True,
        "ike_version": 2,
        "nat_t_enabled": "False",
        "extra_config": f"local-peer-id={api.address}",
        "vpn_type": "vti",
        "route_based_int_address": "169.254.0.1/30",
        "route_based_local": "0.0.0.0/0",
        "route_based_remote": "0.0.0.0/0",
    }
    return api.ok("POST", "/ipsec/endpoints", base | more)


def open_ike(rig, here, there):
    for port in (500, 4500):
        rig.cloud.allow(here.machine, "udp", port, there.address)


def connected(api):
    return [tunnel["connected"] for tunnel in api.get("/status/ipsec").values()]


def reason(rig, api):
    report = next(r for r in rig.controllers.reports() if r["id"] == api.machine.id)
    return report["tunnels"][0]["reason"]


def two_routers(rig):
    """Two licensed controllers in two networks, IKE open between them."""
    one, two = rig.launched("one", "10.1.0.4"), rig.launched("two", "10.2.0.4", network="vpc-2", account="2")
    open_ike(rig, one, two)
    open_ike(rig, two, one)
    return one, two


@pytest.fixture
def pair(rig):
    return two_routers(rig)


def test_up_when_both_agree_and_not_before(slow_rig):
    one, two = two_routers(slow_rig)
    assert next(iter(endpoint(one, two)["tunnels"].values()))["connected"] is False
    assert connected(one) == [False]
    assert reason(slow_rig, one) == "two has no tunnel for " + one.address
    endpoint(two, one, route_based_int_address="169.254.0.2/30")
    assert connected(one) == [False]
    assert reason(slow_rig, one) == "negotiating"  # that takes its time
    until(lambda: connected(one) == connected(two) == [True])
    report = next(iter(one.get("/status/ipsec").values()))
    assert report["tunnel_params"]["ike_version"] == "2"


DISAGREEMENTS = [
    ({"secret": "another"}, "secrets differ"),
    ({"ike_version": 1}, "IKE version"),
    ({"pfs": "False"}, "forward secrecy"),
    ({"ipaddress": "192.0.2.1"}, "another peer"),
    ({"extra_config": "local-peer-id=192.0.2.9"}, "identities"),
    ({"private_ipaddress": "10.1.0.5"}, "identities"),
    ({"extra_config": "phase1=aes256gcm16-prfsha512-ecp384"}, "phase 1"),
    ({"extra_config": "phase2=aes256gcm16"}, "phase 2"),
    ({"route_based_remote": "10.1.0.0/16"}, "selectors"),
]


@pytest.mark.parametrize(("fault", "said"), DISAGREEMENTS)
def test_one_wrong_word_keeps_it_down_until_it_is_mended(rig, pair, fault, said):
    one, two = pair
    endpoint(one, two)
    there = endpoint(two, one, **fault)
    until(lambda: rig.controllers.reports() and said in reason(rig, one))
    assert connected(one) == connected(two) == [False]
    mended = {"secret": SECRET, "ike_version": 2, "pfs": True, "ipaddress": one.address}
    mended |= {"extra_config": f"local-peer-id={two.address}", "route_based_remote": "0.0.0.0/0"}
    if "private_ipaddress" in fault:  # the other end shows its public address, so this one may not ask for another
        mended |= {"private_ipaddress": one.address}
    two.ok("PUT", f"/ipsec/endpoints/{there['id']}", mended)
    until(lambda: connected(one) == connected(two) == [True])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("port", [500, 4500])
def test_the_clouds_rules_close_it(rig, pair, which, port):
    one, two = pair
    endpoint(one, two)
    endpoint(two, one)
    until(lambda: connected(one) == connected(two) == [True])
    here, there = pair[which], pair[1 - which]
    rig.cloud.revoke(here.machine, "udp", port, there.address)
    assert connected(one) == connected(two) == [False]
    assert f"udp/{port} from {there.address} is closed at {here.machine.name}" == reason(rig, one)
    rig.cloud.allow(here.machine, "udp", port, there.address)
    until(lambda: connected(one) == connected(two) == [True])


def test_a_common_proposal_among_several_is_enough(rig, pair):
    one, two = pair
    endpoint(one, two, extra_config="phase1=aes256gcm16-prfsha512-ecp384, aes256-sha2_256-dh14")
    endpoint(two, one)
    until(lambda: connected(one) == [True])
    assert next(iter(one.get("/status/ipsec").values()))["tunnel_params"]["phase1"] == "aes256-sha2_256-dh14"


def test_down_while_the_other_end_reboots_and_when_it_is_gone(rig, pair):
    one, two = pair
    endpoint(one, two)
    endpoint(two, one)
    until(lambda: connected(one) == [True])
    two.ok("PUT", "/server", {"reboot": True})
    until(lambda: connected(one) == [False])
    until(lambda: two.reachable() and connected(one) == [True])
    rig.cloud.terminate(two.machine)
    rig.controllers.settle()
    assert connected(one) == [False]
    assert reason(rig, one) == f"{two.address} does not answer"


def test_history_bounce_and_restart(rig, pair):
    one, two = pair
    there = endpoint(one, two)
    endpoint(two, one)
    until(lambda: connected(one) == [True])
    number = next(iter(there["tunnels"]))

    def words():
        return [event["event"] for event in one.get(f"/status/link_history?tunnelid={number}")["history"]]

    until(lambda: words() == ["up"])
    path = f"/ipsec/endpoints/{there['id']}/tunnels/{number}"
    assert one.ok("PUT", path, {"bounce": True})["connected"] is False
    until(lambda: words() == ["up", "down", "up"])
    one.ok("POST", "/ipsec", {"restart": "true"})
    until(lambda: words() == ["up", "down"] * 2 + ["up"])
    one.ok("PUT", path, {"enabled": "False"})
    assert connected(one) == connected(two) == [False]


def test_history_goes_on_without_anybody_asking(rig, pair):
    """The negotiation begins when both ends agree, and not when somebody looks."""
    one, two = pair
    endpoint(one, two)
    endpoint(two, one)
    controller = rig.controller(one.machine)
    number = next(iter(rig.controllers.thread.call(controller.offers))).tunnel
    history = rig.controllers.standing._history  # not what is asked by the API, which looks first
    until(lambda: [word for _, word in history.of(controller.id, number)] == ["up"])


def test_policy_tunnels_need_mirrored_subnets(rig, pair):
    one, two = pair
    policy = {"vpn_type": "policy", "route_based_int_address": None}
    here, there = endpoint(one, two, **policy), endpoint(two, one, **policy)
    assert here["tunnels"] == {}
    subnets = {"local_subnet": "10.1.0.0/16", "remote_subnet": "10.2.0.0/16"}
    one.ok("POST", f"/ipsec/endpoints/{here['id']}/tunnels", subnets)
    wrong = {"local_subnet": "10.2.0.0/24", "remote_subnet": "10.1.0.0/16"}
    made = two.ok("POST", f"/ipsec/endpoints/{there['id']}/tunnels", wrong)["tunnels"]
    assert connected(one) == [False]
    path = f"/ipsec/endpoints/{there['id']}/tunnels/{next(iter(made))}"
    assert two.ok("PUT", path, {"local_subnet": "10.2.0.0/16"})["local_subnet"] == "10.2.0.0/16"
    until(lambda: connected(one) == connected(two) == [True])
    assert one.get("/status/connected_subnets") == [["10.2.0.0", "255.255.0.0"]]
    assert one.get("/status/connected_subnets?extended_output=true")[0]["origin"] == "ipsec"
    assert two.ok("DELETE", path)["tunnels"] == {}
    assert connected(one) == [False]


def test_the_datacentre_takes_anyone_who_knows_its_secret(rig):
    router = rig.launched("one", "10.1.0.4")
    for port in (500, 4500):
        rig.cloud.allow(router.machine, "udp", port, rig.site.address)
    made = endpoint(router, router, ipaddress=rig.site.address)
    assert connected(router) == [False]
    assert "secrets differ" in reason(rig, router)
    router.ok("PUT", f"/ipsec/endpoints/{made['id']}", {"secret": rig.site.secret})
    until(lambda: connected(router) == [True])
    told = rig.controllers.site_tunnels(rig.site)
    assert [(each["peer_address"], each["connected"]) for each in told] == [(router.address, True)]
    assert told[0]["since"] > 0
    rig.cloud.revoke(router.machine, "udp", 500, rig.site.address)
    assert rig.controllers.site_tunnels(rig.site)[0]["connected"] is False


def test_the_datacentre_narrows_to_its_prefixes(rig):
    router = rig.launched("one", "10.1.0.4")
    for port in (500, 4500):
        rig.cloud.allow(router.machine, "udp", port, rig.site.address)
    made = endpoint(router, router, ipaddress=rig.site.address, secret=rig.site.secret, vpn_type="policy")
    path = f"/ipsec/endpoints/{made['id']}/tunnels"
    router.ok("POST", path, {"local_subnet": "10.1.0.0/16", "remote_subnet": "10.9.0.0/16"})
    router.ok("POST", path, {"local_subnet": "10.1.0.0/16", "remote_subnet": "10.0.0.0/16"})
    until(lambda: connected(router) == [False, True])


def test_the_sdks_own_tunnel_macro(rig, pair):
    """create_tunnel_endpoint on each side, and the SDK's wait for the tunnel."""
    clients = [
        VNS3Client(Configuration(host=f"{api.address}:8000", username="api", password=api.password, verify_ssl=False))
        for api in pair
    ]
    for client, peer, block, cidr in [
        (clients[0], pair[1], "169.254.0.0/30", "10.2.0.0/16"),
        (clients[1], pair[0], "169.254.0.4/30", "10.1.0.0/16"),
    ]:
        macros.create_tunnel_endpoint(client, "t", SECRET, peer.address, cidr, block)
    number = int(next(iter(pair[0].get("/ipsec")["remote_endpoints"])))
    assert clients[0].ipsec.wait_for_tunnel_connected(number, timeout=10)["connected"] is True
    assert pair[0].get("/status/connected_subnets") == [["10.2.0.0", "255.255.0.0"]]


def bgp_pair(pair, **more):
    one, two = pair
    ends = [
        endpoint(one, two, route_based_int_address="169.254.0.1/30"),
        endpoint(two, one, route_based_int_address="169.254.0.2/30"),
    ]
    asn = one.get("/config")["asn"]
    peers = []
    for api, end, address in [(one, ends[0], "169.254.0.2"), (two, ends[1], "169.254.0.1")]:
        body = {"ipaddress": address, "asn": str(asn)} | (more if api is two else {})
        made = api.ok("POST", f"/ipsec/endpoints/{end['id']}/ebgp_peers", body)
        peers.append(f"/ipsec/endpoints/{end['id']}/ebgp_peers/{next(iter(made['bgp_peers']))}")
    until(lambda: connected(one) == [True])
    return peers


def state(api, path):
    return api.get(path)["connection_detail"]


def test_bgp_session_and_what_it_brings(rig, pair):
    one, two = pair
    paths = bgp_pair(pair)
    assert [state(one, paths[0]), state(two, paths[1])] == ["Established", "Established"]
    two.ok("POST", "/routes", {"cidr": "10.2.0.0/16", "gateway": "10.2.0.1", "interface": "eth0", "advertise": "True"})
    assert one.get("/status/connected_subnets") == [["10.2.0.0", "255.255.0.0"]]
    assert one.get("/status/connected_subnets?extended_output=true")[0]["origin"] == "bgp"
    rig.cloud.revoke(two.machine, "udp", 500, one.address)
    assert state(one, paths[0]) == "Idle"
    assert one.get("/status/connected_subnets") == []


@pytest.mark.parametrize("fault", [{"asn": 65099}, {"ipaddress": "169.254.0.9"}, {"bgp_password": "x"}])
def test_bgp_session_that_disagrees(rig, pair, fault):
    one, two = pair
    paths = bgp_pair(pair, **fault)
    assert [state(one, paths[0]), state(two, paths[1])] == ["Active", "Active"]
    two.ok("PUT", paths[1], {"asn": 65001, "ipaddress": "169.254.0.1", "bgp_password": ""})
    assert state(one, paths[0]) == state(two, paths[1]) == "Established"
    assert list(two.ok("DELETE", paths[1])["bgp_peers"]) == []
    assert state(one, paths[0]) == "Active"
