"""A gateway's rules for what it forwards, in nftables' words: its filters, and what its tunnels may carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trunkline.network.model import Filter

from .plan import GatewayPlan, TunnelPlan
from .tunnel_devices import device_name, mark

TABLE = "gateway"
_ANYWHERE = "0.0.0.0/0"


def rules(plan: GatewayPlan) -> str:
    """The script that replaces a gateway's rules by these. No state is kept: answers are judged, too."""
    route_based = [tunnel for tunnel in plan.tunnels if tunnel.route_based]
    return "\n".join(
        [
            f"table ip {TABLE}",
            f"delete table ip {TABLE}",
            f"table ip {TABLE} {{",
            "chain forward {",
            f"type filter hook forward priority filter; policy {'accept' if plan.forwards else 'drop'};",
            # What goes into a tunnel is wrapped: let TCP know in time how little room there is.
            "tcp flags syn tcp option maxseg size set rt mtu",
            *(line for tunnel in route_based for line in _selected(tunnel)),
            *(line for each in plan.filters for line in _filter(each)),
            "}",
            *(_returns(route_based) if plan.site else ()),
            "}",
            "",
        ]
    )


def _filter(rule: Filter) -> Iterator[str]:
    words = [
        f"ip {end} {cidr}" for end, cidr in (("saddr", rule.source), ("daddr", rule.destination)) if cidr != _ANYWHERE
    ]
    verdict = "accept" if rule.action == "allow" else "drop"
    if rule.protocol != "any":
        words.append(f"meta l4proto {rule.protocol}")
    if (rule.first_port, rule.last_port) == (0, 65535):
        yield " ".join([*words, verdict])
        return
    # Ports say nothing of a packet that has none.
    yield " ".join([*words, "meta l4proto != { tcp, udp }", verdict])
    yield " ".join([*words, "meta l4proto { tcp, udp }", f"th dport {rule.first_port}-{rule.last_port}", verdict])


def _selected(tunnel: TunnelPlan) -> Iterator[str]:
    """A route-based tunnel carries only what its selectors cover, either way."""
    device = device_name(tunnel.offer)
    for end, cidrs in (("saddr", tunnel.offer.local), ("daddr", tunnel.offer.remote)):
        if cidrs and _ANYWHERE not in cidrs:
            listed = ", ".join(cidrs)
            yield f'oifname "{device}" ip {end} != {{ {listed} }} drop'
            yield f'iifname "{device}" ip {"daddr" if end == "saddr" else "saddr"} != {{ {listed} }} drop'


def _returns(tunnels: Iterable[TunnelPlan]) -> Iterator[str]:
    """What a site's people answer leaves by the tunnel that brought the question last."""
    yield "chain remember {"
    yield "type filter hook prerouting priority mangle; policy accept;"
    for tunnel in tunnels:
        yield f'iifname "{device_name(tunnel.offer)}" ct mark set {mark(tunnel.offer)} return'
    yield "meta mark set ct mark"
    yield "}"
