"""Load balancers and application security groups through the official SDKs.

Sources by row or test: the pages of Microsoft's documentation that are named, and, for codes that it does not list,
public reports of Azure's own answers (owner/repository#number).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lab_azure import GROUP, REGION, Clients, connect
from lab_azure_kinds import part, put, ref
from test_lab_azure_resources import ROOT, group, machine, net, nic, public, refused, sub

from trunkline_lab.azure import AzureFace
from trunkline_lab.world import World

# Load balancers: "Azure Load Balancer components"


def balancer(clients: Clients, frontend: dict[str, Any], **more: Any) -> Any:
    def own(kind: str, name: str) -> dict[str, str]:
        return ref(f"loadBalancers/lb/{kind}", name)

    properties = {
        "frontendIPConfigurations": [part("front", **frontend)],
        "backendAddressPools": [{"name": "pool"}],
        "probes": [part("probe", protocol="Tcp", port=80, intervalInSeconds=5, numberOfProbes=2)],
        "loadBalancingRules": [
            part(
                "rule",
                frontendIPConfiguration=own("frontendIPConfigurations", "front"),
                backendAddressPool=own("backendAddressPools", "pool"),
                probe=own("probes", "probe"),
                protocol="Tcp",
                frontendPort=80,
                backendPort=80,
            )
        ],
        **more,
    }
    return put(clients, "Microsoft.Network/loadBalancers", "lb", properties, sku={"name": "Standard"})


def test_a_balancer_knows_who_uses_what(clients: Clients) -> None:
    net(clients, sub("s", "10.0.0.0/24"))
    subnet = ref("virtualNetworks/net/subnets", "s")
    balancer(clients, {"subnet": subnet, "privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.0.4"})
    found = clients.network.load_balancers.get(GROUP, "lb")
    rule = f"{ROOT}/loadBalancers/lb/loadBalancingRules/rule"
    for item in (found.frontend_ip_configurations[0], found.backend_address_pools[0], found.probes[0]):
        assert [one.id for one in item.load_balancing_rules] == [rule]
    pool = ref("loadBalancers/lb/backendAddressPools", "pool")
    configuration = {"subnet": subnet, "loadBalancerBackendAddressPools": [pool]}
    made = put(
        clients, "Microsoft.Network/networkInterfaces", "nic", {"ipConfigurations": [part("one", **configuration)]}
    )
    assert made.properties["ipConfigurations"][0]["properties"]["privateIPAddress"] == "10.0.0.5"
    found = clients.network.load_balancers.get(GROUP, "lb")
    assert [one.id for one in found.backend_address_pools[0].backend_ip_configurations] == [
        f"{ROOT}/networkInterfaces/nic/ipConfigurations/one"
    ]
    without = {"backendAddressPools": [], "loadBalancingRules": []}
    assert refused(lambda: balancer(clients, {"subnet": subnet}, **without))[0] == "InvalidResourceReference"
    assert refused(clients.network.subnets.begin_delete, GROUP, "net", "s")[0] == "InUseSubnetCannotBeDeleted"
    clients.network.load_balancers.begin_delete(GROUP, "lb").result()
    assert (
        clients.network.network_interfaces.get(GROUP, "nic").ip_configurations[0].load_balancer_backend_address_pools
        == []
    )


def test_nat_rules_of_their_own_stay_with_the_balancer(clients: Clients) -> None:
    public(clients)
    front = {"publicIPAddress": ref("publicIPAddresses", "public")}
    balancer(clients, front)
    rule = {
        "frontendIPConfiguration": ref("loadBalancers/lb/frontendIPConfigurations", "front"),
        "protocol": "Tcp",
        "frontendPort": "50001",
        "backendPort": 22,
    }
    put(clients, "Microsoft.Network/loadBalancers", "lb/inboundNatRules/ssh", rule)
    balancer(clients, front)
    found = clients.network.load_balancers.get(GROUP, "lb")
    assert [(one.name, one.frontend_port) for one in found.inbound_nat_rules] == [("ssh", 50001)]
    assert (
        refused(clients.network.public_ip_addresses.begin_delete, GROUP, "public")[0]
        == "PublicIPAddressCannotBeDeleted"
    )


@pytest.mark.parametrize(
    ("front", "more", "code"),
    [
        ({}, {}, "FrontendIPConfigHasNoSubnetOrPublicIP"),  # ernestio/ernest#480
        (  # hashicorp/terraform-provider-azurerm#1622
            {"publicIPAddress": ref("publicIPAddresses", "public"), "subnet": ref("virtualNetworks", "net/subnets/a")},
            {},
            "FrontendIPConfigHasBothSubnetAndPublicIP",
        ),
        ({"publicIPAddress": ref("publicIPAddresses", "absent")}, {}, "InvalidResourceReference"),
        ({"publicIPAddress": ref("publicIPAddresses", "public")}, {"probes": []}, "InvalidResourceReference"),
        (
            {"publicIPAddress": ref("publicIPAddresses", "public")},
            {"probes": [part("probe", protocol="Tcp", port=70000)]},
            "InvalidPortNumber",
        ),
        (
            {"publicIPAddress": ref("publicIPAddresses", "public"), "privateIPAddressVersion": "IPv6"},
            {},
            "IPv6NotSupported",
        ),
    ],
)
def test_balancers_that_cannot_be(clients: Clients, front: dict[str, Any], more: dict[str, Any], code: str) -> None:
    public(clients)
    assert refused(lambda: balancer(clients, front, **more))[0] == code


# Application security groups: "Application security groups"


def test_groups_of_interfaces_in_rules(clients: Clients) -> None:
    put(clients, "Microsoft.Network/applicationSecurityGroups", "web")
    net(clients, sub("s", "10.0.0.0/24"))
    web = [ref("applicationSecurityGroups", "web")]
    rule = {
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationApplicationSecurityGroups": web,
        "destinationPortRange": "443",
    }
    group(clients, "group", {"name": "one", "properties": rule})
    configuration = {"subnet": ref("virtualNetworks/net/subnets", "s"), "applicationSecurityGroups": web}
    put(clients, "Microsoft.Network/networkInterfaces", "nic", {"ipConfigurations": [part("one", **configuration)]})
    begin = clients.network.application_security_groups.begin_delete
    code, message = refused(begin, GROUP, "web")
    assert code == "InUseApplicationSecurityGroupCannotBeDeleted"
    assert "referenced by" in message  # the words are those of Azure/azure-cli#12591
    both = {**rule, "destinationAddressPrefix": "*"}
    assert refused(group, clients, "group", {"name": "one", "properties": both})[0].startswith("SecurityRuleCannot")
    clients.network.network_interfaces.begin_delete(GROUP, "nic").result()
    clients.network.network_security_groups.begin_delete(GROUP, "group").result()
    begin(GROUP, "web").result()


def test_a_rule_for_a_group_of_interfaces_admits_to_those_alone(face: AzureFace, clients: Clients) -> None:
    put(clients, "Microsoft.Network/applicationSecurityGroups", "web")
    web = [ref("applicationSecurityGroups", "web")]
    rule = {
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationApplicationSecurityGroups": web,
        "destinationPortRange": "443",
    }
    group(clients, "group", {"name": "one", "properties": rule})
    net(clients, sub("s", "10.0.0.0/24", networkSecurityGroup=ref("networkSecurityGroups", "group")))
    subnet = ref("virtualNetworks/net/subnets", "s")
    found = []
    for name, more in (("in", {"applicationSecurityGroups": web}), ("out", {})):
        made = put(
            clients,
            "Microsoft.Network/networkInterfaces",
            name,
            {"ipConfigurations": [part("one", subnet=subnet, **more)]},
        )
        found.append(machine(clients, made.id, f"vm-{name}").id)
    assert [face.admits(one, "tcp", 443, "127.9.9.9") for one in found] == [True, False]


# The Basic SKUs, which Azure retired: templates that were written before ask for them


@pytest.fixture
def before(world: World) -> Iterator[Clients]:
    with AzureFace(world, basic_skus=True) as face:
        clients = connect(face)
        clients.resources.resource_groups.create_or_update(GROUP, {"location": REGION})
        yield clients


def test_a_basic_address_is_dynamic_and_told_while_it_is_used(before: Clients) -> None:
    put(before, "Microsoft.Network/publicIPAddresses", "old", {"dnsSettings": {"domainNameLabel": "lab-old"}})
    found = before.network.public_ip_addresses.get(GROUP, "old")
    assert (found.sku.name, found.public_ip_allocation_method, found.ip_address) == ("Basic", "Dynamic", None)
    assert found.dns_settings.fqdn == f"lab-old.{REGION}.cloudapp.azure.com"
    net(before, sub("s", "10.0.0.0/24"))
    nic(before, f"{ROOT}/virtualNetworks/net/subnets/s", public=found.id)
    assert before.network.public_ip_addresses.get(GROUP, "old").ip_address.startswith("127.77.7.")
    body = {"dnsSettings": {"domainNameLabel": "lab-old"}}
    assert refused(put, before, "Microsoft.Network/publicIPAddresses", "new", body)[0] == "DnsRecordInUse"


def test_a_balancer_and_its_addresses_are_of_one_sku(before: Clients) -> None:
    put(before, "Microsoft.Network/publicIPAddresses", "old", {})
    front = [part("front", publicIPAddress=ref("publicIPAddresses", "old"))]
    kind, body = "Microsoft.Network/loadBalancers", {"frontendIPConfigurations": front}
    code, _ = refused(lambda: put(before, kind, "lb", body, sku={"name": "Standard"}))
    assert code == "PublicIPAndLBSkuDoNotMatch"
    assert put(before, kind, "lb", body).sku.name == "Basic"
