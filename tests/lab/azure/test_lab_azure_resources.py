"""Resources through the official SDKs: what Azure fills in, refuses, and holds on to.

Sources: of a code, docs/reference/lab-errors.md; of a behaviour, docs/reference/lab-azure.md; of a row that has one of
its own, the row says it (owner/repository#number is a public report of Azure's own answer).
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from lab_azure import GROUP, REGION, Clients, rule

from trunkline_lab.azure import SUBSCRIPTION, AzureFace
from trunkline_lab.world import World

ROOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network"


def net(clients: Clients, *subnets: Any, name: str = "net", prefix: str = "10.0.0.0/16", **more: Any) -> Any:
    properties = {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": list(subnets), **more}
    body = {"location": REGION, "properties": properties}
    return clients.network.virtual_networks.begin_create_or_update(GROUP, name, body).result()


def sub(name: str, prefix: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "properties": {"addressPrefix": prefix, **more}}


def table(clients: Clients, name: str = "table", *routes: Any) -> Any:
    body = {"location": REGION, "properties": {"routes": list(routes)}}
    return clients.network.route_tables.begin_create_or_update(GROUP, name, body).result()


def group(clients: Clients, name: str = "group", *rules: Any) -> Any:
    body = {"location": REGION, "properties": {"securityRules": list(rules)}}
    return clients.network.network_security_groups.begin_create_or_update(GROUP, name, body).result()


def public(clients: Clients, name: str = "public") -> Any:
    properties = {"publicIPAllocationMethod": "Static"}
    body = {"location": REGION, "sku": {"name": "Standard"}, "properties": properties}
    return clients.network.public_ip_addresses.begin_create_or_update(GROUP, name, body).result()


def nic(clients: Clients, subnet: str, name: str = "nic", **more: Any) -> Any:
    address = (
        {"privateIPAllocationMethod": "Static", "privateIPAddress": more.pop("address")} if "address" in more else {}
    )
    shared = {"publicIPAddress": {"id": more.pop("public")}} if "public" in more else {}
    configuration = {"name": "one", "properties": {"subnet": {"id": subnet}, **address, **shared}}
    body = {"location": more.pop("location", REGION), "properties": {"ipConfigurations": [configuration], **more}}
    return clients.network.network_interfaces.begin_create_or_update(GROUP, name, body).result()


def machine(
    clients: Clients, interface: str, name: str = "vm", password: str | None = "A-long-Passw0rd", **more: Any
) -> Any:
    image = more.pop("image", "cohesive:vns3:byol:6.0.0").split(":")
    reference = dict(zip(("publisher", "offer", "sku", "version"), image, strict=True))
    profile = {"computerName": name, "adminUsername": "operator", **({"adminPassword": password} if password else {})}
    properties = {
        "hardwareProfile": {"vmSize": more.pop("size", "Standard_D2s_v5")},
        "storageProfile": {"imageReference": reference, "osDisk": {"createOption": "FromImage"}},
        "osProfile": profile,
        "networkProfile": {"networkInterfaces": [{"id": interface, "properties": more.pop("nic", {"primary": True})}]},
    }
    plan = {"plan": {"publisher": image[0], "product": image[1], "name": image[2]}} if more.pop("plan", True) else {}
    body = {"location": REGION, **plan, "properties": properties}
    return clients.compute.virtual_machines.begin_create_or_update(GROUP, name, body).result()


def _finish(found: Any) -> Any:
    return found.result() if hasattr(found, "result") else found


def refused(call: Any, *args: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(HttpResponseError) as caught:
        _finish(call(*args, **options))
    assert caught.value.error is not None
    return caught.value.error.code, caught.value.error.message


def test_networks_and_their_subnets(clients: Clients) -> None:
    made = net(clients, sub("a", "10.0.0.0/24"))
    assert (made.provisioning_state, made.location, made.etag[:3]) == ("Succeeded", REGION, 'W/"')
    assert made.subnets[0].private_endpoint_network_policies == "Disabled"
    subnets = clients.network.subnets
    subnets.begin_create_or_update(GROUP, "net", "b", {"properties": {"addressPrefix": "10.0.1.0/24"}}).result()
    assert [one.address_prefix for one in subnets.list(GROUP, "net")] == ["10.0.0.0/24", "10.0.1.0/24"]
    assert subnets.get(GROUP, "NET", "B").id == f"{ROOT}/virtualNetworks/net/subnets/b"
    subnets.begin_delete(GROUP, "net", "a").result()
    subnets.begin_delete(GROUP, "net", "a").result()
    assert [one.name for one in clients.network.virtual_networks.get(GROUP, "net").subnets] == ["b"]
    assert refused(subnets.get, GROUP, "net", "a")[0] == "NotFound"
    assert refused(subnets.get, GROUP, "gone", "a")[0] == "ResourceNotFound"
    code, message = refused(
        subnets.begin_create_or_update, GROUP, "gone", "a", {"properties": {"addressPrefix": "10.0.0.0/24"}}
    )
    assert code == "ParentResourceNotFound"
    assert "virtualNetworks/gone" in message


@pytest.mark.parametrize(
    ("subnets", "prefix", "code"),
    [
        # the first two: MicrosoftDocs/azure-docs#123869; the smallest subnet: microsoft/AzureTRE#2111
        ([("a", "10.0.0.0/24"), ("b", "10.0.0.128/25")], "10.0.0.0/16", "NetcfgSubnetRangesOverlap"),
        ([("a", "10.1.0.0/24")], "10.0.0.0/16", "NetcfgSubnetRangeOutsideVnet"),
        ([("a", "10.0.0.1/24")], "10.0.0.0/16", "InvalidCIDRNotation"),
        ([("a", "10.0.0.0")], "10.0.0.0/16", "InvalidAddressPrefixFormat"),  # Azure/azure-service-operator#997
        ([("a", "10.0.0.0/30")], "10.0.0.0/16", "NetcfgInvalidSubnet"),
        ([("a", "10.0.0.0/24"), ("A", "10.0.1.0/24")], "10.0.0.0/16", "InvalidRequestFormat"),
        ([], "10.0.0.0/33", "InvalidAddressPrefixFormat"),
        ([("a", "")], "10.0.0.0/16", "AddressPrefixStringCannotBeNullOrEmpty"),  # Azure/NoOpsAccelerator#106
    ],
)
def test_networks_that_cannot_be(clients: Clients, subnets: list[tuple[str, str]], prefix: str, code: str) -> None:
    assert refused(lambda: net(clients, *(sub(*one) for one in subnets), prefix=prefix))[0] == code
    assert list(clients.network.virtual_networks.list_all()) == []


def test_route_tables_and_their_routes(clients: Clients) -> None:
    table(clients)
    routes = clients.network.routes
    via = {"addressPrefix": "10.1.0.0/16", "nextHopType": "virtualappliance", "nextHopIpAddress": "10.0.0.9"}
    made = routes.begin_create_or_update(GROUP, "table", "up", {"properties": via}).result()
    assert (made.next_hop_type, made.next_hop_ip_address, made.provisioning_state) == (
        "VirtualAppliance",
        "10.0.0.9",
        "Succeeded",
    )
    put = routes.begin_create_or_update
    code, message = refused(put, GROUP, "table", "x", {"properties": via})
    assert code == "RouteConflict"
    assert message == "Route: x conflicts with Route: up. Routes cannot have the same AddressPrefix."
    assert (
        refused(put, GROUP, "table", "x", {"properties": {**via, "nextHopType": "Nowhere"}})[0]
        == "InvalidRequestFormat"
    )
    assert (
        refused(put, GROUP, "table", "x", {"properties": {**via, "nextHopIpAddress": "x"}})[0]
        == "InvalidIPAddressFormat"
    )
    bare = {"addressPrefix": "10.1.0.0/16", "nextHopType": "VirtualAppliance"}
    assert refused(put, GROUP, "table", "x", {"properties": bare}) == (  # hashicorp/terraform-provider-azurerm#20365
        "MissingNextHopIpAddress",
        "NextHopIpAddress cannot be Null or Empty in route x when NextHopType is VirtualAppliance.",
    )
    net(clients, sub("a", "10.0.0.0/24", routeTable={"id": f"{ROOT}/routetables/TABLE"}))
    found = clients.network.route_tables.get(GROUP, "table")
    assert found.subnets[0].id == f"{ROOT}/virtualNetworks/net/subnets/a"
    assert clients.network.subnets.get(GROUP, "net", "a").route_table.id == found.id
    assert refused(clients.network.route_tables.begin_delete, GROUP, "table")[0] == "InUseRouteTableCannotBeDeleted"
    clients.network.subnets.begin_delete(GROUP, "net", "a").result()
    clients.network.route_tables.begin_delete(GROUP, "table").result()
    assert list(clients.network.route_tables.list_all()) == []


def test_security_groups_and_their_rules(clients: Clients) -> None:
    made = group(clients, "group", {"name": "one", "properties": rule(100)})
    assert [one.name for one in made.default_security_rules][:3] == [
        "AllowVnetInBound",
        "AllowAzureLoadBalancerInBound",
        "DenyAllInBound",
    ]
    rules = clients.network.security_rules
    rules.begin_create_or_update(GROUP, "group", "two", {"properties": rule(101, description="why")}).result()
    assert rules.get(GROUP, "group", "two").description == "why"
    code, message = refused(rules.begin_create_or_update, GROUP, "group", "three", {"properties": rule(101)})
    assert code == "SecurityRuleConflict"
    assert "rule two" in message
    rules.begin_create_or_update(GROUP, "group", "three", {"properties": rule(101, direction="Outbound")}).result()
    group(clients, "group", {"name": "one", "properties": rule(100)})
    assert [one.name for one in rules.list(GROUP, "group")] == ["one"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"priority": 99}, "SecurityRuleInvalidPriority"),
        ({"priority": 4097}, "SecurityRuleInvalidPriority"),
        ({"destinationPortRange": "80, 81"}, "SecurityRuleInvalidPortRange"),
        ({"destinationPortRange": "90-80"}, "SecurityRuleInvalidPortRange"),
        ({"destinationPortRange": "70000"}, "SecurityRuleInvalidPortRange"),
        ({"sourceAddressPrefix": "10.0.0.1/24"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": "10.0.0.0/34"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": None}, "SecurityRuleParametersMissing"),
        ({"sourcePortRange": None}, "SecurityRuleParametersMissing"),
        ({"sourceAddressPrefix": "VirtualNetworks"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": "AzureBastionSubnet"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": "Storage.West Europe"}, "SecurityRuleInvalidAddressPrefix"),
        (
            {"sourceAddressPrefix": None, "sourceAddressPrefixes": ["10.0.0.0/8", "Internet"]},
            "SecurityRuleParameterContainsUnsupportedValue",
        ),
        (
            {"sourceAddressPrefix": None, "sourceAddressPrefixes": ["*"]},
            "SecurityRuleParameterContainsUnsupportedValue",
        ),
        (
            {"sourceAddressPrefixes": ["10.0.0.0/8"]},
            "SecurityRuleCannotSpecifyBothAddressPrefixesAndApplicationSecurityGroups",
        ),
        ({"protocol": "sctp"}, "InvalidRequestFormat"),
        ({"access": "Maybe"}, "InvalidRequestFormat"),
        ({"description": "x" * 141}, "SecurityRuleDescriptionTooLong"),
        ({"colour": "red"}, "InvalidRequestFormat"),
    ],
)
def test_rules_that_cannot_be(clients: Clients, change: dict[str, Any], code: str) -> None:
    group(clients)
    body = {"properties": rule(100) | change}
    assert refused(clients.network.security_rules.begin_create_or_update, GROUP, "group", "r", body)[0] == code
    assert list(clients.network.security_rules.list(GROUP, "group")) == []


def test_public_addresses_come_from_the_world_and_go_back(clients: Clients, world: World) -> None:
    one, two = public(clients, "one"), public(clients, "two")
    assert one.ip_address.startswith("127.77.7.")
    assert one.ip_address != two.ip_address
    assert public(clients, "one").ip_address == one.ip_address
    clients.network.public_ip_addresses.begin_delete(GROUP, "one").result()
    left = [world.addresses.take() for _ in range(248)]
    assert one.ip_address in left
    assert two.ip_address not in left
    code, message = refused(lambda: public(clients, "three"))
    assert code == "PublicIPCountLimitReached"
    assert message == "Cannot create more than 1 public IP addresses for this subscription in this region."
    basic = {"location": REGION, "properties": {"publicIPAllocationMethod": "Dynamic"}}
    put = clients.network.public_ip_addresses.begin_create_or_update
    assert refused(put, GROUP, "four", basic)[0] == "IPv4BasicSkuPublicIpCountLimitReached"
    standard = {**basic, "sku": {"name": "Standard"}}
    assert refused(put, GROUP, "four", standard)[0] == "StandardSkuPublicIPAddressesMustBeStatic"


def test_interfaces_get_addresses_and_are_held_to_their_subnet(clients: Clients) -> None:
    subnet = net(clients, sub("a", "10.0.0.0/29"), sub("b", "10.0.1.0/24")).subnets[0].id
    first = nic(clients, subnet, "first", enableIPForwarding=True)
    assert first.enable_ip_forwarding
    assert first.ip_configurations[0].private_ip_address == "10.0.0.4"
    assert nic(clients, subnet, "second").ip_configurations[0].private_ip_address == "10.0.0.5"
    assert nic(clients, subnet, "second").ip_configurations[0].private_ip_address == "10.0.0.5"
    assert refused(lambda: nic(clients, subnet, "x", address="10.0.0.4"))[0] == "PrivateIPAddressIsAllocated"
    assert refused(lambda: nic(clients, subnet, "x", address="10.0.0.3"))[0] == "PrivateIPAddressInReservedRange"
    assert refused(lambda: nic(clients, subnet, "x", address="10.0.1.9"))[0] == "PrivateIPAddressNotInSubnet"
    code, _ = refused(lambda: nic(clients, subnet, "x", address=None))
    assert code == "PrivateIPAddressMissing"  # hashicorp/terraform-provider-azurerm#15265
    nic(clients, subnet, "third", address="10.0.0.6")
    assert refused(lambda: nic(clients, subnet, "x"))[0] == "SubnetIsFull"
    other = subnet.replace("/a", "/zzz")
    code, message = refused(lambda: nic(clients, other, "x"))
    assert code == "InvalidResourceReference"
    assert f"Resource {other} referenced by resource" in message
    assert refused(lambda: nic(clients, subnet, "x", location="eastus"))[0] == "InvalidResourceReference"
    assert len(list(clients.network.network_interfaces.list_all())) == 3


def test_what_is_in_use_cannot_be_deleted(clients: Clients) -> None:
    guard, address = group(clients), public(clients)
    subnet = net(clients, sub("a", "10.0.0.0/24", networkSecurityGroup={"id": guard.id})).subnets[0].id
    made = nic(clients, subnet, public=address.id, networkSecurityGroup={"id": guard.id})
    machine(clients, made.id)
    network = clients.network
    assert refused(network.network_interfaces.begin_delete, GROUP, "nic")[0] == "NicInUse"
    assert refused(network.public_ip_addresses.begin_delete, GROUP, "public")[0] == "PublicIPAddressCannotBeDeleted"
    code, message = refused(network.network_security_groups.begin_delete, GROUP, "group")
    assert code == "InUseNetworkSecurityGroupCannotBeDeleted"
    assert made.id in message
    assert subnet in message
    code, message = refused(network.subnets.begin_delete, GROUP, "net", "a")
    assert code == "InUseSubnetCannotBeDeleted"
    assert f"{made.id}/ipConfigurations/one" in message
    assert refused(network.virtual_networks.begin_delete, GROUP, "net")[0] == "InUseSubnetCannotBeDeleted"
    assert refused(lambda: net(clients))[0] == "InUseSubnetCannotBeDeleted"
    assert refused(lambda: net(clients, sub("a", "10.0.9.0/24")))[0] == "InUseSubnetCannotBeUpdated"
    assert refused(lambda: nic(clients, subnet, "other", public=address.id))[0] == "PublicIPAddressInUse"
    assert refused(lambda: machine(clients, made.id, "other"))[0] == "NicInUse"
    found = network.network_interfaces.get(GROUP, "nic")
    assert found.virtual_machine.id.endswith("/virtualMachines/vm")
    assert network.public_ip_addresses.get(GROUP, "public").ip_configuration.id == f"{made.id}/ipConfigurations/one"
    assert network.subnets.get(GROUP, "net", "a").ip_configurations[0].id == f"{made.id}/ipConfigurations/one"
    held = network.network_security_groups.get(GROUP, "group")
    assert (held.network_interfaces[0].id, held.subnets[0].id) == (made.id, subnet)


def test_machines_keep_no_password_and_power_decides_who_is_a_router(clients: Clients, face: AzureFace) -> None:
    subnet = net(clients, sub("a", "10.0.0.0/24")).subnets[0].id
    one, two = nic(clients, subnet, "n1"), nic(clients, subnet, "n2")
    made = machine(clients, one.id, "router")
    machine(clients, two.id, "web", image="Canonical:ubuntu-24_04-lts:server:latest", plan=False)
    assert made.os_profile.admin_password is None
    assert made.provisioning_state == "Succeeded"
    view = clients.compute.virtual_machines.get(GROUP, "router", expand="instanceView").instance_view
    assert [status.code for status in view.statuses] == ["ProvisioningState/succeeded", "PowerState/running"]
    (router,) = face.machines()
    assert (router.name, router.private_address, router.public_address) == ("router", "10.0.0.4", None)
    assert router.default_password == "router-10.0.0.4"
    assert router.account == SUBSCRIPTION
    clients.compute.virtual_machines.begin_deallocate(GROUP, "router").result()
    assert face.machines() == []
    clients.compute.virtual_machines.begin_start(GROUP, "router").result()
    assert len(face.machines()) == 1
    clients.compute.virtual_machines.begin_delete(GROUP, "router").result()
    assert face.machines() == []
    clients.network.network_interfaces.begin_delete(GROUP, "n1").result()


def test_an_interface_that_says_so_goes_with_its_machine(clients: Clients) -> None:
    made = nic(clients, net(clients, sub("a", "10.0.0.0/24")).subnets[0].id)
    machine(clients, made.id, nic={"primary": True, "deleteOption": "Delete"})
    clients.compute.virtual_machines.begin_delete(GROUP, "vm").result()
    assert list(clients.network.network_interfaces.list(GROUP)) == []


def test_machines_that_cannot_be(clients: Clients) -> None:
    made = nic(clients, net(clients, sub("a", "10.0.0.0/24")).subnets[0].id)
    code, message = refused(lambda: machine(clients, made.id, password=None))
    assert (code, "adminPassword" in message) == ("InvalidParameter", True)
    code, message = refused(lambda: machine(clients, made.id, password="alllowercase"))
    assert (code, "alllowercase" in message) == ("InvalidParameter", False)
    assert refused(lambda: machine(clients, made.id, size="huge"))[0] == "InvalidParameter"
    assert refused(lambda: machine(clients, made.id, plan=False))[0] == "VMMarketplaceInvalidInput"
    assert refused(lambda: machine(clients, made.id, image="nobody:nothing:byol:1.0.0")) == (
        "PlatformImageNotFound",
        "The platform image 'nobody:nothing:byol:1.0.0' is not available. "
        "Verify that all fields in the storage profile are correct.",
    )
    assert refused(lambda: machine(clients, made.id + "x"))[0] == "InvalidResourceReference"
    machine(clients, made.id)
    code, message = refused(lambda: machine(clients, made.id, password="Another-Passw0rd"))
    assert (code, message) == (
        "PropertyChangeNotAllowed",
        "Changing property 'osProfile.adminPassword' is not allowed.",
    )
    assert refused(lambda: machine(clients, made.id, image="cohesive:vns3:byol:7.0.0"))[0] == "PropertyChangeNotAllowed"


def test_etags_are_honoured_and_stay_while_nothing_changes(clients: Clients) -> None:
    first = table(clients)
    assert table(clients).etag == first.etag
    routes = clients.network.routes
    to = {"properties": {"addressPrefix": "10.1.0.0/16", "nextHopType": "None"}}
    routes.begin_create_or_update(GROUP, "table", "up", to).result()
    assert clients.network.route_tables.get(GROUP, "table").etag != first.etag
    body = {"location": REGION, "properties": {}}
    with pytest.raises(HttpResponseError) as caught:
        clients.network.route_tables.begin_create_or_update(
            GROUP, "table", body, headers={"If-Match": first.etag}
        ).result()
    assert (caught.value.status_code, caught.value.error.code) == (412, "PreconditionFailed")
    (cause,) = caught.value.error.details  # kubernetes-sigs/cloud-provider-azure#9729
    assert cause.code == "PreconditionFailedEtagMismatch"
    assert [route.name for route in routes.list(GROUP, "table")] == ["up"]
    now = clients.network.route_tables.get(GROUP, "table").etag
    clients.network.route_tables.begin_create_or_update(GROUP, "table", body, headers={"If-Match": now}).result()
    with pytest.raises((ResourceModifiedError, HttpResponseError)):
        clients.network.route_tables.begin_create_or_update(
            GROUP, "table", body, headers={"If-None-Match": "*"}
        ).result()


def test_tags_resources_and_groups(clients: Clients) -> None:
    made = table(clients)
    tagged = clients.network.route_tables.update_tags(GROUP, "table", {"tags": {"run": "r1"}})
    assert tagged.tags == {"run": "r1"}
    net(clients)
    found = clients.resources.resources.list(filter="tagName eq 'run' and tagValue eq 'r1'")
    assert [one.id for one in found] == [made.id]
    by_type = clients.resources.resources.list_by_resource_group(
        GROUP, filter="resourceType eq 'Microsoft.Network/virtualNetworks'"
    )
    assert [one.name for one in by_type] == ["net"]
    assert clients.resources.resources.get_by_id(made.id, api_version="2024-05-01").location == REGION
    assert clients.resources.resources.check_existence_by_id(made.id, api_version="2024-05-01")
    clients.resources.resources.begin_delete_by_id(made.id, api_version="2024-05-01").result()
    assert not clients.resources.resources.check_existence_by_id(made.id, api_version="2024-05-01")
    groups = clients.resources.resource_groups
    groups.create_or_update("g2", {"location": "West US 2", "tags": {"a": "b"}})
    assert groups.get("G2").location == "westus2"
    assert [one.name for one in groups.list(filter="tagName eq 'a'")] == ["g2"]
    assert refused(groups.create_or_update, "g2", {"location": "eastus"})[0] == "InvalidResourceGroupLocation"
    assert refused(groups.create_or_update, "g3", {"location": "atlantis"})[0] == "LocationNotAvailableForResourceType"
    assert refused(groups.get, "g3")[0] == "ResourceGroupNotFound"
    assert refused(lambda: net(clients, name="no spaces"))[0] == "InvalidResourceName"
    update = clients.network.virtual_networks.update_tags
    assert update(GROUP, "net", {"tags": {"run": 256 * "r"}}).tags == {"run": 256 * "r"}
    # Azure-Samples/azure-search-openai-demo#1997
    assert refused(update, GROUP, "net", {"tags": {"run": 257 * "r"}})[0] == "InvalidTagValueLength"


def test_a_group_whose_parts_others_use_stays(clients: Clients) -> None:
    clients.resources.resource_groups.create_or_update("shared", {"location": REGION})
    body = {"location": REGION, "properties": {}}
    shared = clients.network.route_tables.begin_create_or_update("shared", "table", body).result()
    net(clients, sub("a", "10.0.0.0/24", routeTable={"id": shared.id}))
    with pytest.raises(HttpResponseError) as caught:
        clients.resources.resource_groups.begin_delete("shared").result()
    assert caught.value.error.code == "ResourceGroupDeletionBlocked"
    assert caught.value.error.details[0].code == "InUseRouteTableCannotBeDeleted"
    assert clients.resources.resource_groups.get("shared").properties.provisioning_state == "Succeeded"
    clients.resources.resource_groups.begin_delete(GROUP).result()
    clients.resources.resource_groups.begin_delete("shared").result()
    assert list(clients.resources.resource_groups.list()) == []
