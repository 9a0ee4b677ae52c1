"""The life of stacks: what is made, in which order, and what is left after a failure."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import IMAGE, Account, outputs, pairs
from lab_aws_templates import BROKEN, NETWORK, VPC


def history(account: Account, name: str) -> list[tuple[str, str]]:
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in account.events(name)]


def left(account: Account) -> list[str]:
    """The VPCs that a test made: all but the account's default one."""
    return [vpc["VpcId"] for vpc in account.ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]


def refusal(action: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_stack_is_made_in_order_and_deleted_in_reverse(account: Account) -> None:
    made = account.create("net", NETWORK)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    told = history(account, "net")
    assert told[0] == ("net", "CREATE_IN_PROGRESS")
    assert told[-1] == ("net", "CREATE_COMPLETE")
    assert [name for name, status in told if status == "CREATE_COMPLETE"][:-1] == [
        "Vpc",
        "Subnet",
        "Group",
        "Interface",
    ]
    identity = outputs(made)["InterfaceId"]
    (interface,) = account.ec2.describe_network_interfaces(NetworkInterfaceIds=[identity])["NetworkInterfaces"]
    assert interface["SourceDestCheck"] is False
    assert [group["GroupId"] for group in interface["Groups"]] == [outputs(made)["GroupId"]]
    gone = account.delete("net")
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    ends = [name for name, status in history(account, made["StackId"]) if status == "DELETE_COMPLETE"]
    assert ends.index("Interface") < ends.index("Group")
    assert ends.index("Subnet") < ends.index("Vpc")
    assert ends[-1] == "net"
    assert left(account) == []


def test_a_resource_says_when_it_begins_and_has_its_id(account: Account) -> None:
    account.create("one", VPC)
    events = [event for event in account.events("one") if event["LogicalResourceId"] == "Vpc"]
    assert [event["ResourceStatus"] for event in events] == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    assert events[1]["ResourceStatusReason"] == "Resource creation Initiated"
    assert events[1]["PhysicalResourceId"] == account.resource("one", "Vpc")["PhysicalResourceId"]


def test_stack_tags_and_cloudformations_own_reach_the_resources(account: Account) -> None:
    made = account.create("one", VPC, Tags=[{"Key": "run", "Value": "acme"}])
    (vpc,) = account.ec2.describe_vpcs(VpcIds=[outputs(made)["VpcId"]])["Vpcs"]
    tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
    assert tags == {
        "Name": "mine",
        "run": "acme",
        "aws:cloudformation:stack-name": "one",
        "aws:cloudformation:stack-id": made["StackId"],
        "aws:cloudformation:logical-id": "Vpc",
    }


def test_a_failed_create_rolls_back_and_says_why(account: Account) -> None:
    made = account.create("bad", BROKEN)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    events = account.events("bad")
    failed = next(event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert failed["LogicalResourceId"] == "Subnet"
    assert "The CIDR '10.8.1.0/24' is invalid." in failed["ResourceStatusReason"]
    assert "Service: Ec2, Status Code: 400" in failed["ResourceStatusReason"]
    begun = next(event for event in events if event["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert begun["ResourceStatusReason"].startswith("The following resource(s) failed to create: [Subnet")
    assert begun["ResourceStatusReason"].endswith("Rollback requested by user.")
    assert left(account) == []
    code, text = refusal(account.cfn.update_stack, StackName="bad", TemplateBody=VPC)
    assert (code, text) == (
        "ValidationError",
        f"Stack:{made['StackId']} is in ROLLBACK_COMPLETE state and can not be updated.",
    )
    assert account.delete("bad")["StackStatus"] == "DELETE_COMPLETE"


def test_a_failed_create_may_be_deleted_or_left(account: Account) -> None:
    assert account.create("gone", BROKEN, OnFailure="DELETE")["StackStatus"] == "DELETE_COMPLETE"
    assert left(account) == []
    assert account.create("kept", BROKEN, OnFailure="DO_NOTHING")["StackStatus"] == "CREATE_FAILED"
    assert len(left(account)) == 1
    assert account.delete("kept")["StackStatus"] == "DELETE_COMPLETE"
    assert left(account) == []


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("{CidrBlock: 10.0.0.0/16, Colour: red}", "Encountered unsupported property Colour"),
        ("{CidrBlock: 10.0.0.0/16, EnableDnsSupport: maybe}", "property EnableDnsSupport must be of type Boolean"),
        ("{CidrBlock: [10.0.0.0/16]}", "property CidrBlock must be of type String"),
        ("{CidrBlock: 10.0.0.0/16, Tags: {Name: a}}", "property Tags must be of type List"),
        ("{Ipv4NetmaskLength: 16}", "The lab does not support property Ipv4NetmaskLength of AWS::EC2::VPC"),
    ],
)
def test_a_property_that_cannot_be_fails_its_resource(account: Account, properties: str, reason: str) -> None:
    account.create("bad", f"Resources: {{Vpc: {{Type: AWS::EC2::VPC, Properties: {properties}}}}}")
    failed = next(event for event in account.events("bad") if event["ResourceStatus"] == "CREATE_FAILED")
    assert reason in failed["ResourceStatusReason"]


def test_a_missing_property_fails_its_resource(account: Account) -> None:
    account.create("bad", "Resources: {S: {Type: AWS::EC2::Subnet, Properties: {CidrBlock: 10.0.0.0/24}}}")
    failed = next(event for event in account.events("bad") if event["ResourceStatus"] == "CREATE_FAILED")
    assert "required key [VpcId] not found" in failed["ResourceStatusReason"]


def test_an_expression_that_cannot_be_fails_its_stack(account: Account) -> None:
    body = VPC.replace("CidrBlock: !Ref Cidr", "CidrBlock: !Select [3, [a, b]]")
    assert account.create("bad", body)["StackStatus"] == "ROLLBACK_COMPLETE"
    failed = next(event for event in account.events("bad") if event["ResourceStatus"] == "CREATE_FAILED")
    assert "Fn::Select cannot select nonexistent value at index 3" in failed["ResourceStatusReason"]


def test_a_tag_without_a_key_fails_its_resource(account: Account) -> None:
    account.create("bad", VPC.replace("{Key: Name, Value: mine}", "{Name: mine}"))
    failed = next(event for event in account.events("bad") if event["ResourceStatus"] == "CREATE_FAILED")
    assert "#/Tags: required key [Value] not found" in failed["ResourceStatusReason"]


def test_the_engines_own_failure_ends_the_stack(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("trunkline_lab.aws.cloudformation.resources.network.Vpc.create", broken)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    made = account.create("bad", VPC)
    assert made["StackStatus"] == "CREATE_FAILED"
    assert "out of order" in made["StackStatusReason"]


def test_an_update_in_place_keeps_ids_and_others_rules(account: Account) -> None:
    made = outputs(account.create("net", NETWORK))
    other = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": "127.0.0.1/32"}]}
    account.ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[other])
    changed = account.update("net", NETWORK, {"Port": "4500"})
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(changed) == made
    (group,) = account.ec2.describe_security_groups(GroupIds=[made["GroupId"]])["SecurityGroups"]
    assert sorted(rule["FromPort"] for rule in group["IpPermissions"]) == [4500, 8000]
    touched = {name for name, status in history(account, "net") if status == "UPDATE_COMPLETE"}
    assert touched == {"Group", "net"}


def test_a_replacement_makes_the_new_before_it_removes_the_old(account: Account) -> None:
    before = outputs(account.create("net", NETWORK))
    after = account.update("net", NETWORK, {"SubnetCidr": "10.9.2.0/24"})
    assert after["StackStatus"] == "UPDATE_COMPLETE"
    now = outputs(after)
    assert now["SubnetId"] != before["SubnetId"]
    assert now["InterfaceId"] != before["InterfaceId"], "what needs the subnet follows it"
    assert now["GroupId"] == before["GroupId"]
    told = history(account, "net")
    assert told.index(("Subnet", "UPDATE_COMPLETE")) < told.index(("Subnet", "DELETE_COMPLETE"))
    subnets = account.ec2.describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.9.*"]}])["Subnets"]
    assert [each["SubnetId"] for each in subnets if each["CidrBlock"].startswith("10.9.")] == [now["SubnetId"]]


def test_a_failed_update_goes_back_to_where_it_was(account: Account) -> None:
    made = account.create("net", NETWORK)
    broken = NETWORK.replace("SourceDestCheck: false", "SourceDestCheck: false, PrivateIpAddress: 10.77.0.1")
    failed = account.update("net", broken, {"Port": "4500", "Cidr": "10.9.0.0/16"})
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert outputs(failed) == outputs(made)
    (group,) = account.ec2.describe_security_groups(GroupIds=[outputs(made)["GroupId"]])["SecurityGroups"]
    assert [rule["FromPort"] for rule in group["IpPermissions"]] == [500]
    started = next(e for e in account.events("net") if e["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS")
    assert "[Interface]" in started["ResourceStatusReason"]
    assert account.update("net", NETWORK, {"Port": "4500"})["StackStatus"] == "UPDATE_COMPLETE"
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"


def test_a_resource_that_is_no_longer_declared_goes(account: Account) -> None:
    account.create("net", NETWORK)
    smaller = NETWORK.partition("  Interface:\n")[0]
    assert account.update("net", smaller)["StackStatus"] == "UPDATE_COMPLETE"
    assert ("Interface", "DELETE_COMPLETE") in history(account, "net")
    names = [
        each["LogicalResourceId"] for each in account.cfn.describe_stack_resources(StackName="net")["StackResources"]
    ]
    assert names == ["Vpc", "Subnet", "Group"]


def test_no_change_is_no_update(account: Account) -> None:
    account.create("one", VPC)
    code, text = refusal(account.cfn.update_stack, StackName="one", TemplateBody=VPC)
    assert (code, text) == ("ValidationError", "No updates are to be performed.")


def test_tags_alone_are_an_update(account: Account) -> None:
    made = account.create("one", VPC, Tags=[{"Key": "run", "Value": "a"}])
    account.update("one", VPC, Tags=[{"Key": "run", "Value": "b"}])
    (vpc,) = account.ec2.describe_vpcs(VpcIds=[outputs(made)["VpcId"]])["Vpcs"]
    assert {"Key": "run", "Value": "b"} in vpc["Tags"]


def test_a_delete_fails_on_what_is_in_use_and_can_be_repeated(account: Account) -> None:
    made = outputs(account.create("net", NETWORK))
    guest = account.ec2.create_network_interface(SubnetId=made["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    failed = account.delete("net")
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert failed["StackStatusReason"] == "The following resource(s) failed to delete: [Subnet]. "
    reason = account.resource("net", "Subnet")["ResourceStatusReason"]
    assert "has dependencies and cannot be deleted" in reason
    assert account.resource("net", "Interface")["ResourceStatus"] == "DELETE_COMPLETE"
    account.ec2.delete_network_interface(NetworkInterfaceId=guest)
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"


def test_what_failed_to_delete_may_be_left_behind(account: Account) -> None:
    made = outputs(account.create("net", NETWORK))
    code, _ = refusal(account.cfn.delete_stack, StackName="net", RetainResources=["Subnet"])
    assert code == "ValidationError"
    account.ec2.create_network_interface(SubnetId=made["SubnetId"])
    account.delete("net")
    gone = account.delete("net", RetainResources=["Subnet", "Vpc"])
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert account.ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"]


def test_what_somebody_deleted_already_is_deleted(account: Account) -> None:
    made = outputs(account.create("net", NETWORK))
    account.ec2.delete_network_interface(NetworkInterfaceId=made["InterfaceId"])
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"


def test_a_retained_resource_outlives_its_stack(account: Account) -> None:
    made = account.create("one", VPC.replace("Type: AWS::EC2::VPC", "Type: AWS::EC2::VPC\n    DeletionPolicy: Retain"))
    account.delete("one")
    assert left(account) == [outputs(made)["VpcId"]]
    assert ("Vpc", "DELETE_SKIPPED") in history(account, made["StackId"])


def test_a_condition_decides_what_is_there(account: Account) -> None:
    body = """
    Parameters: {Second: {Type: String, AllowedValues: ["yes", "no"]}}
    Conditions: {Two: !Equals [!Ref Second, "yes"]}
    Resources:
      A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
      B: {Type: AWS::EC2::VPC, Condition: Two, Properties: {CidrBlock: 10.2.0.0/16}}
    Outputs:
      B: {Condition: Two, Value: !Ref B}
    """
    assert "Outputs" not in account.create("two", body, {"Second": "no"}) or not account.stack("two")["Outputs"]
    assert len(left(account)) == 1
    assert outputs(account.update("two", body, {"Second": "yes"})).keys() == {"B"}
    account.update("two", body, {"Second": "no"})
    assert len(left(account)) == 1


def test_exports_bind_stacks_together(account: Account) -> None:
    exporting = VPC.replace("{Value: !Ref Vpc}", "{Value: !Ref Vpc, Export: {Name: net-vpc}}")
    made = account.create("net", exporting)
    subnet = "{VpcId: !ImportValue net-vpc, CidrBlock: 10.9.1.0/24}"
    account.create("sub", f"Resources: {{S: {{Type: AWS::EC2::Subnet, Properties: {subnet}}}}}")
    (export,) = account.cfn.list_exports()["Exports"]
    assert (export["Name"], export["Value"]) == ("net-vpc", outputs(made)["VpcId"])
    assert account.cfn.list_imports(ExportName="net-vpc")["Imports"] == ["sub"]
    kept = account.delete("net")
    assert (kept["StackStatus"], kept["StackStatusReason"]) == (
        "CREATE_COMPLETE",
        "Delete canceled. Cannot delete export net-vpc as it is in use by sub.",
    )
    assert account.update("net", exporting.replace("mine", "ours"))["StackStatus"] == "UPDATE_COMPLETE"
    taken = account.create("twin", exporting)
    assert taken["StackStatus"] == "ROLLBACK_COMPLETE"
    account.delete("sub")
    assert account.delete("net")["StackStatus"] == "DELETE_COMPLETE"


def test_a_parameter_that_names_nothing_fails_before_anything_is_made(account: Account) -> None:
    body = VPC.replace("Parameters:", "Parameters:\n  Image: {Type: AWS::EC2::Image::Id}")
    assert account.create("ok", body, {"Image": IMAGE})["StackStatus"] == "CREATE_COMPLETE"
    bad = account.create("bad", body, {"Image": "ami-0fffffffffffffff0"})
    assert bad["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Vpc" not in {name for name, _ in history(account, "bad")}
    begun = next(e for e in account.events("bad") if e["ResourceStatus"] == "ROLLBACK_IN_PROGRESS")
    assert (
        "parameter value ami-0fffffffffffffff0 for parameter name Image does not exist" in begun["ResourceStatusReason"]
    )


def test_a_stored_parameter_is_looked_up(account: Account) -> None:
    account.client("ssm").put_parameter(Name="/net/cidr", Value="10.33.0.0/16", Type="String")
    body = VPC.replace("{Type: String, Default: 10.9.0.0/16}", '{Type: "AWS::SSM::Parameter::Value<String>"}')
    made = account.create("one", body, {"Cidr": "/net/cidr"})
    assert made["Parameters"] == [
        {"ParameterKey": "Cidr", "ParameterValue": "/net/cidr", "ResolvedValue": "10.33.0.0/16"}
    ]
    (vpc,) = account.ec2.describe_vpcs(VpcIds=[outputs(made)["VpcId"]])["Vpcs"]
    assert vpc["CidrBlock"] == "10.33.0.0/16"
    code, text = refusal(account.cfn.create_stack, StackName="b", TemplateBody=body, Parameters=pairs({"Cidr": "/no"}))
    assert (code, "[/no]" in text) == ("ValidationError", True)


def test_a_secret_parameter_is_not_shown(account: Account) -> None:
    body = VPC.replace("Parameters:", "Parameters:\n  Word: {Type: String, NoEcho: true}").replace(
        "Outputs:", "  Kept: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Sub 'a ${Word}'}}\nOutputs:"
    )
    made = account.create("one", body, {"Word": "hunter2"})
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert {"ParameterKey": "Word", "ParameterValue": "****"} in made["Parameters"]
    drift = account.cfn.detect_stack_resource_drift(StackName="one", LogicalResourceId="Kept")["StackResourceDrift"]
    assert "hunter2" not in str(account.events("one")) + str(drift)


def test_a_parameter_of_a_stack_makes_and_updates_ssm(account: Account) -> None:
    body = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Name: /a, Type: String, Value: %s}}}"
    account.create("ssm", body % "one")
    account.update("ssm", body % "two")
    assert account.client("ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "two"
    account.delete("ssm")
    assert account.client("ssm").get_parameters(Names=["/a"])["InvalidParameters"] == ["/a"]


def test_names_and_tokens(account: Account) -> None:
    first = account.cfn.create_stack(StackName="one", TemplateBody=VPC, ClientRequestToken="t-1")["StackId"]
    again = account.cfn.create_stack(StackName="one", TemplateBody=VPC, ClientRequestToken="t-1")["StackId"]
    assert first == again
    account.settled(first)
    assert {event["ClientRequestToken"] for event in account.events("one")} == {"t-1"}
    code, text = refusal(account.cfn.create_stack, StackName="one", TemplateBody=VPC, ClientRequestToken="t-2")
    assert (code, text) == ("AlreadyExistsException", "Stack [one] already exists")
    assert account.delete("one", ClientRequestToken="t-3")["StackStatus"] == "DELETE_COMPLETE"
    assert account.events(first)[-1]["ClientRequestToken"] == "t-3"
    account.cfn.delete_stack(StackName="one")
    assert refusal(account.cfn.describe_stacks, StackName="one") == (
        "ValidationError",
        "Stack with id one does not exist",
    )
    assert account.create("one", VPC)["StackId"] != first, "the name is free again"
    assert account.stack(first)["StackStatus"] == "DELETE_COMPLETE", "the old one is still found by id"


def test_one_token_may_create_update_and_delete(account: Account) -> None:
    account.create("one", VPC, ClientRequestToken="run-1")
    changed = account.update("one", VPC.replace("Value: mine", "Value: ours"), ClientRequestToken="run-1")
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    again = account.update("one", VPC.replace("Value: mine", "Value: ours"), ClientRequestToken="run-1")
    assert again["StackId"] == changed["StackId"], "the same update, asked for twice, is done once"
    assert account.stack("one")["StackStatus"] == "UPDATE_COMPLETE"
    account.update("one", VPC, ClientRequestToken="run-2")
    late = account.update("one", VPC.replace("Value: mine", "Value: ours"), ClientRequestToken="run-1")
    assert late["LastUpdatedTime"] == account.stack("one")["LastUpdatedTime"]
    assert len([each for each in account.events("one") if each["ResourceStatus"] == "UPDATE_COMPLETE"]) == 4
    assert account.delete("one", ClientRequestToken="run-1")["StackStatus"] == "DELETE_COMPLETE"


def test_protection_keeps_a_stack(account: Account) -> None:
    account.create("one", VPC, EnableTerminationProtection=True)
    assert refusal(account.cfn.delete_stack, StackName="one")[0] == "ValidationError"
    account.cfn.update_termination_protection(StackName="one", EnableTerminationProtection=False)
    assert account.delete("one")["StackStatus"] == "DELETE_COMPLETE"


def test_the_engines_calls_are_in_the_log(account: Account) -> None:
    account.create("one", VPC)
    mine = [call for call in account.face.calls if call.account == account.number and call.operation == "CreateVpc"]
    assert [call.via for call in mine] == ["cloudformation"]


def test_regions_and_accounts_have_stacks_of_their_own(account: Account) -> None:
    account.create("one", VPC)
    elsewhere = Account(account.face, account.number, region="us-east-1")
    assert elsewhere.cfn.list_stacks()["StackSummaries"] == []
    assert [each["StackName"] for each in account.cfn.list_stacks()["StackSummaries"]] == ["one"]


def test_long_lists_come_in_pages(account: Account) -> None:
    vpcs = "\n".join(f"  V{n}: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.{n}.0.0/16}}}}" for n in range(1, 61))
    account.create("many", f"Resources:\n{vpcs}")
    first = account.cfn.describe_stack_events(StackName="many")
    assert len(first["StackEvents"]) == 100
    assert len(account.events("many")) == 60 * 3 + 2
    assert len({event["EventId"] for event in account.events("many")}) == 60 * 3 + 2


def test_templates_are_given_back_and_summarised(account: Account) -> None:
    account.create("net", NETWORK)
    assert account.cfn.get_template(StackName="net")["TemplateBody"] == NETWORK
    told = account.cfn.get_template_summary(TemplateBody=NETWORK)
    assert [each["ParameterKey"] for each in told["Parameters"]] == ["Cidr", "SubnetCidr", "Port", "Description"]
    assert "AWS::EC2::Subnet" in told["ResourceTypes"]
    assert account.cfn.validate_template(TemplateBody=VPC)["Parameters"][0]["DefaultValue"] == "10.9.0.0/16"
