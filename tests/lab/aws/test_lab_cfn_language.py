"""Templates as text: what is refused in CloudFormation's words, and what its functions give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation.decode import decode
from trunkline_lab.aws.cloudformation.functions import Scope, Thing
from trunkline_lab.aws.cloudformation.language import parse
from trunkline_lab.aws.cloudformation.parameters import check, settle
from trunkline_lab.aws.cloudformation.values import UNKNOWN

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
PSEUDO = {"AWS::Region": "eu-west-1", "AWS::AccountId": "100000000001"}


STRING = {"Type": "String"}


def a_template(**sections: Any) -> str:
    return json.dumps({"Resources": {"Vpc": VPC}} | sections)


def refused(body: str) -> str:
    with pytest.raises(Refused) as caught:
        parse(body, "eu-west-1")
    assert caught.value.code == "ValidationError"
    return str(caught.value.message)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("just words", "Template format error: unsupported structure."),
        ("Resources: {A: {Type: AWS::EC2::VPC, Properties: }}", "[/Resources/A/Properties] 'null' values are not"),
        ("Resources: [", "Template format error: YAML not well-formed."),
        ('{"Resources": {', "Template format error: JSON not well-formed."),
        ('{"A": "http://example.org" // not JSON\n}', "JSON not well-formed. (line 1, column 28)"),
        ("Resources:\n  A: {}\n  A: {}", "Template format error: YAML not well-formed. (line 2, column 3)"),
        ("Resources: {}", "At least one Resources member must be defined."),
        (
            a_template(Resources={"Fn::ForEach::A": ["N", ["a"], {"A${N}": VPC}]}),
            "unsupported function: Fn::ForEach::A.",
        ),
        (a_template(Parameters={"P": {}}), "Every Parameters object must contain a Type member: P"),
        (a_template(Foo={}), "Invalid template property or properties [Foo]"),
        (a_template(Transform="AWS::Serverless-2016-10-31"), "No transform named AWS::Serverless-2016-10-31 found."),
        (a_template(Resources={"A": {}}), "[/Resources/A] Every Resources object must contain a Type member."),
        (a_template(Resources={"A": VPC | {"Depends": "B"}}), "Invalid template resource property 'Depends'"),
        (
            a_template(Resources={"A": {"Type": "AWS::Foo::Bar"}, "B": {"Type": "AWS::EC2::Nope"}}),
            "Template format error: Unrecognized resource types: [AWS::EC2::Nope, AWS::Foo::Bar]",
        ),
        (
            a_template(Resources={"A": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Cidr"}}}}),
            "Unresolved resource dependencies [Cidr] in the Resources block of the template",
        ),
        (
            a_template(Outputs={"O": {"Value": {"Fn::Sub": "${Vcp}"}}}),
            "Unresolved resource dependencies [Vcp] in the Outputs block of the template",
        ),
        (
            a_template(Outputs={"O": {"Value": {"Fn::GetAtt": ["Vcp", "VpcId"]}}}),
            "instance of Fn::GetAtt references undefined resource Vcp",
        ),
        (
            a_template(Outputs={"O": {"Value": {"Fn::GetAtt": "Vpc.Colour"}}}),
            "resource Vpc does not support attribute type Colour in Fn::GetAtt",
        ),
        (a_template(Outputs={"O": {"Description": "x"}}), "Output O is malformed"),
        (a_template(Resources={"A": VPC | {"DependsOn": 5}}), "[/Resources/A/DependsOn] must be a string or a list"),
        (a_template(Parameters={"P": {"Type": "String", "MinLength": "x"}}), "[/Parameters/P/MinLength] must be"),
        (a_template(Parameters={"P": {"Type": "String", "AllowedPattern": "["}}), "must be a regular expression"),
        (a_template(Resources={"A": VPC | {"DependsOn": "B"}}), "Unresolved resource dependencies [B]"),
        (a_template(Resources={"A": VPC | {"Condition": "C"}}), "Unresolved condition dependency C"),
        (a_template(Resources={"A": VPC | {"DeletionPolicy": "Keep"}}), "Unrecognized DeletionPolicy Keep"),
        (
            a_template(Resources={"A": VPC | {"DependsOn": "B"}, "B": VPC | {"DependsOn": ["A"]}}),
            "Circular dependency between resources: [A, B]",
        ),
    ],
)
def test_a_wrong_template_is_refused(body: str, says: str) -> None:
    assert says in refused(body)


def test_a_name_of_a_substitutions_own_may_have_spaces_around_it() -> None:
    parsed = parse(a_template(Outputs={"O": {"Value": {"Fn::Sub": ["${ x }", {"x": "a"}]}}}), "eu-west-1")
    assert list(parsed.outputs) == ["O"]


def test_of_a_key_that_comes_twice_json_keeps_the_last() -> None:
    """aws-cloudformation/cfn-language-discussion#96; a body with tabs is no YAML and takes another way."""
    for blank in (" ", "\t"):
        assert decode(f'{{{blank}"Outputs": {{"A": 1}},\n{blank}"Outputs": {{"A": 2}}}}') == {"Outputs": {"A": 2}}


def test_short_forms_are_the_long_ones() -> None:
    short = parse(
        """
        AWSTemplateFormatVersion: 2010-09-09
        Resources:
          A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Select [0, !Split [",", "10.0.0.0/16,x"]]}}
          B:
            Type: AWS::EC2::Subnet
            Properties: {VpcId: !Ref A, CidrBlock: !GetAtt A.CidrBlock}
        """,
        "eu-west-1",
    )
    assert short.resources["B"].properties["CidrBlock"] == {"Fn::GetAtt": ["A", "CidrBlock"]}
    assert short.order == {"A": frozenset(), "B": frozenset({"A"})}
    assert short.sequence() == ["A", "B"]


def scope(parameters: Mapping[str, Any] | None = None, **sections: Any) -> Scope:
    things = {
        "Vpc": Thing("vpc-1", {"CidrBlock": "10.0.0.0/16"}),
        "Later": Thing(UNKNOWN, UNKNOWN),
    }
    return Scope(
        parse(a_template(**sections), "eu-west-1"),
        parameters or {"Name": "acme", "Flag": "true", "Zones": ["a", "b"]},
        PSEUDO,
        things,
        {"net-VpcId": "vpc-9"}.get,
        lambda region: [f"{region}{letter}" for letter in "abc"],
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Name"}, "acme"),
        ({"Ref": "Vpc"}, "vpc-1"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "10.0.0.0/16"),
        ({"Fn::GetAtt": "Vpc.CidrBlock"}, "10.0.0.0/16"),
        ({"Fn::Sub": "${Name}-${Vpc}-${Vpc.CidrBlock}-${!Name}"}, "acme-vpc-1-10.0.0.0/16-${Name}"),
        ({"Fn::Sub": ["${Name}-${N}", {"N": {"Ref": "Vpc"}}]}, "acme-vpc-1"),
        ({"Fn::Join": ["-", ["a", 1, True]]}, "a-1-true"),
        ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::ImportValue": "net-VpcId"}, "vpc-9"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}, None),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "router"]}, "t3.small"),
        ([{"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}, "b"], ["b"]),
        ({"A": {"Fn::If": ["No", "a", {"Ref": "AWS::NoValue"}]}, "B": 1}, {"B": 1}),
        ({"Fn::Sub": "${Name}-${Later}"}, UNKNOWN),
        ({"Fn::Join": ["-", ["a", {"Ref": "Later"}]]}, UNKNOWN),
        ({"Fn::GetAtt": "Later.Anything"}, UNKNOWN),
    ],
)
def test_a_function_gives_its_value(expression: Any, value: Any) -> None:
    sections = {
        "Conditions": {
            "Yes": {"Fn::And": [{"Fn::Equals": [{"Ref": "Flag"}, True]}, {"Fn::Not": [{"Condition": "No"}]}]},
            "No": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["a", "c"]}]},
        },
        "Mappings": {"Sizes": {"eu-west-1": {"router": "t3.small"}}},
        "Parameters": {"Flag": {"Type": "String"}},
    }
    assert scope(**sections).value(expression) == value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ({"Ref": "Nobody"}, "Unresolved resource dependencies [Nobody]"),
        ({"Fn::GetAtt": "Vpc"}, "Fn::GetAtt object requires two non-empty parameters"),
        ({"Fn::Select": [7, ["a"]]}, "Fn::Select cannot select nonexistent value at index 7"),
        ({"Fn::FindInMap": ["Sizes", "x", "y"]}, "Unable to get mapping for Sizes::x::y"),
        ({"Fn::ImportValue": "gone"}, "No export named gone found."),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 20]}, "Fn::Cidr cannot divide 10.0.0.0/16"),
        ({"Fn::Cidr": 5}, "Fn::Cidr cannot take 5"),
        ({"Fn::Unheard": 1}, "the function Fn::Unheard is not known"),
    ],
)
def test_a_wrong_expression_is_refused(expression: Any, says: str) -> None:
    with pytest.raises(Refused) as caught:
        scope().value(expression)
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("spec", "value", "says"),
    [
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "A1", "must match pattern [a-z]+"),
        ({"Type": "String", "AllowedPattern": "a", "ConstraintDescription": "an a"}, "b", "constraint: an a"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, "c", "must be one of AllowedValues [a, b]"),
        ({"Type": "String", "MinLength": 3}, "ab", "must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "3"}, "abcd", "must contain at most 3 characters"),
        ({"Type": "Number"}, "many", "must be a number"),
        ({"Type": "Number", "MinValue": 2}, "1", "must be a number not less than 2"),
        ({"Type": "Number", "MaxValue": 2}, "3", "must be a number not greater than 2"),
        ({"Type": "List<Number>"}, "1,x", "must be a number"),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a"]}, "a,b", "must be one of AllowedValues [a]"),
    ],
)
def test_a_forbidden_parameter_is_refused_by_name(spec: dict[str, Any], value: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        check("Size", spec, value)
    assert caught.value.message.startswith("Parameter 'Size' ")
    assert says in caught.value.message


def test_parameters_are_given_previous_or_default() -> None:
    declared = {"A": {"Type": "String"}, "B": {"Type": "String", "Default": True}, "C": {"Type": "String"}}
    assert settle(declared, {"A": "a", "C": None}, {"C": "c"}) == {"A": "a", "B": "true", "C": "c"}
    with pytest.raises(Refused, match=r"Parameters: \[A, C\] must have values"):
        settle(declared, {}, {})
    with pytest.raises(Refused, match=r"Parameters: \[D\] do not exist in the template"):
        settle(declared, {"A": "a", "C": "c", "D": "d"}, {})
    with pytest.raises(Refused, match="Unrecognized parameter type: Text of parameter A"):
        settle({"A": {"Type": "Text"}}, {"A": "a"}, {})
