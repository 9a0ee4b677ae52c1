"""The subnets that a controller reaches: through its tunnels, by BGP, and through its peers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from .controller import Controller

_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class ConnectedSubnet:
    """One subnet, the peering id of the controller that brings it, and where that one has it from."""

    cidr: str
    manager: int
    origin: str

    @property
    def network(self) -> str:
        """Its network address."""
        return self.cidr.partition("/")[0]

    @property
    def netmask(self) -> str:
        """Its netmask, dotted."""
        return str(ipaddress.ip_network(self.cidr).netmask)


def connected_subnets(controller: Controller) -> list[ConnectedSubnet]:
    """All subnets that are reachable now, each once, in order of address."""
    found = {subnet.cidr: subnet for subnet in _from_peers(controller)}
    found |= {subnet.cidr: subnet for subnet in own_subnets(controller)}
    return sorted(found.values(), key=lambda subnet: ipaddress.IPv4Network(subnet.cidr))


def own_subnets(controller: Controller) -> Iterator[ConnectedSubnet]:
    """What this controller brings itself: its connected tunnels' subnets and the routes into them."""
    reports = controller.surroundings.tunnels(controller)
    manager = controller.settings.peering_id or 0
    up = {number for number, report in reports.items() if report.connected}
    for endpoint in controller.settings.endpoints.values():
        for tunnel in endpoint.tunnels.values():
            if tunnel.id in up and tunnel.remote_subnet != _ANYWHERE:
                yield ConnectedSubnet(tunnel.remote_subnet, manager, "ipsec")
    for route in controller.settings.routes.values():
        if route.enabled and route.tunnel in up:
            yield ConnectedSubnet(route.cidr, manager, "route")
    for cidr in controller.surroundings.learned(controller):
        yield ConnectedSubnet(cidr, manager, "bgp")


def advertised(controller: Controller) -> Iterator[str]:
    """The CIDRs of the controller's routes that it tells others about."""
    for route in controller.settings.routes.values():
        if route.enabled and route.advertise:
            yield route.cidr


def _from_peers(controller: Controller) -> Iterator[ConnectedSubnet]:
    for peer in controller.surroundings.reachable_peers(controller):
        manager = peer.settings.peering_id or 0
        yield from own_subnets(peer)
        for cidr in advertised(peer):
            yield ConnectedSubnet(cidr, manager, "peer")
