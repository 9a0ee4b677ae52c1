"""What a new VPC comes with in EC2, and how EC2 writes down what it is given.

Sources: Amazon VPC User Guide, "Default security groups for your VPCs", "Default network ACL for a VPC", "Default VPC
components" and "DHCP option sets in Amazon VPC"; the EC2 API reference's pages of the operations.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import Account, network, run
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
