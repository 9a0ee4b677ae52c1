"""What comes with a new VPC, network ACL or peering in EC2, where moto leaves it out.

Sources: Amazon VPC User Guide, "Default security groups for your VPCs"
(https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html), "Default network ACL for a VPC"
(https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html), "Default VPC components"
(https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html) and "DHCP option sets in Amazon VPC"
(https://docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

# The number that the console shows as "*": what no other entry matches is denied.
LAST = 32767


def region_has(ec2: Any, identity: str) -> bool:
    """Whether something of this id comes with the region, and nobody has made it."""
    kept = (getattr(ec2, name, None) for name in ("default_gateway", "default_dhcp_options"))
    return identity in {each.id for each in kept if each is not None}


def security_group(create: Callable[..., Any]) -> Callable[..., Any]:
    """moto's create_security_group, with a default group that lets its own members talk to each other."""

    def made(ec2: Any, *given: Any, **more: Any) -> Any:
        group = create(ec2, *given, **more)
        if group.is_default:
            ec2.authorize_security_group_ingress(group.id, "-1", "-1", "-1", [], source_groups=[{"GroupId": group.id}])
        return group

    return made


def network_acl(create: Callable[..., Any]) -> Callable[..., Any]:
    """moto's create_network_acl, with a custom list that denies all, by entries that are there to see."""

    def made(ec2: Any, vpc: str, *given: Any, **more: Any) -> Any:
        acl = create(ec2, vpc, *given, **more)
        nothing = dict.fromkeys(("icmp_code", "icmp_type", "port_range_from", "port_range_to", "ipv6_cidr_block"))
        for egress in () if acl.default else (True, False):
            ec2.create_network_acl_entry(acl.id, LAST, "-1", "deny", egress, "0.0.0.0/0", **nothing)
        return acl

    return made


def vpc(create: Callable[..., Any]) -> Callable[..., Any]:
    """moto's create_vpc, with the region's default set of DHCP options."""

    def made(ec2: Any, *given: Any, **more: Any) -> Any:
        found = create(ec2, *given, **more)
        found.dhcp_options = _options(ec2)
        return found

    return made


def default_vpc(create: Callable[..., Any]) -> Callable[..., Any]:
    """moto's create_default_vpc, with the internet gateway and the main table's way to it."""

    def made(ec2: Any) -> Any:
        found = create(ec2)
        gateway = ec2.create_internet_gateway()
        ec2.attach_internet_gateway(gateway.id, found.id)
        ec2.default_gateway = gateway
        main = next(table for table in ec2.route_tables.values() if table.vpc_id == found.id)
        ec2.create_route(main.id, "0.0.0.0/0", gateway_id=gateway.id)
        return found

    return made


def peering(create: Callable[..., Any]) -> Callable[..., Any]:
    """moto's create_vpc_peering_connection, which fails between VPCs whose blocks overlap."""

    def made(ec2: Any, near: Any, far: Any, *given: Any, **more: Any) -> Any:
        found = create(ec2, near, far, *given, **more)
        if any(one.overlaps(other) for one in _blocks(near) for other in _blocks(far)):
            found._status.code = "failed"
            found._status.message = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
        return found

    return made


def _blocks(each: Any) -> list[ipaddress.IPv4Network]:
    associated = each.get_cidr_block_association_set(ipv6=False)
    return [ipaddress.IPv4Network(one["cidr_block"], strict=False) for one in associated]


def without_vpc(delete: Callable[..., Any]) -> Callable[..., Any]:
    """moto's delete_vpc, which leaves the set of DHCP options where it is: other VPCs use it, too."""

    def deleted(ec2: Any, identity: str) -> Any:
        going = ec2.get_vpc(identity)
        kept, going.dhcp_options = going.dhcp_options, None
        try:
            return delete(ec2, identity)
        finally:
            going.dhcp_options = kept

    return deleted


def _options(ec2: Any) -> Any:
    """The set that every VPC of a region begins with; it is made anew when somebody has deleted it."""
    region = ec2.region_name
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    found = getattr(ec2, "default_dhcp_options", None)
    if found is None or found.id not in ec2.dhcp_options_sets:
        found = ec2.default_dhcp_options = ec2.create_dhcp_options(["AmazonProvidedDNS"], [domain])
    return found
