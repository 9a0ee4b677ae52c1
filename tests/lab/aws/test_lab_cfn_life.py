"""The ways of a stack after something goes wrong: rolled back, kept, cancelled, continued, forced, timed out."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import Account, outputs, refusing
from lab_aws_templates import BROKEN, NETWORK, VPC

from trunkline_lab.aws.calls import Answer, Call, Handler
from trunkline_lab.world import Pace

# The group changes in place, then the interface fails: its address lies outside the subnet.
BAD = NETWORK.replace("SourceDestCheck: false", "SourceDestCheck: false, PrivateIpAddress: 10.77.0.1").replace(
    "Properties: {SubnetId: !Ref Subnet, Group", "DependsOn: Group\n    Properties: {SubnetId: !Ref Subnet, Group"
)
ROLE = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      %s
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Action: "sts:AssumeRole", Principal: {Service: ec2.amazonaws.com}}]
"""


def statuses(account: Account, name: str) -> list[str]:
    """The stack's own, in order."""
    events = account.events(name)
    return [each["ResourceStatus"] for each in events if each["ResourceType"] == "AWS::CloudFormation::Stack"]


def refusal(action: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    return str(caught.value.response["Error"]["Message"])


def vpcs(account: Account) -> int:
    return len([vpc for vpc in account.ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]])


# What happens, and the statuses that the stack goes through; user guide: "Understand CloudFormation stack creation
# events", "View stack information" (status codes), "Choose how to handle failures when provisioning resources".
def test_a_create_and_an_update(account: Account) -> None:
    account.create("one", VPC)
    account.update("one", VPC.replace("mine", "ours"))
    assert statuses(account, "one") == [
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]


@pytest.mark.parametrize(
    ("how", "path", "left"),
    [
        ({}, ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"], 0),
        ({"OnFailure": "ROLLBACK"}, ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"], 0),
        ({"OnFailure": "DELETE"}, ["CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"], 0),
        ({"OnFailure": "DO_NOTHING"}, ["CREATE_IN_PROGRESS", "CREATE_FAILED"], 1),
        ({"DisableRollback": True}, ["CREATE_IN_PROGRESS", "CREATE_FAILED"], 1),
        ({"DisableRollback": False}, ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"], 0),
    ],
)
def test_what_becomes_of_a_failed_create(account: Account, how: dict[str, Any], path: list[str], left: int) -> None:
    made = account.create("bad", BROKEN, **how)
    assert statuses(account, made["StackId"]) == path
    assert vpcs(account) == left


def test_either_of_two_ways_only(account: Account) -> None:
    said = refusal(account.cfn.create_stack, StackName="a", TemplateBody=VPC, OnFailure="DELETE", DisableRollback=True)
    assert said == "You can specify either DisableRollback or OnFailure, but not both."


def test_a_rollback_that_fails_can_be_deleted_later(account: Account) -> None:
    with refusing(account.face, "DeleteVpc"):
        made = account.create("bad", BROKEN)
    assert made["StackStatus"] == "ROLLBACK_FAILED"
    assert made["StackStatusReason"] == "The following resource(s) failed to delete: [Vpc]. "
    assert account.delete("bad")["StackStatus"] == "DELETE_COMPLETE"
    assert vpcs(account) == 0


def test_a_failed_update_is_taken_back_in_steps(account: Account) -> None:
    account.create("net", NETWORK)
    account.update("net", BAD, {"Port": "4500"})
    assert statuses(account, "net")[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]


def stuck(account: Account) -> str:
    """A stack whose update was rolled back in vain; returns its group."""
    made = outputs(account.create("net", NETWORK))
    with refusing(account.face, "RevokeSecurityGroupIngress", after=1):
        failed = account.update("net", BAD, {"Port": "4500"})
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert failed["StackStatusReason"] == "The following resource(s) failed to update: [Group]. "
    assert account.resource("net", "Group")["ResourceStatus"] == "UPDATE_FAILED"
    return made["GroupId"]


def ports(account: Account, group: str) -> list[int]:
    (found,) = account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return sorted(rule["FromPort"] for rule in found["IpPermissions"])


def test_an_update_rollback_that_failed_goes_on(account: Account) -> None:
    group = stuck(account)
    said = refusal(account.cfn.update_stack, StackName="net", TemplateBody=VPC)
    assert "is in UPDATE_ROLLBACK_FAILED state and can not be updated." in said
    account.cfn.continue_update_rollback(StackName="net", ClientRequestToken="c-1")
    done = account.settled("net")
    account.cfn.continue_update_rollback(StackName="net", ClientRequestToken="c-1")
    assert done["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert {each["ParameterKey"]: each["ParameterValue"] for each in done["Parameters"]}["Port"] == "500"
    assert ports(account, group) == [500]
    assert account.update("net", NETWORK, {"Port": "600"})["StackStatus"] == "UPDATE_COMPLETE"
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"


def test_an_update_rollback_may_leave_a_resource_out(account: Account) -> None:
    group = stuck(account)
    said = refusal(account.cfn.continue_update_rollback, StackName="net", ResourcesToSkip=["Vpc"])
    assert "Resource Vpc cannot be skipped" in said
    with refusing(account.face, "RevokeSecurityGroupIngress"):
        account.cfn.continue_update_rollback(StackName="net", ResourcesToSkip=["Group"])
        assert account.settled("net")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.resource("net", "Group")["ResourceStatus"] == "UPDATE_COMPLETE"
    assert 4500 in ports(account, group), "what was skipped is as the update left it"


def test_continuing_is_for_rollbacks_that_failed(account: Account) -> None:
    account.create("one", VPC)
    said = refusal(account.cfn.continue_update_rollback, StackName="one")
    assert "is in CREATE_COMPLETE state and can not continue its update rollback" in said


def test_an_update_may_keep_what_it_made(account: Account) -> None:
    account.create("net", NETWORK)
    kept = account.update("net", BAD, {"Port": "4500"}, DisableRollback=True)
    assert kept["StackStatus"] == "UPDATE_FAILED"
    assert "[Interface]" in kept["StackStatusReason"]
    group = account.resource("net", "Group")["PhysicalResourceId"]
    assert ports(account, group) == [4500]
    said = refusal(account.cfn.update_stack, StackName="net", TemplateBody=NETWORK)
    assert said.startswith("This stack is currently in a non-terminal [UPDATE_FAILED] state.")
    done = account.update("net", NETWORK, {"Port": "700"}, DisableRollback=True)
    assert done["StackStatus"] == "UPDATE_COMPLETE"
    assert ports(account, group) == [700]
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"
    assert vpcs(account) == 0


def test_a_kept_update_can_be_rolled_back_after_all(account: Account) -> None:
    account.create("net", NETWORK)
    account.update("net", BAD, {"Port": "4500"}, DisableRollback=True)
    account.cfn.rollback_stack(StackName="net", ClientRequestToken="r-1")
    assert account.settled("net")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert ports(account, account.resource("net", "Group")["PhysicalResourceId"]) == [500]
    assert refusal(account.cfn.rollback_stack, StackName="net").endswith("state and can not be rolled back.")


def test_a_kept_create_can_be_mended(account: Account) -> None:
    account.create("net", BROKEN, DisableRollback=True)
    assert account.resource("net", "Subnet")["ResourceStatus"] == "CREATE_FAILED"
    vpc = account.resource("net", "Vpc")["PhysicalResourceId"]
    mended = account.update("net", NETWORK, DisableRollback=True)
    assert mended["StackStatus"] == "UPDATE_COMPLETE"
    assert account.resource("net", "Vpc")["PhysicalResourceId"] == vpc
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"
    assert vpcs(account) == 0


def test_a_create_that_was_to_be_left_alone_is_not_mended(account: Account) -> None:
    account.create("net", BROKEN, OnFailure="DO_NOTHING")
    said = refusal(account.cfn.update_stack, StackName="net", TemplateBody=NETWORK, DisableRollback=True)
    assert said.startswith("This stack cannot be updated from [CREATE_FAILED] state")


def test_a_kept_create_can_be_rolled_back(account: Account) -> None:
    account.create("net", BROKEN, DisableRollback=True)
    account.cfn.rollback_stack(StackName="net")
    assert account.settled("net")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert vpcs(account) == 0


def test_retained_resources_of_a_failed_create_go_where_that_is_asked_for(account: Account) -> None:
    retained = BROKEN.replace(
        "  Vpc:\n    Type: AWS::EC2::VPC", "  Vpc:\n    DeletionPolicy: Retain\n    Type: AWS::EC2::VPC"
    )
    account.create("a", retained, RetainExceptOnCreate=True)
    assert vpcs(account) == 0
    account.create("b", retained)
    assert vpcs(account) == 1


def test_a_delete_waits_for_what_is_in_use(account: Account) -> None:
    made = outputs(account.create("net", NETWORK))
    guest = account.ec2.create_network_interface(SubnetId=made["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    seen: list[Call] = []

    def rule(call: Call, proceed: Handler) -> Answer:
        if call.operation == "DeleteSubnet":
            seen.append(call)
            if len(seen) == 2:
                gone = threading.Thread(
                    target=account.ec2.delete_network_interface, kwargs={"NetworkInterfaceId": guest}
                )
                gone.start()
                gone.join()
        return proceed(call)

    account.face.gateway.rules.insert(0, rule)
    try:
        assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"
    finally:
        account.face.gateway.rules.remove(rule)
    assert len(seen) == 2, "held once, free the second time"


def test_a_delete_can_be_forced(account: Account) -> None:
    made = outputs(account.create("net", NETWORK))
    account.ec2.create_network_interface(SubnetId=made["SubnetId"])
    said = refusal(account.cfn.delete_stack, StackName="net", DeletionMode="FORCE_DELETE_STACK")
    assert "DELETE_FAILED state only" in said
    assert account.delete("net")["StackStatus"] == "DELETE_FAILED"
    gone = account.delete("net", DeletionMode="FORCE_DELETE_STACK")
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    skipped = {
        e["LogicalResourceId"] for e in account.events(gone["StackId"]) if e["ResourceStatus"] == "DELETE_SKIPPED"
    }
    assert skipped == {"Subnet", "Vpc"}


def test_exports_in_use_cannot_be_changed_or_taken_away(account: Account) -> None:
    exporting = VPC.replace("{Value: !Ref Vpc}", "{Value: !Ref Vpc, Export: {Name: net-vpc}}")
    account.create("net", exporting)
    account.create(
        "sub",
        "Resources: {S: {Type: AWS::EC2::Subnet, Properties: {VpcId: !ImportValue net-vpc, CidrBlock: 10.9.1.0/24}}}",
    )
    for body, word in ((VPC, "delete"), (exporting.replace("10.9.0.0", "10.8.0.0"), "update")):
        assert account.update("net", body)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        begun = [e for e in account.events("net") if e["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"][-1]
        assert begun["ResourceStatusReason"] == f"Cannot {word} export net-vpc as it is in use by sub. "
    assert account.cfn.list_exports()["Exports"][0]["Name"] == "net-vpc"
    assert account.update("net", exporting.replace("mine", "ours"))["StackStatus"] == "UPDATE_COMPLETE"


def test_what_was_never_made_is_not_being_deleted(account: Account) -> None:
    """As in a log of events that a user shows: github.com/openshift/openshift-ansible-contrib/issues/358 (Bastion)."""
    account.create("bad", BROKEN)
    said = [e["ResourceStatus"] for e in account.events("bad") if e["LogicalResourceId"] == "Subnet"]
    assert said == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_COMPLETE"]


def test_two_outputs_cannot_have_one_export(account: Account) -> None:
    one = "{Value: !Ref Vpc, Export: {Name: net-vpc}}"
    made = account.create("net", VPC.replace("{Value: !Ref Vpc}", one) + f"  Again: {one}\n")
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_key_that_a_mapping_has_not_is_refused_at_once(account: Account) -> None:
    mapped = "Mappings: {Ami: {us-east-1: {id: x}}}\n" + VPC.replace("mine", '!FindInMap [Ami, !Ref "AWS::Region", id]')
    said = refusal(account.cfn.create_stack, StackName="a", TemplateBody=mapped)
    assert said == "Template error: Unable to get mapping for Ami::eu-west-1::id"
    here = 'Conditions: {Here: !Equals [!Ref "AWS::Region", us-east-1]}\n' + mapped
    there = here.replace("Value: !Find", "Value: !If [Here, !Find").replace(", id]}", ', id], "x"]}')
    assert account.create("b", there)["StackStatus"] == "CREATE_COMPLETE", "the branch is not taken"


def test_an_import_of_what_nobody_exports_fails_before_anything_is_made(account: Account) -> None:
    """As users report it: github.com/widdix/aws-s3-virusscan/issues/39, github.com/aws-amplify/amplify-js/issues/6367.

    A change set, too, fails with the name of what it misses.
    """
    body = "Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: %s}}, G: {Type: AWS::EC2::InternetGateway}}"
    made = account.create("new", body % "!ImportValue nobody")
    assert statuses(account, "new") == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    assert {each["ResourceType"] for each in account.events("new")} == {"AWS::CloudFormation::Stack"}
    reasons = [each.get("ResourceStatusReason", "") for each in account.events(made["StackId"])]
    assert "No export named nobody found. Rollback requested by user." in reasons
    account.create("old", body % "10.9.0.0/16")
    assert account.update("old", body % "!ImportValue nobody")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        account.change_set("old", "c", body % "!ImportValue nobody")["StatusReason"] == "No export named nobody found."
    )


def test_a_create_may_take_only_so_long(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account.face.formation.setting, "pace", Pace(resource=0.15))
    monkeypatch.setattr(account.face.formation.setting, "minute", 0.1)
    made = account.create("late", NETWORK, TimeoutInMinutes=1)
    assert (made["StackStatus"], made["TimeoutInMinutes"]) == ("ROLLBACK_COMPLETE", 1)
    begun = next(e for e in account.events("late") if e["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert begun["ResourceStatusReason"].startswith("Stack creation time exceeded the specified timeout.")
    monkeypatch.setattr(account.face.formation.setting, "minute", 60.0)
    assert account.create("soon", VPC, TimeoutInMinutes=1)["StackStatus"] == "CREATE_COMPLETE"


def test_an_update_is_cancelled(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.create("one", VPC)
    said = refusal(account.cfn.cancel_update_stack, StackName="one")
    assert said == "CancelUpdateStack cannot be called from current stack status"
    monkeypatch.setattr(account.face.formation.setting, "pace", Pace(resource=0.2))
    account.cfn.update_stack(StackName="one", TemplateBody=VPC.replace("mine", "ours"))
    account.cfn.cancel_update_stack(StackName="one")
    assert account.settled("one")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    begun = next(e for e in account.events("one") if e["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS")
    assert begun["ResourceStatusReason"] == "User Initiated"
    failed = next(e for e in account.events("one") if e["ResourceStatus"] == "UPDATE_FAILED")
    assert failed["ResourceStatusReason"] == "Resource update cancelled"
    assert account.update("one", VPC.replace("mine", "ours"))["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("operation", "arguments", "says"),
    [
        ("estimate_template_cost", {"TemplateBody": VPC}, "The lab does not support EstimateTemplateCost."),
        ("set_stack_policy", {"StackName": "a"}, "The lab does not support SetStackPolicy."),
        ("get_stack_policy", {"StackName": "a"}, "The lab does not support GetStackPolicy."),
        (
            "signal_resource",
            {"StackName": "a", "LogicalResourceId": "b", "UniqueId": "c", "Status": "SUCCESS"},
            "The lab does not support SignalResource.",
        ),
        (
            "create_stack",
            {"StackName": "a", "TemplateBody": VPC, "StackPolicyBody": "{}"},
            "parameter StackPolicyBody of",
        ),
        (
            "create_stack",
            {"StackName": "a", "TemplateBody": VPC, "ResourceTypes": ["AWS::*"]},
            "parameter ResourceTypes of",
        ),
        (
            "create_stack",
            {
                "StackName": "a",
                "TemplateBody": VPC,
                "RollbackConfiguration": {"RollbackTriggers": [{"Arn": "arn", "Type": "AWS::CloudWatch::Alarm"}]},
            },
            "parameter RollbackConfiguration of CreateStack",
        ),
        (
            "create_change_set",
            {"StackName": "a", "ChangeSetName": "c", "TemplateBody": VPC, "ChangeSetType": "IMPORT"},
            "The lab does not support change sets of type IMPORT.",
        ),
        (
            "create_change_set",
            {"StackName": "a", "ChangeSetName": "c", "TemplateBody": VPC, "IncludeNestedStacks": True},
            "parameter IncludeNestedStacks of CreateChangeSet",
        ),
        (
            "describe_change_set",
            {"StackName": "a", "ChangeSetName": "c", "IncludePropertyValues": True},
            "parameter IncludePropertyValues of DescribeChangeSet",
        ),
        ("create_stack", {"StackName": "a", "TemplateURL": "https://b.s3.amazonaws.com/k"}, "The lab has no bucket b"),
        ("create_stack", {"StackName": "a", "TemplateURL": "ftp://b/k"}, "TemplateURL must be a supported URL."),
        ("create_stack", {"StackName": "a", "TemplateBody": "x" * 51201}, "less than or equal to 51200"),
        ("create_stack", {"StackName": "a"}, "Either Template URL or Template Body must be specified."),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    account: Account, operation: str, arguments: dict[str, Any], says: str
) -> None:
    assert says in refusal(getattr(account.cfn, operation), **arguments)


def test_changes_of_rights_must_be_acknowledged(account: Account) -> None:
    named = ROLE % "RoleName: router"
    for body, capability in ((ROLE % "", "CAPABILITY_IAM"), (named, "CAPABILITY_NAMED_IAM")):
        with pytest.raises(account.cfn.exceptions.InsufficientCapabilitiesException) as caught:
            account.cfn.create_stack(StackName="a", TemplateBody=body, Capabilities=["CAPABILITY_AUTO_EXPAND"])
        assert caught.value.response["Error"]["Message"] == f"Requires capabilities : [{capability}]"
        told = account.cfn.validate_template(TemplateBody=body)
        assert told["Capabilities"] == [capability]
        assert told["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    with pytest.raises(account.cfn.exceptions.InsufficientCapabilitiesException):
        account.cfn.create_stack(StackName="a", TemplateBody=named, Capabilities=["CAPABILITY_IAM"])
    assert account.create("a", named, Capabilities=["CAPABILITY_NAMED_IAM"])["StackStatus"] == "CREATE_COMPLETE"
    assert account.delete("a")["StackStatus"] == "DELETE_COMPLETE"
