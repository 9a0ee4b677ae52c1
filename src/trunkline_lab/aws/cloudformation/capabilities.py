"""What a template needs acknowledged before it may be used: changes of who may do what.

API reference, CreateStack: "Capabilities"; user guide: "Acknowledge IAM resources in CloudFormation templates".
"""

from __future__ import annotations

from collections.abc import Collection

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.cloudformation.language import Template

_NAMES = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}
_IAM, _NAMED = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"


def needed(template: Template) -> tuple[str, list[str]]:
    """The capability that a template needs ("" for none), and the types that need it."""
    found = [each for each in template.resources.values() if each.type in _NAMES]
    named = any(_NAMES[each.type] in each.properties for each in found)
    capability = _NAMED if named else _IAM if found else ""
    return capability, sorted({each.type for each in found})


def check(template: Template, given: Collection[str]) -> None:
    """Refuse to use a template whose needs are not acknowledged."""
    capability, _ = needed(template)
    if capability and not {capability, _NAMED} & set(given):
        raise Refused("InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]")


def described(template: Template) -> dict[str, object]:
    """The members of ValidateTemplate's and GetTemplateSummary's answers."""
    capability, kinds = needed(template)
    if not capability:
        return {}
    reason = f"The following resource(s) require capabilities: [{', '.join(kinds)}]"
    return {"Capabilities": [capability], "CapabilitiesReason": reason}
