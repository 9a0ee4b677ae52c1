"""Routes that are made once and never moved, and a VPC as the network model."""

# ruff: noqa: F401, F811 (fixtures are imported, and are named again as parameters)

import pytest
from aws_lab import aws, face, group, shared, vpc

from trunkline import Error
from trunkline.clouds.cloud import CloudError, NextHop
from trunkline.network.model import Permission, Route
from trunkline_lab.aws import ROUTER_IMAGE


@pytest.fixture
def subnet(aws, vpc):
    return aws.session.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]


@pytest.fixture
def table(aws, vpc):
    return aws.session.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]


def interface(aws, subnet, address, **more):
    made = aws.session.ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=address, **more)
    return NextHop(made["NetworkInterface"]["NetworkInterfaceId"], address)


def run(aws, hop):
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": hop.interface}
    aws.session.ec2.run_instances(ImageId=ROUTER_IMAGE, MinCount=1, MaxCount=1, NetworkInterfaces=[nic])


def test_a_route_that_leads_nowhere_is_replaced(aws, subnet, table):
    mine, theirs = interface(aws, subnet, "10.1.0.10"), interface(aws, subnet, "10.1.0.11")
    aws.route(table, "10.0.0.0/16", theirs, run="r")
    aws.route(table, "10.0.0.0/16", mine, run="r2")
    assert routes(aws, table)["10.0.0.0/16"] == mine.interface


def routes(aws, table):
    (found,) = aws.session.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return {
        each["DestinationCidrBlock"]: each.get("NetworkInterfaceId", each.get("GatewayId")) for each in found["Routes"]
    }


def test_a_route_comes_and_goes_and_may_be_repeated(aws, subnet, table):
    via = interface(aws, subnet, "10.1.0.10")
    for _ in range(2):
        aws.route(table, "10.0.0.0/16", via, run="r")
    assert routes(aws, table)["10.0.0.0/16"] == via.interface
    for _ in range(2):
        aws.unroute(table, "10.0.0.0/16", via=via)
    assert "10.0.0.0/16" not in routes(aws, table)
    aws.unroute(table, "10.0.0.0/16")


def test_a_route_that_leads_elsewhere_is_not_moved(aws, subnet, table):
    mine, theirs = interface(aws, subnet, "10.1.0.10"), interface(aws, subnet, "10.1.0.11")
    run(aws, theirs)  # To an interface without a running instance the route would be a black hole, and be replaced.
    aws.route(table, "10.0.0.0/16", theirs, run="r")
    with pytest.raises(Error) as raised:
        aws.route(table, "10.0.0.0/16", mine, run="r2")
    assert all(part in str(raised.value) for part in (table, "10.0.0.0/16", mine.interface, theirs.interface))
    aws.unroute(table, "10.0.0.0/16", via=mine)
    assert routes(aws, table)["10.0.0.0/16"] == theirs.interface
    aws.unroute(table, "10.0.0.0/16")
    assert "10.0.0.0/16" not in routes(aws, table)


def test_a_route_that_leads_nowhere_is_replaced(aws, subnet, table, monkeypatch):
    old, new = interface(aws, subnet, "10.1.0.10"), interface(aws, subnet, "10.1.0.11")
    aws.route(table, "10.0.0.0/16", old, run="r")
    aws.session.ec2.delete_network_interface(NetworkInterfaceId=old.interface)
    # EC2 calls such a route a blackhole; the lab's does not know the word.
    tell = aws.session.ec2.describe_route_tables

    def blackhole(**request):
        answer = tell(**request)
        for each in answer["RouteTables"][0]["Routes"]:
            each["State"] = "blackhole" if each.get("NetworkInterfaceId") == old.interface else each["State"]
        return answer

    monkeypatch.setattr(aws.session.ec2, "describe_route_tables", blackhole)
    aws.route(table, "10.0.0.0/16", new, run="r")
    assert routes(aws, table)["10.0.0.0/16"] == new.interface


def test_what_is_not_there_is_told(aws, table, subnet):
    via = interface(aws, subnet, "10.1.0.10")
    with pytest.raises(CloudError) as raised:
        aws.route("rtb-0123456789abcdef0", "10.0.0.0/16", via, run="r")
    assert raised.value.code == "InvalidRouteTableID.NotFound"
    aws.unroute("rtb-0123456789abcdef0", "10.0.0.0/16", via=via)
    with pytest.raises(Error, match=r"prefix = '10.0.0.1/16' is not a CIDR"):
        aws.route(table, "10.0.0.1/16", via, run="r")
    with pytest.raises(CloudError, match="there is no VPC vpc-0123456789abcdef0"):
        aws.network("vpc-0123456789abcdef0")


def test_a_vpc_as_the_model(aws, vpc, subnet, table, group):
    ec2 = aws.session.ec2
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "acme"}])
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24", AvailabilityZone="eu-central-1b")["Subnet"][
        "SubnetId"
    ]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.1/32", GatewayId=gateway)
    via = interface(aws, subnet, "10.1.0.10", Groups=[group])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=via.interface, SourceDestCheck={"Value": False})
    address = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=via.interface)
    aws.route(table, "10.0.0.0/16", via, run="r")
    peers = [{"CidrIp": "192.0.2.1/32"}, {"CidrIp": "192.0.2.2/32"}]
    permissions = [
        {"IpProtocol": "udp", "FromPort": 500, "ToPort": 500, "IpRanges": peers},
        {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "UserIdGroupPairs": [{"GroupId": group}]},
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.1.0.0/16"}]},
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions)

    network = aws.network(vpc)

    assert (network.id, network.name, network.cloud, network.account) == (vpc, "acme", "aws", "A")
    assert network.cidrs == ("10.1.0.0/16",)
    assert {each.id: (each.cidr, each.zone) for each in network.subnets}[other] == ("10.1.1.0/24", "eu-central-1b")
    tables = {each.id: each for each in network.route_tables}
    assert tables[table].subnets == (subnet,)
    assert set(tables[table].routes) == {
        Route("10.1.0.0/16", "local"),
        Route("192.0.2.1/32", "internet"),
        Route("10.0.0.0/16", via.interface, active=False),  # no instance runs behind it
    }
    (main,) = (each for each in network.route_tables if each.id != table)
    assert main.subnets == (other,), "a subnet without a table of its own uses the main one"
    (rule_set,) = (each for each in network.rule_sets if each.id == group)
    assert set(rule_set.permissions) == {
        Permission("in", "udp", 500, 500, "192.0.2.1/32"),
        Permission("in", "udp", 500, 500, "192.0.2.2/32"),
        Permission("in", "tcp", 8000, 8000, group),
        Permission("in", "any", 0, 65535, "10.1.0.0/16"),
        Permission("out", "any", 0, 65535, "0.0.0.0/0"),
    }
    (seen,) = network.interfaces
    assert (seen.id, seen.subnet, seen.private_address, seen.public_address) == (
        via.interface,
        subnet,
        "10.1.0.10",
        address["PublicIp"],
    )
    assert (seen.rule_sets, seen.forwards, seen.instance) == ((group,), True, None)
