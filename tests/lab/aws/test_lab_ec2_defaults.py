"""What a new VPC comes with in EC2, and how EC2 writes down what it is given.

Sources: Amazon VPC User Guide, "Default security groups for your VPCs", "Default network ACL for a VPC", "Default VPC
components" and "DHCP option sets in Amazon VPC"; the EC2 API reference's pages of the operations.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import IMAGE, Account, network, run
from lab_aws_templates import VPC

from trunkline_lab.aws import AwsFace


def refusal(action: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def of(vpc: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


def test_a_default_group_lets_its_own_members_in(account: Account, face: AwsFace) -> None:
    ec2, there = account.ec2, network(account.ec2)
    (group,) = ec2.describe_security_groups(Filters=[*of(there["vpc"]), {"Name": "group-name", "Values": ["default"]}])[
        "SecurityGroups"
    ]
    (rule,) = group["IpPermissions"]
    assert (rule["IpProtocol"], rule["IpRanges"]) == ("-1", [])
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group["GroupId"]]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group["GroupId"]]}])
    (inward,) = [each for each in rules["SecurityGroupRules"] if not each["IsEgress"]]
    assert inward["ReferencedGroupInfo"]["GroupId"] == group["GroupId"]
    # The network model and the lab's own look at packets read the same rule.
    (model,) = [each for each in face.networks() if each.id == there["vpc"]]
    (kept,) = [each for each in model.rule_sets if each.id == group["GroupId"]]
    assert [(each.protocol, each.peer) for each in kept.permissions if each.direction == "in"] == [
        ("any", group["GroupId"])
    ]
    made = [ec2.create_network_interface(SubnetId=there["subnet"])["NetworkInterface"] for _ in range(2)]
    router = run(ec2, made[0]["NetworkInterfaceId"])
    assert face.admits(router, "tcp", 8000, made[1]["PrivateIpAddress"])
    assert not face.admits(router, "tcp", 8000, "10.5.0.10")  # the interface of another group in the same subnet
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    assert not face.admits(router, "tcp", 8000, made[1]["PrivateIpAddress"])


def test_a_custom_list_denies_all_by_entries_of_its_own(account: Account) -> None:
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]
    assert sorted((each["Egress"], each["RuleNumber"], each["RuleAction"]) for each in acl["Entries"]) == [
        (False, 32767, "deny"),
        (True, 32767, "deny"),
    ]
    what = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 32767, "Egress": True}
    assert refusal(ec2.delete_network_acl_entry, **what)[0] == "InvalidParameterValue"


def test_a_vpc_begins_with_the_regions_dhcp_options(account: Account) -> None:
    ec2 = account.ec2
    one, two = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"] for n in (1, 2))
    assert one["DhcpOptionsId"] == two["DhcpOptionsId"]
    (options,) = ec2.describe_dhcp_options(DhcpOptionsIds=[one["DhcpOptionsId"]])["DhcpOptions"]
    said = {each["Key"]: [value["Value"] for value in each["Values"]] for each in options["DhcpConfigurations"]}
    assert said == {"domain-name-servers": ["AmazonProvidedDNS"], "domain-name": [f"{account.region}.compute.internal"]}
    code, _ = refusal(ec2.delete_dhcp_options, DhcpOptionsId=options["DhcpOptionsId"])
    assert code == "DependencyViolation"
    # They outlive the VPC: others use them, too.
    ec2.delete_vpc(VpcId=one["VpcId"])
    assert ec2.describe_dhcp_options(DhcpOptionsIds=[one["DhcpOptionsId"]])["DhcpOptions"] == [options]


def test_the_default_vpc_is_open_to_the_internet(account: Account) -> None:
    ec2 = account.ec2
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    attached = {"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}
    (gateway,) = ec2.describe_internet_gateways(Filters=[attached])["InternetGateways"]
    (table,) = ec2.describe_route_tables(Filters=of(vpc["VpcId"]))["RouteTables"]
    assert {each["DestinationCidrBlock"]: (each["GatewayId"], each["State"]) for each in table["Routes"]} == {
        "172.31.0.0/16": ("local", "active"),
        "0.0.0.0/0": (gateway["InternetGatewayId"], "active"),
    }


def test_what_is_there_by_itself_cannot_be_taken_away_or_made_again(account: Account) -> None:
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    (table,) = ec2.describe_route_tables(Filters=of(vpc))["RouteTables"]
    code, said = refusal(ec2.delete_route, RouteTableId=table["RouteTableId"], DestinationCidrBlock="10.1.0.0/16")
    assert (code, said) == (
        "InvalidParameterValue",
        f"cannot remove local route 10.1.0.0/16 in route table {table['RouteTableId']}",
    )
    code, said = refusal(ec2.create_security_group, GroupName="default", Description="x", VpcId=vpc)
    assert (code, said) == ("InvalidParameterValue", "Cannot use reserved security group name: default")


def test_blocks_are_kept_in_their_canonical_form(account: Account) -> None:
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.1.7.9/16")["Vpc"]
    assert vpc["CidrBlock"] == "10.1.0.0/16"
    assert ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.1.3.4/24")["Subnet"]["CidrBlock"] == "10.1.3.0/24"
    (group,) = ec2.describe_security_groups(Filters=of(vpc["VpcId"]))["SecurityGroups"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "100.68.0.18/18"}]}
    given = ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    assert [each["CidrIpv4"] for each in given["SecurityGroupRules"]] == ["100.68.0.0/18"]
    code, _ = refusal(ec2.create_vpc, CidrBlock="10.1.0.0/16/3")
    assert code == "InvalidParameterValue"


def test_tags_of_awss_own_are_nobodys(account: Account) -> None:
    ec2 = account.ec2
    account.create("one", VPC)
    vpc = account.resource("one", "Vpc")["PhysicalResourceId"]
    mine, marked = [{"Key": "AWS:mine", "Value": "x"}], [{"Key": "aws:cloudformation:stack-name"}]
    for action, arguments in (
        (ec2.create_tags, {"Resources": [vpc], "Tags": mine}),
        (ec2.delete_tags, {"Resources": [vpc], "Tags": marked}),
        (ec2.create_vpc, {"CidrBlock": "10.1.0.0/16", "TagSpecifications": [{"ResourceType": "vpc", "Tags": mine}]}),
    ):
        code, said = refusal(action, **arguments)
        assert (code, said) == ("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
    found = ec2.describe_vpcs(Filters=[{"Name": "tag:aws:cloudformation:stack-name", "Values": ["one"]}])["Vpcs"]
    assert [each["VpcId"] for each in found] == [vpc]


ESP = {"IpProtocol": "50", "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}


def test_a_rule_of_a_protocol_without_ports(account: Account) -> None:
    """API reference, IpPermission: a protocol number other than those of TCP, UDP and ICMP is for all ports."""
    ec2, there = account.ec2, network(account.ec2)
    for rule in (ESP, ESP | {"IpProtocol": "47", "FromPort": 7, "ToPort": 9}):
        (made,) = ec2.authorize_security_group_ingress(GroupId=there["group"], IpPermissions=[rule])[
            "SecurityGroupRules"
        ]
        assert (made["IpProtocol"], made["FromPort"], made["ToPort"]) == (rule["IpProtocol"], -1, -1)
        ec2.revoke_security_group_ingress(GroupId=there["group"], IpPermissions=[rule])
    assert ec2.describe_security_groups(GroupIds=[there["group"]])["SecurityGroups"][0]["IpPermissions"] == []


def test_a_stack_lets_esp_in_and_has_not_drifted(account: Account) -> None:
    body = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: routers
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: 50, CidrIp: 192.0.2.1/32}
        - {IpProtocol: udp, FromPort: 500, ToPort: 500, CidrIp: 192.0.2.1/32}
"""
    assert account.create("esp", body)["StackStatus"] == "CREATE_COMPLETE"
    found = account.cfn.detect_stack_resource_drift(StackName="esp", LogicalResourceId="Group")["StackResourceDrift"]
    assert found["StackResourceDriftStatus"] == "IN_SYNC", found
    assert account.delete("esp")["StackStatus"] == "DELETE_COMPLETE"


def rule(**more: Any) -> dict[str, Any]:
    return {"IpPermissions": [{"IpRanges": [{"CidrIp": "192.0.2.1/32"}], **more}]}


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("authorize_security_group_ingress", rule(IpProtocol="tcp"), "InvalidParameterValue"),
        ("authorize_security_group_ingress", rule(IpProtocol="icmp"), "InvalidParameterValue"),
        ("authorize_security_group_ingress", rule(IpProtocol="6", FromPort=9, ToPort=8), "InvalidParameterValue"),
        ("authorize_security_group_egress", rule(IpProtocol="udp", FromPort=9, ToPort=65536), "InvalidParameterValue"),
        ("create_security_group", {"GroupName": "sg-x", "Description": "x", "VpcId": "{vpc}"}, "InvalidParameterValue"),
        ("create_subnet", {"VpcId": "{vpc}", "CidrBlock": "10.5.9.0/29"}, "InvalidSubnet.Range"),
        ("create_route", {"RouteTableId": "{table}", "DestinationCidrBlock": "9.0.0.0/8"}, "MissingParameter"),
        (
            "create_route",
            {
                "RouteTableId": "{table}",
                "DestinationCidrBlock": "9.0.0.0/8",
                "GatewayId": "{gateway}",
                "NetworkInterfaceId": "{interface}",
            },
            "InvalidParameterCombination",
        ),
    ],
)
def test_values_that_ec2_does_not_allow(account: Account, operation: str, arguments: Any, code: str) -> None:
    there = network(account.ec2)
    filled = {k: v.format(**there) if isinstance(v, str) else v for k, v in arguments.items()}
    named = {"GroupId": there["group"]} if operation.startswith("authorize") else {}
    assert refusal(getattr(account.ec2, operation), **named, **filled)[0] == code


def test_a_lists_numbers_end_before_its_own(account: Account) -> None:
    ec2 = account.ec2
    acl = ec2.create_network_acl(VpcId=network(ec2)["vpc"])["NetworkAcl"]["NetworkAclId"]
    entry = {"NetworkAclId": acl, "Protocol": "-1", "RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    ec2.create_network_acl_entry(RuleNumber=32766, **entry)
    assert refusal(ec2.create_network_acl_entry, RuleNumber=32767, **entry)[0] == "InvalidParameterValue"


def test_an_instance_that_has_ended_stays_so(account: Account) -> None:
    ec2, there = account.ec2, network(account.ec2)
    own = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t3.small", SubnetId=there["subnet"])
    machine = own["Instances"][0]["InstanceId"]
    for _ in range(2):
        (ended,) = ec2.terminate_instances(InstanceIds=[machine])["TerminatingInstances"]
        assert ended["InstanceId"] == machine
    for action in (ec2.start_instances, ec2.stop_instances):
        assert refusal(action, InstanceIds=[machine])[0] == "IncorrectInstanceState"
    (found,) = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"]
    assert found["State"]["Name"] == "terminated"


def test_a_peering_of_blocks_that_overlap_fails(account: Account) -> None:
    ec2 = account.ec2
    one, two = (ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.1.0.0/16", "10.1.8.0/22"))
    made = ec2.create_vpc_peering_connection(VpcId=one, PeerVpcId=two)["VpcPeeringConnection"]
    peering = made["VpcPeeringConnectionId"]
    (found,) = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[peering])["VpcPeeringConnections"]
    assert found["Status"]["Code"] == "failed"
    assert "overlapping CIDR" in found["Status"]["Message"]
    assert refusal(ec2.accept_vpc_peering_connection, VpcPeeringConnectionId=peering)[0] == "InvalidStateTransition"
    for vpc in (one, two):
        ec2.delete_vpc(VpcId=vpc)
