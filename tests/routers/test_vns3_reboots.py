"""A router that goes away at any request, before or after it did what was asked: the whole configuring gets there."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from trunkline_lab.vns3.refusals import ConnectionDropped

OTHER = {"name": "hub/1", "address": "192.0.2.7", "private_address": "10.77.0.4", "peering_id": 2, "asn": 65002}
PREFIXES = ["10.0.0.0/16", "10.77.0.0/16"]
RULES = ["FORWARD_CUST -s 10.0.0.0/16 -j ACCEPT"]


def configure(vns3, router):
    """Everything that one router is told in a run."""
    vns3.contact(router)
    vns3.license(router)
    vns3.keyset(router)
    vns3.identity(router, 1)
    vns3.token(router, "run", 600)
    vns3.peer(router, OTHER)
    mine, theirs = vns3.tunnel_addresses(router, OTHER)
    ends = {"local_tunnel_address": mine, "remote_tunnel_address": theirs}
    vns3.endpoint(router, OTHER, secret="Pair-Secret-1", prefixes=PREFIXES, **ends)
    vns3.bgp(router, OTHER, address=theirs, asn=OTHER["asn"])
    vns3.firewall(router, RULES)
    vns3.revoke_token(router, "run")


def check(router, controller):
    """What must be there, once each, and nothing else."""
    settings = controller.settings
    (endpoint,) = settings.endpoints.values()
    assert settings.licensed
    assert settings.keyset is not None
    assert settings.password != router["default_password"]
    assert settings.peering_id == 1
    assert list(settings.peers) == [2]
    assert sorted(r.cidr for r in settings.routes.values() if r.editable) == PREFIXES
    assert len(endpoint.bgp_peers) == 1
    assert len(settings.rules) == len(RULES)
    assert settings.tokens == {}


def fail_at(table, controller, number, how):
    """Make the controller fail at its request of this number (0 is the first), once; tells whether it did."""
    count, failed = [0], []

    def arm(call):
        count[0] += 1
        if count[0] - 1 == number and not failed:
            failed.append(call.path)
            if how == "lost":
                raise ConnectionDropped
            controller.boot(0.1)

    (controller.before if how == "before" else controller.after).append(arm)
    return failed


@pytest.fixture(scope="module")
def requests(table, tmp_path_factory):
    """How many requests a whole configuring makes."""
    from trunkline.durable.secrets import Secrets
    from trunkline.routers.vns3 import Vns3
    from trunkline_lab.vns3.license import issue

    router, controller = table.put()
    configure(Vns3(issue, lambda: "t", Secrets(tmp_path_factory.mktemp("count")).derive, {}), router)
    check(router, controller)
    return len(controller.calls)


WAYS = ("before", "after", "lost")


def live(driver, table, number, how):
    """One router's whole life, in which the request of this number fails once: `before` and `after` it reboots with
    the request undone or done; `lost`: it is done, and the answer is cut off.
    """
    router, controller = table.put()
    failed = fail_at(table, controller, number, how)
    configure(driver(), router)
    check(router, controller)
    assert failed, f"there was no request {number}"


def test_every_other_request_fails_once_in_one_way(driver, table, requests):
    """The quick part of the sweep below."""
    assert requests > 25
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: live(driver, table, number, WAYS[number % 3]), range(0, requests - 4, 2)))


@pytest.mark.long
@pytest.mark.parametrize("how", WAYS)
def test_every_request_fails_once_in_every_way(driver, table, requests, how):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: live(driver, table, number, how), range(requests - 4)))


@pytest.mark.parametrize("path", ["/license/parameters", "/ipsec/endpoints", "/routes", "/access/token"])
def test_an_answer_that_hangs_once(driver, table, path):
    """It was done, and the answer never comes: the request's timeout ends it, and nothing is doubled."""
    router, controller = table.put()
    hung = []

    async def hang(call):
        if call.path == path and call.method != "GET" and not hung:
            hung.append(call)
            await asyncio.sleep(30)

    controller.after.append(hang)
    configure(driver(read_timeout=0.4), router)
    assert hung
    check(router, controller)


def test_a_second_run_in_another_life_only_asks(driver, table, writes):
    router, controller = table.put()
    known = {}
    configure(driver(known), router)
    before = len(writes(controller))
    configure(driver(known), router)
    check(router, controller)
    assert writes(controller)[before:] == ["POST /access/token", "DELETE /access/token/{token_id}"]
