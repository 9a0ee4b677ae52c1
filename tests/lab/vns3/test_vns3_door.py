"""The API's port is as open as the cloud's rules, and no wider or longer."""

import contextlib
import socket
import ssl
from dataclasses import replace

import pytest
import urllib3
from vns3_rig import Rig, until

from trunkline_lab.vns3 import Controllers
from trunkline_lab.world import Pace

CALLER = "127.0.0.1"


def launched(rig):
    return rig.cloud.launch("one", "10.1.0.4")


def test_refused_while_nobody_is_admitted(rig):
    machine = launched(rig)
    rig.controllers.settle()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((machine.public_address, 8000), 2)


def test_open_exactly_while_the_rule_is_there(rig):
    machine = launched(rig)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    api = rig.api(machine)
    assert api.get("/config")["licensed"] is False
    rig.cloud.revoke(machine, "tcp", 8000, CALLER)
    with pytest.raises(urllib3.exceptions.HTTPError):  # at once, also on the kept connection
        api.ask("GET", "/config")
    rig.controllers.settle()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((machine.public_address, 8000), 2)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    until(api.reachable)


def test_kept_connection_is_cut_when_the_rule_goes(rig):
    machine = launched(rig)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    api = rig.api(machine)
    kept = api.pool.pool.queue[-1].sock
    rig.cloud.revoke(machine, "tcp", 8000, CALLER)
    kept.settimeout(5)
    with contextlib.suppress(ConnectionResetError):
        assert kept.recv(1) == b""


def test_another_client_is_dropped_before_tls(rig):
    machine = launched(rig)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    rig.api(machine)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        pytest.raises(OSError, match=r"reset|EOF|violation|closed"),
        socket.create_connection((machine.public_address, 8000), 5, source_address=("127.0.0.9", 0)) as stranger,
    ):
        context.wrap_socket(stranger).recv(1)
    rig.cloud.allow(machine, "tcp", 8000, "127.0.0.9")
    with socket.create_connection((machine.public_address, 8000), 5, source_address=("127.0.0.9", 0)) as admitted:
        assert context.wrap_socket(admitted).version()


def test_a_listening_socket_counts_for_every_caller(rig):
    """Another address of this computer may be the caller; the controllers are told which ones there are."""
    controllers = Controllers(rig.world, callers=(CALLER, "127.0.0.9"))
    try:
        machine = launched(rig)
        rig.cloud.allow(machine, "tcp", 8000, "127.0.0.9")
        controllers.add_face(rig.cloud)
        controllers.settle()
        assert controllers.reports()[0]["listening"] is True
        assert rig.controllers.reports()[0]["listening"] is False
    finally:
        controllers.stop()


def test_no_listening_without_a_public_address_and_moves_with_it(rig):
    machine = rig.cloud.launch("one", "10.1.0.4", public=False)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    rig.controllers.settle()
    assert rig.controllers.reports() == []
    first = replace(machine, public_address=rig.world.addresses.take())
    rig.cloud.replace(first)
    api = rig.api(first)
    api.ok("PUT", "/config", {"topology_name": "kept"})
    second = replace(machine, public_address=rig.world.addresses.take())
    rig.cloud.replace(second)
    until(lambda: not api.reachable())
    controller = rig.controller(second)
    until(lambda: controller.listening)
    assert controller.settings.topology_name == "kept"
    assert controller.certificate.pem == api.controller.certificate.pem  # made once, at the first boot
    with socket.create_connection((second.public_address, 8000), 5):
        pass


def test_gone_with_its_machine(rig):
    machine = launched(rig)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    api = rig.api(machine)
    rig.cloud.terminate(machine)
    until(lambda: not api.reachable())
    assert rig.controllers.reports() == []
    again = rig.cloud.launch("one", "10.1.0.4")  # a new machine begins at the factory
    rig.cloud.allow(again, "tcp", 8000, CALLER)
    assert rig.api(again).get("/config")["topology_name"] == ""


def test_a_cloud_that_cannot_say_admits_nobody(rig):
    machine = launched(rig)
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    api = rig.api(machine)

    def broken(*_):
        raise RuntimeError("no state")

    rig.cloud.admits = broken
    rig.world.changed()  # until then the answer from before counts
    assert not api.reachable()


def test_a_cloud_that_breaks_once_is_asked_again(rig):
    rig.controllers.settle()
    good = rig.cloud.machines
    rig.cloud.machines = lambda: 1 / 0
    machine = launched(rig)
    rig.cloud.machines = good
    rig.cloud.allow(machine, "tcp", 8000, CALLER)
    until(lambda: len(rig.controllers.reports()) == 1)


def test_taken_port_is_logged_and_taken_over_later(rig, caplog):
    machine = launched(rig)
    with socket.create_server((machine.public_address, 8000)):
        rig.cloud.allow(machine, "tcp", 8000, CALLER)
        rig.controllers.settle()
        assert "cannot listen" in caplog.text
    rig.api(machine)  # it tries again by itself


def test_an_address_passes_from_one_machine_to_another(rig):
    old, new = rig.cloud.launch("b-old", "10.1.0.4"), rig.cloud.launch("a-new", "10.1.0.5", public=False)
    for machine in (old, new):
        rig.cloud.allow(machine, "tcp", 8000, CALLER)
    old_api = rig.api(old)
    address = old.public_address
    spare = replace(new, public_address=rig.world.addresses.take())
    rig.cloud.replace(spare)
    rig.controllers.settle()
    rig.cloud._machines[new.id] = replace(new, public_address=address)
    rig.cloud._machines[old.id] = replace(old, public_address=spare.public_address)
    rig.controllers.settle()  # they change places in one step
    assert [report["listening"] for report in rig.controllers.reports()] == [True, True]
    with pytest.raises(urllib3.exceptions.SSLError):  # another certificate: another controller
        old_api.ask("GET", "/config")
    assert rig.controller(new).address == address


def test_many_at_once_and_a_clean_stop():
    rig = Rig(Pace(resource=0.0, boot=0.0, reboot=0.1, keyset=0.0))
    try:
        machines = [rig.bench.put() for _ in range(20)]
        apis = [rig.api(machine) for machine in machines]
        assert len({api.get("/config")["public_ipaddress"] for api in apis}) == 20
    finally:
        rig.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((machines[0].public_address, 8000), 2)
    rig.close()
