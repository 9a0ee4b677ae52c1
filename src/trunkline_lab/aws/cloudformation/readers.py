"""What EC2 and Systems Manager say of a resource now, in the words of its template: for drift detection.

Each reader gives properties as a template would set them, None when the resource is gone. What it leaves out is not
compared. A type without a reader is one whose drift the lab does not detect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from trunkline_lab.aws.cloudformation.records import Built

Client = Callable[[str], Any]
Reader = Callable[[Client, Built], dict[str, Any] | None]

_TARGETS = {
    "EgressOnlyInternetGatewayId": "EgressOnlyInternetGatewayId",
    "GatewayId": "GatewayId",
    "NatGatewayId": "NatGatewayId",
    "NetworkInterfaceId": "NetworkInterfaceId",
    "TransitGatewayId": "TransitGatewayId",
    "VpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def read(client: Client, built: Built) -> dict[str, Any] | None:
    """A resource's properties now, None when it is gone. Raises KeyError for a type without a reader."""
    reader = READERS[built.type]
    try:
        return reader(client, built)
    except ClientError as error:
        if "NotFound" in error.response["Error"]["Code"]:
            return None
        raise


def _first(found: list[Any]) -> Any:
    return found[0] if found else None


def _tags(found: Mapping[str, Any]) -> list[dict[str, str]]:
    return [tag for tag in found.get("Tags", []) if not tag["Key"].startswith("aws:")]


def _pick(found: Mapping[str, Any] | None, *names: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {name: found[name] for name in names if name in found} | {"Tags": _tags(found)}


def _vpc(client: Client, built: Built) -> dict[str, Any] | None:
    ec2 = client("ec2")
    picked = _pick(_first(ec2.describe_vpcs(VpcIds=[built.physical])["Vpcs"]), "CidrBlock", "InstanceTenancy")
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        attribute = name[0].lower() + name[1:]
        if picked is not None:
            picked[name] = ec2.describe_vpc_attribute(VpcId=built.physical, Attribute=attribute)[name]["Value"]
    return picked


def _subnet(client: Client, built: Built) -> dict[str, Any] | None:
    found = client("ec2").describe_subnets(SubnetIds=[built.physical])["Subnets"]
    return _pick(_first(found), "AvailabilityZone", "CidrBlock", "MapPublicIpOnLaunch", "VpcId")


def _gateway(client: Client, built: Built) -> dict[str, Any] | None:
    return _pick(
        _first(client("ec2").describe_internet_gateways(InternetGatewayIds=[built.physical])["InternetGateways"])
    )


def _table(client: Client, built: Built) -> dict[str, Any] | None:
    return _pick(_first(client("ec2").describe_route_tables(RouteTableIds=[built.physical])["RouteTables"]), "VpcId")


def _route(client: Client, built: Built) -> dict[str, Any] | None:
    table = str(built.properties["RouteTableId"])
    routes = client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    wanted = built.properties.get("DestinationCidrBlock") or built.properties.get("DestinationIpv6CidrBlock")
    for route in routes:
        if wanted in (route.get("DestinationCidrBlock"), route.get("DestinationIpv6CidrBlock")):
            named = {name: route.get(told) or None for name, told in _TARGETS.items()}
            # A route to an instance is told as one to its interface.
            if "InstanceId" in built.properties:
                named["InstanceId"] = route.get("InstanceId")
            return named
    return None


def _association(client: Client, built: Built) -> dict[str, Any] | None:
    where = [{"Name": "association.route-table-association-id", "Values": [built.physical]}]
    for table in client("ec2").describe_route_tables(Filters=where)["RouteTables"]:
        for each in table["Associations"]:
            if each["RouteTableAssociationId"] == built.physical:
                return {"RouteTableId": table["RouteTableId"], "SubnetId": each.get("SubnetId")}
    return None


def _group(client: Client, built: Built) -> dict[str, Any] | None:
    found = _first(client("ec2").describe_security_groups(GroupIds=[built.physical])["SecurityGroups"])
    picked = _pick(found, "GroupName", "VpcId")
    if picked is not None:
        picked["GroupDescription"] = found["Description"]
        picked["SecurityGroupIngress"] = _rules(found["IpPermissions"], "Source")
        picked["SecurityGroupEgress"] = _rules(found["IpPermissionsEgress"], "Destination")
    return picked


_PORTED = {"tcp", "udp", "icmp", "icmpv6", "1", "6", "17", "58"}


def _rules(permissions: list[dict[str, Any]], other: str) -> list[dict[str, Any]]:
    rules = []
    for each in permissions:
        # A rule of another protocol has no ports, whatever it says.
        ported = ("FromPort", "ToPort") if each["IpProtocol"] in _PORTED else ()
        base = {name: each[name] for name in ("IpProtocol", *ported) if name in each}
        peers = [("CidrIp", one, one["CidrIp"]) for one in each.get("IpRanges", [])]
        peers += [("CidrIpv6", one, one["CidrIpv6"]) for one in each.get("Ipv6Ranges", [])]
        peers += [(f"{other}SecurityGroupId", one, one["GroupId"]) for one in each.get("UserIdGroupPairs", [])]
        peers += [(f"{other}PrefixListId", one, one["PrefixListId"]) for one in each.get("PrefixListIds", [])]
        for name, one, value in peers:
            said = {"Description": one["Description"]} if one.get("Description") else {}
            rules.append(base | {name: value} | said)
    return rules


def _interface(client: Client, built: Built) -> dict[str, Any] | None:
    found = client("ec2").describe_network_interfaces(NetworkInterfaceIds=[built.physical])["NetworkInterfaces"]
    told = _first(found)
    picked = _pick(told, "Description", "PrivateIpAddress", "SourceDestCheck", "SubnetId")
    if picked is not None:
        picked["GroupSet"] = [group["GroupId"] for group in told["Groups"]]
        picked["Tags"] = [tag for tag in told.get("TagSet", []) if not tag["Key"].startswith("aws:")]
    return picked


def _address(client: Client, built: Built) -> dict[str, Any] | None:
    return _pick(
        _first(client("ec2").describe_addresses(PublicIps=[built.physical.partition("|")[0]])["Addresses"]), "Domain"
    )


def _instance(client: Client, built: Built) -> dict[str, Any] | None:
    found = client("ec2").describe_instances(InstanceIds=[built.physical])["Reservations"]
    told = _first([each for reservation in found for each in reservation["Instances"]])
    if told is None or told["State"]["Name"] in {"shutting-down", "terminated"}:
        return None
    return _pick(told, "ImageId", "InstanceType", "KeyName")


def _parameter(client: Client, built: Built) -> dict[str, Any] | None:
    found = _first(client("ssm").get_parameters(Names=[built.physical])["Parameters"])
    return {name: found[name] for name in ("Name", "Type", "Value")} if found else None


READERS: dict[str, Reader] = {
    "AWS::EC2::EIP": _address,
    "AWS::EC2::Instance": _instance,
    "AWS::EC2::InternetGateway": _gateway,
    "AWS::EC2::NetworkInterface": _interface,
    "AWS::EC2::Route": _route,
    "AWS::EC2::RouteTable": _table,
    "AWS::EC2::SecurityGroup": _group,
    "AWS::EC2::Subnet": _subnet,
    "AWS::EC2::SubnetRouteTableAssociation": _association,
    "AWS::EC2::VPC": _vpc,
    "AWS::SSM::Parameter": _parameter,
}
