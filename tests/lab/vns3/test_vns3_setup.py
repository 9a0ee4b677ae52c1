"""Licence, reboots, keysets and peering: the order that the SDK and a deployer rely on."""

import asyncio
import contextlib
import socket

import pytest
import urllib3
from cohesivenet import Configuration, VNS3Client
from cohesivenet.macros import config as macros
from vns3_rig import Rig, license_router, until

from trunkline_lab.vns3 import Refusal, issue_license
from trunkline_lab.vns3.refusals import ConnectionDropped
from trunkline_lab.world import Pace

OPEN = "127.0.0.1"


def _broken(text):
    lines = text.splitlines()
    return "\n".join([*lines[:2], lines[2][::-1], *lines[3:]])


@pytest.mark.parametrize(
    "text", ["", "license", issue_license()[:100], _broken(issue_license())], ids=["empty", "word", "torn", "spoilt"]
)
def test_bad_license(rig, text):
    assert rig.fresh().error("PUT", "/license", text=text) == (400, "APIArgumentError", "Bad license")


def test_license_is_accepted_with_a_reboot(slow_rig):
    rig = slow_rig
    api = rig.fresh()
    assert api.error("PUT", "/license/parameters", {"default": True})[0] == 400
    assert api.ok("PUT", "/license", text=issue_license())["finalized"] is False
    assert api.get("/license")["finalized"] is False
    assert api.get("/config")["licensed"] is False
    assert api.ok("PUT", "/license/parameters", {"default": "true"})["finalized"] is True
    until(lambda: not api.controller.up)
    with pytest.raises(urllib3.exceptions.NewConnectionError):  # refused: not silence, not 503
        api.stranger(api.password).ask("GET", "/config")
    until(api.reachable)
    assert api.get("/config")["licensed"] is True
    assert rig.controller(api.machine).boots == 2
    assert api.error("PUT", "/license", text=issue_license())[0] == 400
    assert api.error("PUT", "/license/parameters", {"default": True})[0] == 400


def test_license_with_own_addresses(rig):
    api = rig.fresh()
    api.ok("PUT", "/license", text=issue_license())
    own = {
        "subnet": "172.31.0.0/24",
        "managers": "172.31.0.250 172.31.0.251",
        "asns": "65101,65102",
        "clients": "172.31.0.1-172.31.0.5",
        "my_manager_vip": "172.31.0.254",
    }
    for field, bad in [("managers", "10.0.0.1 10.0.0.2"), ("asns", "65101"), ("subnet", "x"), ("clients", "1.2.3")]:
        status, _, message = api.error("PUT", "/license/parameters", own | {field: bad})
        assert status == 400
        assert field in message or field == "subnet"
    with api.reboots():
        api.ok("PUT", "/license/parameters", own)
    assert api.get("/license")["custom_addressing"] is True
    assert api.ok("PUT", "/peering/self", {"id": 2})["id"] == 2
    config = api.get("/config")
    assert (config["asn"], config["overlay_ipaddress"]) == (65102, "172.31.0.251")
    assert [found["name"] for found in api.get("/interfaces")] == ["eth0", "tun0"]


def test_reboot_cuts_kept_connections(rig):
    api = rig.fresh()
    api.get("/config")
    kept = api.pool.pool.queue[-1].sock
    assert api.ok("PUT", "/server", {"reboot": True}) == {"status": "rebooting"}
    kept.settimeout(5)
    assert kept.recv(1) == b""  # closed from the other side
    until(api.reachable)


def test_reboot_cuts_a_connection_that_never_spoke(rig):
    api = rig.fresh()
    with socket.create_connection((api.address, 8000), 5) as idle:
        until(lambda: rig.controller(api.machine).listening)
        api.ok("PUT", "/server", {"reboot": True})
        idle.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert idle.recv(1) == b""
        until(api.reachable)


def test_keyset_generated(slow_rig):
    api = slow_rig.licensed()
    assert api.get("/keyset")["keyset_present"] is False
    started = api.ok("PUT", "/keyset", {"token": "t", "topology_name": "acme"})
    assert started["in_progress"] is True
    assert isinstance(started["started_at_i"], int)
    assert api.error("PUT", "/keyset", {"token": "t"})[2] == "Keyset setup in progress."
    until(lambda: api.get("/keyset")["keyset_present"])
    assert api.error("PUT", "/keyset", {"token": "t"})[2] == "Keyset already exists."
    assert api.get("/config")["topology_checksum"] == api.get("/keyset")["checksum"]


def with_keyset(api, token="t"):
    api.ok("PUT", "/keyset", {"token": token})
    until(lambda: api.get("/keyset")["keyset_present"])


def two_in_a_network(rig):
    source = rig.launched("a", "10.1.0.4")
    with_keyset(source)
    machine = rig.cloud.launch("b", "10.1.1.4")
    rig.cloud.allow(machine, "tcp", 8000, OPEN)
    return source, rig.api(machine)


def test_keyset_fetched_brings_license_and_reboots(slow_rig):
    rig = slow_rig
    source, fresh = two_in_a_network(rig)
    rig.cloud.allow(source.machine, "tcp", 8000, "10.1.1.4")
    seen = []
    assert fresh.ok("PUT", "/keyset", {"token": "t", "source": "10.1.0.4"})["in_progress"] is True
    while True:  # never present before the outage is over
        try:
            status, found = fresh.ask("GET", "/keyset")
            seen.append(found.get("response", {}).get("keyset_present") or status)
        except urllib3.exceptions.HTTPError:
            seen.append("down")
        if seen[-1] is True:
            break
    assert seen.index("down") < seen.index(True)
    assert "down" not in seen[seen.index(True) :]
    assert fresh.get("/config")["licensed"] is True
    assert fresh.get("/keyset")["uuid"] == source.get("/keyset")["uuid"]


@pytest.mark.parametrize(
    ("token", "source", "opened"),
    [
        ("wrong", "10.1.0.4", "10.1.1.4"),
        ("t", "10.1.0.4", None),
        ("t", "10.9.9.9", "10.1.1.4"),
        ("t", "public", "10.1.1.4"),  # through the public address one comes with one's own public address
    ],
)
def test_keyset_fetch_that_fails_is_told_by_a_new_start(rig, token, source, opened):
    origin, fresh = two_in_a_network(rig)
    if opened:
        rig.cloud.allow(origin.machine, "tcp", 8000, opened)
    request = {"token": token, "source": origin.address if source == "public" else source}
    first = fresh.ok("PUT", "/keyset", request)["started_at_i"]

    def again():
        status, found = fresh.ask("PUT", "/keyset", request)
        return found["response"]["started_at_i"] if status == 200 else None

    assert until(again) != first
    assert fresh.get("/config")["licensed"] is False


def test_keyset_fetched_through_the_public_address(rig):
    source, fresh = two_in_a_network(rig)
    rig.cloud.allow(source.machine, "tcp", 8000, fresh.address)
    with fresh.reboots():
        fresh.ok("PUT", "/keyset", {"token": "t", "source": source.address})
    assert fresh.get("/keyset")["keyset_present"] is True


def test_private_address_leads_nowhere_from_another_network(rig):
    source = rig.launched("a", "10.1.0.4")
    with_keyset(source)
    machine = rig.cloud.launch("b", "10.1.1.4", network="vpc-2")
    rig.cloud.allow(machine, "tcp", 8000, OPEN)
    rig.cloud.allow(source.machine, "tcp", 8000, "10.1.1.4")
    fresh = rig.api(machine)
    first = fresh.ok("PUT", "/keyset", {"token": "t", "source": "10.1.0.4"})["started_at_i"]
    until(lambda: fresh.ask("PUT", "/keyset", {"token": "t", "source": "10.1.0.4"})[0] == 200)
    assert first


def test_peering_is_reachable_when_both_ends_say_so(rig):
    source, other = two_in_a_network(rig)
    rig.cloud.allow(source.machine, "tcp", 8000, "10.1.1.4")
    with other.reboots():
        other.ok("PUT", "/keyset", {"token": "t", "source": "10.1.0.4"})
    assert source.get("/peering").get("id") is None
    assert source.ok("PUT", "/peering/self", {"id": "1", "force": True})["id"] == 1
    assert other.ok("PUT", "/peering/self", {"id": 2})["id"] == 2

    def reachable():
        found = [source.get("/peering")["controllers"]["2"], other.get("/peering")["managers"]["1"]]
        return [each.get("reachable") for each in found]

    source.ok("POST", "/peering/peers", {"id": 2, "name": "10.1.1.4"})
    assert reachable() == [False, None]
    other.ok("POST", "/peering/peers", {"id": 1, "name": "10.1.0.4"})
    assert reachable() == [False, False]
    rig.cloud.allow(source.machine, "udp", 1195, "10.1.1.4")
    assert reachable() == [False, False]
    rig.cloud.allow(other.machine, "udp", 1196, "10.1.0.4")
    assert reachable() == [True, True]
    other.ok("PUT", "/peering/peers/1", {"name": "10.1.0.5"})
    assert reachable() == [False, False]
    assert other.ok("DELETE", "/peering/peers/1")["managers"]["1"]["not_set"] is True


def test_peering_ids_are_checked(rig):
    api = rig.licensed()
    for bad in (0, 9, {"id": 2}, "x", None):
        status, name, message = api.error("PUT", "/peering/self", {"id": bad})
        assert (status, name) == (400, "APIArgumentError")
        assert "id is" in message
    assert api.error("POST", "/peering/peers", {"id": 99, "name": "a"})[2] == "99 is an invalid controller id"
    assert api.error("POST", "/peering/peers", {"id": 2})[2] == "name is required"
    assert api.error("DELETE", "/peering/peers/2")[0] == 400


def test_hooks_refuse_delay_and_cut(rig):
    api = rig.fresh()
    controller = rig.controller(api.machine)

    def refuse(call):
        raise Refusal(502, "BadGateway", "busy")

    controller.before.append(refuse)
    assert api.ask("GET", "/config")[0] == 502
    controller.before.clear()

    async def hang(call):
        await asyncio.sleep(30)

    controller.before.append(hang)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        api.pool.request("GET", "/api/config", headers=api.headers(), timeout=0.3)
    controller.before.clear()

    def cut(call):
        raise ConnectionDropped

    controller.after.append(cut)  # done, and never answered
    with pytest.raises(urllib3.exceptions.ProtocolError):
        api.ask("PUT", "/config", {"topology_name": "lost"})
    controller.after.clear()
    assert api.get("/config")["topology_name"] == "lost"


@pytest.mark.long
def test_the_sdks_own_setup(tmp_path):
    """The vendor's macro, unmodified, at the pace it needs: 4 s of outage."""
    rig = Rig(Pace(boot=0.0, reboot=4.0, keyset=1.5))
    try:
        machine = rig.fresh().machine
        (tmp_path / "license").write_text(issue_license())
        client = VNS3Client(
            Configuration(
                host=f"{machine.public_address}:8000",
                username="api",
                password=machine.default_password,
                verify_ssl=False,
            )
        )
        arguments = {
            "topology_name": "acme",
            "license_file": str(tmp_path / "license"),
            "license_parameters": {"default": True},
            "keyset_parameters": {"token": "t"},
        }
        macros.setup_controller(client, **arguments)
        before = rig.controllers.counts()
        macros.setup_controller(client, **arguments)
        after = rig.controllers.counts()
        assert client.peering.get_peering_status().response.id == 1
        assert {name for name in after if not name.startswith("GET") and after[name] != before[name]} == set()
    finally:
        rig.close()


@pytest.mark.long
def test_the_sdks_own_keyset_fetch():
    """fetch_keyset_from_source, unmodified: it must see the outage, and then find the keyset."""
    rig = Rig(Pace(boot=0.0, reboot=4.0, keyset=1.5))
    try:
        source = rig.fresh()
        license_router(source)
        with_keyset(source)
        machine = rig.fresh().machine
        client = VNS3Client(
            Configuration(
                host=f"{machine.public_address}:8000",
                username="api",
                password=machine.default_password,
                verify_ssl=False,
            )
        )
        macros.fetch_keyset_from_source(client, source.machine.private_address, "t")
        assert client.config.get_config().response.licensed is True
    finally:
        rig.close()
