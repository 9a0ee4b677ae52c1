"""Drift: what was changed behind a stack's back is found, and nothing else is.

User guide: "Detect unmanaged configuration changes to stacks and resources with drift detection".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import Account
from lab_aws_templates import VPC

NETWORK = """
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: 10.9.0.0/16
      EnableDnsHostnames: true
      Tags: [{Key: Name, Value: mine}]
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attached: {Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.1.0/24, MapPublicIpOnLaunch: false}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attached
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  Bound: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: routers
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: udp, FromPort: 500, ToPort: 500, CidrIp: 192.0.2.1/32}
        - {IpProtocol: udp, FromPort: 4500, ToPort: 4500, CidrIp: 192.0.2.1/32, Description: nat}
  Interface:
    Type: AWS::EC2::NetworkInterface
    Properties: {SubnetId: !Ref Subnet, GroupSet: [!Ref Group], SourceDestCheck: false}
  Address: {Type: AWS::EC2::EIP, DependsOn: Attached, Properties: {Domain: vpc}}
  Word: {Type: AWS::SSM::Parameter, Properties: {Name: /word, Type: String, Value: one}}
"""


def detect(account: Account, name: str, **more: Any) -> dict[str, Any]:
    identity = account.cfn.detect_stack_drift(StackName=name, **more)["StackDriftDetectionId"]
    end = time.monotonic() + 10
    while True:
        found: dict[str, Any] = account.cfn.describe_stack_drift_detection_status(StackDriftDetectionId=identity)
        if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return found
        assert time.monotonic() < end
        time.sleep(0.003)


def drifts(account: Account, name: str, **more: Any) -> dict[str, dict[str, Any]]:
    found = account.cfn.describe_stack_resource_drifts(StackName=name, **more)["StackResourceDrifts"]
    return {each["LogicalResourceId"]: each for each in found}


def test_a_fresh_stack_is_in_sync(account: Account) -> None:
    made = account.create("net", NETWORK, Tags=[{"Key": "run", "Value": "acme"}])
    assert made["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    found = detect(account, "net")
    assert (found["DetectionStatus"], found["StackDriftStatus"], found["DriftedStackResourceCount"]) == (
        "DETECTION_COMPLETE",
        "IN_SYNC",
        0,
    )
    told = drifts(account, "net")
    assert {each["StackResourceDriftStatus"] for each in told.values()} == {"IN_SYNC"}
    assert told.keys() == {
        "Vpc", "Gateway", "Subnet", "Table", "Route", "Bound", "Group", "Interface", "Address", "Word"
    }  # fmt: skip
    assert account.stack("net")["DriftInformation"]["StackDriftStatus"] == "IN_SYNC"
    assert account.resource("net", "Vpc")["DriftInformation"]["StackResourceDriftStatus"] == "IN_SYNC"
    assert account.resource("net", "Attached")["DriftInformation"]["StackResourceDriftStatus"] == "NOT_CHECKED"


Ids = dict[str, str]
CHANGES: list[tuple[str, Callable[[Account, Ids], Any], list[tuple[str, str]]]] = [
    (
        "Vpc",
        lambda a, ids: a.ec2.modify_vpc_attribute(VpcId=ids["Vpc"], EnableDnsHostnames={"Value": False}),
        [("NOT_EQUAL", "/EnableDnsHostnames")],
    ),
    (
        "Vpc",
        lambda a, ids: a.ec2.create_tags(Resources=[ids["Vpc"]], Tags=[{"Key": "Name", "Value": "ours"}]),
        [("REMOVE", "/Tags/0"), ("ADD", "/Tags/0")],
    ),
    (
        "Subnet",
        lambda a, ids: a.ec2.modify_subnet_attribute(SubnetId=ids["Subnet"], MapPublicIpOnLaunch={"Value": True}),
        [("NOT_EQUAL", "/MapPublicIpOnLaunch")],
    ),
    (
        "Route",
        lambda a, ids: a.ec2.replace_route(
            RouteTableId=ids["Table"], DestinationCidrBlock="0.0.0.0/0", NetworkInterfaceId=ids["Interface"]
        ),
        [("REMOVE", "/GatewayId")],
    ),
    (
        "Route",
        lambda a, ids: a.ec2.delete_route(RouteTableId=ids["Table"], DestinationCidrBlock="0.0.0.0/0"),
        [],
    ),
    ("Bound", lambda a, ids: a.ec2.disassociate_route_table(AssociationId=ids["Bound"]), []),
    (
        "Group",
        lambda a, ids: a.ec2.authorize_security_group_ingress(
            GroupId=ids["Group"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        ),
        [("ADD", "/SecurityGroupIngress/2")],
    ),
    (
        "Group",
        lambda a, ids: a.ec2.revoke_security_group_ingress(
            GroupId=ids["Group"],
            IpPermissions=[
                {"IpProtocol": "udp", "FromPort": 500, "ToPort": 500, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
            ],
        ),
        [("REMOVE", "/SecurityGroupIngress/0")],
    ),
    (
        "Interface",
        lambda a, ids: a.ec2.modify_network_interface_attribute(
            NetworkInterfaceId=ids["Interface"], SourceDestCheck={"Value": True}
        ),
        [("NOT_EQUAL", "/SourceDestCheck")],
    ),
    ("Interface", lambda a, ids: a.ec2.delete_network_interface(NetworkInterfaceId=ids["Interface"]), []),
    (
        "Address",
        lambda a, ids: a.ec2.release_address(AllocationId=a.ec2.describe_addresses()["Addresses"][0]["AllocationId"]),
        [],
    ),
    (
        "Word",
        lambda a, ids: a.client("ssm").put_parameter(Name="/word", Value="two", Type="String", Overwrite=True),
        [("NOT_EQUAL", "/Value")],
    ),
    ("Word", lambda a, ids: a.client("ssm").delete_parameter(Name="/word"), []),
]


@pytest.mark.parametrize(("name", "change", "expected"), CHANGES)
def test_a_change_behind_the_stacks_back_is_found(
    account: Account, name: str, change: Callable[[Account, Ids], Any], expected: list[tuple[str, str]]
) -> None:
    account.create("net", NETWORK)
    resources = account.cfn.describe_stack_resources(StackName="net")["StackResources"]
    change(account, {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources})
    found = detect(account, "net")
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("DRIFTED", 1)
    told = drifts(account, "net", StackResourceDriftStatusFilters=["MODIFIED", "DELETED"])
    assert told.keys() == {name}
    differences = told[name]["PropertyDifferences"]
    assert [(each["DifferenceType"], each["PropertyPath"]) for each in differences] == expected
    assert told[name]["StackResourceDriftStatus"] == ("MODIFIED" if expected else "DELETED")
    alone = account.cfn.detect_stack_resource_drift(StackName="net", LogicalResourceId=name)["StackResourceDrift"]
    assert alone["PropertyDifferences"] == differences


def test_what_is_expected_and_what_is_there_are_told(account: Account) -> None:
    account.create("one", VPC)
    vpc = account.resource("one", "Vpc")["PhysicalResourceId"]
    account.ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "ours"}])
    detect(account, "one", LogicalResourceIds=["Vpc"])
    told = drifts(account, "one")["Vpc"]
    assert json.loads(told["ExpectedProperties"]) == {
        "CidrBlock": "10.9.0.0/16",
        "Tags": [{"Key": "Name", "Value": "mine"}],
    }
    assert json.loads(told["ActualProperties"])["Tags"] == [{"Key": "Name", "Value": "ours"}]
    assert told["PropertyDifferences"][0]["ExpectedValue"] == '{"Key": "Name", "Value": "mine"}'
    account.update("one", VPC.replace("mine", "theirs"))
    assert drifts(account, "one") == {}, "what was changed by the stack is not checked yet"


def test_drift_is_refused_where_it_makes_no_sense(account: Account) -> None:
    account.create("net", NETWORK)
    with pytest.raises(ClientError, match="The lab does not detect drift of AWS::EC2::VPCGatewayAttachment"):
        account.cfn.detect_stack_resource_drift(StackName="net", LogicalResourceId="Attached")
    with pytest.raises(ClientError, match="Resource Nobody does not exist"):
        account.cfn.detect_stack_drift(StackName="net", LogicalResourceIds=["Nobody"])
    with pytest.raises(ClientError, match=r"Drift detection with id .* does not exist"):
        account.cfn.describe_stack_drift_detection_status(StackDriftDetectionId="0" * 36)
    account.change_set("new", "c", VPC, "CREATE")
    with pytest.raises(ClientError, match="cannot be performed on stack new in REVIEW_IN_PROGRESS state"):
        account.cfn.detect_stack_drift(StackName="new")
