"""What a CloudFormation template tells of its step before anything runs."""

from pathlib import Path

import pytest
import yaml
from cfnlint.api import lint

from trunkline import Error, Field, check
from trunkline.clouds.aws import account
from trunkline.clouds.aws.template import LARGEST, as_text, read
from trunkline.clouds.names import state_key

TEMPLATES = Path(__file__).parents[2] / "src/trunkline/blueprints/templates"
AWS = account("A", region="eu-central-1")

EVERYTHING = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  VpcCidr: {Type: String, AllowedPattern: '[0-9./]+', Description: The block}
  PeerCidrs: {Type: CommaDelimitedList}
  Zones: {Type: List<AWS::EC2::AvailabilityZone::Name>, Default: ''}
  Size: {Type: String, AllowedValues: [small, large], Default: small}
  Count: {Type: Number, AllowedValues: [1, 2]}
  Logged: {Type: String, AllowedValues: [true, false], Default: false}
  Secret: {Type: String, NoEcho: true}
  Odd: {Type: String, AllowedPattern: '\\p{Alpha}+'}
  Image: {Type: AWS::EC2::Image::Id}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: !Ref VpcCidr
      Tags:
        - {Key: a, Value: !Sub '${Secret}-x'}
        - {Key: b, Value: !Join ['', [!Select [0, !GetAZs ''], !GetAtt Vpc.CidrBlock]]}
Outputs:
  VpcId: {Value: !Ref Vpc, Description: The VPC}
  RouterAddress: {Value: !If [Yes, a, !FindInMap {a: b}]}
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "everything.yaml"
    path.write_text(EVERYTHING)
    return path


def test_parameters_become_needs_and_outputs_gives(template):
    step = AWS.stack(template)
    assert step.needs == {
        "vpc_cidr": Field("cidr", pattern="[0-9./]+", note="The block"),
        "peer_cidrs": Field("cidrs"),
        "zones": Field("list", required=False),
        "size": Field("str", required=False, allowed=("small", "large")),
        "count": Field("number", allowed=(1, 2)),
        "logged": Field("str", required=False, allowed=("true", "false", True, False)),
        "secret": Field("str", secret=True),
        "odd": Field("str"),  # Java's pattern, which Python cannot read
        "image": Field("str"),
    }
    assert step.gives == {"vpc_id": Field("str", note="The VPC"), "router_address": Field("address")}


def test_fixed_parameters_are_not_needed_and_keys_rename(template):
    step = AWS.stack(
        template,
        parameters={"VpcCidr": "10.0.0.0/16", "peerCidrs": [], "count": 1},
        keys={"Image": "router_image", "router_address": "hub_address"},
    )
    assert set(step.needs) == {"zones", "size", "logged", "secret", "odd", "router_image"}
    assert set(step.gives) == {"vpc_id", "hub_address"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"parameters": {"VpcCdir": "x"}}, "everything.yaml: parameters names 'VpcCdir', which it has not"),
        ({"parameters": {"VpcId": "x"}}, "parameters names 'VpcId'"),
        ({"keys": {"VpcIds": "x"}}, "everything.yaml: keys names 'VpcIds', which it has not"),
        ({"name": "1st"}, "stack name = '1st' is no name for CloudFormation"),
        ({"name": "x" * 129}, "is no name for CloudFormation"),
        ({"timeout": 0}, "timeout = 0 of a stack is no time"),
    ],
)
def test_wrong_names_are_refused_at_once(template, more, message):
    with pytest.raises(Error) as raised:
        AWS.stack(template, **more)
    assert message in str(raised.value)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: [", "while parsing"),
        ("{", "Expecting"),
        ("- a", "it is no mapping"),
        ("Parameters: {}", "it has no Resources"),
        ("Resources: {A: text}", "Resources must map names to objects"),
        ("Resources: {A: {Type: B}}\nParameters: [a]", "Parameters must map names to objects"),
        ("#" * LARGEST + "\n", "larger than 51200 bytes"),
    ],
)
def test_what_is_no_template_is_told_with_its_path(tmp_path, text, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(Error) as raised:
        AWS.stack(path)
    assert str(raised.value).startswith(f"template {path}: ")
    assert message in str(raised.value)


def test_a_missing_template_is_told_with_its_path(tmp_path):
    with pytest.raises(Error, match=r"nowhere\.yaml: .*No such file"):
        AWS.stack(tmp_path / "nowhere.yaml")


def test_json_reads_as_yaml_does(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(
        '{\n\t"Parameters": {"VpcCidr": {"Type": "String"}}, "Resources": {"A": {"Type": "AWS::IAM::Role"}}}'
    )
    found = read(path)
    assert (found.parameters, found.resources) == ({"VpcCidr": Field("cidr")}, {"A": "AWS::IAM::Role"})
    assert found.capabilities == ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]


def test_values_as_cloudformation_takes_them():
    assert [as_text(value) for value in (True, False, 3, "x", ["a", 1, True], ("b",), [])] == [
        "true", "false", "3", "x", "a,1,true", "b", "",
    ]  # fmt: skip
    for value in ({}, None, b"", [{}]):
        with pytest.raises(TypeError):
            as_text(value)


def test_check_reads_a_pipe_of_templates():
    vpc, route = (AWS.stack(TEMPLATES / f"{name}.aws.yaml") for name in ("vpc", "caller-route"))
    data = {
        "vpc_cidr": "10.1.0.0/16",
        "router_subnet_cidr": "10.1.0.0/33",
        "app_subnet1_cidr": "10.1.1.0/24",
        "app_subnet2_cidr": "10.1.2.0/24",
        "federation_address1": "192.0.2.1",
        "federation_address2": "192.0.2.2",
        "router_image": "ami-1",
        "name_prefix": "acme",
        "caller_prefix": "198.51.100.7/32",
    }
    problems = "\n".join(map(str, check([("vpc", vpc), ("route", route)], data)))
    assert "router_private_address" in problems
    assert "10.1.0.0/33" in problems
    assert "route_table_id" in problems
    assert "caller_prefix" not in problems


@pytest.mark.parametrize("name", ["vpc", "federation", "caller-route"])
def test_our_templates_are_what_cloudformation_wants(name):
    body = (TEMPLATES / f"{name}.aws.yaml").read_text()
    assert [str(match) for match in lint(body, regions=["eu-central-1", "us-east-1"])] == []


# What only one of the clouds has: Azure's user needs a password, a route of AWS's names its gateway.
ONLY = {"router_password", "internet_gateway_id"}


@pytest.mark.parametrize("name", ["vpc", "federation", "caller-route"])
def test_our_templates_speak_as_the_other_clouds_do(name):
    ours = read(TEMPLATES / f"{name}.aws.yaml")
    theirs = yaml.safe_load((TEMPLATES / f"{name}.azure.json").read_text())
    assert set(map(state_key, ours.parameters)) ^ set(map(state_key, theirs["parameters"])) <= ONLY
    assert set(map(state_key, ours.outputs)) ^ set(map(state_key, theirs.get("outputs", {}))) <= ONLY


def test_security_groups_use_only_the_letters_that_ec2_takes():
    """EC2 refuses a description with an apostrophe, and cfn-lint does not say so."""
    for path in TEMPLATES.glob("*.aws.yaml"):
        resources = read(path)
        text = path.read_text()
        assert resources.resources
        for line in text[text.index("Resources:") : text.find("Outputs:")].splitlines():
            if "Description:" in line:
                said = line.partition("Description:")[2].strip()
                assert set(said) <= set(
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*"
                ), said
