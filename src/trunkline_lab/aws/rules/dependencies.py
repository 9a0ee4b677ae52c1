"""Refusals of EC2 that moto lets through: deletes of what is in use, and things made where they cannot be.

Each check gets moto's EC2 of the account and region and the request's form, and raises Refused in the words of
AWS. The codes are those of the EC2 API reference ("Error codes for the Amazon EC2 API").
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from trunkline_lab.aws.calls import Refused
from trunkline_lab.aws.rules.checks import Check, Form


def _interface(ec2: Any, form: Form) -> None:
    interface = ec2.enis.get(form.get("NetworkInterfaceId"))
    if interface and interface.instance:
        raise Refused("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")


def _subnet(ec2: Any, form: Form) -> None:
    identity = form.get("SubnetId")
    if any(interface.subnet.id == identity for interface in ec2.enis.values()):
        raise Refused("DependencyViolation", f"The subnet '{identity}' has dependencies and cannot be deleted.")


def _group(ec2: Any, form: Form) -> None:
    group = ec2.get_security_group_from_id(form.get("GroupId", ""))
    if group is None:
        return
    if group.is_default:
        text = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
        raise Refused("CannotDelete", text)
    used = any(group in interface.group_set for interface in ec2.enis.values())
    if used or any(group.id in _peers(other) for other in _groups(ec2) if other is not group):
        raise Refused("DependencyViolation", f"resource {group.id} has a dependent object")


def _dhcp_options(ec2: Any, form: Form) -> None:
    identity = form.get("DhcpOptionsId")
    if any(vpc.dhcp_options and vpc.dhcp_options.id == identity for vpc in ec2.vpcs.values()):
        raise Refused("DependencyViolation", f"The dhcpOptions '{identity}' has dependencies and cannot be deleted.")


def _vpc(ec2: Any, form: Form) -> None:
    identity = form.get("VpcId")
    left = [
        *(s for zone in ec2.subnets.values() for s in zone.values() if s.vpc_id == identity),
        *(g for g in _groups(ec2) if g.vpc_id == identity and not g.is_default),
        *(g for g in ec2.internet_gateways.values() if g.vpc and g.vpc.id == identity),
        *(t for t in ec2.route_tables.values() if t.vpc_id == identity and not t.main_association_id),
        *(i for i in ec2.enis.values() if i.subnet.vpc_id == identity),
    ]
    if left:
        raise Refused("DependencyViolation", f"The vpc '{identity}' has dependencies and cannot be deleted.")


def _address(ec2: Any, form: Form) -> None:
    for address in ec2.addresses:
        if address.allocation_id == form.get("AllocationId") and address.association_id:
            raise Refused("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


def _detach_gateway(ec2: Any, form: Form) -> None:
    vpc = form.get("VpcId", "")
    if any(interface.public_ip for interface in ec2.enis.values() if interface.subnet.vpc_id == vpc):
        text = (
            f"Network {vpc} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )
        raise Refused("DependencyViolation", text)


def _gateway(ec2: Any, form: Form) -> None:
    gateway = ec2.internet_gateways.get(form.get("InternetGatewayId"))
    if gateway and gateway.vpc:
        text = f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted."
        raise Refused("DependencyViolation", text)


def _route_table(ec2: Any, form: Form) -> None:
    table = ec2.route_tables.get(form.get("RouteTableId"))
    if table and (table.main_association_id or table._associations):
        raise Refused("DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted.")


def _create_route(ec2: Any, form: Form) -> None:
    table = ec2.route_tables.get(form.get("RouteTableId"))
    prefix = form.get("DestinationCidrBlock", "")
    if table is None:
        return
    if any(route.destination_cidr_block == prefix for route in table._routes.values()):
        raise Refused("RouteAlreadyExists", f"The route identified by {prefix} already exists.")
    _reachable_target(ec2, form, table)


def _delete_route(ec2: Any, form: Form) -> None:
    table = ec2.route_tables.get(form.get("RouteTableId"))
    prefix = form.get("DestinationCidrBlock") or form.get("DestinationIpv6CidrBlock")
    local = [route for route in table._routes.values() if route.local] if table else []
    if prefix and any(prefix in (route.destination_cidr_block, route.destination_ipv6_cidr_block) for route in local):
        raise Refused("InvalidParameterValue", f"cannot remove local route {prefix} in route table {table.id}")


def _replace_route(ec2: Any, form: Form) -> None:
    table = ec2.route_tables.get(form.get("RouteTableId"))
    if table is not None:
        _reachable_target(ec2, form, table)


def _reachable_target(ec2: Any, form: Form, table: Any) -> None:
    gateway = ec2.internet_gateways.get(form.get("GatewayId"))
    if gateway and (gateway.vpc is None or gateway.vpc.id != table.vpc_id):
        text = f"route table {table.id} and network gateway {gateway.id} belong to different networks"
        raise Refused("InvalidParameterValue", text)
    interface = ec2.enis.get(form.get("NetworkInterfaceId"))
    if interface and interface.subnet.vpc_id != table.vpc_id:
        text = f"route table {table.id} and interface {interface.id} belong to different networks"
        raise Refused("InvalidParameterValue", text)


def _associate_route_table(ec2: Any, form: Form) -> None:
    subnet = form.get("SubnetId")
    for table in ec2.route_tables.values():
        if subnet in table._associations.values() and table.id != form.get("RouteTableId"):
            text = (
                f"the specified association for route table {form.get('RouteTableId')} "
                "conflicts with an existing association"
            )
            raise Refused("Resource.AlreadyAssociated", text)


def _associate_address(ec2: Any, form: Form) -> None:
    interface = ec2.enis.get(form.get("NetworkInterfaceId"))
    if interface is None:
        return
    vpc = interface.subnet.vpc_id
    if not any(gateway.vpc and gateway.vpc.id == vpc for gateway in ec2.internet_gateways.values()):
        raise Refused("Gateway.NotAttached", f"Network {vpc} is not attached to any internet gateway")
    wanted = form.get("PrivateIpAddress", interface.private_ip_address)
    if form.get("AllowReassociation", "").lower() != "true":
        for address in ec2.addresses:
            held = address.eni is interface and addressed(address) == wanted
            if held and address.allocation_id != form.get("AllocationId"):
                text = f"resource {interface.id} is already associated with address {address.public_ip}"
                raise Refused("Resource.AlreadyAssociated", text)


def addressed(address: Any) -> Any:
    """The private address that an elastic one stands for: moto knows the interface's first only."""
    return getattr(address, "stands_for", None) or address.private_ip_address


def _create_interface(ec2: Any, form: Form) -> None:
    address = form.get("PrivateIpAddress")
    subnet = next((zone[form["SubnetId"]] for zone in ec2.subnets.values() if form.get("SubnetId") in zone), None)
    if address is None or subnet is None:
        return
    first = list(subnet.cidr)[:4] if subnet.cidr.num_addresses > 8 else []
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        raise Refused("InvalidParameterValue", f"Invalid value '{address}' for address.") from None
    if wanted not in subnet.cidr:
        raise Refused("InvalidParameterValue", "Address does not fall within the subnet's address range")
    if wanted in first or wanted == subnet.cidr.broadcast_address:
        raise Refused("InvalidParameterValue", "Address is in subnet's reserved address range")
    if any(i.private_ip_address == address for i in ec2.enis.values() if i.subnet.vpc_id == subnet.vpc_id):
        raise Refused("InvalidIPAddress.InUse", f"Address {address} is in use.")


def _run_instances(ec2: Any, form: Form) -> None:
    for name, value in form.items():
        if name.startswith("NetworkInterface.") and name.endswith(".NetworkInterfaceId"):
            interface = ec2.enis.get(value)
            if interface and interface.instance:
                raise Refused("InvalidNetworkInterface.InUse", f"Interface: [{value}] in use.")


def _groups(ec2: Any) -> Iterator[Any]:
    return (group for groups in ec2.groups.values() for group in groups.values())


def _peers(group: Any) -> set[str]:
    return {rule.source_group.get("GroupId") for rule in [*group.ingress_rules, *group.egress_rules]}


CHECKS: dict[str, Check] = {
    "DeleteNetworkInterface": _interface,
    "DeleteSubnet": _subnet,
    "DeleteSecurityGroup": _group,
    "DeleteVpc": _vpc,
    "DeleteDhcpOptions": _dhcp_options,
    "DeleteRoute": _delete_route,
    "ReleaseAddress": _address,
    "DetachInternetGateway": _detach_gateway,
    "DeleteInternetGateway": _gateway,
    "DeleteRouteTable": _route_table,
    "CreateRoute": _create_route,
    "ReplaceRoute": _replace_route,
    "AssociateRouteTable": _associate_route_table,
    "AssociateAddress": _associate_address,
    "CreateNetworkInterface": _create_interface,
    "RunInstances": _run_instances,
}
