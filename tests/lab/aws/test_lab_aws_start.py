"""Starting and stopping: one at a time, nothing left over, nothing of moto's changed for good."""

from __future__ import annotations

import os
import socket
import time

import pytest
from lab_aws import IMAGE, Account, network, run
from moto import settings
from moto.ec2.models import elastic_ip_addresses

from trunkline_lab.aws import AwsFace
from trunkline_lab.world import FAST, Pace, PublicAddresses, World


def a_face(pace: Pace = FAST) -> AwsFace:
    return AwsFace(World(PublicAddresses("127.77.3"), pace), router_image=IMAGE)


def test_two_at_once_are_refused() -> None:
    with a_face(), pytest.raises(RuntimeError, match="already runs"):
        a_face().start()


def test_state_ends_with_the_face() -> None:
    with a_face() as first:
        vpc = Account(first, "100000000001").ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with a_face() as second:
        left = Account(second, "100000000001").ec2.describe_vpcs()["Vpcs"]
    assert vpc not in {each["VpcId"] for each in left}


def test_moto_is_given_back_as_it_was() -> None:
    before = (elastic_ip_addresses.random_ip, settings.ENABLE_AMI_VALIDATION, dict(os.environ))
    with a_face():
        assert elastic_ip_addresses.random_ip is not before[0]
    assert (elastic_ip_addresses.random_ip, settings.ENABLE_AMI_VALIDATION, dict(os.environ)) == before


def test_stopping_twice_is_no_matter() -> None:
    face = a_face().start()
    face.stop()
    face.stop()


def test_addresses_return_when_the_face_stops() -> None:
    world = World(PublicAddresses("127.77.4"), FAST)
    with AwsFace(world) as face:
        ec2 = Account(face, "100000000001").ec2
        for _ in range(249):
            ec2.allocate_address(Domain="vpc")
    assert world.addresses.take().startswith("127.77.4.")


def test_a_machine_boots_after_its_pace_and_the_world_is_told() -> None:
    with a_face(Pace(resource=0.0, boot=0.8)) as face:
        ec2 = Account(face, "100000000001").ec2
        there = network(ec2)
        heard: list[int] = []
        face.world.listen(lambda: heard.append(len(face.machines())))
        instance = run(ec2, there["interface"])
        end = time.monotonic() + 5
        while len(heard) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert heard == [0, 1], "told at launch, when it is no machine yet, and once it has booted"
        assert [machine.id for machine in face.machines()] == [instance]


def test_a_connection_is_kept_and_dropped_at_the_end() -> None:
    with a_face() as face:
        host, port = face.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            for _ in range(2):
                connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                assert connection.recv(4096).startswith(b"HTTP/1.1 403")
            face.stop()
            assert connection.recv(10) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))
