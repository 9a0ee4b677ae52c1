"""The lab with packets: what the main job configures is what packets meet."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from trunkline import pipe, undo
from trunkline._core.steps import step
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.federation import federation
from trunkline.config import Config, load
from trunkline.network.model import Network
from trunkline_lab.lab import AWS_ACCOUNTS, Lab
from trunkline_lab.world import FAST

pytestmark = [pytest.mark.packets, pytest.mark.lab]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(pace=FAST, packets=True) as made:
        yield made


def answered(lab: Lab, source: str, target: str) -> int:
    assert lab.packets is not None
    return int(lab.packets.ask("ping", source=source, target=target, count=2)["received"])


def within(seconds: float, true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_ping_fails_before_peering_succeeds_after_and_fails_again_after_undo(lab: Lab, tmp_path: Path) -> None:
    config = load(lab.config)
    hubs = federation(config, "fed", account=config.account("B"))
    pipe(hubs.data, hubs.steps, run="fed")
    job = connect_vpc(
        config, "acme", account=config.account("A"), federation_account=config.account("B"), federation="fed"
    )
    seen: dict[str, int] = {}

    def before(state: dict[str, Any]) -> None:
        lab.add_host("app", state["app_subnet1_id"])
        seen["before"] = answered(lab, "app", "datacentre")

    def again(state: dict[str, Any]) -> None:
        seen["after undo"] = answered(lab, "app", "datacentre")
        lab.hosts.remove("app")

    vpc = next(number for number, (name, _) in enumerate(job.steps) if name == "vpc")
    steps = [*job.steps]
    steps.insert(vpc + 1, ("before", step(before, undo=again)))
    journal = tmp_path / "runs.sqlite"
    state = pipe(job.data, steps, journal=journal, run="acme")
    assert lab.packets is not None
    assert answered(lab, "app", "datacentre") == 2
    assert lab.packets.ask("iperf", source="app", target="datacentre", seconds=1)["bytes"] > 100_000
    assert lab.packets.ask("curl", source="datacentre", target="app", port=443).get("status") is None  # its group's no
    assert_read_alike(lab, config, state["vpc_id"])
    undo(steps, journal=journal, run="acme")
    assert seen == {"before": 0, "after undo": 0}


def assert_read_alike(lab: Lab, config: Config, vpc: str) -> None:
    """What the lab reads from its own state is what the library reads through the official SDKs."""
    [hubs] = [network for network in lab.azure.networks() if network.name == "fed-vnet"]
    [own] = [network for network in lab.aws.networks() if network.id == vpc]
    assert plain(own) == plain(config.account("A").network(vpc))
    assert plain(hubs) == plain(config.account("B").network(hubs.id))


def plain(network: Network) -> Network:
    """Without an account's name, Azure's zones (of machines, not of subnets), and the order of what has none."""
    return replace(
        network,
        account="",
        subnets=tuple(replace(each, zone="") for each in network.subnets),
        rule_sets=tuple(
            replace(each, permissions=tuple(sorted(each.permissions, key=repr))) for each in network.rule_sets
        ),
    )


def test_a_change_in_a_cloud_is_followed_without_being_asked(lab: Lab) -> None:
    key, secret = lab.aws.credentials(AWS_ACCOUNTS["A2"])
    ec2: Any = boto3.client(
        "ec2", "us-east-1", endpoint_url=lab.aws.endpoint, aws_access_key_id=key, aws_secret_access_key=secret
    )
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    one, two = (lab.add_host(name, subnet) for name in ("one", "two"))
    assert lab.packets is not None
    fabric = lab.packets.child  # not `ask`, which brings it up to date first

    def open_(port: int) -> bool:
        [found] = fabric.ask("connect", asked=[("one", "tcp", "two", port)], wait=0.5)
        return bool(found == {"answer": "open", "host": "two"})

    assert open_(80)  # both are in the default group, whose members let each other in
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    rule = {"GroupId": group, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": f"{one['address']}/32"}
    ec2.modify_instance_attribute(InstanceId=two["id"], Groups=[group])
    assert within(10, lambda: not open_(80))
    ec2.authorize_security_group_ingress(**rule)
    assert within(10, lambda: open_(80))
    assert not open_(81)
    ec2.revoke_security_group_ingress(**rule)
    assert within(10, lambda: not open_(80))
    for name in ("one", "two"):
        lab.hosts.remove(name)
    assert within(10, lambda: "one" not in fabric.ask("hosts"))


def test_a_killed_lab_leaves_no_process_and_no_namespace(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "trunkline_lab"]
    lab = subprocess.Popen(
        [*words, "up", "--foreground", "--packets", "--pace", "fast", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert lab.stdout is not None
        lines = iter(lab.stdout.readline, "")
        json.loads("".join(iter(lambda: next(lines), "}\n")) + "}")
        family = descendants(lab.pid)
        spaces = {space for pid in family if (space := network(pid)) and space != network(os.getpid())}
        assert len(family) > 2  # unshare, the fabric, and the daemons of the datacentre
        assert spaces
    finally:
        lab.send_signal(signal.SIGKILL)
        lab.wait()
        lab.stdout.close()  # type: ignore[union-attr]
    assert within(10, lambda: not any(alive(pid) for pid in family))
    everyone = {network(int(pid)) for pid in os.listdir("/proc") if pid.isdigit()}
    assert not spaces & everyone


def descendants(pid: int) -> list[int]:
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [each for child in map(int, children) for each in (child, *descendants(child))]


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def network(pid: int) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/net")
    return ""
