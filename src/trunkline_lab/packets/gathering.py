"""Lets a device gather packets of one stream that arrive close together, and pass them on as one: generic receive
offload (GRO), which network cards have, too.

strongSwan's user-space IPsec sends and hands over packet by packet, and what follows costs the same for each: four
wires and five judging namespaces. Where packets leave strongSwan they are gathered once, and all others along the way
have fewer. The kernel cuts them up again where they go out; boundaries between datagrams stay.
"""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Sequence

from .inside import Refused, inside, output

_MICROSECONDS = 400  # that the first packet waits for the next at most; what TCP pushes waits for none
_FEATURES = ("rx-gro", "rx-udp-gro-forwarding")
_SIOCETHTOOL = 0x8946  # <linux/sockios.h>; the others are of <linux/ethtool.h>
_GSTRINGS, _GSSET_INFO, _SFEATURES = 0x1B, 0x37, 0x3B
_SS_FEATURES, _NAME = 4, 32  # the set of strings that names features, and the length of each


def gather(namespace: str, devices: Sequence[str]) -> None:
    """Let these devices gather. Only the machine's own root may: for others every packet goes on by itself."""
    if not devices:
        return
    files = " ".join(f"/sys/class/net/{device}/gro_flush_timeout" for device in devices)
    # /sys shows the devices of the namespace that it was mounted from.
    script = f"mount -t sysfs sysfs /sys && for each in {files}; do echo {_MICROSECONDS * 1000} >$each || exit; done"
    try:
        output(namespace, ["unshare", "-m", "sh", "-c", script])
    except Refused:
        return  # without the wait nothing is ever gathered, and the rest would only cost
    inside(namespace, lambda: _switch_on(devices))


def _switch_on(devices: Sequence[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for device in devices:
            names = _features(link, device)
            blocks = [0] * ((len(names) + 31) // 32)
            for number in (names.index(feature) for feature in _FEATURES if feature in names):
                blocks[number // 32] |= 1 << number % 32
            wanted = b"".join(struct.pack("II", bits, bits) for bits in blocks)  # which are meant, which of them are on
            _ethtool(link, device, struct.pack("II", _SFEATURES, len(blocks)) + wanted)


def _features(link: socket.socket, device: str) -> list[str]:
    """The names of all features, each at its number; it differs from kernel to kernel."""
    said = _ethtool(link, device, struct.pack("IIQI", _GSSET_INFO, 0, 1 << _SS_FEATURES, 0))
    (count,) = struct.unpack_from("I", said, 16)
    asked = struct.pack("III", _GSTRINGS, _SS_FEATURES, count) + bytes(count * _NAME)
    told = _ethtool(link, device, asked)[12:]
    return [told[at : at + _NAME].rstrip(b"\0").decode() for at in range(0, len(told), _NAME)]


def _ethtool(link: socket.socket, device: str, command: bytes) -> bytes:
    buffer = array.array("B", command)
    fcntl.ioctl(link, _SIOCETHTOOL, struct.pack("16sP16x", device.encode(), buffer.buffer_info()[0]))
    return buffer.tobytes()
