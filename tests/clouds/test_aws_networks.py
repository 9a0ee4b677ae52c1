"""VPCs read in bulk: network ACLs, peerings, prefix lists, names; a few calls for all of them."""

# ruff: noqa: F401, F811 (fixtures are imported, and are named again as parameters)

import pytest
from aws_lab import aws, group, open_account, shared, vpc

from trunkline.clouds.aws import networks
from trunkline.clouds.cloud import CloudError
from trunkline.network.model import Peering, Permission, Route, RuleSet
from trunkline_lab.aws import ROUTER_IMAGE, AwsFace
from trunkline_lab.world import FAST, PublicAddresses, World


@pytest.fixture(scope="module")
def face():
    """An AWS without lag: what is read is asked here, and not when."""
    with AwsFace(World(addresses=PublicAddresses("127.91.8"), pace=FAST)) as running:
        yield running


def subnet_of(aws, vpc, cidr):
    return aws.session.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"]


def test_a_network_acl_is_a_rule_set_without_state_on_its_subnets(aws, vpc):
    ec2 = aws.session.ec2
    subnet, other = subnet_of(aws, vpc, "10.1.0.0/24"), subnet_of(aws, vpc, "10.1.1.0/24")
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for number, protocol, action, egress, block, more in (
        (100, "6", "allow", False, "10.0.0.0/8", {"PortRange": {"From": 443, "To": 444}}),
        (90, "-1", "deny", False, "10.9.0.0/16", {}),
        (120, "1", "allow", True, "10.0.0.0/8", {"IcmpTypeCode": {"Type": -1, "Code": -1}}),
    ):
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol=protocol,
            RuleAction=action,
            Egress=egress,
            CidrBlock=block,
            **more,
        )
    (default,) = (
        association["NetworkAclAssociationId"]
        for each in ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
        for association in each["Associations"]
        if association["SubnetId"] == subnet
    )
    ec2.replace_network_acl_association(AssociationId=default, NetworkAclId=acl)
    network = aws.network(vpc)
    bound = {each.id: each.rule_sets for each in network.subnets}
    assert bound[subnet] == (acl,)
    assert bound[other] != (acl,)
    (rules,) = (each for each in network.rule_sets if each.id == acl)
    assert not rules.stateful
    assert {p for p in rules.permissions if p.priority < 32767} == {
        Permission("in", "tcp", 443, 444, "10.0.0.0/8", "allow", 100),
        Permission("in", "any", 0, 65535, "10.9.0.0/16", "deny", 90),
        Permission("out", "icmp", 0, 65535, "10.0.0.0/8", "allow", 120),
    }
    (usual,) = (each for each in network.rule_sets if each.id == bound[other][0])
    assert isinstance(usual, RuleSet)
    assert Permission("in", "any", 0, 65535, "0.0.0.0/0", "allow", 100) in usual.permissions


def test_a_peering_as_either_network_has_it(aws, vpc):
    ec2 = aws.session.ec2
    other = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    asked = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    peering = asked["VpcPeeringConnectionId"]
    assert aws.network(vpc).peerings == (Peering(peering, other, active=False),)
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert aws.network(vpc).peerings == (Peering(peering, other),)
    assert aws.network(other).peerings == (Peering(peering, vpc),)
    (table,) = aws.network(vpc).route_tables
    ec2.create_route(RouteTableId=table.id, DestinationCidrBlock="10.2.0.0/16", VpcPeeringConnectionId=peering)
    assert Route("10.2.0.0/16", peering) in aws.network(vpc).route_tables[0].routes


def test_prefix_lists_are_resolved_in_rules(aws, vpc, group):
    ec2 = aws.session.ec2
    entries = [{"Cidr": "10.7.0.0/16"}, {"Cidr": "10.8.0.0/16"}]
    made = ec2.create_managed_prefix_list(PrefixListName="hq", MaxEntries=5, AddressFamily="IPv4", Entries=entries)
    listed = made["PrefixList"]["PrefixListId"]
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": listed}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    (rules,) = (each for each in aws.network(vpc).rule_sets if each.id == group)
    assert {p.peer for p in rules.permissions if p.direction == "in"} == {"10.7.0.0/16", "10.8.0.0/16"}


def test_an_interface_has_its_instances_name_else_its_own(aws, vpc):
    ec2 = aws.session.ec2
    subnet = subnet_of(aws, vpc, "10.1.0.0/24")
    tags = [{"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "spare"}]}]
    spare = ec2.create_network_interface(SubnetId=subnet, TagSpecifications=tags)["NetworkInterface"]
    named = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}]
    ec2.run_instances(
        ImageId=ROUTER_IMAGE,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        TagSpecifications=named,
    )
    names = {each.id: each.name for each in aws.network(vpc).interfaces}
    assert names.pop(spare["NetworkInterfaceId"]) == "spare"
    assert [*names.values()] == ["web"]


def test_all_vpcs_are_read_in_as_many_calls_as_one(face):
    account = open_account(face, "100000000077")
    ec2 = account.session.ec2
    made = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in range(1, 6)]

    def calls(read):
        seen = len(face.calls)
        found = read()
        return found, len(face.calls) - seen

    one, few = calls(lambda: account.networks(made[:1]))
    everything, many = calls(account.networks)
    assert few == many
    assert [each.id for each in one] == made[:1]
    assert {each.id for each in everything} >= set(made)
    assert {each.id: each for each in everything}[made[3]] == account.network(made[3])


def test_a_vpc_that_is_not_there_is_named(aws, vpc):
    with pytest.raises(CloudError, match="account A: there is no VPC vpc-0123456789abcdef0"):
        aws.networks([vpc, "vpc-0123456789abcdef0"])


@pytest.mark.parametrize(
    ("said", "ports"),
    [({}, (0, 65535)), ({"Type": -1, "Code": -1}, (0, 65535)), ({"Type": 8, "Code": -1}, (8, -1))],
)
def test_an_acls_entry_for_icmp_has_the_type_as_its_first_port(said, ports):
    """As a unit: the lab's EC2 does not tell the types."""
    entry = {"Protocol": "1", "RuleAction": "allow", "RuleNumber": 7, "Egress": False, "CidrBlock": "10.0.0.0/8"}
    (permission,) = networks._acl({"NetworkAclId": "acl-1", "Entries": [{**entry, "IcmpTypeCode": said}]}).permissions
    assert permission == Permission("in", "icmp", *ports, "10.0.0.0/8", "allow", 7)
