"""A controller read as the network model, through the vendor's SDK."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from trunkline.network.model import Filter, RouterRoute
from trunkline.routers.router import RouterError, RouterUnreachable
from trunkline.routers.vns3.reading import _filters

PSK = "Pair-Secret-of-These-Two-1"


@pytest.fixture(scope="module")
def joined(table, tmp_path_factory):
    """Two licensed routers with a tunnel and BGP between them, and the driver that knows them."""
    from trunkline.durable.secrets import Secrets
    from trunkline.routers.vns3 import Vns3
    from trunkline_lab.vns3.license import issue

    secrets = Secrets(tmp_path_factory.mktemp("read"))
    vns3 = Vns3(issue, lambda: "token", secrets.derive, {}, timeout=20, patience=20, connect_timeout=2, read_timeout=5)
    (one, first), (other, second) = table.put(), table.put()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda router: (vns3.contact(router), vns3.license(router)), (one, other)))
    mine, theirs = vns3.tunnel_addresses(one, other)
    for here, there, local, remote in ((one, other, mine, theirs), (other, one, theirs, mine)):
        vns3.endpoint(
            here,
            there,
            secret=PSK,
            prefixes=[there["cidr"]],
            local_tunnel_address=local,
            remote_tunnel_address=remote,
        )
        vns3.bgp(here, there, address=remote.partition("/")[0], asn=vns3.asn(there))
    vns3.route(other, "10.77.0.0/16", interface="eth0", advertise=True)
    vns3.firewall(one, [f"FORWARD_CUST -s {other['cidr']} -d {one['cidr']} -j ACCEPT", "FORWARD_CUST -i tun0 -j DROP"])
    vns3.connected(one, other)
    return vns3, (one, first), (other, second), mine


def test_a_router_as_the_model(joined):
    vns3, (one, controller), (other, _), mine = joined
    before = len(controller.calls)
    reading = vns3.read(one, network="vpc-1", interface="eni-1")
    assert {call.method for call in list(controller.calls)[before:]} == {"GET"}
    there = reading.router
    assert (there.id, there.name, there.network, there.interface) == (one["instance"], one["name"], "vpc-1", "eni-1")
    assert (there.private_address, there.public_address) == (one["private_address"], one["address"])
    assert there.asn == vns3.asn(one)
    (tunnel,) = there.tunnels
    assert (tunnel.name, tunnel.peer, tunnel.inside, tunnel.up) == (f"to {other['name']}", other["address"], mine, True)
    assert (tunnel.local, tunnel.remote) == (("0.0.0.0/0",), ("0.0.0.0/0",))
    assert RouterRoute(other["cidr"], tunnel=tunnel.id) in there.routes
    (session,) = there.sessions
    assert (session.tunnel, session.established, session.asn) == (tunnel.id, True, vns3.asn(other))
    assert session.learned == ("10.77.0.0/16",)
    taught = RouterRoute("10.77.0.0/16", tunnel=tunnel.id, gateway=session.neighbour, learned=True)
    assert taught in there.routes
    assert there.filters == (Filter(other["cidr"], one["cidr"]),)
    assert not there.forwards
    assert reading.unclear == (f"router {one['name']}: firewall rule 'FORWARD_CUST -i tun0 -j DROP' is not judged",)


def test_what_is_read_holds_no_secret(joined):
    vns3, (one, _), _, _ = joined
    assert PSK not in repr(vns3.read(one))


def test_a_tunnel_that_is_down_is_told(joined):
    vns3, (one, _), (other, _), mine = joined
    theirs = vns3.tunnel_addresses(other, one)[0]
    ends = {"local_tunnel_address": theirs, "remote_tunnel_address": mine}
    vns3.endpoint(other, one, secret="another secret", prefixes=[one["cidr"]], **ends)
    try:
        assert [tunnel.up for tunnel in vns3.read(one).router.tunnels] == [False]
        assert [session.established for session in vns3.read(one).router.sessions] == [False]
    finally:
        vns3.endpoint(other, one, secret=PSK, prefixes=[one["cidr"]], **ends)
        vns3.connected(one, other)


def test_a_router_is_known_by_address_and_machine(joined):
    vns3, (one, _), _, _ = joined
    assert vns3.knows(one["address"], one["instance"]) == one["name"]
    assert vns3.knows(one["address"], "i-another") is None
    assert vns3.knows("127.0.0.1", one["instance"]) is None


def test_a_router_that_was_never_contacted_is_not_read(joined, table):
    vns3 = joined[0]
    stranger, _ = table.put()
    with pytest.raises(RouterError, match="was never contacted"):
        vns3.read(stranger)


def test_a_router_that_does_not_answer_is_not_waited_for(joined, table):
    vns3, (one, controller), _, _ = joined
    table.reboot(controller, 1.0)
    before = time.monotonic()

    def read_until_down():
        for _ in range(20):
            vns3.read(one)
            time.sleep(0.05)

    with pytest.raises(RouterUnreachable):
        read_until_down()
    assert time.monotonic() - before < 20, "the driver's patience is for changes"
    vns3.connected(one, joined[2][0])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FORWARD_CUST -j ACCEPT", Filter()),
        ("FORWARD_CUST -s 10.1.0.7 -j DROP", Filter("10.1.0.7/32", action="deny")),
        ("FORWARD_CUST -p tcp --dport 443 -j ACCEPT", Filter(protocol="tcp", first_port=443, last_port=443)),
        (
            "FORWARD_CUST -p udp -m udp --dport 5000:5010 -d 10.0.0.0/8 -j REJECT",
            Filter("0.0.0.0/0", "10.0.0.0/8", "udp", 5000, 5010, "deny"),
        ),
        ("FORWARD_CUST -p all -j ACCEPT", Filter()),
    ],
)
def test_rules_for_what_is_forwarded(rule, expected):
    assert _filters([rule]) == ([expected], [])


@pytest.mark.parametrize(
    "rule",
    [
        "FORWARD_CUST -s 10.0.0.0/8 -m state --state NEW -j ACCEPT",
        "FORWARD_CUST ! -s 10.0.0.0/8 -j ACCEPT",
        "FORWARD_CUST -s offices -j ACCEPT",
        "FORWARD_CUST -j offices",
        "PREROUTING_CUST -p tcp --dport 22 -j DNAT --to 10.1.1.1:22",
    ],
)
def test_rules_that_the_model_has_no_words_for_are_told(rule):
    assert _filters([rule]) == ([], [f"firewall rule {rule!r} is not judged"])


@pytest.mark.parametrize("rule", ["INPUT_CUST -s 10.0.0.0/8 -j DROP", "FORWARD_CUST -j LOG"])
def test_rules_that_stop_nothing_that_is_forwarded(rule):
    assert _filters([rule]) == ([], [])
