"""Changes of properties: in place, or by another resource; each row is one property of one type.

Source of the rows: the CloudFormation template reference, "Update requires" of the property on its type's page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lab_aws import IMAGE, Account

BASE = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}
  Two: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.10.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.1.0/24}}
  Igw: {Type: AWS::EC2::InternetGateway}
  Att: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Igw}}
  Vgw: {Type: AWS::EC2::VPNGateway, Properties: {Type: ipsec.1}}
  VAtt: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, VpnGatewayId: !Ref Vgw}}
  Cgw: {Type: AWS::EC2::CustomerGateway, Properties: {Type: ipsec.1, IpAddress: 192.0.2.7}}
  Cgw2: {Type: AWS::EC2::CustomerGateway, Properties: {Type: ipsec.1, IpAddress: 192.0.2.8}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Table2: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Acl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc}}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: one, VpcId: !Ref Vpc}}
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}}}
  Role2: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: []}}}
  It: %s
"""
POLICY = '{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "%s", Resource: "*"}]}'
Seen = Callable[[Any, Any], Any]


def entry(ec2: Any, _: Any) -> Any:
    lists = ec2.describe_network_acls()["NetworkAcls"]
    return next(e["RuleAction"] for found in lists for e in found["Entries"] if e["RuleNumber"] == 110)


def sources(ec2: Any, identity: Any) -> Any:
    (group,) = ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"]
    return sorted(each["CidrIp"] for permission in group["IpPermissions"] for each in permission["IpRanges"])


def public(ec2: Any, identity: Any) -> Any:
    return ec2.describe_subnets(SubnetIds=[identity])["Subnets"][0]["MapPublicIpOnLaunch"]


def prefixes(ec2: Any, identity: Any) -> Any:
    return [each["Cidr"] for each in ec2.get_managed_prefix_list_entries(PrefixListId=identity)["Entries"]]


def kind(ec2: Any, identity: Any) -> Any:
    return ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"][0]["InstanceType"]


def end(ec2: Any, identity: Any) -> Any:
    return len({ec2.describe_vpn_connections(VpnConnectionIds=[identity])["VpnConnections"][0]["CustomerGatewayId"]})


def tables(ec2: Any, identity: Any) -> Any:
    return len(ec2.describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"][0]["RouteTableIds"])


def versions(ec2: Any, identity: Any) -> Any:
    return ec2.describe_launch_templates(LaunchTemplateIds=[identity])["LaunchTemplates"][0]["LatestVersionNumber"]


def description(ec2: Any, identity: Any) -> Any:
    return ec2.describe_network_interfaces(NetworkInterfaceIds=[identity])["NetworkInterfaces"][0]["Description"]


# Type, what is the same, the property before and after, whether it is replaced, what EC2 then says.
ROWS: list[tuple[str, str, str, str, bool, Seen | None, Any]] = [
    ("AWS::EC2::VPC", "", "CidrBlock: 10.1.0.0/16", "CidrBlock: 10.2.0.0/16", True, None, None),
    ("AWS::EC2::VPC", "CidrBlock: 10.1.0.0/16", "EnableDnsSupport: true", "EnableDnsSupport: false", False, None, None),
    ("AWS::EC2::Subnet", "VpcId: !Ref Vpc", "CidrBlock: 10.9.2.0/24", "CidrBlock: 10.9.3.0/24", True, None, None),
    (
        "AWS::EC2::Subnet",
        "VpcId: !Ref Vpc, CidrBlock: 10.9.2.0/24",
        "MapPublicIpOnLaunch: false",
        "MapPublicIpOnLaunch: true",
        False,
        public,
        True,
    ),
    ("AWS::EC2::RouteTable", "", "VpcId: !Ref Vpc", "VpcId: !Ref Two", True, None, None),
    (
        "AWS::EC2::Route",
        "RouteTableId: !Ref Table, GatewayId: !Ref Vgw",
        "DestinationCidrBlock: 10.3.0.0/16",
        "DestinationCidrBlock: 10.4.0.0/16",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::Route",
        "RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0",
        "GatewayId: !Ref Vgw",
        "GatewayId: !Ref Igw",
        False,
        None,
        None,
    ),
    (
        "AWS::EC2::GatewayRouteTableAssociation",
        "GatewayId: !Ref Igw",
        "RouteTableId: !Ref Table",
        "RouteTableId: !Ref Table2",
        False,
        None,
        None,
    ),
    (
        "AWS::EC2::VPNGatewayRoutePropagation",
        "VpnGatewayId: !Ref Vgw",
        "RouteTableIds: [!Ref Table]",
        "RouteTableIds: [!Ref Table2]",
        False,
        None,
        None,
    ),
    (
        "AWS::EC2::SecurityGroup",
        "VpcId: !Ref Vpc",
        "GroupDescription: one",
        "GroupDescription: two",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::SecurityGroup",
        "VpcId: !Ref Vpc, GroupDescription: one",
        "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 1, ToPort: 1, CidrIp: 192.0.2.1/32}]",
        "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 1, ToPort: 1, CidrIp: 192.0.2.2/32}]",
        False,
        sources,
        ["192.0.2.2/32"],
    ),
    (
        "AWS::EC2::SecurityGroupIngress",
        "GroupId: !Ref Group, IpProtocol: tcp, FromPort: 1, ToPort: 1",
        "CidrIp: 192.0.2.1/32",
        "CidrIp: 192.0.2.2/32",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::NetworkAclEntry",
        "NetworkAclId: !Ref Acl, RuleNumber: 110, Protocol: -1, CidrBlock: 0.0.0.0/0",
        "RuleAction: allow",
        "RuleAction: deny",
        False,
        entry,
        "deny",
    ),
    (
        "AWS::EC2::NetworkAclEntry",
        "NetworkAclId: !Ref Acl, RuleAction: allow, Protocol: -1, CidrBlock: 0.0.0.0/0",
        "RuleNumber: 109",
        "RuleNumber: 110",
        True,
        entry,
        "allow",
    ),
    (
        "AWS::EC2::NetworkInterface",
        "SubnetId: !Ref Subnet",
        "Description: a",
        "Description: b",
        False,
        description,
        "b",
    ),
    (
        "AWS::EC2::NetworkInterface",
        "SubnetId: !Ref Subnet",
        "PrivateIpAddress: 10.9.1.20",
        "PrivateIpAddress: 10.9.1.21",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::Instance",
        f"ImageId: {IMAGE}, SubnetId: !Ref Subnet",
        "InstanceType: t3.small",
        "InstanceType: t3.large",
        False,
        kind,
        "t3.large",
    ),
    (
        "AWS::EC2::Instance",
        f"ImageId: {IMAGE}, InstanceType: t3.small",
        "SubnetId: !Ref Subnet",
        "PrivateIpAddress: 10.9.1.30, SubnetId: !Ref Subnet",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::VPNConnection",
        "Type: ipsec.1, VpnGatewayId: !Ref Vgw",
        "CustomerGatewayId: !Ref Cgw",
        "CustomerGatewayId: !Ref Cgw2",
        False,
        end,
        1,
    ),
    (
        "AWS::EC2::VPNConnection",
        "Type: ipsec.1, VpnGatewayId: !Ref Vgw, CustomerGatewayId: !Ref Cgw",
        "StaticRoutesOnly: true",
        "StaticRoutesOnly: false",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::CustomerGateway",
        "Type: ipsec.1",
        "IpAddress: 192.0.2.20",
        "IpAddress: 192.0.2.21",
        True,
        None,
        None,
    ),
    (
        "AWS::EC2::VPCEndpoint",
        "VpcId: !Ref Vpc, ServiceName: !Sub 'com.amazonaws.${AWS::Region}.s3'",
        "RouteTableIds: [!Ref Table]",
        "RouteTableIds: [!Ref Table, !Ref Table2]",
        False,
        tables,
        2,
    ),
    (
        "AWS::EC2::PrefixList",
        "PrefixListName: p, AddressFamily: IPv4, MaxEntries: 2",
        "Entries: [{Cidr: 10.0.0.0/8}]",
        "Entries: [{Cidr: 172.16.0.0/12}]",
        False,
        prefixes,
        ["172.16.0.0/12"],
    ),
    (
        "AWS::EC2::LaunchTemplate",
        "",
        "LaunchTemplateData: {InstanceType: t3.small}",
        "LaunchTemplateData: {InstanceType: t3.large}",
        False,
        versions,
        2,
    ),
    ("AWS::EC2::DHCPOptions", "", "DomainName: a.example", "DomainName: b.example", True, None, None),
    ("AWS::Logs::LogGroup", "", "RetentionInDays: 7", "RetentionInDays: 14", False, None, None),
    ("AWS::Logs::LogGroup", "", "LogGroupName: a", "LogGroupName: b", True, None, None),
    ("AWS::IAM::InstanceProfile", "", "Roles: [!Ref Role]", "Roles: [!Ref Role2]", False, None, None),
    (
        "AWS::IAM::Policy",
        f"PolicyName: p, PolicyDocument: {POLICY % 's3:*'}",
        "Roles: [!Ref Role]",
        "Roles: [!Ref Role2]",
        False,
        None,
        None,
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "Roles: [!Ref Role]",
        f"PolicyDocument: {POLICY % 's3:*'}",
        f"PolicyDocument: {POLICY % 'ec2:*'}",
        False,
        None,
        None,
    ),
    (
        "AWS::IAM::Role",
        "AssumeRolePolicyDocument: {Statement: []}",
        f"Policies: [{{PolicyName: a, PolicyDocument: {POLICY % 's3:*'}}}]",
        f"Policies: [{{PolicyName: b, PolicyDocument: {POLICY % 's3:*'}}}]",
        False,
        None,
        None,
    ),
    ("AWS::IAM::Role", "AssumeRolePolicyDocument: {Statement: []}", "Path: /a/", "Path: /b/", True, None, None),
    ("AWS::SSM::Parameter", "Type: String, Name: n", "Value: a", "Value: b", False, None, None),
]
NEEDS = {"AWS::EC2::Route", "AWS::EC2::VPNGatewayRoutePropagation", "AWS::EC2::GatewayRouteTableAssociation"}


def body(resource: str, same: str, different: str) -> str:
    waits = "DependsOn: [Att, VAtt], " if resource in NEEDS else ""
    return (
        BASE % f"{{Type: '{resource}', {waits}Properties: {{{', '.join(each for each in (same, different) if each)}}}}}"
    )


@pytest.mark.parametrize(
    ("resource", "same", "before", "after", "replaced", "seen", "said"),
    ROWS,
    ids=[f"{row[0][5:]}.{row[3].split(':')[0]}" for row in ROWS],
)
def test_a_property_changes(
    account: Account, resource: str, same: str, before: str, after: str, replaced: bool, seen: Seen | None, said: Any
) -> None:
    may: dict[str, Any] = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    made = account.create("one", body(resource, same, before), **may)
    assert made["StackStatus"] == "CREATE_COMPLETE", [e.get("ResourceStatusReason") for e in account.events("one")]
    first = account.resource("one", "It")["PhysicalResourceId"]
    done = account.update("one", body(resource, same, after), **may)
    assert done["StackStatus"] == "UPDATE_COMPLETE", [e.get("ResourceStatusReason") for e in account.events("one")]
    second = account.resource("one", "It")["PhysicalResourceId"]
    assert (first != second) is replaced
    if seen:
        assert seen(account.ec2, second) == said
    assert account.delete("one")["StackStatus"] == "DELETE_COMPLETE"
