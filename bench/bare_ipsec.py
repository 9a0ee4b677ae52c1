"""The rate of strongSwan's user-space IPsec by itself: two gateways on one wire, a host behind each, and no more.

Runs in namespaces of its own; measures once for every line on its standard input, and prints bits a second.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from trunkline_lab.packets import inside, probes
from trunkline_lab.packets.ipsec import Charon, Child, Connection

SECRET, IKE, ESP = "psk", ("aes128-sha1-modp2048",), ("aes128-sha1",)
_WIRES = (("a", "h1", "10.1.0.1", "10.1.0.2"), ("b", "h2", "10.2.0.1", "10.2.0.2"))


def main() -> None:
    """Build, connect, and measure on demand."""
    for directory in ("/run", "/mnt"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)
    for name in ("a", "b", "h1", "h2"):
        inside.ip(None, [f"netns add {name}"])
        inside.ip(name, ["link set lo up"])
    _wire("a", "b", "192.0.2.1", "192.0.2.2")
    for gateway, host, own, far in _WIRES:
        _wire(gateway, host, own, far)
        inside.ip(host, [f"route add default via {own}"])
        inside.sysctl(gateway, {"net.ipv4.ip_forward": 1})
        inside.nft(gateway, _CLAMP)
    one = _charon("a", "192.0.2.1", "192.0.2.2", "10.1.0.0/24", "10.2.0.0/24")
    _charon("b", "192.0.2.2", "192.0.2.1", "10.2.0.0/24", "10.1.0.0/24")
    while not any(each.children for each in one.associations().values()):
        one.initiate("peer", "net")
        time.sleep(0.2)
    for line in sys.stdin:
        print(probes.iperf("h1", "h2", "10.2.0.2", seconds=float(line))["megabits_per_second"], flush=True)


_CLAMP = """\
table ip bare {
chain forward {
type filter hook forward priority filter; policy accept;
tcp flags syn tcp option maxseg size set rt mtu
}
}
"""


def _wire(one: str, other: str, own: str, far: str) -> None:
    inside.ip(None, [f"link add to-{other} netns {one} type veth peer name to-{one} netns {other}"])
    inside.ip(one, [f"address add {own}/24 dev to-{other}", f"link set to-{other} up"])
    inside.ip(other, [f"address add {far}/24 dev to-{one}", f"link set to-{one} up"])


def _charon(name: str, own: str, peer: str, local: str, remote: str) -> Charon:
    charon = Charon(name, Path("/mnt") / name)
    charon.start()
    child = Child("net", (local,), (remote,), ESP)
    charon.load({"peer": Connection("peer", own, peer, own, peer, SECRET, 2, IKE, (child,))})
    return charon


if __name__ == "__main__":
    main()
