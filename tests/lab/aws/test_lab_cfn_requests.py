"""Requests that CloudFormation refuses before it looks at any stack, and requests that come twice.

Sources: the API reference's pages of the operations ("Constraints", "Valid Values", "Errors", ClientRequestToken), as
botocore's model has them.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import Account
from lab_aws_templates import NETWORK, VPC


def refusal(action: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def create(**more: Any) -> dict[str, Any]:
    return {"StackName": "one", "TemplateBody": VPC, **more}


BROKEN = "validation error detected: Value"
PATTERN = "failed to satisfy constraint: Member must satisfy regular expression pattern: "
RESERVED = "aws: prefixed tag key names are not allowed for external use."
PREVIOUS = "You cannot specify both usePreviousTemplate and Template Body/Template URL."


@pytest.mark.parametrize(
    ("operation", "arguments", "says"),
    [
        ("create_stack", create(StackName="a_b"), f"1 {BROKEN} 'a_b' at 'stackName' {PATTERN}[a-zA-Z][-a-zA-Z0-9]*"),
        ("create_stack", create(StackName="1a"), "at 'stackName'"),
        ("create_stack", create(StackName="a" * 129), "Member must have length less than or equal to 128"),
        ("create_stack", create(StackName="1" * 129), "2 validation errors detected: "),
        ("create_stack", create(OnFailure="NOPE"), "enum value set: [DO_NOTHING, ROLLBACK, DELETE]"),
        ("create_stack", create(Capabilities=["NOPE"]), f"1 {BROKEN} '[NOPE]' at 'capabilities' failed"),
        ("create_stack", create(ClientRequestToken="a b"), "at 'clientRequestToken'"),
        ("create_stack", create(NotificationARNs=["arn"] * 6), "less than or equal to 5"),
        ("create_stack", create(Tags=[{"Key": "k" * 129, "Value": "v"}]), "at 'tags.1.member.key'"),
        ("create_stack", create(Tags=[{"Key": "aws:k", "Value": "v"}]), RESERVED),
        ("create_stack", create(TemplateURL="https://b.s3.amazonaws.com/k"), "both Template Body and Template URL"),
        ("get_template_summary", {"StackName": "a", "TemplateBody": VPC}, "and only one"),
        ("get_template_summary", {}, "You must specify one of StackName, TemplateBody and TemplateURL"),
        ("update_stack", {"StackName": "nobody", "TemplateBody": VPC}, "Stack [nobody] does not exist"),
        ("create_change_set", create(ChangeSetName="1-c"), "at 'changeSetName'"),
        ("list_stacks", {"StackStatusFilter": ["CREATE_COMPLETE", "NOPE"]}, "at 'stackStatusFilter'"),
        ("describe_stack_resources", {}, "either StackName or PhysicalResourceId, but not both"),
        ("describe_stack_resources", {"StackName": "a", "PhysicalResourceId": "b"}, "but not both"),
    ],
)
def test_a_wrong_request_is_refused(account: Account, operation: str, arguments: dict[str, Any], says: str) -> None:
    code, text = refusal(getattr(account.cfn, operation), **arguments)
    assert code == "ValidationError"
    assert says in text


def test_a_previous_template_comes_alone(account: Account) -> None:
    account.create("one", VPC)
    for more in ({"TemplateBody": VPC}, {"TemplateURL": "https://b.s3.amazonaws.com/k"}):
        assert refusal(account.cfn.update_stack, StackName="one", UsePreviousTemplate=True, **more)[1] == PREVIOUS


def test_of_a_body_and_a_url_only_the_body_is_validated(account: Account) -> None:
    told = account.cfn.validate_template(TemplateBody=VPC, TemplateURL="https://nowhere.s3.amazonaws.com/k")
    assert [each["ParameterKey"] for each in told["Parameters"]] == ["Cidr"]


def test_a_template_gives_no_tag_of_awss_own(account: Account) -> None:
    account.create("one", VPC.replace("Key: Name", 'Key: "aws:name"'))
    assert RESERVED in [each.get("ResourceStatusReason") for each in account.events("one")]


def test_a_token_stands_for_one_request(account: Account) -> None:
    cfn, code = account.cfn, "TokenAlreadyExistsException"
    account.create("one", VPC, ClientRequestToken="t")
    assert refusal(cfn.create_stack, StackName="one", TemplateBody=NETWORK, ClientRequestToken="t")[0] == code
    account.update("one", VPC.replace("mine", "ours"), ClientRequestToken="t")
    assert refusal(cfn.update_stack, StackName="one", TemplateBody=VPC, ClientRequestToken="t")[0] == code
    account.change_set("one", "c", VPC)
    for _ in range(2):
        cfn.execute_change_set(StackName="one", ChangeSetName="c", ClientRequestToken="x")
    account.settled("one")
    cfn.execute_change_set(StackName="one", ChangeSetName="c", ClientRequestToken="x")
    assert len([each for each in account.events("one") if each.get("ClientRequestToken") == "x"]) == 5
    account.delete("one", ClientRequestToken="t")


def test_a_deletion_that_failed_is_not_tried_again_by_its_token(account: Account) -> None:
    account.create("one", VPC)
    vpc = account.resource("one", "Vpc")["PhysicalResourceId"]
    gateway = account.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    account.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    failed = account.delete("one", ClientRequestToken="d-1")
    assert failed["StackStatus"] == "DELETE_FAILED"
    account.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    again = account.delete("one", ClientRequestToken="d-1")
    assert (again["StackStatus"], again["DeletionTime"]) == ("DELETE_FAILED", failed["DeletionTime"])
    told = refusal(account.cfn.delete_stack, StackName="one", RetainResources=["Nobody"])[1]
    assert "Nobody" in told
    done = account.delete("one", ClientRequestToken="d-2")
    assert done["StackStatus"] == "DELETE_COMPLETE"
    assert done["DeletionTime"] > failed["DeletionTime"]


def test_a_page_of_drifts_is_as_large_as_asked_for(account: Account) -> None:
    account.create("net", NETWORK)
    for name in ("Vpc", "Subnet", "Group"):
        account.cfn.detect_stack_resource_drift(StackName="net", LogicalResourceId=name)
    first = account.cfn.describe_stack_resource_drifts(StackName="net", MaxResults=2)
    rest = account.cfn.describe_stack_resource_drifts(StackName="net", MaxResults=2, NextToken=first["NextToken"])
    names = [each["LogicalResourceId"] for page in (first, rest) for each in page["StackResourceDrifts"]]
    assert (len(first["StackResourceDrifts"]), names) == (2, ["Vpc", "Subnet", "Group"])
    assert "NextToken" not in rest
