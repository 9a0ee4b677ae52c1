"""Stacks in stacks: files in folders that stand for buckets, and lives that depend on each other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from lab_aws import Account, outputs, pairs, refusing
from lab_aws_templates import VPC

from trunkline_lab.aws.cloudformation.files import Files
from trunkline_lab.world import Pace

URL = "https://templates.s3.eu-west-1.amazonaws.com"
INNER = """
Parameters:
  VpcId: {Type: String}
  Cidr: {Type: String}
Resources:
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VpcId, CidrBlock: !Ref Cidr}}
Outputs:
  SubnetId: {Value: !Ref Subnet}
"""
OUTER = f"""
Parameters:
  Cidr: {{Type: String, Default: 10.9.1.0/24}}
  Word: {{Type: String, Default: routers}}
  Address: {{Type: String, Default: ""}}
Conditions:
  Placed: !Not [!Equals [!Ref Address, ""]]
Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.9.0.0/16}}}}
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {URL}/inner.yaml
      Parameters: {{VpcId: !Ref Vpc, Cidr: !Ref Cidr}}
      Tags: [{{Key: part, Value: !Ref Word}}]
  Interface:
    Type: AWS::EC2::NetworkInterface
    Properties:
      SubnetId: !GetAtt Inner.Outputs.SubnetId
      PrivateIpAddress: !If [Placed, !Ref Address, !Ref AWS::NoValue]
Outputs:
  SubnetId: {{Value: !GetAtt Inner.Outputs.SubnetId}}
"""


@pytest.fixture
def folder(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "inner.yaml").write_text(INNER)
    monkeypatch.setattr(account.face.formation.setting.files, "buckets", {"templates": tmp_path})
    return tmp_path


def inner(account: Account, name: str = "out") -> str:
    identity: str = account.resource(name, "Inner")["PhysicalResourceId"]
    return identity


def path(account: Account, name: str) -> list[str]:
    return [e["ResourceStatus"] for e in account.events(name) if e["PhysicalResourceId"] == e["StackId"]]


@pytest.mark.usefixtures("folder")
def test_an_inner_stack_lives_with_the_outer_one(account: Account) -> None:
    made = account.create("out", OUTER, Tags=[{"Key": "run", "Value": "acme"}])
    assert made["StackStatus"] == "CREATE_COMPLETE"
    child = account.stack(inner(account))
    assert child["StackName"].startswith("out-Inner-")
    assert (child["ParentId"], child["RootId"]) == (made["StackId"], made["StackId"])
    assert outputs(child) == outputs(made)
    assert {tag["Key"]: tag["Value"] for tag in child["Tags"]} == {"run": "acme", "part": "routers"}
    (subnet,) = account.ec2.describe_subnets(SubnetIds=[outputs(made)["SubnetId"]])["Subnets"]
    assert {"Key": "run", "Value": "acme"} in subnet["Tags"]
    assert account.delete("out")["StackStatus"] == "DELETE_COMPLETE"
    assert account.stack(child["StackId"])["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.usefixtures("folder")
def test_a_change_of_the_inner_template_is_an_update_of_the_outer_stack(account: Account, folder: Path) -> None:
    account.create("out", OUTER)
    (folder / "inner.yaml").write_text(
        INNER.replace("CidrBlock: !Ref Cidr", "CidrBlock: !Ref Cidr, Tags: [{Key: a, Value: b}]")
    )
    found = account.change_set("out", "c", OUTER)
    changes = {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"] for each in found["Changes"]}
    assert changes["Inner"]["Details"] == [
        {
            "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
            "Evaluation": "Dynamic",
            "ChangeSource": "Automatic",
        }
    ]
    assert changes["Interface"]["Replacement"] == "Conditional"
    assert account.update("out", OUTER)["StackStatus"] == "UPDATE_COMPLETE"
    child = inner(account)
    assert path(account, child)[2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    subnet = outputs(account.stack(child))["SubnetId"]
    assert {"Key": "a", "Value": "b"} in account.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["Tags"]


@pytest.mark.usefixtures("folder")
def test_a_replacement_inside_moves_what_is_outside(account: Account) -> None:
    before = outputs(account.create("out", OUTER))
    after = account.update("out", OUTER, {"Cidr": "10.9.2.0/24"})
    assert after["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(after) != before
    (interface,) = account.ec2.describe_network_interfaces(
        NetworkInterfaceIds=[account.resource("out", "Interface")["PhysicalResourceId"]]
    )["NetworkInterfaces"]
    assert interface["SubnetId"] == outputs(after)["SubnetId"]
    with pytest.raises(ClientError):
        account.ec2.describe_subnets(SubnetIds=[before["SubnetId"]])
    assert account.delete("out")["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.usefixtures("folder")
def test_a_failure_inside_fails_the_outer_stack(account: Account) -> None:
    made = account.create("out", OUTER, {"Cidr": "10.8.1.0/24"})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    failed = next(e for e in account.events("out") if e["ResourceStatus"] == "CREATE_FAILED")
    child = failed["PhysicalResourceId"]
    assert failed["ResourceStatusReason"] == (
        f"Embedded stack {child} was not successfully created: The following resource(s) failed to create: [Subnet]. "
    )
    assert path(account, child) == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


@pytest.mark.usefixtures("folder")
def test_a_failed_update_inside_is_taken_back_inside_and_outside(account: Account) -> None:
    before = outputs(account.create("out", OUTER))
    failed = account.update("out", OUTER, {"Cidr": "10.8.1.0/24"})
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    child = inner(account)
    assert account.stack(child)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert outputs(failed) == before
    reason = next(e for e in account.events("out") if e["ResourceStatus"] == "UPDATE_FAILED")["ResourceStatusReason"]
    assert reason.startswith(f"Embedded stack {child} was not successfully updated. Currently in UPDATE_ROLLBACK_IN")


@pytest.mark.usefixtures("folder")
def test_a_failure_outside_takes_an_update_inside_back(account: Account) -> None:
    before = outputs(account.create("out", OUTER))
    failed = account.update("out", OUTER, {"Cidr": "10.9.2.0/24", "Address": "10.77.0.1"})
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    child = inner(account)
    assert path(account, child)[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert outputs(account.stack(child)) == before, "the subnet that was to be replaced is the old one still"
    assert account.update("out", OUTER, {"Cidr": "10.9.3.0/24"})["StackStatus"] == "UPDATE_COMPLETE"
    assert account.delete("out")["StackStatus"] == "DELETE_COMPLETE"
    assert [vpc for vpc in account.ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []


@pytest.mark.usefixtures("folder")
def test_a_delete_that_fails_inside_fails_outside(account: Account) -> None:
    made = outputs(account.create("out", OUTER))
    guest = account.ec2.create_network_interface(SubnetId=made["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    failed = account.delete("out")
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert failed["StackStatusReason"] == "The following resource(s) failed to delete: [Inner]. "
    assert account.stack(inner(account))["StackStatus"] == "DELETE_FAILED"
    account.ec2.delete_network_interface(NetworkInterfaceId=guest)
    assert account.delete("out")["StackStatus"] == "DELETE_COMPLETE"


GROUP = """
Parameters: {Port: {Type: Number}, VpcId: {Type: String}}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: g
      VpcId: !Ref VpcId
      SecurityGroupIngress: [{IpProtocol: udp, FromPort: !Ref Port, ToPort: !Ref Port, CidrIp: 192.0.2.1/32}]
Outputs:
  GroupId: {Value: !Ref Group}
"""


AROUND_GROUP = f"""
Parameters: {{Port: {{Type: Number}}, Address: {{Type: String, Default: 10.9.1.10}}}}
Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.9.0.0/16}}}}
  Subnet: {{Type: AWS::EC2::Subnet, Properties: {{VpcId: !Ref Vpc, CidrBlock: 10.9.1.0/24}}}}
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {URL}/inner.yaml
      Parameters: {{VpcId: !Ref Vpc, Port: !Ref Port}}
  Interface:
    Type: AWS::EC2::NetworkInterface
    Properties:
      SubnetId: !Ref Subnet
      GroupSet: [!GetAtt Inner.Outputs.GroupId]
      PrivateIpAddress: !Ref Address
Outputs:
  GroupId: {{Value: !GetAtt Inner.Outputs.GroupId}}
"""


def test_a_rollback_may_leave_out_a_resource_of_an_inner_stack(account: Account, folder: Path) -> None:
    (folder / "inner.yaml").write_text(GROUP)
    made = account.create("out", AROUND_GROUP, {"Port": "500"})
    assert made["StackStatus"] == "CREATE_COMPLETE", account.events("out")
    child = account.stack(inner(account))["StackName"]
    with refusing(account.face, "RevokeSecurityGroupIngress", after=1):
        failed = account.update("out", AROUND_GROUP, {"Port": "4500", "Address": "10.77.0.1"})
        assert failed["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
        for wrong, says in (
            ("Group", "only resources whose rollback failed can"),
            ("Inner.Group", rf"\(\[Inner, {child}.Group\]\)"),
            ("Inner", f"its stack {child} is in UPDATE_ROLLBACK_FAILED state"),
        ):
            with pytest.raises(ClientError, match=says):
                account.cfn.continue_update_rollback(StackName="out", ResourcesToSkip=[wrong])
        account.cfn.continue_update_rollback(StackName="out", ResourcesToSkip=[f"{child}.Group"])
        assert account.settled("out")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.stack(inner(account))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    (group,) = account.ec2.describe_security_groups(GroupIds=[outputs(made)["GroupId"]])["SecurityGroups"]
    assert 4500 in [rule["FromPort"] for rule in group["IpPermissions"]], "it is as the update left it"
    assert account.delete("out")["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.usefixtures("folder")
def test_an_inner_stack_is_not_continued_or_protected_by_itself(account: Account) -> None:
    account.create("out", OUTER, EnableTerminationProtection=True)
    child = inner(account)
    with pytest.raises(ClientError, match="Termination protection of a nested stack is set on its root stack only"):
        account.cfn.update_termination_protection(StackName=child, EnableTerminationProtection=False)
    with pytest.raises(ClientError, match="cannot be deleted while TerminationProtection is enabled"):
        account.cfn.delete_stack(StackName=child)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (OUTER.replace("inner.yaml", "none.yaml"), "The specified key does not exist"),
        (OUTER.replace("templates.s3", "others.s3"), "The lab has no bucket others"),
        (OUTER.replace("Cidr: !Ref Cidr}", "Cider: !Ref Cidr}"), "Parameters: [Cider] do not exist in the template"),
        (OUTER.replace("Cidr: !Ref Cidr}", "Cidr: [a]}"), "must be an object with String (or simple type) properties"),
        (OUTER.replace("inner.yaml", "self.yaml"), "nested more than 20 deep"),
        (OUTER.replace("inner.yaml", "iam.yaml"), "Requires capabilities : [CAPABILITY_IAM]"),
    ],
)
def test_an_inner_stack_that_cannot_be_made(account: Account, folder: Path, template: str, says: str) -> None:
    own = f"Resources: {{Inner: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {URL}/self.yaml}}}}}}"
    parameters = "Parameters: {VpcId: {Type: String, Default: a}, Cidr: {Type: String, Default: a}}\n"
    (folder / "self.yaml").write_text(parameters + own)
    (folder / "iam.yaml").write_text(parameters + "Resources: {R: {Type: AWS::IAM::Role}}")
    account.create("out", template)
    reasons = [
        e["ResourceStatusReason"]
        for each in account.cfn.list_stacks()["StackSummaries"]
        for e in account.events(each["StackId"])
        if e["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert any(says in reason for reason in reasons), reasons
    assert {each["StackStatus"] for each in account.cfn.list_stacks()["StackSummaries"]} <= {
        "ROLLBACK_COMPLETE",
        "DELETE_COMPLETE",
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://templates.s3.amazonaws.com/a/b.yaml",
        "https://templates.s3.eu-west-1.amazonaws.com/a/b.yaml",
        "https://templates.s3-eu-west-1.amazonaws.com/a/b.yaml",
        "https://s3.amazonaws.com/templates/a/b.yaml",
        "https://s3-eu-west-1.amazonaws.com/templates/a/b.yaml",
        "https://s3.eu-west-1.amazonaws.com/templates/a/b.yaml",
    ],
)
def test_a_url_of_either_style_names_a_file(
    account: Account, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.yaml").write_text(VPC + "#" * 60_000)
    assert Files({"templates": tmp_path}).read(url).startswith(VPC)
    monkeypatch.setattr(account.face.formation.setting.files, "buckets", {"templates": tmp_path})
    account.cfn.create_stack(StackName="far", TemplateURL=url)
    assert account.settled("far")["StackStatus"] == "CREATE_COMPLETE"


def test_a_file_outside_the_folder_or_too_large_is_refused(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.yaml").write_text(VPC)
    (tmp_path / "in" / "big.yaml").write_text("#" * 1_000_001)
    monkeypatch.setattr(account.face.formation.setting.files, "buckets", {"templates": tmp_path / "in"})
    with pytest.raises(ClientError, match="The specified key does not exist"):
        account.cfn.validate_template(TemplateURL=f"{URL}/%2E%2E/out.yaml")
    with pytest.raises(ClientError, match="larger than the allowed 1000000 bytes"):
        account.cfn.validate_template(TemplateURL=f"{URL}/big.yaml")


@pytest.mark.usefixtures("folder")
def test_what_ends_the_outer_stack_early_ends_the_inner_one(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.create("out", OUTER)
    monkeypatch.setattr(account.face.formation.setting, "pace", Pace(resource=0.15))
    account.cfn.update_stack(StackName="out", TemplateBody=OUTER, Parameters=pairs({"Cidr": "10.9.2.0/24"}))
    child = inner(account)
    until(account, child, "UPDATE_IN_PROGRESS")
    account.cfn.cancel_update_stack(StackName="out")
    assert account.settled("out")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.stack(child)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    made = account.cfn.create_stack(StackName="two", TemplateBody=OUTER)["StackId"]
    until(account, made, "CREATE_COMPLETE", "Vpc")
    assert account.delete("two")["StackStatus"] == "DELETE_COMPLETE"
    assert {
        each["StackStatus"] for each in account.cfn.list_stacks()["StackSummaries"] if "two" in each["StackName"]
    } == {"DELETE_COMPLETE"}


def until(account: Account, stack: str, status: str, name: str = "") -> None:
    end = time.monotonic() + 10
    while not any(e["ResourceStatus"] == status and name in e["LogicalResourceId"] for e in account.events(stack)):
        assert time.monotonic() < end
        time.sleep(0.01)
