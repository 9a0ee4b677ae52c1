"""The lab with packets against the lab without: how long it takes to come up; and how soon a change is followed."""

from __future__ import annotations

import os
import statistics
import sys
import time

import boto3

from bench.figures import Figure, paired
from trunkline_lab import process
from trunkline_lab.home import Home
from trunkline_lab.lab import AWS_ACCOUNTS, Lab
from trunkline_lab.packets import needs
from trunkline_lab.world import FAST

ROUNDS, CHANGES = 5, 10
GOAL = 1.5


def measure() -> list[Figure]:
    """Seconds of `trunkline lab up --packets`, and milliseconds from a cloud's answer to packets that obey it."""
    if lacking := needs.missing():
        print(f"no packets here: {'; '.join(map(str, lacking))} missing", file=sys.stderr)
        return []
    with_packets, without = paired(lambda: up_and_down(packets=True), lambda: up_and_down(packets=False), ROUNDS)
    up = Figure(
        "lab up with packets, and down",
        with_packets,
        "s",
        "without packets",
        without,
        f"at most {GOAL:g} times",
        with_packets <= GOAL * without,
    )
    return [up, follows()]


def up_and_down(*, packets: bool) -> None:
    """A lab in a process of its own, until it is ready, and until it is gone."""
    home = Home(f"bench-packets-{os.getpid()}")
    process.start(home, routers=0, pace="normal", packets=packets)
    process.stop(home)


def follows() -> Figure:
    """From the answer to AuthorizeSecurityGroupIngress until a host is reached, the median of some."""
    with Lab(pace=FAST, packets=True) as lab:
        key, secret = lab.aws.credentials(AWS_ACCOUNTS["A"])
        ec2 = boto3.client(
            "ec2", "us-east-1", endpoint_url=lab.aws.endpoint, aws_access_key_id=key, aws_secret_access_key=secret
        )
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="bench", Description="bench", VpcId=vpc)["GroupId"]
        for name in ("one", "two"):
            lab.add_host(name, subnet, group)
        assert lab.packets is not None
        fabric, took = lab.packets.child, []
        for port in range(8000, 8000 + CHANGES):
            ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="10.77.0.0/16"
            )
            began = time.perf_counter()
            while fabric.ask("connect", asked=[("one", "tcp", "two", port)], wait=0.05)[0]["answer"] != "open":
                pass
            took.append(time.perf_counter() - began)
    middle = statistics.median(took) * 1000
    return Figure(
        "a changed rule is followed by packets after", middle, "ms", goal="at most 1000", reached=middle <= 1000
    )
