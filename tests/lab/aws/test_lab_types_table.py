"""Every type: what its schema says, what Ref and Fn::GetAtt give, and that nothing is left of it.

Source of the rows: the CloudFormation template reference, "Return values" of each type's page, and for GetAtt the
published schemas' read-only properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_aws import Account
from lab_aws_corpus import live

from trunkline_lab.aws import AwsFace
from trunkline_lab.aws.cloudformation import schemas
from trunkline_lab.aws.cloudformation.resources import TYPES

EVERYTHING = (Path(__file__).parent / "every_type.yaml").read_text()
MAY: dict[str, Any] = {"Capabilities": ["CAPABILITY_IAM"]}
HEX = "[0-9a-f]{8,17}"
# Resource, what Ref gives, what GetAtt gives ("" where the type has nothing for it).
ROWS = [
    (
        "Vpc",
        f"vpc-{HEX}",
        "VpcId CidrBlock CidrBlockAssociations DefaultNetworkAcl DefaultSecurityGroup Ipv6CidrBlocks",
    ),
    ("V6", f"vpc-cidr-assoc-{HEX}", "Id"),
    ("Subnet", f"subnet-{HEX}", "SubnetId AvailabilityZone CidrBlock Ipv6CidrBlocks NetworkAclAssociationId VpcId"),
    ("S6", f"subnet-cidr-assoc-{HEX}", "Id"),
    ("Igw", f"igw-{HEX}", "InternetGatewayId"),
    ("Att", rf"IGW\|vpc-{HEX}", "AttachmentType"),
    ("VAtt", rf"VGW\|vpc-{HEX}", "AttachmentType"),
    ("Eo", f"eigw-{HEX}", "Id"),
    ("Vgw", f"vgw-{HEX}", "VPNGatewayId"),
    ("Cgw", f"cgw-{HEX}", "CustomerGatewayId"),
    ("Vpn", f"vpn-{HEX}", "VpnConnectionId"),
    ("VpnRoute", rf"10\.20\.0\.0/16\|vpn-{HEX}", ""),
    ("Table", f"rtb-{HEX}", "RouteTableId"),
    ("GAssoc", f"igw-{HEX}", "AssociationId"),
    ("Prop", r"every-Prop-\w+", "Id"),
    ("Assoc", f"rtbassoc-{HEX}", "Id"),
    ("Eip", r"127\.77\.1\.\d+", "AllocationId PublicIp"),
    ("EipAssoc", f"eipassoc-{HEX}", "Id"),
    ("Nat", f"nat-{HEX}", "NatGatewayId EniId"),
    ("R1", rf"rtb-{HEX}\|0\.0\.0\.0/0", "CidrBlock"),
    ("R2", rf"rtb-{HEX}\|::/0", "CidrBlock"),
    ("R3", rf"rtb-{HEX}\|10\.30\.0\.0/16", "CidrBlock"),
    ("R4", rf"rtb-{HEX}\|10\.10\.0\.0/16", "CidrBlock"),
    ("R5", rf"rtb-{HEX}\|pl-{HEX}", "CidrBlock"),
    ("Acl", f"acl-{HEX}", "Id"),
    ("E1", r"every-E1-\w+", "Id"),
    ("SA", f"aclassoc-{HEX}", "AssociationId"),
    ("D", f"dopt-{HEX}", "DhcpOptionsId"),
    ("DA", rf"dopt-{HEX}\|vpc-{HEX}", ""),
    ("Sg", f"sg-{HEX}", "GroupId Id VpcId"),
    ("In", f"sgr-{HEX}", "Id"),
    ("Out", f"sgr-{HEX}", "Id"),
    ("Ep", f"vpce-{HEX}", "Id CreationTimestamp DnsEntries NetworkInterfaceIds"),
    ("Ei", f"vpce-{HEX}", "Id CreationTimestamp DnsEntries NetworkInterfaceIds"),
    ("Peer", f"pcx-{HEX}", "Id"),
    ("Key", "k", "KeyPairId KeyFingerprint"),
    ("Pl", f"pl-{HEX}", "PrefixListId OwnerId Version Arn"),
    ("Lg", r"every-Lg-\w+", "Arn"),
    ("Role", r"every-Role-\w+", "Arn RoleId"),
    ("Pol", r"every-Pol-\w+", "Id"),
    ("MPol", r"arn:aws:iam::\d{12}:policy/every-MPol-\w+", "PolicyArn PolicyId DefaultVersionId"),
    ("Prof", r"every-Prof-\w+", "Arn"),
    ("Flow", f"fl-{HEX}", "Id"),
    ("Nic", f"eni-{HEX}", "Id PrimaryPrivateIpAddress SecondaryPrivateIpAddresses VpcId"),
    ("Lt", f"lt-{HEX}", "LaunchTemplateId DefaultVersionNumber LatestVersionNumber"),
    ("I", f"i-{HEX}", "InstanceId AvailabilityZone PrivateIp PrivateDnsName PublicIp PublicDnsName VpcId"),
    ("NAtt", f"eni-attach-{HEX}", "AttachmentId"),
    ("P", r"CFN-P-\w+", "Type Value"),
]
# Neither changed in place nor by replacement: refused by name when they change.
FIXED = {
    "AWS::EC2::NetworkInterface": {"SecondaryPrivateIpAddressCount"},
    "AWS::EC2::PrefixList": {"AddressFamily", "MaxEntries"},
    "AWS::EC2::VPNConnection": {"VpnTunnelOptionsSpecifications"},
    "AWS::Logs::LogGroup": {"KmsKeyId"},
}


@pytest.fixture(scope="module")
def whole(face: AwsFace) -> Iterator[Account]:
    """One stack of everything; gone without a trace at the end."""
    account = Account(face, "100000009001")
    before = live(account)
    made = account.create("every", EVERYTHING, **MAY)
    assert made["StackStatus"] == "CREATE_COMPLETE", [
        event.get("ResourceStatusReason") for event in account.events("every") if "FAILED" in event["ResourceStatus"]
    ]
    yield account
    tagged = account.update("every", EVERYTHING, **MAY, Tags=[{"Key": "run", "Value": "2"}])
    assert tagged["StackStatus"] == "UPDATE_COMPLETE"
    (vpc,) = [each for each in account.ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.9.0.0/16"]
    assert {"Key": "run", "Value": "2"} in vpc["Tags"]
    gone = account.delete("every")
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert live(account) == before


def built(account: Account, name: str) -> Any:
    stack = account.face.formation.setting.stacks.find(account.number, account.region, "every")
    assert stack is not None
    return stack.resources[name]


@pytest.mark.parametrize(("name", "pattern", "attributes"), ROWS, ids=[row[0] for row in ROWS])
def test_ref_and_attributes(whole: Account, name: str, pattern: str, attributes: str) -> None:
    assert re.fullmatch(pattern, whole.resource("every", name)["PhysicalResourceId"])
    held = built(whole, name).attributes
    for attribute in attributes.split():
        value = held[attribute]
        assert (value() if callable(value) else value) is not None
        assert attribute in schemas.of(built(whole, name).type, whole.region).attributes


def test_every_type_is_in_the_rows(whole: Account) -> None:
    tried = {
        resource["ResourceType"] for resource in whole.cfn.describe_stack_resources(StackName="every")["StackResources"]
    }
    ours = {kind for kind in TYPES if not kind.startswith("AWS::CloudFormation::")}
    assert tried == ours


@pytest.mark.parametrize("kind", sorted(kind for kind in TYPES if not kind.startswith("AWS::CloudFormation::")))
def test_every_property_is_known_and_has_its_way_to_change(kind: str) -> None:
    made, schema = TYPES[kind], schemas.of(kind, "eu-west-1")
    assert made.properties <= schema.raw["properties"].keys()
    assert schema.raw.get("required", []) == [] or set(schema.raw["required"]) <= made.properties
    changeable = made.updates | schema.create_only | schema.conditional | {"Tags"}
    assert made.properties - changeable == FIXED.get(kind, set())


def test_a_nat_gateway_is_inside_its_subnet_and_its_route_dies_with_it(account: Account) -> None:
    ec2 = account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.5.7.0/28")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    assert nat["NatGatewayAddresses"][0]["PrivateIp"].startswith("10.5.7.")
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])

    def state() -> Any:
        (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return next(r["State"] for r in found["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0")

    assert state() == "active"
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert state() == "blackhole"
    ec2.release_address(AllocationId=address)


@pytest.mark.parametrize(
    "kind", ["AWS::Lambda::Function", "Custom::Thing", "AWS::EC2::NetworkInterfacePermission", "AWS::S3::Bucket"]
)
def test_other_types_are_refused_by_name(account: Account, kind: str) -> None:
    body = f"Resources: {{It: {{Type: '{kind}', Properties: {{}}}}}}"
    with pytest.raises(account.cfn.exceptions.ClientError, match=kind):
        account.cfn.create_stack(StackName="other", TemplateBody=body)
