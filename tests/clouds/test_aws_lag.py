"""Reads that lag behind writes, as EC2's do: a route through a table that was made a moment ago."""

from __future__ import annotations

import pytest
from aws_lab import open_account

from trunkline.clouds.cloud import CloudError, NextHop
from trunkline_lab.aws import AwsFace
from trunkline_lab.world import FAST, PublicAddresses, World


@pytest.fixture(scope="module")
def lagging():
    with AwsFace(World(addresses=PublicAddresses("127.91.8"), pace=FAST), read_lag=0.4) as face:
        yield open_account(face, "100000000009")


def test_a_table_and_an_interface_that_are_not_seen_yet_are_waited_for(lagging):
    ec2 = lagging.session.ec2
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = _made(ec2.create_subnet, "Subnet", VpcId=vpc, CidrBlock="10.1.0.0/24")["SubnetId"]
    interface = _made(ec2.create_network_interface, "NetworkInterface", SubnetId=subnet)
    table = _made(ec2.create_route_table, "RouteTable", VpcId=vpc)["RouteTableId"]
    via = NextHop(interface["NetworkInterfaceId"], interface["PrivateIpAddress"])
    lagging.route(table, "10.0.0.0/16", via, run="r")
    lagging.route(table, "10.0.0.0/16", via, run="r")


def _made(create, kind, **words):
    """What the test itself makes of things that are not seen yet, it tries again."""
    from trunkline.clouds.aws.errors import patiently

    codes = ("InvalidVpcID.NotFound", "InvalidVpcId.NotFound", "InvalidSubnetID.NotFound")
    return patiently(lambda: create(**words), *codes)[kind]


def test_a_table_that_is_never_seen_is_told(lagging):
    with pytest.raises(CloudError, match="rtb-00000000000000000"):
        lagging.route("rtb-00000000000000000", "10.0.0.0/16", NextHop("eni-00000000000000000", "10.1.0.4"), run="r")
