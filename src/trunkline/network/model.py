"""A federation as plain frozen data: its clouds' networks, its routers with their tunnels, and its sites.

One model, many uses: clouds and routers are read into it; reachability, pictures and the lab's packets read from it.
Ids are the provider's own, addresses and prefixes are text, and no secret is ever part of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """One route: `prefix` (CIDR) leads to `target`, the provider's id, an address, or "local" / "internet" / "none".

    One that is not `active` is a black hole: what it leads to is gone or does not run.
    """

    prefix: str
    target: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table, its routes in the provider's order, and the ids of the subnets that use it."""

    id: str
    routes: tuple[Route, ...] = ()
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule of a group; of rules with a priority the lowest that matches decides.

    Parameters:
        direction: "in" or "out".
        protocol: "tcp", "udp", "icmp", "any", or a number of IANA's as text.
        first_port, last_port: Destination ports, inclusive; for icmp all, or the type as the first.
        peer: Who is at the other end: a CIDR, a group's id, or a service tag such as "VirtualNetwork".
        action: "allow" or "deny".
        priority: 0 where rules have none.
        local: Who is at the end that the rule guards; a CIDR, a group's id, or a service tag.
    """

    direction: str
    protocol: str
    first_port: int
    last_port: int
    peer: str
    action: str = "allow"
    priority: int = 0
    local: str = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A security group, an NSG, or a network ACL (which is not `stateful`: answers need a permission of their own)."""

    id: str
    name: str
    permissions: tuple[Permission, ...] = ()
    stateful: bool = True


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface; `forwards` is True when it may carry others' packets (source/destination check off).

    `groups` are those that rules may name as a peer, and that hold no rules (application security groups).
    """

    id: str
    subnet: str
    private_address: str
    public_address: str | None = None
    rule_sets: tuple[str, ...] = ()
    forwards: bool = False
    instance: str | None = None
    name: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet, its zone, and the rule sets bound to it (NSGs on Azure, network ACLs on AWS)."""

    id: str
    name: str
    cidr: str
    zone: str = ""
    rule_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Peering:
    """A peering as one network has it: routes to its `id` lead to the network `peer`."""

    id: str
    peer: str
    active: bool = True


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
    peerings: tuple[Peering, ...] = ()


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One end of an IPsec tunnel, as its own router has it.

    Parameters:
        id: The router's number of it; `RouterRoute.tunnel` refers to it.
        name: What the router calls the remote gateway.
        peer: The public address of the other end.
        local, remote: Traffic selectors, CIDRs.
        inside: The router's own address on the tunnel's interface ("169.254.1.1/30"); None when policy-based.
        up: Whether the router says that it is connected, as seen when it was read.
        reason: Why it is not up, where that is known.
    """

    id: str
    name: str
    peer: str
    local: tuple[str, ...] = ("0.0.0.0/0",)
    remote: tuple[str, ...] = ("0.0.0.0/0",)
    inside: str | None = None
    up: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RouterRoute:
    """A route of a router's own: into a tunnel, to a gateway's address, or (neither) out of its interface.

    Of two routes with one prefix the lower `metric` wins; `learned` ones come from BGP. `advertised` ones are told
    to BGP neighbours.
    """

    prefix: str
    tunnel: str | None = None
    gateway: str | None = None
    metric: int = 0
    learned: bool = False
    advertised: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule of a router's firewall for what it forwards, first match wins; ports are inclusive."""

    source: str = "0.0.0.0/0"
    destination: str = "0.0.0.0/0"
    protocol: str = "any"
    first_port: int = 0
    last_port: int = 65535
    action: str = "allow"


@dataclass(frozen=True, slots=True)
class BgpSession:
    """A BGP neighbour behind a tunnel, and what was `learned` from it; times in seconds."""

    tunnel: str
    neighbour: str
    asn: int
    established: bool = False
    learned: tuple[str, ...] = ()
    hold_time: int = 180
    keepalive: int = 60
    bfd: bool = False


@dataclass(frozen=True, slots=True)
class Router:
    """A virtual router: a machine in a network whose routes, tunnels and firewall are its own.

    Parameters:
        id: The machine's provider id.
        name: What a person calls it.
        network, interface: The ids of its network and of its interface there; empty when it stands outside any cloud.
        private_address, public_address: Its addresses.
        asn: Its BGP number, None without one.
        forwards: What its firewall does with a packet that no filter matches: True lets it pass.
        running: Whether its machine ran when it was read.
        unread: Why its own tables could not be read; empty when they were. Then nothing is known of them.
    """

    id: str
    name: str
    network: str
    interface: str
    private_address: str
    public_address: str | None
    asn: int | None = None
    tunnels: tuple[Tunnel, ...] = ()
    routes: tuple[RouterRoute, ...] = ()
    filters: tuple[Filter, ...] = ()
    sessions: tuple[BgpSession, ...] = ()
    forwards: bool = True
    running: bool = True
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A network on-prem behind a gateway that is not ours: its public address and the prefixes behind it."""

    name: str
    address: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Federation:
    """Everything in one picture; references are by id, tunnels find their other end by its public address."""

    networks: tuple[Network, ...] = ()
    routers: tuple[Router, ...] = ()
    sites: tuple[Site, ...] = ()
