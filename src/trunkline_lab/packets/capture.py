"""Listening on the fabric's wires: what passes a namespace, sorted into IKE, ESP in UDP, and everything else."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from typing import Any

from .inside import inside

_ALL_PROTOCOLS = 0x0003  # ETH_P_ALL, <linux/if_ether.h>
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS = 263, 1, 1  # <linux/if_packet.h>
_UDP, _TCP, _ICMP = 17, 6, 1
_NAMES = {_UDP: "udp", _TCP: "tcp", _ICMP: "icmp"}
_IKE, _NAT_T = 500, 4500


def capture(namespace: str, seconds: float, needle: str = "") -> dict[str, Any]:
    """Everything of IPv4 that passes any wire of a namespace for a while; what is forwarded is seen twice.

    A sniffer that is not promiscuous misses what a wire carries for others, and then "nothing seen" proves nothing:
    so this one is, and whoever relies on it looks at what it did see.

    Parameters:
        namespace: Where.
        seconds: How long.
        needle: Text that is looked for in every packet, headers included.

    Returns:
        "ike", "esp", "keepalive" (RFC 3948's): how many packets of each; "other": how many by "udp 10.1.1.10 >
        10.0.0.10:53"; "needle": how many held the text.
    """
    sought, seen, other, found = needle.encode(), Counter[str](), Counter[str](), 0
    with inside(namespace, _listening) as wire:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                packet = wire.recv(65535)
            except TimeoutError:
                break
            kind = _kind(packet)
            (seen if kind in ("ike", "esp", "keepalive") else other)[kind] += 1
            found += bool(sought and sought in packet)
    return {**{kind: seen[kind] for kind in ("ike", "esp", "keepalive")}, "other": dict(other), "needle": found}


def _listening() -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS))
    for number, _ in socket.if_nameindex():
        wire.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("iHH8s", number, _PROMISCUOUS, 0, b""))
    return wire


def _kind(packet: bytes) -> str:
    """What a packet is: "ike", "esp", "keepalive", or protocol and ends."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return "not IPv4"
    header = (packet[0] & 15) * 4
    protocol, source, target = packet[9], socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    if protocol not in (_UDP, _TCP) or len(packet) < header + 8:
        return f"{_NAMES.get(protocol, f'protocol {protocol}')} {source} > {target}"
    ports = struct.unpack("!HH", packet[header : header + 4])
    payload = packet[header + 8 :]
    if protocol == _UDP and _IKE in ports:
        return "ike"
    if protocol == _UDP and _NAT_T in ports:
        if payload[:1] == b"\xff" and len(payload) == 1:
            return "keepalive"
        return "ike" if payload[:4] == bytes(4) else "esp"
    return f"{_NAMES[protocol]} {source} > {target}:{ports[1]}"
