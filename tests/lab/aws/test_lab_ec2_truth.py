"""EC2's refusals, reads, limits and states in passing, where moto has none of its own.

Sources of the rows: the EC2 API reference, "Error codes for the Amazon EC2 API", "Pagination", "Eventual
consistency", and the page of the operation that a row names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lab_aws import IMAGE, Account, elastic, network, permit, run

from trunkline_lab.aws.rules.kinds import KINDS, Kind
from trunkline_lab.aws.rules.lag import Lag
from trunkline_lab.aws.rules.limits import Limits, Quotas

There = dict[str, str]


def refusal(action: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def snake(operation: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in operation)[1:]


@pytest.fixture
def there(account: Account) -> There:
    """A network with a VPN gateway that is attached and connected, a peering and a NAT gateway."""
    ec2, made = account.ec2, network(account.ec2)
    made["vgw"] = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=made["vgw"], VpcId=made["vpc"])
    made["cgw"] = ec2.create_customer_gateway(Type="ipsec.1", BgpAsn=65001, IpAddress="192.0.2.9")["CustomerGateway"][
        "CustomerGatewayId"
    ]
    options = {"StaticRoutesOnly": True}
    made["vpn"] = ec2.create_vpn_connection(
        Type="ipsec.1", CustomerGatewayId=made["cgw"], VpnGatewayId=made["vgw"], Options=options
    )["VpnConnection"]["VpnConnectionId"]
    made["other"] = ec2.create_vpc(CidrBlock="10.66.0.0/16")["Vpc"]["VpcId"]
    made["pcx"] = ec2.create_vpc_peering_connection(VpcId=made["vpc"], PeerVpcId=made["other"])["VpcPeeringConnection"][
        "VpcPeeringConnectionId"
    ]
    made["acl"] = ec2.create_network_acl(VpcId=made["vpc"])["NetworkAcl"]["NetworkAclId"]
    return made


# What the page says of a code fits the case: https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html,
# "Error codes for the Amazon EC2 API".
CODES = "EC2 error codes"
# The page has the code, and does not name this case.
REPORTED = "users' reports"
# Operation, arguments ({} filled from the network), error code, source. One row a refusal.
REFUSED = [
    ("delete_customer_gateway", {"CustomerGatewayId": "{cgw}"}, "IncorrectState", REPORTED),
    ("delete_vpn_gateway", {"VpnGatewayId": "{vgw}"}, "IncorrectState", CODES),
    ("delete_vpc", {"VpcId": "{other}"}, "DependencyViolation", CODES),
    ("attach_vpn_gateway", {"VpnGatewayId": "{vgw}", "VpcId": "{other}"}, "VpnGatewayAttachmentLimitExceeded", CODES),
    ("delete_vpn_connection", {"VpnConnectionId": "vpn-00000000"}, "InvalidVpnConnectionID.NotFound", CODES),
    (
        "create_vpn_connection",
        {"Type": "ipsec.1", "CustomerGatewayId": "cgw-00000000"},
        "InvalidCustomerGatewayID.NotFound",
        CODES,
    ),
    (
        "delete_vpn_connection_route",
        {"VpnConnectionId": "{vpn}", "DestinationCidrBlock": "10.1.0.0/16"},
        "InvalidRoute.NotFound",
        REPORTED,
    ),
    ("create_nat_gateway", {"SubnetId": "{subnet}"}, "MissingParameter", CODES),
    ("delete_nat_gateway", {"NatGatewayId": "nat-00000000"}, "NatGatewayNotFound", CODES),
    (
        "delete_network_acl_entry",
        {"NetworkAclId": "{acl}", "RuleNumber": 77, "Egress": False},
        "InvalidNetworkAclEntry.NotFound",
        CODES,
    ),
    (
        "replace_network_acl_association",
        {"NetworkAclId": "{acl}", "AssociationId": "aclassoc-00000000"},
        "InvalidAssociationID.NotFound",
        CODES,
    ),
    (
        "enable_vgw_route_propagation",
        {"RouteTableId": "{table}", "GatewayId": "vgw-00000000"},
        "InvalidVpnGatewayID.NotFound",
        CODES,
    ),
]


@pytest.mark.parametrize(("operation", "arguments", "code"), [row[:3] for row in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_ec2_refuses(account: Account, there: There, operation: str, arguments: Any, code: str) -> None:
    filled = {k: v.format(**there) if isinstance(v, str) else v for k, v in arguments.items()}
    assert refusal(getattr(account.ec2, operation), **filled)[0] == code


# What "EC2 error codes" has for an id that names nothing, and for what is no id; "" where it has no code.
IDS = {
    "vpc": ("InvalidVpcID.NotFound", "InvalidVpcID.Malformed"),
    "subnet": ("InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed"),
    "igw": ("InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.Malformed"),
    "rtb": ("InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed"),
    "sg": ("InvalidGroup.NotFound", "InvalidGroupId.Malformed"),
    "sgr": ("InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRuleId.Malformed"),
    "eni": ("InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterfaceId.Malformed"),
    "acl": ("InvalidNetworkAclID.NotFound", "InvalidNetworkAclId.Malformed"),
    "eipalloc": ("InvalidAllocationID.NotFound", ""),
    "nat": ("NatGatewayNotFound", "NatGatewayMalformed"),
    "pcx": ("InvalidVpcPeeringConnectionID.NotFound", "InvalidVpcPeeringConnectionId.Malformed"),
    "vgw": ("InvalidVpnGatewayID.NotFound", ""),
    "cgw": ("InvalidCustomerGatewayID.NotFound", "InvalidCustomerGatewayId.Malformed"),
    "vpn": ("InvalidVpnConnectionID.NotFound", ""),
    "vpce": ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpointId.Malformed"),
    "eigw": ("InvalidEgressOnlyInternetGatewayId.NotFound", "InvalidEgressOnlyInternetGatewayId.Malformed"),
    "dopt": ("InvalidDhcpOptionID.NotFound", "InvalidDhcpOptionsId.Malformed"),
    "i": ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"),
}


@pytest.mark.parametrize("kind", KINDS, ids=[kind.prefix for kind in KINDS])
def test_an_id_that_names_nothing(account: Account, kind: Kind) -> None:
    identity = f"{kind.prefix}-0123456789abcdef0"
    code, _ = refusal(getattr(account.ec2, snake(kind.operation)), **{kind.asked: [identity]})
    assert code == IDS[kind.prefix][0]


@pytest.mark.parametrize("kind", KINDS, ids=[kind.prefix for kind in KINDS])
def test_what_is_no_id(account: Account, kind: Kind) -> None:
    missing, malformed = IDS[kind.prefix]
    code, text = refusal(getattr(account.ec2, snake(kind.operation)), **{kind.asked: ["what?"]})
    assert code == (malformed or missing)
    assert "what?" in text


def test_vpn_routes_options_and_propagation(account: Account, there: There) -> None:
    ec2, route = account.ec2, {"VpnConnectionId": there["vpn"], "DestinationCidrBlock": "10.1.0.0/16"}
    ec2.create_vpn_connection_route(**route)
    (found,) = ec2.describe_vpn_connections(VpnConnectionIds=[there["vpn"]])["VpnConnections"]
    assert found["Options"]["StaticRoutesOnly"] is True
    assert found["Routes"] == [{"DestinationCidrBlock": "10.1.0.0/16", "Source": "Static", "State": "available"}]
    ec2.delete_vpn_connection_route(**route)
    ec2.enable_vgw_route_propagation(RouteTableId=there["table"], GatewayId=there["vgw"])
    (table,) = ec2.describe_route_tables(RouteTableIds=[there["table"]])["RouteTables"]
    assert table["PropagatingVgws"] == [{"GatewayId": there["vgw"]}]
    ec2.disable_vgw_route_propagation(RouteTableId=there["table"], GatewayId=there["vgw"])
    (table,) = ec2.describe_route_tables(RouteTableIds=[there["table"]])["RouteTables"]
    assert table.get("PropagatingVgws", []) == []


def test_pages(account: Account) -> None:
    made = {account.ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in range(12)}
    pages = list(account.ec2.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Vpcs"]) for page in pages] == [5, 5, 3]
    assert made <= {vpc["VpcId"] for page in pages for vpc in page["Vpcs"]}
    assert refusal(account.ec2.describe_vpcs, MaxResults=5, NextToken="junk")[0] == "InvalidNextToken"
    assert refusal(account.ec2.describe_vpcs, MaxResults=1001)[0] == "InvalidParameterValue"


TAGGED = [
    ("describe_customer_gateways", "Filters", "CustomerGateways", "cgw"),
    ("describe_vpc_peering_connections", "Filters", "VpcPeeringConnections", "pcx"),
]


@pytest.mark.parametrize(("operation", "argument", "listed", "name"), TAGGED, ids=[row[0] for row in TAGGED])
def test_tag_filters(account: Account, there: There, operation: str, argument: str, listed: str, name: str) -> None:
    account.ec2.create_tags(Resources=[there[name]], Tags=[{"Key": "run", "Value": "acme-1"}])
    for pattern, count in (("acme-1", 1), ("acme-*", 1), ("other", 0)):
        where = {argument: [{"Name": "tag:run", "Values": [pattern]}]}
        assert len(getattr(account.ec2, operation)(**where)[listed]) == count
    assert len(getattr(account.ec2, operation)(**{argument: [{"Name": "tag-key", "Values": ["run"]}]})[listed]) == 1


@pytest.fixture
def lagging(account: Account) -> Iterator[Account]:
    """The face's reads lag writes by a moment."""
    account.face.lag.seconds = 1.0
    yield account
    account.face.lag.seconds = 0.0


def test_reads_lag_writes_for_a_bounded_time(lagging: Account) -> None:
    ec2 = lagging.ec2
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert vpc not in {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]}
    assert refusal(ec2.describe_vpcs, VpcIds=[vpc]) == ("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    time.sleep(1.1)
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.1.0.0/16"


def test_a_change_and_a_deletion_show_late_and_take_effect_at_once(lagging: Account) -> None:
    ec2, now = lagging.ec2, lagging.face.inside.ec2(lagging.number, lagging.region)
    vpc = now.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    group = now.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    permission: Any = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
    own: Any = [{"Name": "group-id", "Values": [group]}]

    def shown() -> tuple[int, int, list[str]]:
        (seen,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        rules = ec2.describe_security_group_rules(Filters=own)["SecurityGroupRules"]
        inbound = sum(not each["IsEgress"] for each in rules)
        return inbound, len(seen["IpPermissions"]), [tag["Value"] for tag in seen.get("Tags", [])]

    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    ec2.create_tags(Resources=[group], Tags=[{"Key": "run", "Value": "r"}])
    assert shown() == (0, 0, [])
    assert refusal(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[permission])[0] == (
        "InvalidPermission.Duplicate"
    )
    assert ec2.describe_security_groups(Filters=[{"Name": "tag:run", "Values": ["r"]}])["SecurityGroups"] == []
    time.sleep(1.1)
    assert shown() == (1, 1, ["r"])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])
    assert shown() == (1, 1, ["r"])
    ec2.delete_security_group(GroupId=group)
    assert shown() == (1, 1, ["r"])
    assert refusal(ec2.delete_security_group, GroupId=group)[0] == "InvalidGroup.NotFound"
    time.sleep(1.1)
    assert ec2.describe_security_groups(Filters=own)["SecurityGroups"] == []


def test_what_was_just_made_may_be_unknown_to_the_next_write(lagging: Account) -> None:
    vpc = lagging.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    refused = refusal(lagging.ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/24")
    assert refused == ("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")
    time.sleep(1.1)
    lagging.ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")


def test_a_seed_tosses_the_same_coin_again() -> None:
    def tosses(seed: int | None) -> list[bool]:
        lag = Lag(1.0, seed)
        return [lag._late() for _ in range(40)]

    assert tosses(3) == tosses(3) != tosses(4)
    assert 5 < sum(tosses(3)) < 35
    assert all(tosses(None))


def test_cloudformation_does_not_lag_itself(lagging: Account) -> None:
    made = lagging.create("one", "Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}}")
    assert made["StackStatus"] == "CREATE_COMPLETE"


@pytest.fixture
def limited(account: Account) -> Iterator[Callable[..., None]]:
    (quotas,) = [rule for rule in account.face.gateway.rules if isinstance(rule, Quotas)]

    def limit(**most: int) -> None:
        quotas.limits = replace(Limits(), **most)

    yield limit
    quotas.limits = None


def test_an_account_has_five_vpcs_and_five_addresses(account: Account, limited: Callable[..., None]) -> None:
    limited()
    # The default VPC counts.
    for n in range(4):
        account.ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")
    assert refusal(account.ec2.create_vpc, CidrBlock="10.9.0.0/16") == (
        "VpcLimitExceeded",
        "The maximum number of VPCs has been reached.",
    )
    for _ in range(5):
        account.ec2.allocate_address(Domain="vpc")
    assert refusal(account.ec2.allocate_address, Domain="vpc")[0] == "AddressLimitExceeded"
    for address in account.ec2.describe_addresses()["Addresses"]:
        account.ec2.release_address(AllocationId=address["AllocationId"])


def test_a_group_has_so_many_rules(account: Account, there: There, limited: Callable[..., None]) -> None:
    limited(rules=2)
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    ranges = [{"CidrIp": f"192.0.2.{n}/32"} for n in range(3)]
    authorize = account.ec2.authorize_security_group_ingress
    arguments = {"GroupId": there["group"], "IpPermissions": [{**rule, "IpRanges": ranges}]}
    assert refusal(authorize, **arguments)[0] == "RulesPerSecurityGroupLimitExceeded"
    authorize(GroupId=there["group"], IpPermissions=[{**rule, "IpRanges": ranges[:2]}])


@pytest.fixture
def slow(account: Account) -> Iterator[Account]:
    account.face.passing.seconds = 1.0
    yield account
    account.face.passing.seconds = 0.0


def test_an_instance_is_pending_then_running_then_shutting_down(there: There, slow: Account) -> None:
    ec2 = slow.ec2
    nic = {"DeviceIndex": 0, "NetworkInterfaceId": there["interface"]}
    made = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t3.small", NetworkInterfaces=[nic])
    identity = made["Instances"][0]["InstanceId"]

    def state() -> Any:
        return ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"][0]["State"]["Name"]

    assert made["Instances"][0]["State"]["Name"] == "pending"
    assert state() == "pending"
    time.sleep(1.1)
    assert state() == "running"
    assert ec2.terminate_instances(InstanceIds=[identity])["TerminatingInstances"][0]["CurrentState"]["Name"] == (
        "shutting-down"
    )
    assert state() == "shutting-down"
    time.sleep(1.1)
    assert state() == "terminated"


def test_gateways_and_peerings_pass_through_states(there: There, slow: Account) -> None:
    ec2 = slow.ec2
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=there["pcx"])
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=there["subnet"], AllocationId=address)["NatGateway"]
    assert nat["State"] == "pending"

    def states() -> tuple[str, str]:
        found = ec2.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"][0]["State"]
        peering = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[there["pcx"]])
        return found, peering["VpcPeeringConnections"][0]["Status"]["Code"]

    assert states() == ("pending", "provisioning")
    time.sleep(1.1)
    assert states() == ("available", "active")
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert states()[0] == "deleting"


def test_an_instance_shows_its_interfaces_groups_and_check(account: Account, there: There) -> None:
    ec2, change = account.ec2, account.ec2.modify_network_interface_attribute
    change(NetworkInterfaceId=there["interface"], SourceDestCheck={"Value": False})
    identity = run(ec2, there["interface"])
    shown = ec2.describe_instances(InstanceIds=[identity])["Reservations"][0]["Instances"][0]
    assert shown["SourceDestCheck"] is False
    assert [group["GroupId"] for group in shown["SecurityGroups"]] == [there["group"]]


def test_two_elastic_addresses_for_two_private_ones(account: Account, there: There) -> None:
    ec2 = account.ec2
    interface = ec2.create_network_interface(SubnetId=there["subnet"], SecondaryPrivateIpAddressCount=1)
    addresses = [each["PrivateIpAddress"] for each in interface["NetworkInterface"]["PrivateIpAddresses"]]
    identity = interface["NetworkInterface"]["NetworkInterfaceId"]
    for private in addresses:
        elastic = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.associate_address(AllocationId=elastic, NetworkInterfaceId=identity, PrivateIpAddress=private)
    third = ec2.allocate_address(Domain="vpc")["AllocationId"]
    again = {"AllocationId": third, "NetworkInterfaceId": identity, "PrivateIpAddress": addresses[1]}
    assert refusal(ec2.associate_address, **again)[0] == "Resource.AlreadyAssociated"


def test_what_belongs_to_a_vpc_goes_with_it(account: Account) -> None:
    ec2 = account.ec2
    before = len(ec2.describe_network_acls()["NetworkAcls"])
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert len(ec2.describe_network_acls()["NetworkAcls"]) == before + 1
    ec2.delete_vpc(VpcId=vpc)
    assert len(ec2.describe_network_acls()["NetworkAcls"]) == before


# Entries (number, protocol, action, direction, ports), and whether udp/500 from 127.0.0.1 gets in and back.
LISTS = [
    ("nothing is allowed", [], False),
    ("both ways", [(100, "17", "allow", False, (500, 500)), (100, "17", "allow", True, (500, 500))], True),
    ("no way back", [(100, "17", "allow", False, (500, 500))], False),
    ("another port", [(100, "17", "allow", False, (501, 501)), (100, "-1", "allow", True, None)], False),
    (
        "a lower number wins",
        [
            (90, "17", "deny", False, (500, 500)),
            (100, "-1", "allow", False, None),
            (100, "-1", "allow", True, None),
        ],
        False,
    ),
]


@pytest.mark.parametrize(("entries", "open_"), [row[1:] for row in LISTS], ids=[row[0] for row in LISTS])
def test_a_network_acl_keeps_no_state(account: Account, there: There, entries: Any, open_: bool) -> None:
    ec2 = account.ec2
    machine = run(ec2, there["interface"])
    elastic(ec2, there["interface"])
    permit(ec2, there["group"], "udp", 500, "127.0.0.1/32")
    ec2.create_route(RouteTableId=there["table"], DestinationCidrBlock="127.0.0.1/32", GatewayId=there["gateway"])
    assert account.face.admits(machine, "udp", 500, "127.0.0.1")
    for number, protocol, action, egress, ports in entries:
        ranged = {"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}
        ec2.create_network_acl_entry(
            NetworkAclId=there["acl"],
            RuleNumber=number,
            Protocol=protocol,
            RuleAction=action,
            Egress=egress,
            CidrBlock="0.0.0.0/0",
            **ranged,
        )
    where = [{"Name": "association.subnet-id", "Values": [there["subnet"]]}]
    (default,) = ec2.describe_network_acls(Filters=where)["NetworkAcls"]
    held = next(a for a in default["Associations"] if a["SubnetId"] == there["subnet"])
    ec2.replace_network_acl_association(AssociationId=held["NetworkAclAssociationId"], NetworkAclId=there["acl"])
    assert account.face.admits(machine, "udp", 500, "127.0.0.1") is open_


def test_a_launch_takes_the_instance_store_and_the_images_own_root(account: Account) -> None:
    """Sources: trunkline_lab.aws.rules.devices. One of AWS's own sample templates maps "ephemeral0"."""
    ec2, made = account.ec2, network(account.ec2)
    root = ec2.describe_images(ImageIds=[IMAGE])["Images"][0]["RootDeviceName"]

    def devices(*mappings: Any) -> list[tuple[Any, int]]:
        launched = ec2.run_instances(
            ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=made["subnet"], BlockDeviceMappings=list(mappings)
        )["Instances"][0]["InstanceId"]
        shown = ec2.describe_instances(InstanceIds=[launched])["Reservations"][0]["Instances"][0]
        ids = {each["Ebs"]["VolumeId"]: each["DeviceName"] for each in shown["BlockDeviceMappings"]}
        sizes = {each["VolumeId"]: each["Size"] for each in ec2.describe_volumes()["Volumes"]}
        return sorted((ids[identity], sizes[identity]) for identity in ids)

    store = {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"}
    own = {"DeviceName": root, "Ebs": {"VolumeType": "gp3", "DeleteOnTermination": True}}
    more = {"DeviceName": "/dev/sdx", "Ebs": {"VolumeSize": 11, "DeleteOnTermination": True}}
    assert devices(store, own, more) == sorted([(root, 8), ("/dev/sdx", 11)])
    with pytest.raises(ClientError, match="must contain the parameter size or snapshotId"):
        devices({"DeviceName": "/dev/sdx", "Ebs": {"VolumeType": "gp3"}})


def test_no_two_addresses_of_a_new_interface_are_alike(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    made = network(account.ec2)
    drawn = iter([f"10.5.0.{host}" for host in (10, 11, 11, 20, 21, 22)])
    monkeypatch.setattr("moto.ec2.models.elastic_network_interfaces.random_private_ip", lambda *_: next(drawn))
    interface = account.ec2.create_network_interface(SubnetId=made["subnet"], SecondaryPrivateIpAddressCount=2)
    shown = [each["PrivateIpAddress"] for each in interface["NetworkInterface"]["PrivateIpAddresses"]]
    assert shown == ["10.5.0.20", "10.5.0.21", "10.5.0.22"]
