"""From the factory to a member of a topology, on the lab's controllers."""

import threading

import pytest

from trunkline._core.errors import Error, StepTimeout
from trunkline.durable.known_routers import KnownRouters
from trunkline.routers.router import RouterError
from trunkline.routers.vns3 import setup
from trunkline_lab.vns3.refusals import ConnectionDropped


def test_first_contact_replaces_the_factory_password(driver, table, tmp_path):
    router, controller = table.put()
    known = KnownRouters(tmp_path)
    driver(known).contact(router)
    assert controller.settings.password != router["default_password"]
    assert len(controller.settings.password) == 32
    assert len(known) == 1
    assert len(next(iter(known.values()))) == 64


def test_a_second_run_changes_nothing_and_never_sends_the_factory_password(driver, table, writes):
    router, controller = table.put()
    known = {}
    driver(known).contact(router)
    before, count = writes(controller), len(controller.calls)
    driver(known).contact(router | {"default_password": "something else"})
    assert writes(controller) == before == ["PUT /api_password"]
    assert len(controller.calls) == count + 1


def test_contacts_at_once_agree(driver, table):
    router, controller = table.put()
    known, failures = {}, []

    def contact():
        try:
            driver(known).contact(router)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=contact) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert controller.settings.password != router["default_password"]


def test_every_router_has_a_password_of_its_own(driver, table):
    (one, first), (other, second) = table.put(), table.put()
    vns3 = driver()
    vns3.contact(one)
    vns3.contact(other)
    assert first.settings.password != second.settings.password


def test_an_answer_that_got_lost_does_not_lock_us_out(driver, table):
    """The password was changed, and nobody heard of it."""
    router, controller = table.put()
    lost = []

    def lose(call):
        if call.path == "/api_password" and not lost:
            lost.append(call)
            raise ConnectionDropped

    controller.after.append(lose)
    driver().contact(router)
    assert len(lost) == 1


def test_a_router_whose_password_was_changed_by_hand(driver, table):
    router, controller = table.put()
    controller.settings.password = "by hand"
    with pytest.raises(RouterError, match=router["name"]) as refused:
        driver().contact(router)
    assert refused.value.status == 401


def test_the_licence_is_uploaded_accepted_and_survives_the_reboot(driver, table, writes):
    router, controller = table.put()
    vns3 = driver()
    vns3.contact(router)
    boots = controller.boots
    vns3.license(router)
    assert controller.settings.licensed
    assert controller.boots == boots + 1
    assert controller.up
    vns3.license(router)
    assert writes(controller) == ["PUT /api_password", "PUT /license", "PUT /license/parameters"]


def test_the_licence_is_not_asked_for_where_there_is_one(driver, table):
    router, _ = table.put()
    known = {}
    vns3 = driver(known)
    vns3.contact(router)
    vns3.license(router)
    driver(known, license=lambda: pytest.fail("asked")).license(router)


def test_an_uploaded_licence_that_was_not_accepted_yet_is_accepted(driver, table, writes):
    router, controller = table.put()
    vns3 = driver()
    vns3.contact(router)
    controller.before.append(drop_first("/license/parameters"))
    vns3.license(router)
    assert controller.settings.licensed
    assert writes(controller).count("PUT /license") == 1


def drop_first(path):
    """A hook that cuts the first request to `path`."""
    seen = []

    def drop(call):
        if call.path == path and call.method != "GET" and not seen:
            seen.append(call)
            raise ConnectionDropped

    return drop


def test_a_bad_licence_is_refused_in_the_apis_words(driver, table):
    router, _ = table.put()
    vns3 = driver(license=lambda: "junk")
    vns3.contact(router)
    with pytest.raises(RouterError, match="Bad license"):
        vns3.license(router)


def test_a_reboot_that_is_over_before_the_next_question_is_noticed(driver, table, monkeypatch):
    """The idle connection breaks, however short the outage: nobody waits for one that has been."""
    router, controller = table.put()
    vns3 = driver()
    vns3.contact(router)
    monkeypatch.setattr(setup, "SETTLED", 60.0)
    reboot_soon = controller.reboot_soon
    monkeypatch.setattr(controller, "reboot_soon", lambda: reboot_soon(0.0))
    vns3.license(router, timeout=10)
    assert controller.settings.licensed


def test_a_router_that_never_reboots_is_taken_as_it_is(driver, table, monkeypatch):
    router, controller = table.put()
    vns3 = driver()
    vns3.contact(router)
    monkeypatch.setattr(setup, "SETTLED", 0.3)
    monkeypatch.setattr(controller, "reboot_soon", lambda: None)
    vns3.license(router, timeout=10)
    assert controller.settings.licensed


def test_a_router_that_does_not_come_back_is_named(driver, table, monkeypatch):
    router, controller = table.put()
    vns3 = driver()
    vns3.contact(router)
    reboot_soon = controller.reboot_soon
    monkeypatch.setattr(controller, "reboot_soon", lambda: reboot_soon(60.0))
    with pytest.raises(StepTimeout, match=f"reboot of {router['name']}"):
        vns3.license(router, timeout=1.0)


def ready(vns3, table, **more):
    """A licensed router with fresh keys."""
    router, controller = table.put(**more)
    vns3.contact(router)
    vns3.license(router)
    vns3.keyset(router)
    return router, controller


def test_fresh_keys_are_made_once(driver, table, writes):
    vns3 = driver()
    router, controller = ready(vns3, table)
    checksum = controller.settings.keyset.checksum
    vns3.keyset(router)
    assert controller.settings.keyset.checksum == checksum
    assert writes(controller).count("PUT /keyset") == 1


def test_fresh_keys_need_a_licence(driver, table):
    router, _ = table.put()
    vns3 = driver()
    vns3.contact(router)
    with pytest.raises(RouterError, match="Must be licensed first") as refused:
        vns3.keyset(router)
    assert "licence" in refused.value.hint


def test_a_fetch_brings_licence_and_keys_of_the_source(driver, table, writes):
    vns3 = driver()
    source, first = ready(vns3, table)
    router, second = table.put()
    vns3.contact(router)
    vns3.keyset(router, source)
    assert second.settings.keyset.uuid == first.settings.keyset.uuid
    vns3.license(router)
    vns3.keyset(router, source)
    assert writes(second) == ["PUT /api_password", "PUT /keyset"]


def test_a_fetch_that_fails_is_told(driver, table, monkeypatch):
    """The router says nothing of it; it only is not fetching any more."""
    monkeypatch.setattr(setup, "FETCH_PAUSE", 0.1)
    vns3 = driver()
    source, _ = ready(vns3, table)
    router, controller = table.put()
    known = {}
    other = driver(known, keyset_token=lambda: "another token")
    other.contact(router)
    with pytest.raises(RouterError, match=f"could not fetch the keyset from {source['name']}") as failed:
        other.keyset(router, source)
    assert "tcp/8000" in failed.value.hint
    assert controller.settings.keyset is None


def test_identity_and_peers_are_set_once(driver, table, writes):
    vns3 = driver()
    one, first = ready(vns3, table, peering_id=1)
    other, second = table.put(peering_id=2)
    vns3.contact(other)
    vns3.keyset(other, one)
    for _ in range(2):
        for router in (one, other):
            vns3.identity(router)
        vns3.peer(one, other)
        vns3.peer(other, one)
    vns3.wait_reachable(one, other)
    vns3.wait_reachable(other, one)
    for controller in (first, second):
        assert writes(controller)[-2:] == ["PUT /peering/self", "POST /peering/peers"]
    vns3.unpeer(one, other)
    vns3.unpeer(one, other)
    assert writes(first)[-1] == "DELETE /peering/peers/{peer_id}"
    assert writes(first).count("DELETE /peering/peers/{peer_id}") == 1


def test_a_peer_that_moved_is_followed(driver, table):
    vns3 = driver()
    one, controller = ready(vns3, table, peering_id=1)
    vns3.identity(one)
    vns3.peer(one, {"name": "two", "address": "192.0.2.2", "private_address": "10.9.0.4", "peering_id": 2})
    vns3.peer(one, {"name": "two", "address": "192.0.2.2", "private_address": "10.9.0.5", "peering_id": 2})
    assert [peer.address for peer in controller.settings.peers.values()] == ["10.9.0.5"]


def test_a_peer_that_is_not_there_is_not_waited_for_and_one_out_of_reach_is_named(driver, table):
    vns3 = driver()
    one, _ = ready(vns3, table, peering_id=1)
    far = {"name": "far", "address": "192.0.2.2", "private_address": "10.9.0.4", "peering_id": 2}
    vns3.identity(one)
    with pytest.raises(RouterError, match="far is not one of its peers"):
        vns3.wait_reachable(one, far)
    vns3.peer(one, far)
    with pytest.raises(StepTimeout, match="to reach its peer far"):
        vns3.wait_reachable(one, far, timeout=0.3)


@pytest.mark.parametrize("number", [0, -1, True, "1", None])
def test_a_peering_id_is_a_number(driver, table, number):
    router, controller = table.put(peering_id=number)
    with pytest.raises(Error, match="peering_id"):
        driver().identity(router)
    assert len(controller.calls) == 0
