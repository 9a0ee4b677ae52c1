"""What groups, NSGs and network ACLs say of a packet.

One way of judging fits all three: of the permissions that match, the one with the lowest priority decides, and nothing
that matches is a no. AWS's groups have no priorities and never deny, so any match there is a yes.

    AWS: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html and .../vpc-network-acls.html
    Azure: https://learn.microsoft.com/azure/virtual-network/network-security-group-how-it-works
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from trunkline.network.model import Permission, Router, RuleSet
from trunkline.network.prefixes import EVERYTHING, Table, number, prefix, private
from trunkline.network.reachability.atlas import Atlas, Spot
from trunkline.network.reachability.firewall import Firewall
from trunkline.network.reachability.packet import Packet

AZURE_BALANCER = number("168.63.129.16")  # where Azure's health probes come from
_APPLIANCES = ("gateway",)  # targets, beside addresses, that count to the tag VirtualNetwork
_NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1"}
_PRIORITY = attrgetter("priority")


class Ordered:
    """The permissions of a rule set in one direction, by priority, found by the peer's address."""

    __slots__ = ("_by_peer", "_others", "_permissions")

    def __init__(self, rules: RuleSet, direction: str) -> None:
        self._permissions = sorted((each for each in rules.permissions if each.direction == direction), key=_PRIORITY)
        self._by_peer = Table((each.peer, place) for place, each in enumerate(self._permissions))
        # Groups and tags mean different addresses at different spots, so they are asked one by one.
        self._others = [place for place, each in enumerate(self._permissions) if prefix(each.peer) is None]

    def about(self, peer: int) -> list[Permission]:
        """The permissions that may be about this peer, in order."""
        return [self._permissions[place] for place in sorted([*self._by_peer.all(peer), *self._others])]


class Judge:
    """Judges packets by rule sets. What a peer means in a network (group, tag) is worked out once."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self._meanings: dict[tuple[str, str, str], Callable[[int], bool]] = {}
        self._ordered: dict[tuple[str, str, str], Ordered] = {}
        self._firewalls: dict[str, Firewall] = {}

    def decide(self, rules: RuleSet, direction: str, packet: Packet, spot: Spot) -> tuple[bool, Permission | None]:
        """Whether the rules let the packet pass at this spot, and the permission that decided; None when none matched.

        Parameters:
            direction: "in" or "out", as seen from the spot.
        """
        peer, local = (packet.source, packet.destination) if direction == "in" else (packet.destination, packet.source)
        key = (spot.place.network.id, rules.id, direction)
        ordered = self._ordered.get(key)
        if ordered is None:
            ordered = self._ordered[key] = Ordered(rules, direction)
        for each in ordered.about(peer):
            if (
                (each.protocol == "any" or _carries(each, packet))
                and self._means(each.peer, spot, peer)
                and (each.local == EVERYTHING or self._means(each.local, spot, local))
            ):
                return each.action == "allow", each
        return False, None

    def firewall(self, router: Router) -> Firewall:
        """The router's firewall, indexed once."""
        if router.id not in self._firewalls:
            self._firewalls[router.id] = Firewall(router)
        return self._firewalls[router.id]

    def _means(self, who: str, spot: Spot, address: int) -> bool:
        block = prefix(who)
        if block is not None:
            return address & block[1] == block[0]
        key = (spot.place.network.id, spot.subnet.id, who)
        if key not in self._meanings:
            self._meanings[key] = self._meaning(who, spot)
        return self._meanings[key](address)

    def _meaning(self, who: str, spot: Spot) -> Callable[[int], bool]:
        """What a group or service tag stands for at this spot; what is not known stands for nobody."""
        tag = who.lower()
        if tag == "azureloadbalancer":
            return AZURE_BALANCER.__eq__
        if tag in ("virtualnetwork", "internet"):
            near = self._near(spot)

            def inside(address: int) -> bool:
                return bool(near.longest(address))

            return inside if tag == "virtualnetwork" else lambda address: not inside(address) and not private(address)
        return self.atlas.members(spot.place, who).__contains__

    def _near(self, spot: Spot) -> Table[bool]:
        """What the tag VirtualNetwork covers: the network's ranges, its peers', and what its own routes lead on."""
        near = [*spot.place.network.cidrs]
        for peer in self.atlas.peers(spot.place):
            near += peer.network.cidrs
        table = spot.place.table(spot.subnet)
        for route in table[0].routes if table else ():
            if route.target in _APPLIANCES or prefix(route.target) is not None:
                near.append(route.prefix)
        return Table((block, True) for block in near)


def _carries(permission: Permission, packet: Packet) -> bool:
    """Whether the permission is for the packet's protocol and port."""
    if permission.protocol not in (packet.protocol, _NUMBERS.get(packet.protocol)):
        return False
    if packet.protocol == "icmp":
        every = (permission.first_port, permission.last_port) == (0, 65535)
        return every or permission.first_port == (0 if packet.answer else 8)  # echo reply, echo (RFC 792)
    return packet.protocol not in ("tcp", "udp") or permission.first_port <= packet.port <= permission.last_port


def in_words(rules: RuleSet) -> str:
    """What a rule set is called: a group keeps state, a network ACL does not."""
    return "group" if rules.stateful else "network ACL"
