"""What a network's namespace checks and changes on each packet: sources, destinations, ACLs, public addresses.

All of it is without state, as in the clouds: an exchange of addresses one to one needs no memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.network.model import Network

from .groups import Meanings, between_subnets
from .plan import inner


def network_filters(meanings: Meanings, network: Network, devices: dict[str, str], uplink: str) -> str:
    """The table "cloud" of a network's namespace.

    Parameters:
        devices: The device that leads to each interface, by its id; only those behind which a machine runs.
        uplink: The device that leads to the internet.
    """
    here = [interface for interface in network.interfaces if interface.id in devices]
    numbers = {subnet.id: number for number, subnet in enumerate(network.subnets, 1)}
    by_subnet: dict[str, list[str]] = {}
    for each in here:
        by_subnet.setdefault(each.subnet, []).append(devices[each.id])
    free = [devices[each.id] for each in here if each.forwards]
    owned = [f"{_quoted(devices[each.id])} . {each.private_address}" for each in here]
    public = [(each.private_address, inner(each.public_address)) for each in here if each.public_address]
    lines = [
        "table ip cloud {",
        *_set("free", "ifname", map(_quoted, free)),
        *_set("owned", "ifname . ipv4_addr", owned),
        *_set("interfaces", "ifname", map(_quoted, devices.values())),
        *_map("subnet", "ifname : mark", (f"{_quoted(devices[each.id])} : {numbers[each.subnet]}" for each in here)),
        *_map("inward", "ipv4_addr : ipv4_addr", (f"{outer} : {private}" for private, outer in public)),
        *_map("outward", "ipv4_addr : ipv4_addr", (f"{private} : {outer}" for private, outer in public)),
        *between_subnets(meanings, network, by_subnet),
        # Who is not to forward sends as itself, and only what is for it gets to it (source/destination check).
        "chain arriving {",
        "type filter hook prerouting priority raw; policy accept;",
        "iifname @interfaces iifname != @free iifname . ip saddr != @owned drop",
        "meta mark set iifname map @subnet",
        f"iifname {_quoted(uplink)} ip daddr != @inward drop",
        f"iifname {_quoted(uplink)} ip daddr set ip daddr map @inward",
        "}",
        "chain passing {",
        "type filter hook forward priority filter; policy accept;",
        "oifname @interfaces oifname != @free oifname . ip daddr != @owned drop",
        "jump acl",
        "}",
        "chain leaving {",
        "type filter hook postrouting priority filter; policy accept;",
        f"oifname {_quoted(uplink)} ip saddr != @outward drop",
        f"oifname {_quoted(uplink)} ip saddr set ip saddr map @outward",
        "}",
    ]
    return "\n".join([*lines, "}\n"])


def _set(name: str, kind: str, elements: Iterable[str]) -> list[str]:
    return _named("set", name, kind, elements)


def _map(name: str, kind: str, elements: Iterable[str]) -> list[str]:
    return _named("map", name, kind, elements)


def _named(what: str, name: str, kind: str, elements: Iterable[str]) -> list[str]:
    listed = ", ".join(elements)
    return [f"{what} {name} {{", f"type {kind}", *([f"elements = {{ {listed} }}"] if listed else []), "}"]


def _quoted(device: str) -> str:
    return f'"{device}"'
