"""The face itself: one port, accounts apart, a call log, public addresses, machines and what they admit."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from lab_aws import IMAGE, Account, elastic, network, permit, run

from trunkline_lab.aws import AwsFace
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused
from trunkline_lab.world import World


def test_accounts_are_apart(face: AwsFace, account: Account) -> None:
    other = Account(face, "222222222222")
    made = account.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert account.client("sts").get_caller_identity()["Account"] == account.number
    assert other.client("sts").get_caller_identity()["Account"] == "222222222222"
    with pytest.raises(ClientError) as caught:
        other.ec2.describe_vpcs(VpcIds=[made])
    assert caught.value.response["Error"]["Code"] == "InvalidVpcID.NotFound"


def test_an_account_has_as_many_keys_as_are_asked_for(face: AwsFace) -> None:
    pairs = [face.credentials("444444444444") for _ in range(4)]
    assert len(set(pairs)) == 4
    assert {face.gateway.account_of(key) for key, _ in pairs} == {"444444444444"}


def test_a_role_leads_to_its_account(face: AwsFace, account: Account) -> None:
    role = account.client("sts").assume_role(RoleArn="arn:aws:iam::333333333333:role/deployer", RoleSessionName="test")
    given = role["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "eu-west-1")
    sts = session.client("sts", endpoint_url=face.endpoint)
    assert sts.get_caller_identity()["Account"] == "333333333333"


def test_the_log_tells_every_call_in_order(face: AwsFace, account: Account) -> None:
    before = len(face.calls)
    vpc = account.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(ClientError):
        account.ec2.delete_vpc(VpcId="vpc-00000000000000000")
    account.ec2.delete_vpc(VpcId=vpc)
    told = [(call.operation, call.outcome) for call in face.calls[before:]]
    assert told == [("CreateVpc", "ok"), ("DeleteVpc", "InvalidVpcID.NotFound"), ("DeleteVpc", "ok")]
    assert {(call.account, call.region, call.service, call.via) for call in face.calls[before:]} == {
        (account.number, "eu-west-1", "ec2", "")
    }


def test_a_rule_may_refuse_and_may_see_what_was_answered(face: AwsFace, account: Account) -> None:
    seen: list[tuple[str, int]] = []

    def throttle(call: Call, proceed: Handler) -> Answer:
        if call.operation == "DescribeSubnets":
            raise Refused("RequestLimitExceeded", "Request limit exceeded.", 503)
        given = proceed(call)
        seen.append((call.params.get("CidrBlock", ""), given.status))
        return given

    face.gateway.rules.insert(0, throttle)
    try:
        with pytest.raises(ClientError, match="Request limit exceeded") as caught:
            account.ec2.describe_subnets()
        account.ec2.create_vpc(CidrBlock="10.1.0.0/16")
    finally:
        face.gateway.rules.remove(throttle)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert seen == [("10.1.0.0/16", 200)]


def test_an_unknown_region_is_refused_by_name(face: AwsFace, account: Account) -> None:
    nowhere = Account(face, account.number, region="mars-north-1")
    with pytest.raises(ClientError, match="no region mars-north-1"):
        nowhere.ec2.describe_vpcs()


def test_an_operation_that_nobody_has_is_refused(account: Account) -> None:
    with pytest.raises(ClientError) as caught:
        account.cfn.list_stack_sets()
    assert caught.value.response["Error"]["Code"] == "InvalidAction"


def test_the_world_hears_of_changes_and_not_of_reads(world: World, account: Account) -> None:
    heard: list[int] = []
    world.listen(lambda: heard.append(1))
    account.ec2.describe_vpcs()
    assert not heard
    account.ec2.create_vpc(CidrBlock="10.1.0.0/16")
    assert len(heard) == 1


def test_public_addresses_are_the_worlds_and_come_back(account: Account) -> None:
    there = network(account.ec2)
    address = elastic(account.ec2, there["interface"])
    assert address["ip"].startswith("127.77.1.")
    account.ec2.disassociate_address(AssociationId=address["association"])
    account.ec2.release_address(AllocationId=address["id"])
    taken = [account.ec2.allocate_address(Domain="vpc") for _ in range(240)]
    assert address["ip"] not in {each["PublicIp"] for each in taken[:200]}
    taken += [account.ec2.allocate_address(Domain="vpc") for _ in range(249 - 240)]
    with pytest.raises(ClientError) as caught:
        account.ec2.allocate_address(Domain="vpc")
    assert caught.value.response["Error"]["Code"] == "AddressLimitExceeded"
    for each in taken:
        account.ec2.release_address(AllocationId=each["AllocationId"])


def test_an_automatic_address_ends_with_its_instance(account: Account) -> None:
    there = network(account.ec2)
    nic = {"DeviceIndex": 0, "SubnetId": there["subnet"], "AssociatePublicIpAddress": True}
    made = account.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, NetworkInterfaces=[nic])["Instances"][0]
    where = [{"Name": "subnet-id", "Values": [there["subnet"]]}]
    found = account.ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]
    own = next(each for each in found if each["NetworkInterfaceId"] != there["interface"])
    assert own["Association"]["PublicIp"].startswith("127.77.1.")
    account.ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    left = account.ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]
    assert [each["NetworkInterfaceId"] for each in left] == [there["interface"]]


def test_a_router_is_a_machine_while_it_runs(face: AwsFace, account: Account) -> None:
    there = network(account.ec2)
    address = elastic(account.ec2, there["interface"])
    instance = run(account.ec2, there["interface"])
    account.ec2.create_tags(Resources=[instance], Tags=[{"Key": "Name", "Value": "acme-router"}])
    (machine,) = [each for each in face.machines() if each.account == account.number]
    assert (machine.id, machine.name, machine.default_password) == (instance, "acme-router", instance)
    assert (machine.network, machine.private_address) == (there["vpc"], "10.5.0.10")
    assert machine.public_address == address["ip"]
    account.ec2.stop_instances(InstanceIds=[instance])
    assert not [each for each in face.machines() if each.account == account.number]
    account.ec2.start_instances(InstanceIds=[instance])
    account.ec2.terminate_instances(InstanceIds=[instance])
    assert not [each for each in face.machines() if each.account == account.number]
    account.ec2.delete_network_interface(NetworkInterfaceId=there["interface"])


def test_an_image_that_is_not_there_is_refused(account: Account) -> None:
    with pytest.raises(ClientError) as caught:
        account.ec2.run_instances(ImageId="ami-0fffffffffffffff0", MinCount=1, MaxCount=1)
    assert caught.value.response["Error"]["Code"] == "InvalidAMIID.NotFound"


def test_admission_needs_a_rule_and_a_way_back(face: AwsFace, account: Account) -> None:
    ec2, there = account.ec2, network(account.ec2)
    instance = run(ec2, there["interface"])
    address = elastic(ec2, there["interface"])

    def admitted(protocol: str = "udp", port: int = 500, source: str = "127.77.1.200") -> bool:
        return face.admits(instance, protocol, port, source)

    assert not admitted()
    permit(ec2, there["group"], "udp", 500, "127.77.1.200/32")
    assert not admitted(), "a rule, but no route back"
    ec2.create_route(RouteTableId=there["table"], DestinationCidrBlock="127.77.1.200/32", GatewayId=there["gateway"])
    assert admitted()
    assert not admitted(port=4500)
    assert not admitted(protocol="tcp")
    assert not admitted(source="127.77.1.201")
    ec2.disassociate_address(AssociationId=address["association"])
    assert not admitted(), "through the gateway only with a public address"


def test_a_group_as_source_means_its_members_private_addresses(face: AwsFace, account: Account) -> None:
    ec2, there = account.ec2, network(account.ec2)
    instance = run(ec2, there["interface"])
    other = ec2.create_network_interface(
        SubnetId=there["subnet"], PrivateIpAddress="10.5.0.20", Groups=[there["group"]]
    )
    permit(ec2, there["group"], "tcp", 8000, there["group"])
    assert face.admits(instance, "tcp", 8000, "10.5.0.20")
    assert not face.admits(instance, "tcp", 8000, "10.5.0.21")
    ec2.delete_network_interface(NetworkInterfaceId=other["NetworkInterface"]["NetworkInterfaceId"])
    assert not face.admits(instance, "tcp", 8000, "10.5.0.20")


def test_the_longest_prefix_decides(face: AwsFace, account: Account) -> None:
    ec2, there = account.ec2, network(account.ec2)
    instance = run(ec2, there["interface"])
    elastic(ec2, there["interface"])
    permit(ec2, there["group"], "-1", 0, "0.0.0.0/0")
    ec2.create_route(RouteTableId=there["table"], DestinationCidrBlock="0.0.0.0/0", GatewayId=there["gateway"])
    assert face.admits(instance, "tcp", 8000, "127.0.0.1")
    idle = ec2.create_network_interface(SubnetId=there["subnet"])["NetworkInterface"]["NetworkInterfaceId"]
    ec2.create_route(RouteTableId=there["table"], DestinationCidrBlock="127.0.0.0/16", NetworkInterfaceId=idle)
    assert not face.admits(instance, "tcp", 8000, "127.0.0.1"), "the nearer route is a black hole"


def test_what_admits_is_asked_must_be_an_address(face: AwsFace) -> None:
    with pytest.raises(ValueError, match="everyone"):
        face.admits("i-1", "tcp", 1, "everyone")
