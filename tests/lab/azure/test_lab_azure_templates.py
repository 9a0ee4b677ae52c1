"""The templates that the library ships with deploy, and what they make behaves."""

from __future__ import annotations

from typing import Any

from lab_azure import GROUP, Clients, Deploy, outputs, rule, shipped

from trunkline_lab.azure import AzureFace

VPC = {
    "vpcCidr": "10.1.0.0/16",
    "routerSubnetCidr": "10.1.0.0/24",
    "appSubnet1Cidr": "10.1.1.0/24",
    "appSubnet2Cidr": "10.1.2.0/24",
    "routerPrivateAddress": "10.1.0.10",
    "federationAddress1": "127.88.8.1",
    "federationAddress2": "127.88.8.2",
    "routerImage": "cohesive:vns3:byol:6.0.0",
    "routerPassword": "A-long-Passw0rd",
    "namePrefix": "acme",
}


def test_the_vpc_template_makes_a_router_that_only_the_federation_reaches(
    face: AzureFace, clients: Clients, deploy: Deploy
) -> None:
    made = outputs(deploy(shipped("vpc"), **VPC))
    (machine,) = face.machines()
    assert machine.id == made["routerInstanceId"]
    assert machine.network == made["vpcId"]
    assert machine.public_address == made["routerAddress"]
    assert machine.private_address == made["routerAssignedPrivateAddress"] == "10.1.0.10"
    assert machine.default_password == made["routerDefaultPassword"] == "acme-router-10.1.0.10"
    assert face.admits(machine.id, "udp", 500, "127.88.8.1")
    assert face.admits(machine.id, "udp", 4500, "127.88.8.2")
    assert not face.admits(machine.id, "udp", 501, "127.88.8.1")
    assert not face.admits(machine.id, "tcp", 500, "127.88.8.1")
    assert not face.admits(machine.id, "udp", 500, "127.88.8.3")
    assert not face.admits(machine.id, "tcp", 8000, "127.0.0.1")


def test_the_callers_route_and_a_rule_open_the_api_only_together(
    face: AzureFace, clients: Clients, deploy: Deploy
) -> None:
    made = outputs(deploy(shipped("vpc"), **VPC))
    machine = made["routerInstanceId"]
    rules = clients.network.security_rules
    rules.begin_create_or_update(GROUP, "acme-router-nsg", "caller", {"properties": rule()}).result()
    assert not face.admits(machine, "tcp", 8000, "127.0.0.1")
    deploy(shipped("caller-route"), "route", routeTableId=made["routerRouteTableId"], callerPrefix="127.0.0.1/32")
    assert face.admits(machine, "tcp", 8000, "127.0.0.1")
    assert not face.admits(machine, "tcp", 8000, "127.0.0.2")
    rules.begin_delete(GROUP, "acme-router-nsg", "caller").result()
    assert not face.admits(machine, "tcp", 8000, "127.0.0.1")


def test_the_federation_template_makes_two_routers_that_reach_each_other(face: AzureFace, deploy: Deploy) -> None:
    made = outputs(
        deploy(
            shipped("federation"),
            federationCidr="10.9.0.0/16",
            routerSubnet1Cidr="10.9.1.0/24",
            routerSubnet2Cidr="10.9.2.0/24",
            router1PrivateAddress="10.9.1.10",
            router2PrivateAddress="10.9.2.10",
            siteAddress="127.99.9.9",
            routerImage="cohesive:vns3:byol:6.0.0",
            routerPassword="A-long-Passw0rd",
            namePrefix="hub",
        )
    )
    one, two = face.machines()
    assert {one.public_address, two.public_address} == {made["router1Address"], made["router2Address"]}
    assert face.admits(one.id, "tcp", 8000, two.private_address)
    assert face.admits(two.id, "udp", 1203, one.private_address)
    assert face.admits(one.id, "udp", 500, "127.99.9.9")
    assert not face.admits(one.id, "udp", 500, "127.99.9.8")


def test_deploying_again_changes_nothing_and_the_group_goes_with_all_it_holds(
    face: AzureFace, clients: Clients, deploy: Deploy, world: Any
) -> None:
    first = outputs(deploy(shipped("vpc"), **VPC))
    etag = clients.network.virtual_networks.get(GROUP, "acme-vnet").etag
    assert outputs(deploy(shipped("vpc"), **VPC)) == first
    assert clients.network.virtual_networks.get(GROUP, "acme-vnet").etag == etag
    clients.resources.resource_groups.begin_delete(GROUP).result()
    assert face.machines() == []
    assert not clients.resources.resource_groups.check_existence(GROUP)
    taken = [world.addresses.take() for _ in range(249)]
    assert first["routerAddress"] in taken
