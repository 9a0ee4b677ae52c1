"""Networks as plain frozen data: what every cloud's `network()` answers, and what pictures and proofs read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """One route: `prefix` (CIDR) leads to `target`, the provider's id, an address, or "local" / "internet"."""

    prefix: str
    target: str


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table, its routes in the provider's order, and the ids of the subnets that use it."""

    id: str
    routes: tuple[Route, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule of a group. `direction` is "in" or "out"; ports are inclusive; `peer` is a CIDR or a group's id."""

    direction: str
    protocol: str
    first_port: int
    last_port: int
    peer: str
    action: str = "allow"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A security group or NSG."""

    id: str
    name: str
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface; `forwards` is True when it may carry others' packets (source/destination check off)."""

    id: str
    subnet: str
    private_address: str
    public_address: str | None = None
    rule_sets: tuple[str, ...] = ()
    forwards: bool = False
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet, its zone, and the rule sets bound to it (NSGs on Azure)."""

    id: str
    name: str
    cidr: str
    zone: str = ""
    rule_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC or virtual network."""

    id: str
    name: str
    cloud: str
    account: str
    cidrs: tuple[str, ...]
    subnets: tuple[Subnet, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    rule_sets: tuple[RuleSet, ...] = ()
    interfaces: tuple[Interface, ...] = ()
