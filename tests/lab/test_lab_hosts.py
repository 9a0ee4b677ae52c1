"""Test hosts: real machines of the clouds' faces, with and without packets."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from trunkline.config import load
from trunkline_lab.hosts import HostError
from trunkline_lab.lab import AWS_ACCOUNTS, AZURE_SUBSCRIPTIONS, Lab
from trunkline_lab.world import FAST

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(pace=FAST) as made:
        yield made


@pytest.fixture(scope="module")
def subnet(lab: Lab) -> str:
    ec2 = client(lab)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": "web"}]}]
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24", TagSpecifications=tags)["Subnet"]["SubnetId"])


def client(lab: Lab) -> Any:
    key, secret = lab.aws.credentials(AWS_ACCOUNTS["A"])
    return boto3.client(
        "ec2", "us-east-1", endpoint_url=lab.aws.endpoint, aws_access_key_id=key, aws_secret_access_key=secret
    )


def test_a_host_is_an_instance_that_the_sdk_and_the_library_see(lab: Lab, subnet: str) -> None:
    made = lab.add_host("app", subnet)
    assert made["address"] == "10.77.1.10"
    [reservation] = client(lab).describe_instances(InstanceIds=[made["id"]])["Reservations"]
    [instance] = reservation["Instances"]
    assert (instance["SubnetId"], instance["PrivateIpAddress"]) == (subnet, "10.77.1.10")
    network = load(lab.config).account("A").network(instance["VpcId"])
    assert {(each.name, each.private_address) for each in network.interfaces} == {("app", "10.77.1.10")}
    assert lab.add_host("second", "web")["address"] == "10.77.1.11"  # by the subnet's name
    lab.hosts.remove("app")
    lab.hosts.remove("second")
    assert lab.add_host("app", subnet)["name"] == "app"
    lab.hosts.remove("app")


def test_hosts_of_the_datacentre_stand_side_by_side(lab: Lab) -> None:
    assert [host.name for host in lab.hosts.at_site] == ["datacentre"]
    assert lab.add_host("db", "datacentre") == {"name": "db", "address": "10.0.0.11", "id": ""}
    lab.hosts.remove("db")
    with pytest.raises(HostError, match="host = 'datacentre': there is no machine of this name"):
        lab.hosts.remove("datacentre")


@pytest.mark.parametrize(
    ("name", "where", "said"),
    [
        ("App", "web", "name = 'App': use a letter"),
        ("datacentre", "web", "name = 'datacentre': there is a machine of this name already"),
        ("app", "nowhere", "in = 'nowhere' is no subnet of this lab: there are .*datacentre"),
    ],
)
def test_what_cannot_be_is_named(lab: Lab, subnet: str, name: str, where: str, said: str) -> None:
    with pytest.raises(HostError, match=said):
        lab.add_host(name, where)


def test_a_group_that_is_not_there_is_the_clouds_refusal(lab: Lab, subnet: str) -> None:
    with pytest.raises(HostError, match=r"AWS refuses the host app: .*sg-00000000000000000"):
        lab.add_host("app", subnet, "sg-00000000000000000")


def test_a_host_on_azure_is_a_virtual_machine(lab: Lab) -> None:
    group = f"/subscriptions/{AZURE_SUBSCRIPTIONS['B']}/resourceGroups/hosts"
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/hub"
    space = {
        "addressSpace": {"addressPrefixes": ["10.88.0.0/16"]},
        "subnets": [{"name": "jump", "properties": {"addressPrefix": "10.88.1.0/24"}}],
    }
    put(lab, group, "2024-07-01", {"location": "westeurope"})
    put(lab, network, "2024-05-01", {"location": "westeurope", "properties": space})
    made = lab.add_host("jumper", f"{network}/subnets/jump")
    assert made["address"] == "10.88.1.10"
    [interface] = load(lab.config).account("B").network(network).interfaces
    assert (interface.name, interface.instance) == ("jumper", made["id"])
    lab.hosts.remove("jumper")
    assert not load(lab.config).account("B").network(network).interfaces


def put(lab: Lab, identifier: str, version: str, body: object) -> None:
    request = urllib.request.Request(
        f"{lab.azure.endpoint}{identifier}?api-version={version}",
        method="PUT",
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer any", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
