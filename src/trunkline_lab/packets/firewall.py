"""A router's firewall: its filters in nftables' words. It judges every packet that is forwarded, answers too."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.network.model import Filter

TABLE = "router"
_ANYWHERE = "0.0.0.0/0"


def rules(filters: Iterable[Filter], forwards: bool) -> str:
    """The script that replaces the firewall by this one; `forwards` is for what no filter names."""
    return "\n".join(
        [
            f"table ip {TABLE}",
            f"delete table ip {TABLE}",
            f"table ip {TABLE} {{",
            "  chain forward {",
            f"    type filter hook forward priority filter; policy {'accept' if forwards else 'drop'};",
            # What goes into a tunnel is wrapped: let TCP know in time how little room there is.
            "    tcp flags syn tcp option maxseg size set rt mtu",
            *(f"    {line}" for each in filters for line in _lines(each)),
            "  }",
            "}",
            "",
        ]
    )


def _lines(rule: Filter) -> list[str]:
    verdict = "accept" if rule.action == "allow" else "drop"
    ends = [
        f"ip {way} {cidr}" for way, cidr in (("saddr", rule.source), ("daddr", rule.destination)) if cidr != _ANYWHERE
    ]
    ported = (rule.first_port, rule.last_port) != (0, 65535)
    if rule.protocol in ("any", "all", "-1"):
        # Ports without a protocol are those of TCP and of UDP.
        named = [["meta l4proto { tcp, udp }", f"th dport {rule.first_port}-{rule.last_port}"] if ported else []]
    elif rule.protocol in ("tcp", "udp"):
        named = [
            [f"{rule.protocol} dport {rule.first_port}-{rule.last_port}"]
            if ported
            else [f"meta l4proto {rule.protocol}"]
        ]
    else:
        named = [[f"meta l4proto {rule.protocol}"]]
    return [" ".join([*ends, *words, verdict]) for words in named]
