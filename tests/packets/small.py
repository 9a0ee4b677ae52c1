"""Federations in few words."""

from __future__ import annotations

from trunkline.network.model import Interface, Network, Permission, Route, RouteTable, RuleSet, Subnet
from trunkline_lab.packets.plan import HostPlan

ALL = "0.0.0.0/0"
OPEN = RuleSet("open", "open", (Permission("in", "any", 0, 65535, ALL), Permission("out", "any", 0, 65535, ALL)))


def allow(direction: str, protocol: str, port: int | None, peer: str = ALL, **more: object) -> Permission:
    """A permission for one port, or for all with None."""
    first, last = (0, 65535) if port is None else (port, port)
    return Permission(direction, protocol, first, last, peer, **more)  # type: ignore[arg-type]


OUT = allow("out", "any", None)


def vpc(
    number: int,
    *,
    routes: dict[str, list[Route]] | None = None,
    interfaces: tuple[Interface, ...] = (),
    rule_sets: tuple[RuleSet, ...] = (OPEN,),
    cidr: str | None = None,
    **more: object,
) -> Network:
    """10.NUMBER.0.0/16 with the subnets "r" and "a" (/24 each) and a table for each; every table has a local route."""
    cidr = cidr or f"10.{number}.0.0/16"
    base = cidr.rsplit(".", 2)[0]
    name = f"vpc{number}"
    subnets = tuple(Subnet(f"{name}-{s}", s, f"{base}.{third}.0/24") for third, s in enumerate(("r", "a")))
    given = routes or {}
    tables = tuple(
        RouteTable(f"{name}-rt-{s.name}", (Route(cidr, "local"), *given.get(s.name, [])), (s.id,)) for s in subnets
    )
    fields: dict[str, object] = {"cloud": "aws", "account": "A", "subnets": subnets, "route_tables": tables} | more
    return Network(name, name, cidrs=(cidr,), rule_sets=rule_sets, interfaces=interfaces, **fields)  # type: ignore[arg-type]


def nic(
    network: int,
    subnet: str,
    address: str,
    public: str | None = None,
    groups: tuple[str, ...] = ("open",),
    **more: object,
) -> Interface:
    """An interface with a machine; its id is "eni-ADDRESS"."""
    return Interface(
        f"eni-{address}",
        f"vpc{network}-{subnet}",
        address,
        public,
        groups,
        instance=f"i-{address}",
        **more,  # type: ignore[arg-type]
    )


def host(name: str, address: str) -> HostPlan:
    """A host behind the interface with this address."""
    return HostPlan(name, f"eni-{address}")
