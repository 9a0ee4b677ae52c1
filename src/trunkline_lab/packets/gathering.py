"""Lets a device gather packets of one stream that arrive close together, and pass them on as one: generic receive
offload (GRO), which network cards have, too.

strongSwan's user-space IPsec sends and hands over packet by packet, and what follows costs the same for each: four
wires and five judging namespaces. Where packets leave strongSwan they are gathered once, and all others along the way
have fewer. The kernel cuts them up again where they go out; boundaries between datagrams stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from .inside import Refused, output

_MICROSECONDS = 400  # that the first packet waits for the next at most; what TCP pushes waits for none


def gather(namespace: str, devices: Sequence[str]) -> None:
    """Let these devices gather. Only the machine's own root may: for others every packet goes on by itself."""
    # /sys shows the devices of the namespace that it was mounted from. Without the wait nothing is ever gathered, and
    # the rest would only cost: so the wait comes first, and where it is refused nothing follows.
    script = """
        mount -t sysfs sysfs /sys
        for device; do
            echo "$WAIT" >/sys/class/net/"$device"/gro_flush_timeout
            ethtool --features "$device" rx-gro on rx-udp-gro-forwarding on
        done
    """
    if not devices:
        return
    try:
        output(namespace, ["unshare", "-m", "env", f"WAIT={_MICROSECONDS * 1000}", "sh", "-ec", script, "sh", *devices])
    except Refused:
        return
