"""A router's own firewall."""

from __future__ import annotations

from trunkline.network.model import Filter, Router
from trunkline.network.prefixes import Table, text
from trunkline.network.reachability.packet import Packet


class Firewall:
    """What a router's firewall says of packets that it forwards: the first rule that matches.

    It keeps no state, so answers are asked too. Rules are found by source, then by destination.
    """

    __slots__ = ("_router", "_rules")

    def __init__(self, router: Router) -> None:
        self._router = router
        by_source: dict[str, list[tuple[str, int]]] = {}
        for place, each in enumerate(router.filters):
            by_source.setdefault(each.source, []).append((each.destination, place))
        self._rules = Table((source, Table(rules)) for source, rules in by_source.items())

    def decide(self, packet: Packet) -> tuple[bool, str]:
        """Whether the router forwards the packet, and what says so."""
        matching = (
            place
            for by_destination in self._rules.all(packet.source)
            for place in by_destination.all(packet.destination)
            if _fits(self._router.filters[place], packet)
        )
        first = min(matching, default=None)
        if first is not None:
            rule = self._router.filters[first]
            words = f"firewall rule {first + 1} ({rule.source} -> {rule.destination})"
            return rule.action == "allow", f"{words} {'lets it pass' if rule.action == 'allow' else 'stops it'}"
        if self._router.forwards:
            return True, "its firewall lets pass what no rule stops"
        ends = f"{text(packet.source)} -> {text(packet.destination)}"
        return False, f"its firewall has no rule that lets {ends} pass"


def _fits(rule: Filter, packet: Packet) -> bool:
    if rule.protocol not in ("any", packet.protocol):
        return False
    ported = packet.protocol in ("tcp", "udp") and (rule.first_port, rule.last_port) != (0, 65535)
    return not ported or rule.first_port <= packet.port <= rule.last_port
