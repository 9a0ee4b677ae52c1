"""Every verb where each read of EC2 is late: what was just made, changed or deleted is not seen for a while."""

# ruff: noqa: F401, F811 (fixtures are imported, and are named again as parameters)

import threading
from datetime import UTC, datetime

import pytest
from aws_lab import READ_LAG, aws, group, hurried, open_account, settled, vpc

from trunkline import Error
from trunkline.clouds.aws import late
from trunkline.clouds.cloud import CloudError, NextHop, Rule
from trunkline_lab.aws import AwsFace
from trunkline_lab.world import FAST, PublicAddresses, World

SOON = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
API = Rule("tcp", 8000, "192.0.2.1/32")


@pytest.fixture(scope="module")
def shared():
    with AwsFace(World(addresses=PublicAddresses("127.91.8"), pace=FAST), read_lag=READ_LAG) as face:
        yield open_account(face, "100000000009")


def rules(aws, group):
    found = settled(aws).describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    return [each for each in found["SecurityGroupRules"] if not each["IsEgress"]]


def test_a_group_that_was_just_made_is_opened(aws, vpc):
    """The first time the group is unknown to the write itself."""
    group = late.patiently(
        lambda: aws.session.ec2.create_security_group(GroupName="new", Description="new", VpcId=vpc),
        "InvalidVpcID.NotFound",
    )["GroupId"]
    aws.allow(group, API, run="r", purpose="p")
    assert len(rules(aws, group)) == 1


def test_access_that_was_just_opened_is_taken_back(aws, group):
    """It is not seen yet: closing that trusts this leaves it open."""
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    aws.revoke(group, API, run="r", purpose="p")
    assert rules(aws, group) == []


def test_access_shows_as_soon_as_it_is_opened_and_no_more_once_it_is_closed(aws, group):
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    (seen,) = aws.exposures()
    aws.close(seen)
    assert aws.exposures() == []
    assert rules(aws, group) == []


def test_access_that_another_process_opened_is_closed_from_its_handle(aws, group):
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    (seen,) = aws.exposures()
    settled(aws).revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[seen.handle.partition("/")[0]])
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    aws.close(seen)  # the handle of a rule that is gone: nothing happens
    assert len(rules(aws, group)) == 1


def test_one_who_comes_unseen_while_the_last_one_leaves_has_access(aws, group):
    """The leaver does not see the comer's tag and takes the rule away: the comer notices."""
    aws.allow(group, API, run="leaver", purpose="p", expires=SOON)
    late.settle()
    came = threading.Thread(target=aws.allow, args=(group, API), kwargs={"run": "comer", "purpose": "p"})
    came.start()
    aws.revoke(group, API, run="leaver", purpose="p")
    came.join()
    (rule,) = rules(aws, group)
    assert [tag["Value"].partition(" ")[0] for tag in rule["Tags"]] == ["run=comer"]


def test_two_who_leave_together_leave_no_rule_behind(aws, group):
    """Neither sees at first that the other leaves too."""
    for run in ("one", "two"):
        aws.allow(group, API, run=run, purpose="p", expires=SOON)
    leaving = [
        threading.Thread(target=aws.revoke, args=(group, API), kwargs={"run": run, "purpose": "p"})
        for run in ("one", "two")
    ]
    for each in leaving:
        each.start()
    for each in leaving:
        each.join()
    assert rules(aws, group) == []


def test_somebody_elses_rule_that_is_not_seen_yet_is_not_claimed(aws, group):
    permission = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
    late.patiently(
        lambda: aws.session.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission]),
        "InvalidGroup.NotFound",
    )
    aws.allow(group, API, run="r", purpose="p", expires=SOON)
    aws.revoke(group, API, run="r", purpose="p")
    assert len(rules(aws, group)) == 1


@pytest.fixture
def table(aws, vpc):
    return settled(aws).create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]


@pytest.fixture
def hops(aws, vpc):
    ec2 = settled(aws)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    made = [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"] for _ in range(2)]
    return [NextHop(each["NetworkInterfaceId"], each["PrivateIpAddress"]) for each in made]


def targets(aws, table):
    (found,) = settled(aws).describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return [each["NetworkInterfaceId"] for each in found["Routes"] if each.get("NetworkInterfaceId")]


def test_a_table_that_was_just_made_is_waited_for(aws, vpc, hops):
    table = late.patiently(lambda: aws.session.ec2.create_route_table(VpcId=vpc), "InvalidVpcID.NotFound")
    for _ in range(2):
        aws.route(table["RouteTable"]["RouteTableId"], "10.0.0.0/16", hops[0], run="r")


def test_a_route_that_was_just_made_is_removed(aws, table, hops):
    aws.route(table, "10.0.0.0/16", hops[0], run="r")
    aws.unroute(table, "10.0.0.0/16", via=hops[0])
    assert targets(aws, table) == []


def test_somebody_elses_route_that_is_not_seen_yet_is_not_moved(aws, table, hops):
    """EC2 says that there is one, and shows none."""
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": hops[1].interface}
    settled(aws).run_instances(ImageId="ami-0c0ffee0000000002", MinCount=1, MaxCount=1, NetworkInterfaces=[nic])
    aws.route(table, "10.0.0.0/16", hops[1], run="theirs")
    with pytest.raises(Error, match=hops[1].interface):
        aws.route(table, "10.0.0.0/16", hops[0], run="r")
    assert targets(aws, table) == [hops[1].interface]


def test_a_route_that_was_just_moved_here_is_no_error(aws, table, hops):
    """A late read still shows where it led before."""
    aws.route(table, "10.0.0.0/16", hops[1], run="theirs")
    late.settle()
    aws.unroute(table, "10.0.0.0/16", via=hops[1])
    for _ in range(2):
        aws.route(table, "10.0.0.0/16", hops[0], run="r")
    assert targets(aws, table) == [hops[0].interface]


def test_a_vpc_that_was_just_made_is_read(aws):
    made = aws.session.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert aws.network(made).cidrs == ("10.7.0.0/16",)


def test_what_is_never_seen_is_told(aws):
    with pytest.raises(CloudError, match="rtb-00000000000000000"):
        aws.route("rtb-00000000000000000", "10.0.0.0/16", NextHop("eni-00000000000000000", "10.1.0.4"), run="r")
    with pytest.raises(CloudError, match="sg-00000000000000000"):
        aws.allow("sg-00000000000000000", API, run="r", purpose="p")
