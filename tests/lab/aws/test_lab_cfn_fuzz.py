"""Whatever is sent as a template is taken or refused, never an accident inside."""

from __future__ import annotations

import json
from typing import Any

from cfnlint.decode import decode_str
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_aws_templates import NETWORK

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation.functions import Scope, Thing
from trunkline_lab.aws.cloudformation.language import parse
from trunkline_lab.aws.cloudformation.parameters import settle
from trunkline_lab.aws.cloudformation.rules import RuleScope

GOOD: Any = json.loads(json.dumps(decode_str(NETWORK)[0]))
GOOD["Parameters"]["Cidr"] |= {"AllowedPattern": ".*", "MinLength": 1, "MaxLength": 20}
GOOD["Parameters"]["SubnetCidr"] |= {"AllowedValues": ["10.9.1.0/24"]}
GOOD["Parameters"]["Port"] |= {"MinValue": 1, "MaxValue": 65535}
GOOD["Conditions"] = {"Big": {"Fn::Equals": [{"Ref": "Cidr"}, {"Fn::FindInMap": ["Sizes", "a", "b"]}]}}
GOOD["Mappings"] = {"Sizes": {"a": {"b": "10.9.0.0/16"}}}
GOOD["Resources"]["Interface"] |= {"DependsOn": ["Vpc"], "Condition": "Big", "DeletionPolicy": "Retain"}
GOOD["Rules"] = {
    "R": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Cidr"}, "x"]},
        "Assertions": [{"Assert": {"Fn::Contains": [["a"], {"Ref": "Cidr"}]}, "AssertDescription": "a"}],
    }
}
GOOD["Outputs"]["GroupId"] |= {"Export": {"Name": {"Fn::Sub": "${AWS::Region}-group"}}, "Condition": "Big"}
PSEUDO = {"AWS::Region": "eu-west-1"}
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["Vpc", "Cidr", "AWS::Region"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Ref",
                    "Fn::GetAtt",
                    "Fn::Sub",
                    "Fn::Join",
                    "Fn::If",
                    "Fn::Cidr",
                    "Fn::Select",
                    "Fn::Equals",
                    "Condition",
                    "Type",
                    "x",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value of a tree."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path] * bool(path) + [each for key, value in inner for each in places(value, (*path, key))]


PLACES = places(GOOD)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=st.sampled_from(PLACES), what=junk)
def test_a_template_with_junk_somewhere(where: tuple[Any, ...], what: Any) -> None:
    tree = json.loads(json.dumps(GOOD))
    node = tree
    for key in where[:-1]:
        node = node[key]
    node[where[-1]] = what
    try:
        template = parse(json.dumps(tree), "eu-west-1")
        values = settle(template.parameters, {}, {})
        RuleScope(template, values, PSEUDO, {}, lambda _: None, lambda region: []).check()
        things = {name: Thing(name.lower(), {"GroupId": "sg-1"}) for name in template.resources}
        scope = Scope(template, values, PSEUDO, things, lambda _: None, lambda region: [f"{region}a"])
        list(scope.taken())
        for name in scope.wanted():
            scope.value(dict(template.resources[name].properties))
    except Refused:
        pass
