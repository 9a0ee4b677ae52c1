"""Address prefixes as Azure reads them."""

from __future__ import annotations

import ipaddress

from trunkline_lab.azure.errors import invalid_request

Net = ipaddress.IPv4Network
AnyNet = ipaddress.IPv4Network | ipaddress.IPv6Network


def any_prefix(value: object, owner: str) -> AnyNet:
    """`value` as a network of either version. Raises ArmError when it is no CIDR, or has bits beyond its length."""
    if value is None or value == "":
        raise invalid_request(
            "AddressPrefixStringCannotBeNullOrEmpty",
            f"Address prefix string for resource {owner} cannot be null or empty.",
            owner,
        )
    try:
        loose = ipaddress.ip_network(str(value), strict=False) if "/" in str(value) else None
    except ValueError:
        loose = None
    if loose is None:
        raise invalid_request(
            "InvalidAddressPrefixFormat",
            f"Address prefix {value} of resource {owner} is not formatted correctly. "
            "It should follow CIDR notation, for example 10.0.0.0/24.",
            owner,
        )
    if loose.network_address != ipaddress.ip_address(str(value).split("/")[0]):
        raise invalid_request(
            "InvalidCIDRNotation",
            f"The address prefix {value} in resource {owner} has an invalid CIDR notation. "
            f"For the given prefix length, the address prefix should be {loose}.",
            owner,
        )
    return loose


def prefix(value: object, owner: str) -> Net:
    """`value` as a network of version 4. Raises ArmError as `any_prefix` does, and for version 6."""
    found = any_prefix(value, owner)
    if not isinstance(found, Net):
        raise invalid_request("InvalidAddressPrefixFormat", f"Address prefix {value} of {owner} is not IPv4.", owner)
    return found


def address(value: object, owner: str) -> ipaddress.IPv4Address:
    """`value` as an address. Raises ArmError (InvalidIPAddressFormat)."""
    try:
        return ipaddress.IPv4Address(str(value))
    except ValueError:
        raise invalid_request(
            "InvalidIPAddressFormat", f"IP address {value} of resource {owner} is not formatted correctly.", owner
        ) from None


def any_address(value: object, owner: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """`value` as an address of either version. Raises ArmError (InvalidIPAddressFormat)."""
    try:
        return ipaddress.ip_address(str(value))
    except ValueError:
        return address(value, owner)


def reserved(subnet: Net) -> set[ipaddress.IPv4Address]:
    """The five addresses that Azure keeps in each subnet: the first four and the last."""
    return {subnet.network_address + offset for offset in range(4)} | {subnet.broadcast_address}
