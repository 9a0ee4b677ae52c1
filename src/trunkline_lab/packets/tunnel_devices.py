"""The interfaces of a gateway's route-based tunnels: a VXLAN each, over the two addresses that IPsec protects.

Like a VTI such an interface leads to one place, whatever addresses both ends have on it: routes go by a next hop that
stands for the other end, and whose hardware address is known beforehand. The interface is down while its tunnel is,
and so are the routes into it.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ..tunnels import Offer
from . import inside
from .gathering import gather
from .negotiation import underlay
from .plan import TunnelPlan

FAR_END = "192.0.0.8"  # the address that is nobody's (RFC 7600, IPv4 dummy address)
_PORT = 4789
_MARKS = 1 << 24  # above every VXLAN's number, and above the kernel's own tables
_MARKED = 250  # the priority of the rules that send marked packets out by their tunnels
_MTU = 1350  # 1500 less ESP in UDP (strongSwan's device: 1400) less VXLAN


def device_name(offer: Offer) -> str:
    """The interface of a route-based tunnel; both ends call it the same."""
    return f"vti{underlay(offer).vni:06x}"


def mark(offer: Offer) -> int:
    """What packets are marked with that are to leave by this tunnel: also the number of its own route table."""
    return _MARKS | underlay(offer).vni


@dataclass(frozen=True, slots=True)
class _Device:
    name: str
    mark: int
    local: str
    remote: str
    vni: int
    inside: str | None


class TunnelDevices:
    """All of one gateway. Thread safe.

    Parameters:
        namespace: Where.
        returns: Whether packets with a tunnel's mark leave by it, while it is up.
    """

    def __init__(self, namespace: str, *, returns: bool = False) -> None:
        self._namespace = namespace
        self._returns = returns
        self._devices: dict[str, _Device] = {}
        self._policies: dict[str, str] = {}
        self._up: set[str] = set()
        self._lock = threading.Lock()

    def apply(self, tunnels: Iterable[TunnelPlan]) -> None:
        """Have exactly the interfaces that these tunnels need, and the addresses that charon asks for."""
        tunnels = list(tunnels)
        wanted = {tunnel.id: _device(tunnel) for tunnel in tunnels if tunnel.route_based}
        gone = [device for name, device in self._devices.items() if wanted.get(name) != device]
        new = [device for name, device in wanted.items() if self._devices.get(name) != device]
        with self._lock:
            inside.ip(self._namespace, [line for device in gone for line in self._removed(device)])
            self._up -= {name for name, device in self._devices.items() if device in gone}
            self._devices = {name: device for name, device in self._devices.items() if device not in gone}
            inside.ip(self._namespace, [line for device in new for line in self._made(device)])
            gather(self._namespace, [device.name for device in new])
            self._devices = wanted
            self._stand_for(tunnel for tunnel in tunnels if not tunnel.route_based)

    def show(self, up: set[str]) -> None:
        """Bring up the interfaces of these tunnels, and down those of all others."""
        with self._lock:
            wanted = up & self._devices.keys()
            lines = [line for name in wanted - self._up for line in self._raised(self._devices[name])]
            lines += [f"link set {self._devices[name].name} down" for name in self._up - wanted]
            inside.ip(self._namespace, lines)
            self._up = wanted

    def _made(self, device: _Device) -> list[str]:
        name = device.name
        return [
            f"address add {device.local}/32 dev lo",
            f"link add {name} address {_hardware(device.local)} mtu {_MTU} type vxlan id {device.vni} "
            f"local {device.local} remote {device.remote} dstport {_PORT} nolearning noudpcsum",  # ESP has a better one
            *([f"address add {device.inside} dev {name}"] if device.inside else []),
            *([f"rule add pref {_MARKED} fwmark {device.mark} lookup {device.mark}"] if self._returns else []),
        ]

    def _removed(self, device: _Device) -> list[str]:
        return [
            f"link del {device.name}",
            f"address del {device.local}/32 dev lo",
            *([f"rule del pref {_MARKED} fwmark {device.mark} lookup {device.mark}"] if self._returns else []),
        ]

    def _raised(self, device: _Device) -> list[str]:
        """An interface that goes down forgets its neighbours and routes, so both are told again."""
        out = f"default via {FAR_END} dev {device.name} onlink table {device.mark}"
        return [
            f"neigh replace {FAR_END} lladdr {_hardware(device.remote)} dev {device.name} nud permanent",
            f"link set {device.name} up",
            *([f"route replace {out}"] if self._returns else []),
        ]

    def _stand_for(self, tunnels: Iterable[TunnelPlan]) -> None:
        """charon takes a pair of selectors only when an address of its own lies in the local one: give it the last."""
        wanted: dict[str, str] = {}
        for tunnel in tunnels:
            wanted |= {cidr: _last(cidr) for cidr in tunnel.offer.local if not cidr.endswith("/0")}
        gone = set(self._policies.values()) - set(wanted.values())
        new = set(wanted.values()) - set(self._policies.values())
        lines = [f"address del {address}/32 dev lo" for address in sorted(gone)]
        inside.ip(self._namespace, [*lines, *(f"address add {address}/32 dev lo" for address in sorted(new))])
        self._policies = wanted


def _device(tunnel: TunnelPlan) -> _Device:
    under = underlay(tunnel.offer)
    return _Device(device_name(tunnel.offer), mark(tunnel.offer), under.local, under.remote, under.vni, tunnel.inside)


def _hardware(address: str) -> str:
    """A hardware address out of an underlay address, "02:00:" and its four bytes."""
    return "02:00:" + ipaddress.IPv4Address(address).packed.hex(":")


def _last(cidr: str) -> str:
    return str(ipaddress.ip_network(cidr, strict=False).broadcast_address)
