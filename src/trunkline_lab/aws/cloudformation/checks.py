"""Where a template's functions may stand and what they must look like, found before anything is evaluated.

The wordings are CloudFormation's own where it is known to have one; docs/reference/lab-aws.md has the sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.errors import invalid

_VARIABLES = re.compile(r"\$\{([^!{}][^{}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z0-9_.:]+")
# The functions of AWS::LanguageExtensions and of macros, which the lab does not run.
_TRANSFORMED = {"Fn::ForEach", "Fn::Length", "Fn::ToJsonString", "Fn::Transform"}
_CONDITIONAL = ("Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals")
_RULES = {
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
}
# What a condition may be made of besides the condition functions: nothing that is known only later.
_IN_CONDITIONS = {"Fn::FindInMap", "Fn::If", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub", "Ref", "Condition"}
_FREE = {"Fn::GetAZs", "Fn::GetAtt", "Fn::ImportValue"}


def is_function(node: object) -> bool:
    """Whether a value is computed: one member, named as a function."""
    if not isinstance(node, dict) or len(node) != 1:
        return False
    name = str(next(iter(node)))
    return name == "Ref" or name.startswith("Fn::")


def check_functions(node: Any, place: str, mappings: Mapping[str, Any]) -> None:
    """Refuse functions that are unknown, malformed, or not allowed in this place of the template.

    Parameters:
        node: Any part of a template.
        place: The section that it is part of ("Resources", "Outputs", "Conditions").
        mappings: The template's Mappings.
    """
    if isinstance(node, list):
        for item in node:
            check_functions(item, place, mappings)
    if not isinstance(node, dict):
        return
    if len(node) == 1:
        name, argument = next(iter(node.items()))
        if name == "Ref" or name.startswith("Fn::"):
            _check_place(name, place)
            _check_form(name, argument, mappings)
    for name, inner in node.items():
        if len(node) > 1 and name.startswith("Fn::"):
            raise invalid(f"Template error: {name} must be the only member of its object in the {place} block")
        check_functions(inner, place, mappings)
        if name == "Fn::ImportValue":
            _check_import(inner)


def check_export(output: str, name: Any, resources: Mapping[str, Any]) -> None:
    """Refuse an export's name that is only known once resources are there."""
    if _depends(name, resources):
        rule = "must not depend on any resources, imported values, or Fn::GetAZs."
        text = f"Output {output} is malformed. The Name field of every Export member {rule}"
        raise invalid(f"Template format error: {text}")


def check_rules(rules: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Refuse rules of the wrong form, with unknown functions, or that ask anything but parameters."""
    for name, rule in rules.items():
        where = f"Template format error: [/Rules/{name}]"
        if (
            not rule.keys() <= {"RuleCondition", "Assertions"}
            or not isinstance(rule.get("Assertions"), list)
            or not rule["Assertions"]
        ):
            raise invalid(f"{where} Every Rules member must contain Assertions, and may contain a RuleCondition.")
        for assertion in rule["Assertions"]:
            if (
                not isinstance(assertion, dict)
                or "Assert" not in assertion
                or not assertion.keys() <= {"Assert", "AssertDescription"}
            ):
                raise invalid(f"{where} Every Assertions member must contain an Assert.")
        _check_rule(where, rule, declared)


def _check_rule(where: str, node: Any, declared: Mapping[str, Any]) -> None:
    for item in node if isinstance(node, list) else []:
        _check_rule(where, item, declared)
    if not isinstance(node, dict):
        return
    for name, inner in node.items():
        if name.startswith("Fn::") and name not in {*_CONDITIONAL, *_RULES, "Fn::If", "Ref"}:
            raise invalid(f"{where} {name} cannot be used in the Rules block of the template")
        if name == "Ref" and str(inner) not in declared and not str(inner).startswith("AWS::"):
            raise invalid(f"{where} Unresolved dependencies [{inner}]. Rules may reference parameters only.")
        _check_rule(where, inner, declared)


def _check_place(name: str, place: str) -> None:
    if name.startswith(tuple(_TRANSFORMED)):
        raise invalid(
            f"Template error: Encountered unsupported function: {name}. It needs a transform (AWS::LanguageExtensions "
            "or another macro), and the lab does not support transforms."
        )
    if name in _RULES and place != "Rules":
        raise invalid(f"Template error: {name} is a rule function and cannot be used in the {place} block")
    if name not in _FORMS:
        supported = ", ".join(sorted(_FORMS))
        text = f"Template error: Encountered unsupported function: {name} Supported functions are: [{supported}]"
        raise invalid(text)
    if place == "Conditions" and name not in _IN_CONDITIONS and name not in _CONDITIONAL:
        raise invalid(f"Template error: {name} cannot be used in the Conditions block of the template")
    if place != "Conditions" and name in _CONDITIONAL and place != "Rules":
        raise invalid(f"Template error: {name} cannot be used in the {place} block of the template")


def _check_form(name: str, argument: Any, mappings: Mapping[str, Any]) -> None:
    fits, message = _FORMS[name]
    if not fits(argument):
        raise invalid(f"Template error: {message}")
    if name == "Fn::Sub":
        pattern = argument if isinstance(argument, str) else argument[0]
        if any(not _VARIABLE.fullmatch(variable.strip()) for variable in _VARIABLES.findall(pattern)):
            rule = "must contain only alphanumeric characters, underscores, periods, and colons"
            raise invalid(f"Template error: variable names in Fn::Sub syntax {rule}")
    if name == "Fn::FindInMap":
        if len(argument) == 4:
            raise invalid(
                "Template error: Fn::FindInMap with DefaultValue needs the transform AWS::LanguageExtensions, and the "
                "lab does not support transforms."
            )
        if isinstance(argument[0], str) and argument[0] not in mappings:
            text = f"Mapping named '{argument[0]}' is not present in the 'Mappings' section of template."
            raise invalid(f"Template validation error: {text}")


def _check_import(argument: Any) -> None:
    if _depends(argument, None):
        rule = "must not depend on any resources, imported values, or Fn::GetAZs"
        raise invalid(f"Template error: the attribute in Fn::ImportValue {rule}")


def _depends(node: Any, resources: Mapping[str, Any] | None) -> bool:
    """Whether a value asks resources, zones or other stacks; a Ref counts when it names one of `resources`."""
    if isinstance(node, list):
        return any(_depends(item, resources) for item in node)
    if not isinstance(node, dict):
        return False
    if resources is not None and isinstance(node.get("Ref"), str) and node["Ref"] in resources:
        return True
    return any(key in _FREE or _depends(value, resources) for key, value in node.items())


def _text(value: object) -> bool:
    return is_function(value) or isinstance(value, str | int | float)


def _texts(value: object) -> bool:
    return is_function(value) or isinstance(value, list)


def _pair(first: Callable[[object], bool], second: Callable[[object], bool]) -> Callable[[Any], bool]:
    return lambda given: isinstance(given, list) and len(given) == 2 and first(given[0]) and second(given[1])


def _boolean(value: object) -> bool:
    return is_function(value) or (isinstance(value, dict) and set(value) == {"Condition"})


def _attribute(given: Any) -> bool:
    if isinstance(given, str):
        return "." in given.strip(".")
    return (
        isinstance(given, list) and len(given) == 2 and isinstance(given[0], str) and given[0] != "" and _text(given[1])
    )


def _substitution(given: Any) -> bool:
    whole = isinstance(given, list) and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], dict)
    return isinstance(given, str) or whole


_MANY = "requires a list argument with at least 2 and at most 10 conditions"
_JOINED = "a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs)"
_SPLIT = "a string to be split or a function that returns a string to be split."
_MAPPED = "the map name, map key and the attribute for return value"

_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Ref": (lambda given: isinstance(given, str), "every Ref object must have a single String value."),
    "Fn::And": (
        lambda given: isinstance(given, list) and 2 <= len(given) <= 10 and all(map(_boolean, given)),
        f"Fn::And {_MANY}",
    ),
    "Fn::Or": (
        lambda given: isinstance(given, list) and 2 <= len(given) <= 10 and all(map(_boolean, given)),
        f"Fn::Or {_MANY}",
    ),
    "Fn::Not": (
        lambda given: isinstance(given, list) and len(given) == 1 and _boolean(given[0]),
        "Fn::Not requires a list argument with one condition",
    ),
    "Fn::Equals": (
        lambda given: isinstance(given, list) and len(given) == 2,
        "every Fn::Equals object requires a list of 2 string parameters.",
    ),
    "Fn::If": (
        lambda given: isinstance(given, list) and len(given) == 3 and isinstance(given[0], str),
        "Fn::If requires a list argument with three elements",
    ),
    "Fn::GetAtt": (
        _attribute,
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    ),
    "Fn::Join": (
        _pair(lambda given: isinstance(given, str), _texts),
        f"every Fn::Join object requires two parameters, (1) a string delimiter and (2) {_JOINED} to be joined.",
    ),
    "Fn::Split": (
        _pair(lambda given: isinstance(given, str), _text),
        f"every Fn::Split object requires two parameters, (1) a string delimiter and (2) {_SPLIT}",
    ),
    "Fn::Select": (
        _pair(_text, _texts),
        "Fn::Select requires a list argument with two elements: an integer index and a list",
    ),
    "Fn::Sub": (
        _substitution,
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first "
        "argument, and an optional second argument to specify a mapping of values to replace in the string",
    ),
    "Fn::FindInMap": (
        lambda given: isinstance(given, list) and len(given) in (3, 4) and all(map(_text, given[:3])),
        f"every Fn::FindInMap object requires three parameters, {_MAPPED}",
    ),
    "Fn::Base64": (_text, "every Fn::Base64 object must have a String-typed value."),
    "Fn::GetAZs": (_text, "every Fn::GetAZs object must have a String-typed value."),
    "Fn::ImportValue": (_text, "every Fn::ImportValue object must have a String-typed value."),
    "Fn::Cidr": (
        lambda given: is_function(given) or (isinstance(given, list) and len(given) in (2, 3)),
        "every Fn::Cidr object requires two or three parameters, (1) the ip block, (2) the count and (3) the bits",
    ),
}
