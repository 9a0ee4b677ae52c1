"""Rows of behaviour from CloudFormation's public documentation: what its language takes and refuses.

Each row ends with where it is from; docs/reference/lab-aws.md lists the sources and what is in doubt.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from lab_aws import Account, pairs

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation.functions import Scope, Thing
from trunkline_lab.aws.cloudformation.language import parse
from trunkline_lab.aws.cloudformation.parameters import check_declaration, settle

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
TEXT = {"Type": "String"}
GUIDE = "user guide: "
REFERENCE = "template reference: "


def a_template(**sections: Any) -> str:
    return json.dumps({"Resources": {"Vpc": VPC}} | sections)


def with_value(value: Any) -> str:
    return a_template(Outputs={"O": {"Value": value}})


def refused(body: str) -> str:
    with pytest.raises(Refused) as caught:
        parse(body, "eu-west-1")
    assert caught.value.code == "ValidationError"
    return str(caught.value.message)


MALFORMED = [
    ({"Ref": ["Vpc"]}, "every Ref object must have a single String value.", REFERENCE + "Ref"),
    ({"Fn::GetAtt": "Vpc"}, "every Fn::GetAtt object requires two non-empty parameters", REFERENCE + "Fn::GetAtt"),
    ({"Fn::GetAtt": ["Vpc"]}, "every Fn::GetAtt object requires two non-empty parameters", REFERENCE + "Fn::GetAtt"),
    ({"Fn::GetAtt": [{"Ref": "Vpc"}, "VpcId"]}, "every Fn::GetAtt object requires", REFERENCE + "Fn::GetAtt"),
    ({"Fn::Join": ["-"]}, "every Fn::Join object requires two parameters", REFERENCE + "Fn::Join"),
    ({"Fn::Join": [{"Ref": "Vpc"}, ["a"]]}, "(1) a string delimiter", REFERENCE + "Fn::Join"),
    ({"Fn::Join": ["-", "abc"]}, "(2) a list of strings to be joined", REFERENCE + "Fn::Join"),
    ({"Fn::Split": [","]}, "every Fn::Split object requires two parameters", REFERENCE + "Fn::Split"),
    ({"Fn::Split": [",", ["a"]]}, "(2) a string to be split", REFERENCE + "Fn::Split"),
    ({"Fn::Select": [0]}, "Fn::Select requires a list argument with two elements", REFERENCE + "Fn::Select"),
    ({"Fn::Select": [0, "abc"]}, "an integer index and a list", REFERENCE + "Fn::Select"),
    ({"Fn::Sub": ["${A}"]}, "One or more Fn::Sub intrinsic functions don't specify", REFERENCE + "Fn::Sub"),
    ({"Fn::Sub": [{"Ref": "Vpc"}, {}]}, "Specify a string as first argument", REFERENCE + "Fn::Sub"),
    ({"Fn::Sub": "${a-b}"}, "variable names in Fn::Sub syntax must contain only", REFERENCE + "Fn::Sub"),
    ({"Fn::Sub": {"Ref": "Vpc"}}, "Specify a string as first argument", REFERENCE + "Fn::Sub"),
    ({"Fn::FindInMap": ["M", "k"]}, "every Fn::FindInMap object requires three", REFERENCE + "Fn::FindInMap"),
    ({"Fn::FindInMap": ["M", "k", "v"]}, "Mapping named 'M' is not present", REFERENCE + "Fn::FindInMap"),
    (
        {"Fn::FindInMap": ["M", "k", "v", {"DefaultValue": "x"}]},
        "needs the transform AWS::LanguageExtensions",
        REFERENCE + "Fn::FindInMap enhancements",
    ),
    ({"Fn::If": ["C", 1]}, "Fn::If requires a list argument with three elements", REFERENCE + "Condition functions"),
    ({"Fn::If": ["C", 1, 2]}, "Unresolved condition dependency C", REFERENCE + "Condition functions"),
    ({"Fn::Equals": ["a", "b"]}, "cannot be used in the Outputs block", REFERENCE + "Condition functions"),
    ({"Fn::Not": [{"Fn::Equals": [1, 2]}]}, "cannot be used in the Outputs block", REFERENCE + "Condition functions"),
    ({"Fn::Base64": ["a"]}, "every Fn::Base64 object must have a String-typed value.", REFERENCE + "Fn::Base64"),
    ({"Fn::GetAZs": ["a"]}, "every Fn::GetAZs object must have a String-typed value.", REFERENCE + "Fn::GetAZs"),
    ({"Fn::Cidr": ["10.0.0.0/16"]}, "every Fn::Cidr object requires", REFERENCE + "Fn::Cidr"),
    ({"Fn::Cidr": "10.0.0.0/16"}, "every Fn::Cidr object requires", REFERENCE + "Fn::Cidr"),
    (
        {"Fn::ImportValue": {"Fn::GetAtt": "Vpc.VpcId"}},
        "must not depend on any resources, imported values, or Fn::GetAZs",
        REFERENCE + "Fn::ImportValue",
    ),
    (
        {"Fn::ImportValue": {"Fn::ImportValue": "x"}},
        "must not depend on any resources, imported values, or Fn::GetAZs",
        REFERENCE + "Fn::ImportValue",
    ),
    ({"Fn::Select": [0, ["a"]], "x": 1}, "Fn::Select must be the only member of its object", "(the lab's own words)"),
    ({"Fn::Length": ["a"]}, "Encountered unsupported function: Fn::Length", REFERENCE + "Fn::Length"),
    ({"Fn::ToJsonString": {}}, "the lab does not support transforms", REFERENCE + "Fn::ToJsonString"),
    ({"Fn::Transform": {"Name": "AWS::Include"}}, "does not support transforms", REFERENCE + "Fn::Transform"),
    ({"Fn::ForEach::Loop": ["a", [], {}]}, "does not support transforms", REFERENCE + "Fn::ForEach"),
    ({"Fn::Contains": [["a"], "a"]}, "is a rule function and cannot be used", REFERENCE + "Rule functions"),
    ({"Fn::Unheard": 1}, "Encountered unsupported function: Fn::Unheard Supported functions are: [Fn::And", "API"),
    (
        "{{resolve:ssm-secure:/a}}",
        "The lab does not support dynamic references to ssm-secure",
        GUIDE + "dynamic references",
    ),
    (
        "{{resolve:secretsmanager:a}}",
        "The lab does not support dynamic references to secretsmanager",
        GUIDE + "dynamic references",
    ),
    ("{{resolve:ssm:a b}}", "Incorrect format is used in the following SSM reference", GUIDE + "dynamic references"),
]


@pytest.mark.parametrize(("value", "says", "source"), MALFORMED)
def test_a_function_of_the_wrong_form_is_refused(value: Any, says: str, source: str) -> None:
    assert says in refused(with_value(value)), source


def names(count: int, what: Any) -> dict[str, Any]:
    return {f"N{n}": what for n in range(count)}


QUOTAS = GUIDE + "Understand CloudFormation quotas"
CONDITIONS = GUIDE + "CloudFormation template Conditions syntax"
WRONG = [
    (a_template(Resources=names(501, VPC)), "Number of resources, 501, is greater than maximum allowed, 500", QUOTAS),
    (a_template(Parameters=names(201, TEXT)), "Number of parameters, 201, is greater than", QUOTAS),
    (a_template(Outputs=names(201, {"Value": "a"})), "Number of outputs, 201, is greater than", QUOTAS),
    (a_template(Mappings=names(201, {"a": {"b": "c"}})), "Number of mappings, 201, is greater than", QUOTAS),
    (a_template(Description="x" * 1025), "'Description' length is greater than 1024.", QUOTAS),
    (a_template(Description=["x"]), "every Description member must be a string", GUIDE + "Description syntax"),
    (
        a_template(AWSTemplateFormatVersion="2020-01-01"),
        "unsupported value for AWSTemplateFormatVersion",
        GUIDE + "Format version",
    ),
    (a_template(Resources={"a-b": VPC}), "Resource name a-b is non alphanumeric", GUIDE + "Resources syntax"),
    (a_template(Parameters={"a_b": TEXT}), "Parameter name a_b is non alphanumeric", GUIDE + "Parameters syntax"),
    (a_template(Outputs={"a_b": {"Value": "a"}}), "Output name a_b is non alphanumeric", GUIDE + "Outputs syntax"),
    (a_template(Transform=["AWS::Include"]), "No transform named AWS::Include found.", GUIDE + "Transform section"),
    (
        a_template(Parameters={"P": TEXT | {"Foo": 1}}),
        "Invalid template parameter property 'Foo'",
        GUIDE + "Parameters syntax",
    ),
    (
        a_template(Parameters={"P": {"Type": "AWS::Route53::HostedZone::Id"}}),
        "The lab does not support parameter type",
        GUIDE + "Supported parameter types",
    ),
    (
        a_template(Parameters={"P": {"Type": "List<Numbers>"}}),
        "Unrecognized parameter type: List<Numbers>",
        GUIDE + "Supported parameter types",
    ),
    (
        a_template(Mappings={"M": {"a": {"b": {"Ref": "Vpc"}}}}),
        "Every Mappings attribute must be a String or a List.",
        GUIDE + "Mappings syntax",
    ),
    (a_template(Mappings={"M": {"a": "b"}}), "Every Mappings member must be a map", GUIDE + "Mappings syntax"),
    (
        a_template(Conditions={"C": {"Fn::Equals": [{"Ref": "Vpc"}, "a"]}}),
        "Unresolved dependencies [Vpc]. Cannot reference resources",
        CONDITIONS,
    ),
    (
        a_template(Conditions={"C": {"Fn::Equals": [{"Fn::GetAtt": "Vpc.VpcId"}, "a"]}}),
        "cannot be used in the Conditions block",
        CONDITIONS,
    ),
    (a_template(Conditions={"C": "yes"}), "Every Conditions member must contain one condition function", CONDITIONS),
    (
        a_template(Conditions={"C": {"Fn::And": [{"Fn::Equals": [1, 1]}]}}),
        "Fn::And requires a list argument with at least 2",
        REFERENCE + "Condition functions",
    ),
    (
        a_template(Conditions={"C": {"Fn::Or": [{"Fn::Equals": [1, 1]}] * 11}}),
        "at most 10 conditions",
        REFERENCE + "Condition functions",
    ),
    (
        a_template(Conditions={"C": {"Fn::Not": []}}),
        "Fn::Not requires a list argument with one condition",
        REFERENCE + "Condition functions",
    ),
    (
        a_template(Conditions={"C": {"Condition": "D"}, "D": {"Fn::Not": [{"Condition": "C"}]}}),
        "Circular dependency between conditions: [C, D]",
        CONDITIONS,
    ),
    (a_template(Conditions={"C": {"Condition": "D"}}), "Unresolved condition dependency D", CONDITIONS),
    (
        a_template(Outputs={"O": {"Value": "a", "Condition": "C"}}),
        "Unresolved condition dependency C",
        GUIDE + "Outputs syntax",
    ),
    (
        a_template(Outputs={"O": {"Value": "a", "Export": {}}}),
        "The Name field of every Export member must be specified",
        GUIDE + "Outputs syntax",
    ),
    (
        a_template(Outputs={"O": {"Value": "a", "Export": {"Name": {"Ref": "Vpc"}}}}),
        "must not depend on any resources",
        GUIDE + "Outputs syntax",
    ),
    (
        a_template(Outputs={"O": {"Value": "a", "Foo": 1}}),
        "Invalid template output property 'Foo'",
        GUIDE + "Outputs syntax",
    ),
    (a_template(Resources={"A": VPC | {"Condition": ["C"]}}), "Every Condition member must be a string", CONDITIONS),
    (
        a_template(Resources={"A": VPC | {"DeletionPolicy": {"Ref": "P"}}}),
        "Unrecognized DeletionPolicy",
        REFERENCE + "DeletionPolicy",
    ),
    (
        a_template(Resources={"A": VPC | {"DeletionPolicy": "Snapshot"}}),
        "does not support deletion policy Snapshot",
        REFERENCE + "DeletionPolicy",
    ),
    (
        a_template(Resources={"A": VPC | {"UpdateReplacePolicy": "RetainExceptOnCreate"}}),
        "Unrecognized UpdateReplacePolicy",
        REFERENCE + "UpdateReplacePolicy",
    ),
    (
        a_template(Resources={"A": VPC | {"CreationPolicy": {}}}),
        "The lab does not support CreationPolicy (resource A)",
        REFERENCE + "CreationPolicy",
    ),
    (
        a_template(Resources={"A": {"Type": "Custom::Thing", "DeletionPolicy": "Snapshot", "Version": "1"}}),
        "Unrecognized resource types: [Custom::Thing]",
        "(the lab's own: what it has not is named first)",
    ),
    (
        a_template(Resources={"A": VPC | {"UpdatePolicy": {}}}),
        "The lab does not support UpdatePolicy (resource A)",
        REFERENCE + "UpdatePolicy",
    ),
    (a_template(Rules={"R": {}}), "Every Rules member must contain Assertions", GUIDE + "Rules syntax"),
    (
        a_template(Rules={"R": {"Assertions": [{}]}}),
        "Every Assertions member must contain an Assert",
        GUIDE + "Rules syntax",
    ),
    (
        a_template(Rules={"R": {"Assertions": [{"Assert": {"Fn::GetAtt": "Vpc.VpcId"}}]}}),
        "cannot be used in the Rules block",
        REFERENCE + "Rule functions",
    ),
    (
        a_template(Rules={"R": {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "Vpc"}, 1]}}]}}),
        "Rules may reference parameters only",
        REFERENCE + "Rule functions",
    ),
    (
        "Resources: {A: &a {Type: AWS::EC2::VPC}, B: *a}",
        "YAML aliases are not allowed in CloudFormation templates",
        GUIDE + "Template formats",
    ),
    (
        "Resources: {A: {Type: AWS::EC2::VPC, Metadata: {B: !!binary aGk=}}}",
        "unsupported structure",
        GUIDE + "Template formats",
    ),
    (
        a_template(
            Resources={
                "A": VPC,
                "B": VPC | {"DependsOn": "C"},
                "C": VPC | {"Properties": {"CidrBlock": {"Fn::GetAtt": "B.CidrBlock"}}},
            }
        ),
        "Circular dependency between resources: [B, C]",
        "knowledge center: circular dependency",
    ),
]


@pytest.mark.parametrize(("body", "says", "source"), WRONG)
def test_a_template_against_the_rules_is_refused(body: str, says: str, source: str) -> None:
    assert says in refused(body), source


CIDR = REFERENCE + "Fn::Cidr"
DIVISIONS = [
    (["192.168.0.0/24", "6", "5"], ["192.168.0.0/27", "192.168.0.160/27", 6], CIDR),
    (["10.0.0.0/16", 1, 8], ["10.0.0.0/24", "10.0.0.0/24", 1], CIDR),
    (["10.0.0.0/16", 256, 8], ["10.0.0.0/24", "10.0.255.0/24", 256], CIDR),
    (["10.0.0.0/16", "3"], ["10.0.0.0/24", "10.0.2.0/24", 3], CIDR),
    (["10.0.0.0/16", 1, 16], ["10.0.0.0/16", "10.0.0.0/16", 1], CIDR),
    (["2001:db8::/56", 2, 64], ["2001:db8::/64", "2001:db8:0:1::/64", 2], CIDR),
]


def scope(**sections: Any) -> Scope:
    things = {"Vpc": Thing("vpc-1", {"VpcId": "vpc-1"})}
    return Scope(parse(a_template(**sections), "eu-west-1"), {"P": "p"}, {}, things, {}.get, lambda region: [region])


@pytest.mark.parametrize(("argument", "expected", "source"), DIVISIONS)
def test_a_block_is_divided(argument: Any, expected: Any, source: str) -> None:
    found = scope().value({"Fn::Cidr": argument})
    assert [found[0], found[-1], len(found)] == expected, source


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        (["10.0.0.0/16", 0, 8], "the count is between 1 and 256"),
        (["10.0.0.0/16", 257, 4], "the count is between 1 and 256"),
        (["10.0.0.0/24", 2, 8], "cannot divide 10.0.0.0/24 into 2 blocks of 8 bits each"),
        (["10.0.0.0/24", 1, 9], "cannot divide 10.0.0.0/24 into 1 blocks of 9 bits each"),
        (["10.0.0.0/24", 1, 0], "cannot divide 10.0.0.0/24 into 1 blocks of 0 bits each"),
        (["10.0.0.0", "x", 8], "cannot divide 10.0.0.0"),
        (["ten", 1, 8], "cannot divide ten"),
    ],
)
def test_a_block_that_cannot_be_divided_is_refused(argument: Any, says: str) -> None:
    with pytest.raises(Refused) as caught:
        scope().value({"Fn::Cidr": argument})
    assert says in caught.value.message


SCALARS = [
    ("2012-10-17", "2012-10-17"),
    ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
    ("0123", "0123"),
    ("012345678901", "012345678901"),
    ("0x1F", "0x1F"),
    ("1_000", "1_000"),
    ("12:30:45", "12:30:45"),
    ("1.10", "1.10"),
    ("1.0", 1.0),
    ("500", 500),
    ("true", True),
    ("'500'", "500"),
    ("10.0.0.0", "10.0.0.0"),
]


@pytest.mark.parametrize(("written", "kept"), SCALARS)
def test_a_scalar_is_kept_as_it_is_written(written: str, kept: Any) -> None:
    body = f"Resources: {{A: {{Type: AWS::EC2::VPC, Metadata: {{V: {written}}}}}}}"
    found = parse(body, "eu-west-1").resources["A"].metadata["V"]
    assert (found, type(found)) == (kept, type(kept))


TYPES = GUIDE + "Supported parameter types"


@pytest.mark.parametrize(
    "kind",
    [
        "String",
        "Number",
        "List<Number>",
        "CommaDelimitedList",
        "AWS::EC2::AvailabilityZone::Name",
        "AWS::EC2::Image::Id",
        "AWS::EC2::Instance::Id",
        "AWS::EC2::KeyPair::KeyName",
        "AWS::EC2::SecurityGroup::GroupName",
        "AWS::EC2::SecurityGroup::Id",
        "AWS::EC2::Subnet::Id",
        "AWS::EC2::Volume::Id",
        "AWS::EC2::VPC::Id",
        "List<AWS::EC2::AvailabilityZone::Name>",
        "List<AWS::EC2::SecurityGroup::Id>",
        "List<AWS::EC2::Subnet::Id>",
        "AWS::SSM::Parameter::Name",
        "AWS::SSM::Parameter::Value<String>",
        "AWS::SSM::Parameter::Value<List<String>>",
        "AWS::SSM::Parameter::Value<CommaDelimitedList>",
        "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
        "AWS::SSM::Parameter::Value<List<AWS::EC2::Subnet::Id>>",
    ],
)
def test_a_documented_parameter_type_is_known(kind: str) -> None:
    check_declaration("P", {"Type": kind})


def test_a_parameters_value_has_a_longest() -> None:
    assert settle({"P": TEXT}, {"P": "x" * 4096}, {})
    with pytest.raises(Refused, match="at most 4096 bytes"):
        settle({"P": TEXT}, {"P": "x" * 4097}, {})


RULES = REFERENCE + "Rule functions"
ASSERTIONS = [
    ({"Fn::Contains": [["a", "b"], {"Ref": "One"}]}, True, RULES),
    ({"Fn::Contains": [["b", "c"], {"Ref": "One"}]}, False, RULES),
    ({"Fn::EachMemberEquals": [{"Ref": "Many"}, "a"]}, False, RULES),
    ({"Fn::EachMemberEquals": [["a", "a"], {"Ref": "One"}]}, True, RULES),
    ({"Fn::EachMemberIn": [{"Ref": "Many"}, ["a", "b", "c"]]}, True, RULES),
    ({"Fn::EachMemberIn": [{"Ref": "Many"}, ["a"]]}, False, RULES),
    ({"Fn::Not": [{"Fn::Equals": [{"Ref": "One"}, ""]}]}, True, RULES),
    ({"Fn::And": [{"Fn::Equals": ["a", {"Ref": "One"}]}, {"Fn::Equals": ["a", "b"]}]}, False, RULES),
    ({"Fn::Or": [{"Fn::Equals": ["a", {"Ref": "One"}]}, {"Fn::Equals": ["a", "b"]}]}, True, RULES),
    ({"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, {"Ref": "Home"}]}, True, RULES),
    ({"Fn::Contains": [{"Fn::RefAll": "AWS::EC2::VPC::Id"}, "vpc-0"]}, False, RULES),
    ({"Fn::Equals": [{"Fn::ValueOf": ["Home", "Tags.Name"]}, "home"]}, True, RULES),
    ({"Fn::EachMemberEquals": [{"Fn::ValueOf": ["Places", "VpcId"]}, {"Ref": "Home"}]}, True, RULES),
    ({"Fn::EachMemberIn": [{"Fn::ValueOfAll": ["AWS::EC2::VPC::Id", "Tags.Name"]}, ["home"]]}, True, RULES),
    ({"Fn::Equals": [{"Fn::ValueOf": ["Home", "DefaultSecurityGroup"]}, ""]}, False, RULES),
]


def test_rules_judge_parameters(account: Account) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "home"}]}]
    vpc = account.ec2.create_vpc(CidrBlock="10.4.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    subnets = [account.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.4.{n}.0/24")["Subnet"]["SubnetId"] for n in range(2)]
    given = {"One": "a", "Many": "a,b", "Home": vpc, "Places": ",".join(subnets)}
    declared = {
        "One": TEXT,
        "Many": {"Type": "CommaDelimitedList"},
        "Home": {"Type": "AWS::EC2::VPC::Id"},
        "Places": {"Type": "List<AWS::EC2::Subnet::Id>"},
    }
    for number, (assertion, holds, source) in enumerate(ASSERTIONS):
        rules = {"R": {"Assertions": [{"Assert": assertion, "AssertDescription": "so it is"}]}}
        body = a_template(Parameters=declared, Rules=rules)
        said = attempt(account, f"s{number}", body, given)
        assert said == ("" if holds else "Template error: Rule R is not satisfied: so it is"), (assertion, source)


def attempt(account: Account, name: str, body: str, given: dict[str, str]) -> str:
    """Begin to create a stack; the error's message, or "" when it is taken."""
    try:
        account.cfn.create_stack(StackName=name, TemplateBody=body, Parameters=pairs(given))
    except account.cfn.exceptions.ClientError as error:
        return str(error.response["Error"]["Message"])
    return ""


def test_a_rule_without_its_condition_does_not_apply(account: Account) -> None:
    rule = {
        "RuleCondition": {"Fn::Equals": [{"Ref": "One"}, "b"]},
        "Assertions": [{"Assert": {"Fn::Contains": [["c"], {"Ref": "One"}]}}],
    }
    body = a_template(Parameters={"One": TEXT}, Rules={"R": rule})
    account.create("a", body, {"One": "a"})
    with pytest.raises(account.cfn.exceptions.ClientError, match="Rule R is not satisfied"):
        account.create("b", body, {"One": "b"})


def test_a_reference_to_what_a_condition_leaves_out_is_refused(account: Account) -> None:
    subnet = {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": "10.0.1.0/24", "VpcId": {"Ref": "Vpc"}}}
    body = a_template(
        Parameters={"One": TEXT},
        Conditions={"Yes": {"Fn::Equals": [{"Ref": "One"}, "yes"]}},
        Resources={"Vpc": VPC | {"Condition": "Yes"}, "Subnet": subnet},
    )
    with pytest.raises(account.cfn.exceptions.ClientError, match=r"Unresolved resource dependencies \[Vpc\]"):
        account.create("no", body, {"One": "no"})
    subnet["Properties"]["VpcId"] = {"Fn::If": ["Yes", {"Ref": "Vpc"}, "vpc-0"]}
    assert account.create("yes", body, {"One": "yes"})["StackStatus"] == "CREATE_COMPLETE"


def test_a_dynamic_reference_is_looked_up(account: Account) -> None:
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/net/cidr", Value="10.44.0.0/16", Type="String")
    ssm.put_parameter(Name="/net/cidr", Value="10.45.0.0/16", Type="String", Overwrite=True)
    ssm.put_parameter(Name="/secret", Value="10.46.0.0/16", Type="SecureString")
    made = []
    for name, reference in {"a": "/net/cidr", "b": "/net/cidr:1"}.items():
        value = {"Fn::Sub": "{{resolve:ssm:" + reference + "}}"}
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": value}}
        outputs = {"O": {"Value": {"Fn::GetAtt": "Vpc.CidrBlock"}}, "P": {"Value": value}}
        stack = account.create(name, a_template(Resources={"Vpc": vpc}, Outputs=outputs))
        made.append([each["OutputValue"] for each in stack["Outputs"]])
    assert made == [["10.45.0.0/16"] * 2, ["10.44.0.0/16"] * 2]
    for name, says in {"/none": "Parameters: [/none] cannot be found.", "/secret": "Non-secure ssm prefix"}.items():
        vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "{{resolve:ssm:" + name + "}}"}}
        stack = account.create(name.strip("/"), a_template(Resources={"Vpc": vpc}))
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        failed = next(e for e in account.events(stack["StackName"]) if e["ResourceStatus"] == "CREATE_FAILED")
        assert says in failed["ResourceStatusReason"]


def test_a_named_stored_parameter_must_exist(account: Account) -> None:
    account.client("ssm").put_parameter(Name="/there", Value="x", Type="String")
    body = a_template(Parameters={"P": {"Type": "AWS::SSM::Parameter::Name"}}, Outputs={"O": {"Value": {"Ref": "P"}}})
    made = account.create("a", body, {"P": "/there"})
    assert made["Outputs"][0]["OutputValue"] == "/there"
    assert account.create("b", body, {"P": "/gone"})["StackStatus"] == "ROLLBACK_COMPLETE"
