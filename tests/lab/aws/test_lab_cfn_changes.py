"""Change sets: what they list is what executing them does."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import Account, outputs, pairs
from lab_aws_templates import NETWORK, VPC

UNCHANGED = "The submitted information didn't contain changes. Submit different information to create a change set."


def listed(change_set: dict[str, Any]) -> dict[str, tuple[str, str]]:
    changes = [change["ResourceChange"] for change in change_set["Changes"]]
    return {each["LogicalResourceId"]: (each["Action"], each.get("Replacement", "")) for each in changes}


def execute(account: Account, stack: str, name: str, **more: Any) -> dict[str, Any]:
    account.cfn.execute_change_set(StackName=stack, ChangeSetName=name, **more)
    return account.settled(stack)


def test_the_first_change_set_makes_a_stack_in_review(account: Account) -> None:
    made = account.change_set("net", "first", NETWORK, "CREATE")
    assert (made["Status"], made["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert listed(made) == dict.fromkeys(["Vpc", "Subnet", "Group", "Interface"], ("Add", ""))
    assert account.stack("net")["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert execute(account, "net", "first", ClientRequestToken="t-9")["StackStatus"] == "CREATE_COMPLETE"
    assert "t-9" in {event.get("ClientRequestToken") for event in account.events("net")}
    done = account.cfn.describe_change_set(StackName="net", ChangeSetName="first")
    assert done["ExecutionStatus"] == "EXECUTE_COMPLETE"
    with pytest.raises(ClientError) as caught:
        account.cfn.execute_change_set(StackName="net", ChangeSetName="first")
    assert caught.value.response["Error"]["Code"] == "InvalidChangeSetStatus"


def test_an_empty_change_set_fails_in_awss_words(account: Account) -> None:
    account.create("one", VPC)
    made = account.change_set("one", "same", VPC)
    assert (made["Status"], made["ExecutionStatus"], made["StatusReason"]) == ("FAILED", "UNAVAILABLE", UNCHANGED)
    assert made["Changes"] == []


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"Port": "4500"}, {"Group": ("Modify", "False")}),
        (
            {"SubnetCidr": "10.9.7.0/24"},
            {"Subnet": ("Modify", "True"), "Interface": ("Modify", "Conditional")},
        ),
        ({"Description": "others"}, {"Group": ("Modify", "True"), "Interface": ("Modify", "False")}),
    ],
)
def test_a_change_set_lists_what_executing_does(
    account: Account, parameters: dict[str, str], expected: dict[str, tuple[str, str]]
) -> None:
    account.create("net", NETWORK)
    names = ["Vpc", "Subnet", "Group", "Interface"]
    before = {name: account.resource("net", name)["PhysicalResourceId"] for name in names}
    made = account.change_set("net", "change", NETWORK, Parameters=pairs(parameters))
    assert listed(made) == expected
    start = len(account.events("net"))
    assert execute(account, "net", "change")["StackStatus"] == "UPDATE_COMPLETE"
    touched = {e["LogicalResourceId"] for e in account.events("net")[start:]} - {"net"}
    assert touched == expected.keys()
    replaced = {name for name in names if account.resource("net", name)["PhysicalResourceId"] != before[name]}
    assert replaced == {name for name, (_, replacement) in expected.items() if replacement != "False"}


def test_a_change_says_what_causes_it(account: Account) -> None:
    account.create("net", NETWORK)
    made = account.change_set("net", "change", NETWORK, Parameters=pairs({"SubnetCidr": "10.9.7.0/24"}))
    details = {change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in made["Changes"]}
    (subnet,) = details["Subnet"]["Details"]
    assert subnet["Target"] == {"Attribute": "Properties", "Name": "CidrBlock", "RequiresRecreation": "Always"}
    assert (subnet["ChangeSource"], subnet["CausingEntity"]) == ("ParameterReference", "SubnetCidr")
    (interface,) = details["Interface"]["Details"]
    assert (interface["Evaluation"], interface["CausingEntity"]) == ("Dynamic", "Subnet")


def test_removed_resources_and_new_outputs_are_changes(account: Account) -> None:
    account.create("net", NETWORK)
    smaller = account.change_set("net", "smaller", NETWORK.partition("  Interface:\n")[0])
    assert listed(smaller) == {"Interface": ("Remove", "")}
    named = account.change_set("net", "named", NETWORK + "  More: {Value: !Ref Vpc}\n")
    assert (named["Status"], named["Changes"]) == ("CREATE_COMPLETE", [])
    assert "More" in outputs(execute(account, "net", "named"))
    left = account.cfn.list_change_sets(StackName="net")["Summaries"]
    assert {each["ChangeSetName"]: each["ExecutionStatus"] for each in left} == {
        "smaller": "OBSOLETE",
        "named": "EXECUTE_COMPLETE",
    }


def test_previous_values_and_template_are_kept(account: Account) -> None:
    account.create("net", NETWORK, {"Port": "600"})
    keep = [{"ParameterKey": name, "UsePreviousValue": True} for name in ("Port", "Cidr", "SubnetCidr")]
    made = account.change_set("net", "same", NETWORK, Parameters=keep)
    assert made["Status"] == "FAILED"
    account.cfn.update_stack(StackName="net", UsePreviousTemplate=True, Parameters=pairs({"Port": "700"}))
    assert {"ParameterKey": "Port", "ParameterValue": "700"} in account.settled("net")["Parameters"]


def test_change_sets_are_found_made_once_and_deleted(account: Account) -> None:
    account.create("one", VPC)
    wider = VPC.replace("Value: mine", "Value: ours")
    made = account.change_set("one", "c", wider, ClientToken="a")
    again = account.cfn.create_change_set(StackName="one", ChangeSetName="c", TemplateBody=wider, ClientToken="a")
    assert again["Id"] == made["ChangeSetId"]
    with pytest.raises(ClientError) as caught:
        account.cfn.create_change_set(StackName="one", ChangeSetName="c", TemplateBody=wider, ClientToken="b")
    assert caught.value.response["Error"]["Code"] == "AlreadyExistsException"
    assert account.cfn.describe_change_set(ChangeSetName=made["ChangeSetId"])["Changes"]
    account.cfn.delete_change_set(StackName="one", ChangeSetName="c")
    account.cfn.delete_change_set(StackName="one", ChangeSetName="c")
    with pytest.raises(account.cfn.exceptions.ChangeSetNotFoundException):
        account.cfn.describe_change_set(StackName="one", ChangeSetName="c")


def test_kinds_must_fit_the_stack(account: Account) -> None:
    with pytest.raises(ClientError, match=r"Stack \[one\] does not exist"):
        account.change_set("one", "c", VPC)
    account.create("one", VPC)
    with pytest.raises(ClientError, match=r"Stack \[one\] already exists and cannot be created again"):
        account.change_set("one", "c", VPC, "CREATE")


def test_a_type_cannot_change_under_a_name(account: Account) -> None:
    account.create("one", VPC)
    made = account.change_set("one", "c", "Resources: {Vpc: {Type: AWS::EC2::InternetGateway}}")
    assert made["Status"] == "FAILED"
    assert "Update of resource type is not permitted" in made["StatusReason"]
