"""A template as a step, against the lab's CloudFormation: made, updated, found, undone, and what stands in the way."""

# ruff: noqa: F401, F811 (fixtures are imported, and are named again as parameters)

import itertools
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from aws_lab import ROUTER_IMAGE, TEMPLATES, at, aws, face, hurried, rule, settled, shared

from trunkline import Error, during, pipe, step
from trunkline.clouds.cloud import CloudError, Rule, StackFailed
from trunkline.errors import StepTimeout
from trunkline_lab.aws.calls import Answer, Refused

NET = """
Parameters:
  VpcCidr: {Type: String}
  SubnetCidr: {Type: String, Default: 10.1.1.0/24}
  NamePrefix: {Type: String, NoEcho: true, Default: net}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref VpcCidr, Tags: [{Key: Name, Value: !Ref NamePrefix}]}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Ref SubnetCidr}
  Table:
    Type: AWS::EC2::RouteTable
    Properties: {VpcId: !Ref Vpc}
Outputs:
  VpcId: {Value: !Ref Vpc}
  SubnetId: {Value: !Ref Subnet}
"""
DATA = {"vpc_cidr": "10.1.0.0/16"}
_runs = itertools.count()


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(NET)
    return path


@pytest.fixture
def run():
    """The name of a run that no other test has."""
    return f"acme-{next(_runs)}"


def deploy(aws, template, run, data=DATA, **more):
    return pipe(data, [("net", aws.stack(template, **more))], run=run)


def names(aws):
    pages = aws.session.cloudformation.get_paginator("describe_stacks").paginate()
    return {each["StackName"]: each for page in pages for each in page["Stacks"]}


def only(aws, run):
    """The stack that a run made."""
    (found,) = (each for each in names(aws).values() if {"Key": "trunkline:run", "Value": run} in each.get("Tags", []))
    return found


def only_of(aws, run):
    """The names of what a run made."""
    return [name for name, each in names(aws).items() if {"Key": "trunkline:run", "Value": run} in each.get("Tags", [])]


def waiting(aws, stack):
    """The change sets of a stack that nobody has executed."""
    listed = aws.session.cloudformation.list_change_sets(StackName=stack)["Summaries"]
    return [each for each in listed if each["ExecutionStatus"] != "EXECUTE_COMPLETE"]


def operations(face):
    return [call.operation for call in face.calls if call.service == "cloudformation"]


def test_a_stack_is_made_and_its_outputs_go_on(aws, template, run):
    state = deploy(aws, template, run)
    (found,) = settled(aws).describe_subnets(SubnetIds=[state["subnet_id"]])["Subnets"]
    assert (found["VpcId"], found["CidrBlock"]) == (state["vpc_id"], "10.1.1.0/24")
    stack = only(aws, run)
    with at(run, "net") as place:
        assert {tag["Key"]: tag["Value"] for tag in stack["Tags"]} == {
            "trunkline:run": run,
            "trunkline:path": "net",
            "trunkline:token": place.token,
        }
    assert aws.outputs(stack["StackName"]) == {"vpc_id": state["vpc_id"], "subnet_id": state["subnet_id"]}
    assert aws.outputs("no-such-stack") is None


def test_again_is_no_change(face, aws, template, run):
    first = deploy(aws, template, run)
    face.calls.clear()
    assert deploy(aws, template, run) == first
    assert "ExecuteChangeSet" not in operations(face)
    assert waiting(aws, only(aws, run)["StackName"]) == []


def test_another_value_updates_in_place(aws, template, run):
    first = deploy(aws, template, run)
    second = deploy(aws, template, run, {**DATA, "name_prefix": "other"})
    assert second["vpc_id"] == first["vpc_id"]
    (vpc,) = settled(aws).describe_vpcs(VpcIds=[first["vpc_id"]])["Vpcs"]
    assert {"Key": "Name", "Value": "other"} in vpc["Tags"]


def test_a_failure_is_told_by_its_first_cause_and_mended_by_running_again(aws, template, run):
    with pytest.raises(StackFailed) as raised:
        deploy(aws, template, run, {**DATA, "subnet_cidr": "10.9.0.0/24"})
    assert raised.value.resource == "Subnet (AWS::EC2::Subnet)"
    assert "10.9.0.0/24" in raised.value.reason
    assert "cancelled" not in str(raised.value)
    assert only(aws, run)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert aws.outputs(only(aws, run)["StackName"]) is None
    assert deploy(aws, template, run)["subnet_id"].startswith("subnet-")


def test_a_failed_update_tells_its_own_cause_and_not_an_older_one(aws, template, run):
    first = deploy(aws, template, run)
    for block in ("10.8.0.0/24", "10.9.0.0/24"):
        with pytest.raises(StackFailed) as raised:
            deploy(aws, template, run, {**DATA, "subnet_cidr": block})
        assert block in raised.value.reason
    assert only(aws, run)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert deploy(aws, template, run)["vpc_id"] == first["vpc_id"]


def test_what_the_cloud_refuses_leaves_nothing(aws, tmp_path, run):
    path = tmp_path / "wrong.yaml"
    path.write_text("Resources: {A: {Type: AWS::No::Such}}")
    before = set(names(aws))
    with pytest.raises(CloudError) as raised:
        deploy(aws, path, run)
    assert "AWS::No::Such" in str(raised.value)
    assert raised.value.code == "ValidationError"
    assert set(names(aws)) == before


def test_a_missing_value_is_told_before_any_request(face, aws, template, run):
    face.calls.clear()
    with pytest.raises(Error, match="the parameter VpcCidr has no value: the state has no 'vpc_cidr'") as raised:
        deploy(aws, template, run, {})
    assert "data" in raised.value.hint
    with pytest.raises(Error, match="the parameter VpcCidr is of type dict"):
        deploy(aws, template, run, {"vpc_cidr": {}})
    assert operations(face) == []


def test_a_secret_is_asked_at_the_moment_of_use(aws, template, run):
    asked = []

    def secret():
        asked.append(True)
        return "hidden"

    made = aws.stack(template, parameters={"NamePrefix": secret})
    assert asked == []
    pipe(DATA, [("net", made)], run=run)
    assert asked == [True]
    shown = {each["ParameterKey"]: each["ParameterValue"] for each in only(aws, run)["Parameters"]}
    assert shown["NamePrefix"] == "****"


def test_somebody_elses_stack_is_neither_updated_nor_deleted(aws, template, run):
    name = f"theirs-{run}"
    cloudformation = aws.session.cloudformation
    parameters = [{"ParameterKey": "VpcCidr", "ParameterValue": "10.1.0.0/16"}]
    cloudformation.create_stack(StackName=name, TemplateBody=NET, Parameters=parameters)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.1})
    with pytest.raises(CloudError, match=f"stack {name} exists and was not made by trunkline"):
        deploy(aws, template, run, name=name)
    notes = []
    with at(run, "net", notes=notes):
        aws.stack(template, name=name).undo(DATA)
        assert aws.stack(template, name=name).find(DATA) is None
    assert names(aws)[name]["StackStatus"] == "CREATE_COMPLETE"
    assert notes == [f"stack {name} is left alone: it is not this run's"]


def test_another_runs_stack_is_told_by_run_and_step(aws, template, run):
    name = f"shared-{run}"
    deploy(aws, template, run, name=name)
    with pytest.raises(CloudError, match=f"stack {name} exists and belongs to step net of run {run}"):
        deploy(aws, template, f"{run}-other", name=name)
    with at(f"{run}-other", "net"):
        aws.stack(template, name=name).undo(DATA)
    assert name in names(aws)
    # Within the run that made it, any step may delete a stack by its name.
    with at(run, "teardown"):
        aws.stack(template, name=name).undo(DATA)
    assert name not in names(aws)


def test_undo_deletes_and_may_be_repeated(aws, template, run):
    state = deploy(aws, template, run)
    for _ in range(2):
        with at(run, "net"):
            aws.stack(template).undo(state)
    assert settled(aws).describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [state["vpc_id"]]}])["Vpcs"] == []
    with at(run, "net"):
        assert aws.stack(template).find(state) is None


def test_a_read_from_before_the_stack_was_made_does_not_end_its_undo(face, aws, template, run):
    deploy(aws, template, run)
    behind = [1]

    def between(call, proceed):
        if call.operation == "DescribeStacks" and behind:
            behind.clear()
            raise Refused("ValidationError", f"Stack with id {call.form['StackName']} does not exist")
        return proceed(call)

    with rule(face, between), at(run, "net"):
        aws.stack(template).undo(DATA)
    assert not behind
    assert only_of(aws, run) == []


def test_a_deletion_that_fails_tells_why_and_is_mended_by_undoing_again(aws, template, run):
    state = deploy(aws, template, run)
    alien = settled(aws).create_network_interface(SubnetId=state["subnet_id"])["NetworkInterface"]
    for _ in range(2):
        with at(run, "net"), pytest.raises(StackFailed) as raised:
            aws.stack(template).undo(state)
        assert raised.value.resource == "Subnet (AWS::EC2::Subnet)"
        assert "dependencies" in raised.value.reason
    settled(aws).delete_network_interface(NetworkInterfaceId=alien["NetworkInterfaceId"])
    with at(run, "net"):
        aws.stack(template).undo(state)
    with pytest.raises(ValueError, match="not enough values"):
        only(aws, run)


def test_an_export_in_use_keeps_its_stack_and_says_who_uses_it(aws, template, run):
    export = "{Value: !Ref Subnet, Export: {Name: " + run + "-subnet}}"
    template.write_text(NET.replace("{Value: !Ref Subnet}", export))
    deploy(aws, template, run)
    stack = aws.stack(template)
    user = f"user-of-{run}"
    body = f"""
Resources:
  Interface:
    Type: AWS::EC2::NetworkInterface
    Properties: {{SubnetId: !ImportValue {run}-subnet}}
"""
    cloudformation = aws.session.cloudformation
    cloudformation.create_stack(StackName=user, TemplateBody=body)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=user, WaiterConfig={"Delay": 0.1})
    with at(run, "net"), pytest.raises(StackFailed, match=user) as caught:
        stack.undo(DATA)
    assert "remove what still uses it" in caught.value.hint
    cloudformation.delete_stack(StackName=user)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=user, WaiterConfig={"Delay": 0.1})
    with at(run, "net"):
        stack.undo(DATA)
    assert only_of(aws, run) == []


def test_find_knows_only_the_stack_of_these_values_and_this_template(aws, template, run):
    made = aws.stack(template)
    with at(run, "net"):
        assert made.find(DATA) is None
    state = deploy(aws, template, run)
    gives = {"vpc_id": state["vpc_id"], "subnet_id": state["subnet_id"]}
    with at(run, "net"):
        assert made.find(DATA) == gives
        asked = []
        assert aws.stack(template, parameters={"NamePrefix": lambda: asked.append("secret")}).find(DATA) == gives
        assert asked == [], "finding needs no secret"
        assert made.find({**DATA, "subnet_cidr": "10.1.1.0/24"}) == gives, "the default, said aloud"
        assert made.find({**DATA, "subnet_cidr": "10.1.2.0/24"}) is None
        template.write_text(NET.replace("Table:", "Table2:"))
        assert aws.stack(template).find(DATA) is None
    with at(run, "elsewhere"):
        assert made.find(DATA) is None


def test_preview_tells_what_would_be_done_and_leaves_no_trace(aws, template, run):
    made = aws.stack(template, name=f"seen-{run}")
    with at(run, "net"):
        assert made.preview(DATA).splitlines()[0] == f"make stack seen-{run}"
        assert "  + Subnet (AWS::EC2::Subnet)" in made.preview(DATA).splitlines()
        assert f"seen-{run}" not in names(aws)
        assert made.preview({}).splitlines()[:2] == [
            f"make stack seen-{run}",
            "  ? VpcCidr: known after an earlier step",
        ]
    pipe(DATA, [("net", made)], run=run)
    with at(run, "net"):
        assert made.preview(DATA) == f"stack seen-{run}: no change"
        changed = made.preview({**DATA, "subnet_cidr": "10.1.2.0/24"}).splitlines()
        assert changed[0] == f"update stack seen-{run}"
        assert changed[1] == "  ~ Subnet (AWS::EC2::Subnet): CidrBlock; replaced"
    assert waiting(aws, f"seen-{run}") == []
    assert made.find is not None
    with at(f"{run}-other", "net"), pytest.raises(CloudError, match="belongs to step net"):
        made.preview(DATA)


def test_what_an_attempt_left_under_review_is_made_anew(face, aws, template, run):
    """The process died between the change set and its execution: an empty stack, and a change set of other values."""
    made = aws.stack(template)

    with dying(aws, "execute_change_set"), pytest.raises(KeyboardInterrupt):
        pipe({"vpc_cidr": "10.3.0.0/16"}, [("net", made)], run=run)
    assert "REVIEW_IN_PROGRESS" in {each["StackStatus"] for each in names(aws).values()}
    state = deploy(aws, template, run)
    assert aws.network(state["vpc_id"]).cidrs == ("10.1.0.0/16",)
    # The same with an update: its change set is still there, and is about something else.
    with dying(aws, "execute_change_set"), pytest.raises(KeyboardInterrupt):
        deploy(aws, template, run, {**DATA, "name_prefix": "never"})
    deploy(aws, template, run, {**DATA, "name_prefix": "wanted"})
    assert aws.network(state["vpc_id"]).name == "wanted"


@contextmanager
def dying(aws, method):
    """The process is interrupted just before it calls `method`."""

    def die(**_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws.session.cloudformation, method, die)
        yield


def slow(operation, gate):
    """A rule: CloudFormation's own `operation` waits for the gate."""

    def between(call, proceed):
        if call.operation == operation and call.via == "cloudformation":
            gate.wait(10)
        return proceed(call)

    return between


def test_waiting_tells_what_for_and_ends_at_the_time_limit(face, aws, template, run):
    gate, notes = threading.Event(), []
    with rule(face, slow("CreateSubnet", gate)):
        with at(run, "net", notes=notes), pytest.raises(StepTimeout) as raised:
            aws.stack(template, timeout=0.5)(DATA)
        stack = only(aws, run)
        assert str(raised.value).startswith(f"stack {stack['StackName']}: Subnet")
        assert "create in progress: not done within the time limit" in str(raised.value)
        assert "run again" in raised.value.hint
        assert any(": Subnet" in note for note in notes)
        # An attempt that comes while the first one's stack is still being made waits for it.
        later = threading.Thread(target=deploy, args=(aws, template, run))
        later.start()
        time.sleep(0.2)
        gate.set()
        later.join(10)
    assert only(aws, run)["StackId"] == stack["StackId"]
    assert only(aws, run)["StackStatus"] == "CREATE_COMPLETE"


def test_the_steps_own_deadline_ends_waiting_too(face, aws, template, run):
    gate = threading.Event()
    begun = time.monotonic()
    with rule(face, slow("CreateSubnet", gate)):
        with at(run, "net", seconds=0.3), pytest.raises(StepTimeout):
            aws.stack(template)(DATA)
        assert time.monotonic() - begun < 3
        gate.set()
        with at(run, "net"):
            aws.stack(template).undo(DATA)
    assert run not in {tag["Value"] for each in names(aws).values() for tag in each.get("Tags", [])}


def test_waiting_outlives_an_aws_that_does_not_answer(face, aws, template, run, monkeypatch):
    """Longer than the SDK's own retries: a laptop's network is away while the stack goes on."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    refused = []

    def away(call, proceed):
        if call.operation == "DescribeStackEvents" and len(refused) < 10:
            refused.append(call)
            return Answer(503, (("Content-Type", "text/plain"),), b"")
        return proceed(call)

    notes = []
    with rule(face, away), at(run, "net", notes=notes):
        assert aws.stack(template)(DATA)["vpc_id"]
    assert any("no answer from AWS" in note for note in notes)
    monkeypatch.setattr("trunkline.clouds.aws.operations.SILENCE", 0.1)
    refused[:] = []
    never = rule(face, lambda call, proceed: refused.clear() or away(call, proceed))
    with never, at(run, "net"), pytest.raises(CloudError) as raised:
        aws.stack(template)({**DATA, "name_prefix": "x"})
    assert raised.value.code == "503"


def lost(operation):
    """A rule: the first answer to `operation` is lost after the work was done, so that the SDK asks again."""
    seen = []

    def between(call, proceed):
        answer = proceed(call)
        if call.operation == operation and not call.via and not seen:
            seen.append(call)
            return Answer(503, (("Content-Type", "text/plain"),), b"")
        return answer

    return between, seen


@pytest.mark.parametrize("operation", ["CreateChangeSet", "ExecuteChangeSet", "DescribeChangeSet", "DeleteStack"])
def test_a_lost_answer_makes_nothing_twice(face, aws, template, run, operation):
    between, seen = lost(operation)
    with rule(face, between):
        before = len(names(aws))
        state = deploy(aws, template, run)
        assert len(names(aws)) == before + 1
        assert len(aws.network(state["vpc_id"]).subnets) == 1
        with at(run, "net"):
            aws.stack(template).undo(state)
        assert len(names(aws)) == before
    assert seen


@pytest.mark.parametrize("operation", ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "CreateTags"])
def test_a_lost_answer_leaves_no_access_open(face, aws, template, run, operation):
    state = deploy(aws, template, run)
    groups = settled(aws).describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [state["vpc_id"]]}])
    group, door = groups["SecurityGroups"][0]["GroupId"], Rule("tcp", 8000, "192.0.2.1/32")
    between, seen = lost(operation)
    with rule(face, between):
        aws.allow(group, door, run=run, purpose="p", expires=datetime(2030, 1, 1, tzinfo=UTC))
        assert [each.run for each in aws.exposures()] == [run]
        aws.revoke(group, door, run=run, purpose="p")
    assert aws.exposures() == []
    assert seen


def test_a_scope_opens_and_closes_the_same_stack_again_and_again(aws, template, run):
    """What connect-vpc does with the caller's route: one name and one token, made and deleted in every attempt."""
    made = aws.stack(template, name=f"scope-{run}")
    seen = []
    scope = during(
        "route", open=made, close=step(made.undo), steps=[("use", lambda state: seen.append(state["vpc_id"]))]
    )
    for _ in range(2):
        pipe(DATA, [scope], run=run)
        assert f"scope-{run}" not in names(aws)
    assert len(set(seen)) == 2


def test_stacks_side_by_side_on_one_account(aws, template, run):
    state = pipe(
        {},
        [
            (
                "nets",
                [
                    (
                        f"net{number}",
                        aws.stack(
                            template,
                            parameters={"VpcCidr": f"10.{number}.0.0/16", "SubnetCidr": f"10.{number}.1.0/24"},
                            keys={"VpcId": f"vpc{number}", "SubnetId": f"subnet{number}"},
                        ),
                    )
                    for number in range(10, 14)
                ],
            )
        ],
        run=run,
    )
    assert len({state[f"vpc{number}"] for number in range(10, 14)}) == 4


VPC = {
    "vpc_cidr": "10.1.0.0/16",
    "router_subnet_cidr": "10.1.0.0/24",
    "app_subnet1_cidr": "10.1.1.0/24",
    "app_subnet2_cidr": "10.1.2.0/24",
    "router_private_address": "10.1.0.10",
    "federation_address1": "203.0.113.11",
    "federation_address2": "203.0.113.12",
    "name_prefix": "acme",
    "caller_prefix": "127.0.0.1/32",
}
FEDERATION = {
    "federation_cidr": "10.254.0.0/24",
    "router_subnet1_cidr": "10.254.0.0/26",
    "router_subnet2_cidr": "10.254.0.64/26",
    "router1_private_address": "10.254.0.10",
    "router2_private_address": "10.254.0.74",
    "site_address": "203.0.113.1",
    "name_prefix": "hub",
}


def test_our_vpc_is_what_its_name_says(face, aws, run):
    launch = aws.launch(lambda: "unused")
    vpc = aws.stack(TEMPLATES / "vpc.aws.yaml", parameters=launch)
    route = aws.stack(TEMPLATES / "caller-route.aws.yaml", keys={"RouteTableId": "router_route_table_id"})
    state = pipe(VPC, [("vpc", vpc)], run=run)

    (machine,) = (each for each in face.machines() if each.network == state["vpc_id"])
    assert (machine.id, machine.public_address) == (state["router_instance_id"], state["router_address"])
    assert machine.private_address == state["router_assigned_private_address"] == "10.1.0.10"
    assert machine.default_password == state["router_default_password"]
    assert face.admits(machine.id, "udp", 500, "203.0.113.11")
    assert face.admits(machine.id, "udp", 4500, "203.0.113.12")
    assert not face.admits(machine.id, "udp", 500, "203.0.113.13")
    assert not face.admits(machine.id, "tcp", 8000, "127.0.0.1")

    network = aws.network(state["vpc_id"])
    (interface,) = network.interfaces
    assert (interface.id, interface.forwards) == (state["router_interface_id"], True)
    tables = {table.id: table for table in network.route_tables}
    assert {route.prefix for route in tables[state["router_route_table_id"]].routes} == {
        "10.1.0.0/16",
        "203.0.113.11/32",
        "203.0.113.12/32",
    }
    assert set(tables[state["app_route_table_id"]].subnets) == {state["app_subnet1_id"], state["app_subnet2_id"]}

    table = state["router_route_table_id"]
    inside = ("look", lambda state: look(aws, table))
    seen = pipe(state, [during("route", open=route, close=step(route.undo), steps=[inside])], run=run)
    assert "127.0.0.1/32" in seen["routes"]
    assert "127.0.0.1/32" not in look(aws, table)["routes"]
    with at(run, "vpc"):
        vpc.undo(state)
    assert [each for each in face.machines() if each.network == state["vpc_id"]] == []


def look(aws, table):
    (found,) = settled(aws).describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return {"routes": [route["DestinationCidrBlock"] for route in found["Routes"]]}


def test_our_federation_is_what_its_name_says(face, aws, run):
    stack = aws.stack(TEMPLATES / "federation.aws.yaml", parameters=aws.launch(lambda: "unused"))
    state = pipe(FEDERATION, [("federation", stack)], run=run)
    machines = {each.id: each for each in face.machines() if each.network == state["federation_network_id"]}
    assert {state["router1_instance_id"], state["router2_instance_id"]} == set(machines)
    for number in (1, 2):
        machine = machines[state[f"router{number}_instance_id"]]
        assert machine.public_address == state[f"router{number}_address"]
        assert machine.private_address == FEDERATION[f"router{number}_private_address"]
        assert face.admits(machine.id, "udp", 4500, "203.0.113.1")
        assert face.admits(machine.id, "tcp", 8000, FEDERATION[f"router{3 - number}_private_address"])
        assert not face.admits(machine.id, "tcp", 8000, "203.0.113.1")
    zones = {subnet.zone for subnet in aws.network(state["federation_network_id"]).subnets}
    assert len(zones) == 2
    with at(run, "federation"):
        stack.undo(state)
    assert [each for each in face.machines() if each.id in machines] == []
