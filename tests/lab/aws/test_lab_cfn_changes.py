"""Change sets: what they list is what executing them does."""

from __future__ import annotations

import json
import time
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
    assert {each["ChangeSetName"]: each["ExecutionStatus"] for each in left} == {"named": "EXECUTE_COMPLETE"}
    assert account.stack("net")["ChangeSetId"] == named["ChangeSetId"]


def test_an_update_makes_change_sets_obsolete(account: Account) -> None:
    account.create("one", VPC)
    account.change_set("one", "c", VPC.replace("mine", "ours"))
    account.update("one", VPC.replace("mine", "theirs"))
    assert account.cfn.describe_change_set(StackName="one", ChangeSetName="c")["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(account.cfn.exceptions.InvalidChangeSetStatusException):
        account.cfn.execute_change_set(StackName="one", ChangeSetName="c")


def test_what_becomes_of_a_failure_is_said_once(account: Account) -> None:
    account.create("one", VPC)
    with pytest.raises(ClientError, match="OnStackFailure DELETE is for change sets of type CREATE only"):
        account.change_set("one", "c", VPC, OnStackFailure="DELETE")
    account.change_set("one", "c", VPC.replace("mine", "ours"), OnStackFailure="ROLLBACK")
    with pytest.raises(ClientError, match="DisableRollback cannot be specified"):
        account.cfn.execute_change_set(StackName="one", ChangeSetName="c", DisableRollback=True)


def test_an_exports_new_name_is_a_change(account: Account) -> None:
    body = VPC.replace("Parameters:", "Parameters:\n  Name: {Type: String, Default: a}").replace(
        "{Value: !Ref Vpc}", "{Value: !Ref Vpc, Export: {Name: !Ref Name}}"
    )
    account.create("one", body)
    assert account.update("one", body, {"Name": "b"})["StackStatus"] == "UPDATE_COMPLETE"
    assert [each["Name"] for each in account.cfn.list_exports()["Exports"]] == ["b"]


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


def test_a_change_says_what_becomes_of_the_old(account: Account) -> None:
    retained = NETWORK.replace("Interface:\n    Type", "Interface:\n    DeletionPolicy: RetainExceptOnCreate\n    Type")
    retained = retained.replace("Subnet:\n    Type", "Subnet:\n    UpdateReplacePolicy: Retain\n    Type")
    made = outputs(account.create("net", retained))
    wider = retained.replace("10.9.1.0/24", "10.9.7.0/24").partition("  Interface:\n")[0]
    found = account.change_set("net", "c", wider)
    actions = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"].get("PolicyAction") for c in found["Changes"]
    }
    assert actions == {"Subnet": "ReplaceAndRetain", "Interface": "Retain"}
    assert execute(account, "net", "c")["StackStatus"] == "UPDATE_COMPLETE"
    assert account.ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"], "the old one is left"
    assert account.ec2.describe_network_interfaces(NetworkInterfaceIds=[made["InterfaceId"]])["NetworkInterfaces"]


def test_a_parameter_may_change_an_output_alone(account: Account) -> None:
    body = VPC.replace("Outputs:", "Outputs:\n  Word: {Value: !Ref Word}").replace(
        "Parameters:", "Parameters:\n  Word: {Type: String, Default: a}"
    )
    account.create("one", body)
    found = account.change_set("one", "c", body, Parameters=pairs({"Word": "b"}))
    assert (found["Status"], found["Changes"]) == ("CREATE_COMPLETE", [])
    assert outputs(execute(account, "one", "c"))["Word"] == "b"
    with pytest.raises(ClientError, match="No updates are to be performed"):
        account.update("one", body, {"Word": "b"})


def test_a_change_set_shows_its_template(account: Account) -> None:
    account.create("one", VPC)
    other = VPC.replace("mine", "ours")
    account.change_set("one", "c", other)
    for stage in ("Original", "Processed"):
        told = account.cfn.get_template(StackName="one", ChangeSetName="c", TemplateStage=stage)
        assert (told["TemplateBody"], told["StagesAvailable"]) == (other, ["Original", "Processed"])
        assert account.cfn.get_template(StackName="one", TemplateStage=stage)["TemplateBody"] == VPC
    account.change_set("new", "c", VPC, "CREATE")
    with pytest.raises(ClientError, match="Template for stack new is not available"):
        account.cfn.get_template(StackName="new")


def test_every_list_comes_in_pages(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline_lab.aws.cloudformation.describe.PAGE", 2)
    vpcs = "".join(f"  V{n}: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.{n}.0.0/16}}}}\n" for n in range(5))
    exports = "".join(f"  O{n}: {{Value: !Ref V{n}, Export: {{Name: e{n}}}}}\n" for n in range(5))
    account.create("many", f"Resources:\n{vpcs}Outputs:\n{exports}")
    using = (
        "Resources: {{S: {{Type: AWS::EC2::Subnet, Properties: {{VpcId: !ImportValue e0, CidrBlock: 10.0.{n}.0/24}}}}}}"
    )
    for n in range(3):
        account.create(f"s{n}", using.format(n=n))
        account.change_set(
            "many", f"c{n}", "Resources: {V0: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.99.0.0/16}}}"
        )
    asked = {
        "list_stacks": ({}, "StackSummaries", 4),
        "describe_stacks": ({}, "Stacks", 4),
        "list_stack_resources": ({"StackName": "many"}, "StackResourceSummaries", 5),
        "describe_stack_events": ({"StackName": "many"}, "StackEvents", 17),
        "list_exports": ({}, "Exports", 5),
        "list_imports": ({"ExportName": "e0"}, "Imports", 3),
        "list_change_sets": ({"StackName": "many"}, "Summaries", 3),
        "describe_change_set": ({"StackName": "many", "ChangeSetName": "c0"}, "Changes", 5),
    }
    for operation, (arguments, key, count) in asked.items():
        pages = list(account.cfn.get_paginator(operation).paginate(**arguments))
        assert [len(page[key]) for page in pages] == [2] * (count // 2) + [1] * (count % 2), operation
        found = [json.dumps(each, default=str, sort_keys=True) for page in pages for each in page[key]]
        assert len(set(found)) == count, operation
    account.cfn.detect_stack_drift(StackName="many")
    end = time.monotonic() + 10
    while account.stack("many")["DriftInformation"]["StackDriftStatus"] == "NOT_CHECKED":
        assert time.monotonic() < end
        time.sleep(0.003)
    first = account.cfn.describe_stack_resource_drifts(StackName="many")
    assert len(first["StackResourceDrifts"]) == 2
    rest = account.cfn.describe_stack_resource_drifts(StackName="many", NextToken=first["NextToken"])
    assert rest["StackResourceDrifts"][0]["LogicalResourceId"] == "V2"
    with pytest.raises(ClientError, match="The NextToken is not valid"):
        account.cfn.list_stacks(NextToken="nonsense")


def test_metadata_is_a_change_that_touches_nothing(account: Account) -> None:
    account.create("one", VPC)
    told = VPC.replace("Type: AWS::EC2::VPC", "Type: AWS::EC2::VPC\n    Metadata: {By: us}")
    (change,) = account.change_set("one", "c", told)["Changes"]
    assert (change["ResourceChange"]["Scope"], change["ResourceChange"]["Replacement"]) == (["Metadata"], "False")
    account.face.gateway.calls.clear()
    assert execute(account, "one", "c")["StackStatus"] == "UPDATE_COMPLETE"
    assert json.loads(account.resource("one", "Vpc")["Metadata"]) == {"By": "us"}
    assert [call.operation for call in account.face.calls if call.service == "ec2"] == []
    with pytest.raises(ClientError, match="No updates are to be performed"):
        account.update("one", told)
    assert account.update("one", VPC)["StackStatus"] == "UPDATE_COMPLETE"
