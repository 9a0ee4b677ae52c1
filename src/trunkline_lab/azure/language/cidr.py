"""ARM's functions on address ranges: parseCidr, cidrSubnet, cidrHost."""

from __future__ import annotations

import ipaddress

_Net = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> _Net:
    if "/" not in text:
        raise ValueError(f"'{text}' is no CIDR")
    return ipaddress.ip_network(text, strict=False)


def parts(text: str) -> dict[str, object]:
    """What parseCidr tells: the network, its mask, its length and its first and last addresses."""
    network = _network(text)
    small = network.num_addresses <= 2
    first = network.network_address if small else network.network_address + 1
    last = network.broadcast_address if small else network.broadcast_address - 1
    found: dict[str, object] = {"network": str(network.network_address), "netmask": str(network.netmask)}
    if network.version == 4:
        found["broadcast"] = str(network.broadcast_address)
    return found | {"firstUsable": str(first), "lastUsable": str(last), "cidr": network.prefixlen}


def subnet(text: str, length: int, index: int) -> str:
    """The subnet of `length` bits at place `index`, counted from zero. Raises ValueError when there is none."""
    network = _network(text)
    if not network.prefixlen <= length <= network.max_prefixlen:
        raise ValueError(f"a network of {network.prefixlen} bits has no subnets of {length}")
    if not 0 <= index < 2 ** (length - network.prefixlen):
        raise ValueError(f"{network} has no subnet {index} of {length} bits")
    size = 2 ** (network.max_prefixlen - length)
    return f"{network.network_address + index * size}/{length}"


def host(text: str, index: int) -> str:
    """The usable address at place `index`, counted from zero. Raises ValueError when there is none."""
    network = _network(text)
    small = network.num_addresses <= 2
    address = network.network_address + index + (0 if small else 1)
    if index < 0 or address not in network or (not small and address == network.broadcast_address):
        raise ValueError(f"{network} has no usable address {index}")
    return str(address)
