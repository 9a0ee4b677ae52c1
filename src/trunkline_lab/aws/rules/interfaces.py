"""Interfaces where moto is careless: addresses outside the subnet, instances that do not know their interface."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler

_MAKES = {"CreateNatGateway", "CreateVpcEndpoint", "CreateNetworkInterface", "RunInstances"}
_ENDS = {"DeleteNatGateway", "DeleteSubnet", "DeleteVpc"}
_TOUCHES = {"RunInstances", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute", "ModifyInstanceAttribute"}

_DRAWS = 50  # How often secondary addresses are drawn anew; a small subnet may have too few.


class Interfaces:
    """An interface's address is a free one of its subnet, and an instance shows its first interface's groups."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2" or call.operation not in _MAKES | _TOUCHES | _ENDS | {"AssociateAddress"}:
            return proceed(call)
        ec2 = self._backend.ec2(call.account, call.region)
        before = set(ec2.enis)
        given = proceed(call)
        if given.status >= 400:
            return given
        for _ in range(_DRAWS if "SecondaryPrivateIpAddressCount" in call.form else 0):
            alike = _alike(ec2, before)
            if not alike:
                break
            ec2.delete_network_interface(alike)
            given = proceed(call)
        for identity in set(ec2.enis) - before:
            given = _place(ec2, ec2.enis[identity], call.form.get("PrivateIpAddress", ""), given)
        if call.operation in _TOUCHES:
            _agree(ec2, call)
        if call.operation in _ENDS:
            _end(ec2, call.form)
        if call.operation == "AssociateAddress":
            _stand(ec2, call.form)
        return given


def _alike(ec2: Any, before: set[str]) -> str:
    """The id of a new interface two of whose addresses are one: moto draws each without a look at the others."""
    for identity in set(ec2.enis) - before:
        addresses = [each["PrivateIpAddress"] for each in ec2.enis[identity].private_ip_addresses]
        if len(set(addresses)) < len(addresses):
            return str(identity)
    return ""


def _place(ec2: Any, interface: Any, wanted: str, given: Answer) -> Answer:
    """Move a new interface to the address that was asked for, or else off one that EC2 would not give."""
    old = str(interface.private_ip_address)
    network = interface.subnet.cidr
    others = {
        each["PrivateIpAddress"] for i in ec2.enis.values() if i is not interface for each in i.private_ip_addresses
    }
    free = (str(host) for host in list(network.hosts())[3:] if str(host) not in others)
    reserved = [network.network_address + offset for offset in range(4)] + [network.broadcast_address]
    address = ipaddress.ip_address(old)
    if wanted in {"", old} and address in network and address not in reserved and old not in others:
        return given
    new = wanted or next(free)
    interface.private_ip_address = new
    for each in interface.private_ip_addresses:
        if each["PrivateIpAddress"] == old:
            each["PrivateIpAddress"] = new
    for gateway in ec2.nat_gateways.values():
        for each in gateway.address_set:
            if each["networkInterfaceId"] == interface.id:
                each["privateIp"] = new
    body = given.body.replace(f">{old}<".encode(), f">{new}<".encode())
    headers = tuple((k, str(len(body)) if k.lower() == "content-length" else v) for k, v in given.headers)
    return replace(given, body=body, headers=headers)


def _agree(ec2: Any, call: Call) -> None:
    """An instance's groups and its source/destination check are those of its first interface."""
    form = call.form
    if call.operation == "ModifyNetworkInterfaceAttribute" and "Attachment.DeleteOnTermination" in form:
        ends = form["Attachment.DeleteOnTermination"].lower() == "true"
        ec2.enis[form["NetworkInterfaceId"]].delete_on_termination = ends
    for instance in ec2.all_instances():
        first = instance.nics.get(0)
        if first is None:
            continue
        if call.operation == "ModifyInstanceAttribute" and instance.id == form.get("InstanceId"):
            if "GroupId.1" in form:
                first._group_set = list(instance.security_groups)
            if "SourceDestCheck.Value" in form:
                first.source_dest_check = form["SourceDestCheck.Value"].lower() == "true"
        instance.security_groups = list(first._group_set)
        instance.source_dest_check = first.source_dest_check


def _stand(ec2: Any, form: dict[str, str]) -> None:
    """Remember which private address of its interface an elastic one stands for."""
    for elastic in ec2.addresses:
        if elastic.allocation_id == form.get("AllocationId"):
            elastic.stands_for = form.get("PrivateIpAddress")


def _end(ec2: Any, form: dict[str, str]) -> None:
    """What EC2 removes along with a NAT gateway, a subnet or a VPC."""
    if "NatGatewayId" in form:
        for address in ec2.nat_gateways[form["NatGatewayId"]].address_set:
            interface = ec2.enis.pop(address["networkInterfaceId"], None)
            for elastic in ec2.addresses:
                if interface is not None and elastic.eni is interface:
                    elastic.eni = elastic.instance = elastic.association_id = None
    elif "SubnetId" in form:
        for kept in ec2.network_acls.values():
            held = kept._associations
            kept._associations = {key: each for key, each in held.items() if each.subnet_id != form["SubnetId"]}
        for table in ec2.route_tables.values():
            pairs = table._associations.items()
            table._associations = {key: subnet for key, subnet in pairs if subnet != form["SubnetId"]}
    else:
        for identity in [key for key, kept in ec2.network_acls.items() if kept.vpc_id == form["VpcId"]]:
            del ec2.network_acls[identity]
