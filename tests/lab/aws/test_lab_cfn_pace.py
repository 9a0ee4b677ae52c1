"""Stacks take their time: what is seen meanwhile, what can be done meanwhile, and that a lab goes down at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from lab_aws import IMAGE, Account
from lab_aws_templates import NETWORK, VPC

from trunkline_lab.aws import AwsFace
from trunkline_lab.world import Pace, PublicAddresses, World

PACE = 0.4


@pytest.fixture
def slow() -> Iterator[Account]:
    with AwsFace(World(PublicAddresses("127.77.5"), Pace(resource=PACE)), router_image=IMAGE) as face:
        yield Account(face, "100000000001")


def until(account: Account, name: str, status: str) -> None:
    end = time.monotonic() + 10
    while status not in {each["ResourceStatus"] for each in account.events(name)}:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_stack_is_under_way_until_its_waves_are_done(slow: Account) -> None:
    slow.cfn.describe_stacks()
    start = time.monotonic()
    slow.cfn.create_stack(StackName="net", TemplateBody=NETWORK)
    assert slow.stack("net")["StackStatus"] == "CREATE_IN_PROGRESS"
    with pytest.raises(ClientError, match="is in CREATE_IN_PROGRESS state and can not be updated"):
        slow.cfn.update_stack(StackName="net", TemplateBody=VPC)
    assert slow.settled("net")["StackStatus"] == "CREATE_COMPLETE"
    assert time.monotonic() - start >= 3 * PACE, "Vpc, then Subnet beside Group, then Interface: three waves"
    told = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in slow.events("net")]
    assert told.index(("Group", "CREATE_IN_PROGRESS")) < told.index(("Subnet", "CREATE_COMPLETE"))
    assert told.index(("Group", "CREATE_COMPLETE")) < told.index(("Interface", "CREATE_IN_PROGRESS"))


def test_a_delete_ends_a_create_early(slow: Account) -> None:
    slow.cfn.create_stack(StackName="net", TemplateBody=NETWORK)
    until(slow, "net", "CREATE_IN_PROGRESS")
    gone = slow.delete("net")
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    made = {e["LogicalResourceId"] for e in slow.events(gone["StackId"]) if e["ResourceStatus"] == "CREATE_COMPLETE"}
    assert "Interface" not in made
    statuses = [e["ResourceStatus"] for e in slow.events(gone["StackId"]) if e["LogicalResourceId"] == "net"]
    assert statuses == ["CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert [vpc for vpc in slow.ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []


def test_two_stacks_grow_side_by_side(slow: Account) -> None:
    for name in ("a", "b"):
        slow.cfn.create_stack(StackName=name, TemplateBody=VPC)
    assert {slow.stack(name)["StackStatus"] for name in ("a", "b")} == {"CREATE_IN_PROGRESS"}
    for name in ("a", "b"):
        assert slow.settled(name)["StackStatus"] == "CREATE_COMPLETE"


def test_a_lab_goes_down_in_the_middle() -> None:
    face = AwsFace(World(PublicAddresses("127.77.6"), Pace(resource=30.0))).start()
    account = Account(face, "100000000001")
    account.cfn.create_stack(StackName="net", TemplateBody=NETWORK)
    until(account, "net", "CREATE_IN_PROGRESS")
    start = time.monotonic()
    face.stop()
    assert time.monotonic() - start < 3
