"""EC2 where moto is kinder than AWS: refused deletes, tokens, dry runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import IMAGE, Account, elastic, network, permit, run

from trunkline_lab.aws import LINUX_IMAGE

There = dict[str, str]


def refusal(action: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def there(account: Account) -> There:
    return network(account.ec2)


def test_an_attached_interface_stays(account: Account, there: There) -> None:
    run(account.ec2, there["interface"])
    code, text = refusal(account.ec2.delete_network_interface, NetworkInterfaceId=there["interface"])
    assert (code, text) == (
        "InvalidParameterValue",
        f"Network interface '{there['interface']}' is currently in use.",
    )


def test_an_interface_in_use_is_not_given_twice(account: Account, there: There) -> None:
    run(account.ec2, there["interface"])
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": there["interface"]}
    code, _ = refusal(account.ec2.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1, NetworkInterfaces=[nic])
    assert code == "InvalidNetworkInterface.InUse"


def test_a_subnet_with_interfaces_stays(account: Account, there: There) -> None:
    assert refusal(account.ec2.delete_subnet, SubnetId=there["subnet"])[0] == "DependencyViolation"
    account.ec2.delete_network_interface(NetworkInterfaceId=there["interface"])
    account.ec2.delete_subnet(SubnetId=there["subnet"])


def test_a_group_in_use_or_referenced_or_default_stays(account: Account, there: There) -> None:
    ec2 = account.ec2
    assert refusal(ec2.delete_security_group, GroupId=there["group"]) == (
        "DependencyViolation",
        f"resource {there['group']} has a dependent object",
    )
    ec2.delete_network_interface(NetworkInterfaceId=there["interface"])
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=there["vpc"])["GroupId"]
    permit(ec2, other, "tcp", 22, there["group"])
    assert refusal(ec2.delete_security_group, GroupId=there["group"])[0] == "DependencyViolation"
    ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=there["group"])
    where = [{"Name": "vpc-id", "Values": [there["vpc"]]}]
    (default,) = ec2.describe_security_groups(Filters=where)["SecurityGroups"]
    assert refusal(ec2.delete_security_group, GroupId=default["GroupId"])[0] == "CannotDelete"


def test_a_group_may_refer_to_itself(account: Account, there: There) -> None:
    permit(account.ec2, there["group"], "tcp", 8000, there["group"])
    account.ec2.delete_network_interface(NetworkInterfaceId=there["interface"])
    account.ec2.delete_security_group(GroupId=there["group"])


@pytest.mark.parametrize("left", ["gateway", "group", "table", "interface and subnet"])
def test_a_vpc_with_leftovers_stays(account: Account, left: str) -> None:
    ec2, there = account.ec2, network(account.ec2)
    remove = {
        "interface and subnet": lambda: (
            ec2.delete_network_interface(NetworkInterfaceId=there["interface"]),
            ec2.delete_subnet(SubnetId=there["subnet"]),
        ),
        "gateway": lambda: ec2.detach_internet_gateway(InternetGatewayId=there["gateway"], VpcId=there["vpc"]),
        "group": lambda: ec2.delete_security_group(GroupId=there["group"]),
        "table": lambda: ec2.delete_route_table(RouteTableId=there["table"]),
    }
    where = [{"Name": "route-table-id", "Values": [there["table"]]}]
    (table,) = ec2.describe_route_tables(Filters=where)["RouteTables"]
    ec2.disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])
    if left == "group":
        ec2.modify_network_interface_attribute(NetworkInterfaceId=there["interface"], Groups=[there["group"]])
    for name, action in remove.items():
        if name != left:
            if name == "group" and left.startswith("interface"):
                continue
            action()
    code, text = refusal(ec2.delete_vpc, VpcId=there["vpc"])
    assert (code, text) == (
        "DependencyViolation",
        f"The vpc '{there['vpc']}' has dependencies and cannot be deleted.",
    )
    remove[left]()
    if left.startswith("interface"):
        remove["group"]()
    ec2.delete_vpc(VpcId=there["vpc"])


def test_a_main_or_associated_route_table_stays(account: Account, there: There) -> None:
    where = [{"Name": "vpc-id", "Values": [there["vpc"]]}]
    for table in account.ec2.describe_route_tables(Filters=where)["RouteTables"]:
        code, _ = refusal(account.ec2.delete_route_table, RouteTableId=table["RouteTableId"])
        assert code == "DependencyViolation"


def test_an_associated_address_stays_and_so_does_the_gateway(account: Account, there: There) -> None:
    ec2, address = account.ec2, elastic(account.ec2, there["interface"])
    assert refusal(ec2.release_address, AllocationId=address["id"])[0] == "InvalidIPAddress.InUse"
    code, text = refusal(ec2.detach_internet_gateway, InternetGatewayId=there["gateway"], VpcId=there["vpc"])
    assert code == "DependencyViolation"
    assert "mapped public address" in text
    assert refusal(ec2.delete_internet_gateway, InternetGatewayId=there["gateway"])[0] == "DependencyViolation"
    ec2.disassociate_address(AssociationId=address["association"])
    ec2.release_address(AllocationId=address["id"])
    ec2.detach_internet_gateway(InternetGatewayId=there["gateway"], VpcId=there["vpc"])
    ec2.delete_internet_gateway(InternetGatewayId=there["gateway"])


def test_an_address_needs_a_gateway_and_an_interface_without_one(account: Account, there: There) -> None:
    ec2 = account.ec2
    elastic(ec2, there["interface"])
    second = ec2.allocate_address(Domain="vpc")["AllocationId"]
    code, _ = refusal(ec2.associate_address, AllocationId=second, NetworkInterfaceId=there["interface"])
    assert code == "Resource.AlreadyAssociated"
    vpc = ec2.create_vpc(CidrBlock="10.6.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.6.0.0/24")["Subnet"]["SubnetId"]
    lonely = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    code, _ = refusal(ec2.associate_address, AllocationId=second, NetworkInterfaceId=lonely)
    assert code == "Gateway.NotAttached"


def test_a_second_route_for_a_prefix_is_refused(account: Account, there: There) -> None:
    route = {"RouteTableId": there["table"], "DestinationCidrBlock": "10.0.0.0/16"}
    account.ec2.create_route(**route, NetworkInterfaceId=there["interface"])
    code, text = refusal(account.ec2.create_route, **route, NetworkInterfaceId=there["interface"])
    assert (code, text) == ("RouteAlreadyExists", "The route identified by 10.0.0.0/16 already exists.")


def test_a_route_leads_nowhere_outside_its_network(account: Account, there: There) -> None:
    other = network(account.ec2, "10.7.0.0/16")
    route = {"RouteTableId": there["table"], "DestinationCidrBlock": "10.0.0.0/16"}
    for target in ({"GatewayId": other["gateway"]}, {"NetworkInterfaceId": other["interface"]}):
        code, text = refusal(account.ec2.create_route, **route, **target)
        assert code == "InvalidParameterValue"
        assert "belong to different networks" in text


def test_a_subnet_has_one_route_table(account: Account, there: There) -> None:
    second = account.ec2.create_route_table(VpcId=there["vpc"])["RouteTable"]["RouteTableId"]
    code, _ = refusal(account.ec2.associate_route_table, RouteTableId=second, SubnetId=there["subnet"])
    assert code == "Resource.AlreadyAssociated"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.5.0.10", "InvalidIPAddress.InUse"),
        ("10.5.9.9", "InvalidParameterValue"),
        ("10.5.0.3", "InvalidParameterValue"),
        ("10.5.0.255", "InvalidParameterValue"),
        ("ten", "InvalidParameterValue"),
    ],
)
def test_a_private_address_is_free_and_inside(account: Account, there: There, address: str, code: str) -> None:
    said, _ = refusal(account.ec2.create_network_interface, SubnetId=there["subnet"], PrivateIpAddress=address)
    assert said == code


def test_a_token_gives_the_first_answer_again(account: Account, there: There) -> None:
    made = [
        account.ec2.create_network_interface(SubnetId=there["subnet"], ClientToken="once")["NetworkInterface"]
        for _ in range(2)
    ]
    assert made[0]["NetworkInterfaceId"] == made[1]["NetworkInterfaceId"]
    code, _ = refusal(
        account.ec2.create_network_interface, SubnetId=there["subnet"], ClientToken="once", Description="other"
    )
    assert code == "IdempotentParameterMismatch"
    where = [{"Name": "subnet-id", "Values": [there["subnet"]]}]
    assert len(account.ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]) == 2


def test_a_token_of_run_instances_runs_once(account: Account) -> None:
    made = {
        account.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, ClientToken="t")["Instances"][0]["InstanceId"]
        for _ in range(2)
    }
    assert len(made) == 1


def test_a_token_that_failed_may_be_tried_again(account: Account, there: There) -> None:
    arguments = {"SubnetId": there["subnet"], "PrivateIpAddress": "10.5.0.10", "ClientToken": "t"}
    assert refusal(account.ec2.create_network_interface, **arguments)[0] == "InvalidIPAddress.InUse"
    account.ec2.delete_network_interface(NetworkInterfaceId=there["interface"])
    assert account.ec2.create_network_interface(**arguments)["NetworkInterface"]["PrivateIpAddress"] == "10.5.0.10"


def test_a_dry_run_makes_nothing(account: Account) -> None:
    before = len(account.ec2.describe_vpcs()["Vpcs"])
    assert refusal(account.ec2.create_vpc, CidrBlock="10.1.0.0/16", DryRun=True)[0] == "DryRunOperation"
    assert len(account.ec2.describe_vpcs()["Vpcs"]) == before


def test_a_type_that_ec2_does_not_have_is_refused(account: Account, there: There) -> None:
    ec2, nic = account.ec2, {"DeviceIndex": 0, "NetworkInterfaceId": there["interface"]}
    code, text = refusal(
        ec2.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t9.enormous", NetworkInterfaces=[nic]
    )
    assert (code, text) == ("InvalidParameterValue", "Invalid value 't9.enormous' for InstanceType.")
    instance = run(ec2, there["interface"])
    ec2.stop_instances(InstanceIds=[instance])
    change = {"InstanceId": instance, "InstanceType": {"Value": "t9.enormous"}}
    assert refusal(ec2.modify_instance_attribute, **change)[0] == "InvalidParameterValue"


def test_an_instance_of_plain_linux_runs_and_is_no_router(account: Account, there: There) -> None:
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": there["interface"]}
    made = account.ec2.run_instances(
        ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, InstanceType="t3.small", NetworkInterfaces=[nic]
    )
    (instance,) = made["Instances"]
    assert instance["ImageId"] == LINUX_IMAGE
    assert instance["InstanceId"] not in {machine.id for machine in account.face.machines()}
