"""A template's Rules: what parameters' values must have in common, checked before anything is made.

User guide: "CloudFormation template Rules syntax"; template reference: "Rule functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline_lab.aws.cloudformation import parameters
from trunkline_lab.aws.cloudformation.errors import invalid
from trunkline_lab.aws.cloudformation.functions import Scope
from trunkline_lab.aws.cloudformation.values import text

# What Fn::ValueOf may ask of a resource, besides its tags.
_ATTRIBUTES = {
    "AWS::EC2::VPC::Id": {"DefaultNetworkAcl", "DefaultSecurityGroup"},
    "AWS::EC2::Subnet::Id": {"AvailabilityZone", "VpcId"},
    "AWS::EC2::SecurityGroup::Id": set[str](),
}


@dataclass
class RuleScope(Scope):
    """A scope with the rule functions.

    Parameters:
        resources: Gives all resources of a parameter type in the account, by id, with what may be asked of them.
    """

    resources: Callable[[str], Mapping[str, Mapping[str, str]]] = field(default=lambda kind: {})

    def check(self) -> None:
        """Refuse the parameters' values when an assertion of a rule that applies does not hold."""
        for name, rule in self.template.rules.items():
            if "RuleCondition" in rule and not self._value(rule["RuleCondition"]):
                continue
            for assertion in rule["Assertions"]:
                if not self._value(assertion["Assert"]):
                    said = assertion.get("AssertDescription", "an assertion does not hold")
                    raise invalid(f"Template error: Rule {name} is not satisfied: {said}")

    def _function(self, name: str) -> Callable[[Any, Any], Any] | None:
        return _FUNCTIONS.get(name) or super()._function(name)

    def _contains(self, argument: Any) -> bool:
        options, value = self._arguments("Fn::Contains", argument, 2)
        return text(value) in map(text, options)

    def _each_equals(self, argument: Any) -> bool:
        members, value = self._arguments("Fn::EachMemberEquals", argument, 2)
        return all(text(member) == text(value) for member in members)

    def _each_in(self, argument: Any) -> bool:
        members, options = self._arguments("Fn::EachMemberIn", argument, 2)
        return set(map(text, members)) <= set(map(text, options))

    def _ref_all(self, argument: Any) -> list[str]:
        return list(self.resources(_kind(argument)))

    def _value_of(self, argument: Any) -> Any:
        name, attribute = self._arguments("Fn::ValueOf", argument, 2)
        if name not in self.parameters:
            raise invalid(f"Template error: Fn::ValueOf names no parameter of the template: {name}")
        found = self._attributes(name, attribute)
        return found if isinstance(self.parameters[name], list) else found[0]

    def _value_of_all(self, argument: Any) -> list[str]:
        kind, attribute = self._arguments("Fn::ValueOfAll", argument, 2)
        named = [name for name in self.parameters if self._kind_of(name) == _kind(kind)]
        return [found for name in named for found in self._attributes(name, attribute)]

    def _attributes(self, parameter: str, attribute: str) -> list[str]:
        kind, held = _kind(self._kind_of(parameter)), self.parameters[parameter]
        if attribute not in _ATTRIBUTES[kind] and not attribute.startswith("Tags."):
            raise invalid(f"Template error: parameters of type {kind} have no attribute {attribute} for rules")
        known = self.resources(kind)
        missing = [each for each in (held if isinstance(held, list) else [held]) if each not in known]
        if missing:
            raise invalid(f"Parameter '{parameter}': {missing[0]} does not exist")
        return [known[each].get(attribute, "") for each in (held if isinstance(held, list) else [held])]

    def _kind_of(self, parameter: str) -> str:
        return parameters.bare(str(self.template.parameters[parameter]["Type"]))


def _kind(kind: Any) -> str:
    if kind not in _ATTRIBUTES:
        raise invalid(f"The lab does not support {kind} in rules: {', '.join(_ATTRIBUTES)} only")
    return str(kind)


_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "Fn::Contains": RuleScope._contains,
    "Fn::EachMemberEquals": RuleScope._each_equals,
    "Fn::EachMemberIn": RuleScope._each_in,
    "Fn::RefAll": RuleScope._ref_all,
    "Fn::ValueOf": RuleScope._value_of,
    "Fn::ValueOfAll": RuleScope._value_of_all,
}
