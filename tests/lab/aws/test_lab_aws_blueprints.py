"""The blueprints' own AWS templates, deployed: what the main job leans on."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from lab_aws import IMAGE, Account, outputs

from trunkline_lab.aws import AwsFace

TEMPLATES = files("trunkline.blueprints") / "templates"
VPC = {
    "VpcCidr": "10.1.0.0/16",
    "RouterSubnetCidr": "10.1.0.0/24",
    "AppSubnet1Cidr": "10.1.1.0/24",
    "AppSubnet2Cidr": "10.1.2.0/24",
    "RouterPrivateAddress": "10.1.0.10",
    "FederationAddress1": "127.77.9.1",
    "FederationAddress2": "127.77.9.2",
    "RouterImage": IMAGE,
    "NamePrefix": "acme",
}
FEDERATION = {
    "FederationCidr": "10.2.0.0/16",
    "RouterSubnet1Cidr": "10.2.0.0/24",
    "RouterSubnet2Cidr": "10.2.1.0/24",
    "Router1PrivateAddress": "10.2.0.10",
    "Router2PrivateAddress": "10.2.1.10",
    "SiteAddress": "127.77.9.9",
    "RouterImage": IMAGE,
    "NamePrefix": "acme",
}


def body(name: str) -> str:
    return (TEMPLATES / name).read_text()


@pytest.fixture
def vpc(account: Account) -> dict[str, str]:
    made = account.create("vpc", body("vpc.aws.yaml"), VPC)
    assert made["StackStatus"] == "CREATE_COMPLETE", account.events("vpc")
    return outputs(made)


def without_leftovers(account: Account) -> None:
    assert [each for each in account.ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]] == []
    assert account.ec2.describe_addresses()["Addresses"] == []
    assert account.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_vpc_admits_ipsec_from_the_federation_alone(face: AwsFace, account: Account, vpc: dict[str, str]) -> None:
    (router,) = [machine for machine in face.machines() if machine.account == account.number]
    assert router.id == vpc["RouterInstanceId"] == vpc["RouterDefaultPassword"] == router.default_password
    assert (router.public_address, router.private_address) == (vpc["RouterAddress"], "10.1.0.10")
    for port in (500, 4500):
        assert face.admits(router.id, "udp", port, "127.77.9.1")
        assert face.admits(router.id, "udp", port, "127.77.9.2")
        assert not face.admits(router.id, "udp", port, "127.77.9.3")
    assert not face.admits(router.id, "tcp", 8000, "127.77.9.1")
    assert account.delete("vpc")["StackStatus"] == "DELETE_COMPLETE"
    without_leftovers(account)


def test_the_caller_needs_the_route_and_the_rule(face: AwsFace, account: Account, vpc: dict[str, str]) -> None:
    parameters = {"RouteTableId": vpc["RouterRouteTableId"], "CallerPrefix": "127.0.0.1/32"}
    template = body("caller-route.aws.yaml")
    if "InternetGatewayId" in template:
        parameters["InternetGatewayId"] = vpc["InternetGatewayId"]
    router = vpc["RouterInstanceId"]
    rule: Any = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": "127.0.0.1/32"}]}
    account.ec2.authorize_security_group_ingress(GroupId=vpc["RouterGroupId"], IpPermissions=[rule])
    assert not face.admits(router, "tcp", 8000, "127.0.0.1")
    assert account.create("caller", template, parameters)["StackStatus"] == "CREATE_COMPLETE"
    assert face.admits(router, "tcp", 8000, "127.0.0.1")
    assert account.delete("caller")["StackStatus"] == "DELETE_COMPLETE"
    assert not face.admits(router, "tcp", 8000, "127.0.0.1")
    account.delete("vpc")
    without_leftovers(account)


def test_the_federations_routers_reach_each_other(face: AwsFace, account: Account) -> None:
    made = account.create("federation", body("federation.aws.yaml"), FEDERATION)
    assert made["StackStatus"] == "CREATE_COMPLETE", account.events("federation")
    told = outputs(made)
    first, second = told["Router1InstanceId"], told["Router2InstanceId"]
    assert face.admits(first, "tcp", 8000, "10.2.1.10")
    assert face.admits(second, "udp", 1195, "10.2.0.10")
    assert face.admits(first, "udp", 4500, "127.77.9.9")
    assert not face.admits(first, "tcp", 8000, "127.77.9.9")
    assert account.delete("federation")["StackStatus"] == "DELETE_COMPLETE"
    without_leftovers(account)


def test_another_size_keeps_the_router(face: AwsFace, account: Account, vpc: dict[str, str]) -> None:
    made = account.update("vpc", body("vpc.aws.yaml"), VPC | {"RouterSize": "t3.medium"})
    assert outputs(made) == vpc
    found = account.ec2.describe_instances(InstanceIds=[vpc["RouterInstanceId"]])["Reservations"][0]["Instances"][0]
    assert (found["InstanceType"], found["State"]["Name"]) == ("t3.medium", "running")
    account.delete("vpc")


def test_another_federation_address_moves_rules_and_routes(
    face: AwsFace, account: Account, vpc: dict[str, str]
) -> None:
    account.update("vpc", body("vpc.aws.yaml"), VPC | {"FederationAddress2": "127.77.9.3"})
    router = vpc["RouterInstanceId"]
    assert face.admits(router, "udp", 500, "127.77.9.3")
    assert not face.admits(router, "udp", 500, "127.77.9.2")
    account.delete("vpc")
    without_leftovers(account)
