"""A packet, and what is said of its way: hops, and the first thing that stops it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from trunkline.network.prefixes import text

# The port from which callers commonly call (RFC 6335); answers go to it, and rules without state are held against it.
EPHEMERAL = 49152


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet; addresses are numbers. `port` is the destination's, `from_port` the source's; 0 for icmp.

    `answer` is True for the answer to a packet: an echo reply, where the protocol is icmp.
    """

    source: int
    destination: int
    protocol: str
    port: int
    from_port: int = EPHEMERAL
    answer: bool = False

    def __str__(self) -> str:
        where = "" if self.protocol in ("icmp", "any") else f"/{self.port}"
        return f"{text(self.source)} -> {text(self.destination)} {self.protocol}{where}"

    def answered(self) -> Packet:
        """The answer to this packet."""
        return replace(
            self,
            source=self.destination,
            destination=self.source,
            port=self.from_port,
            from_port=self.port,
            answer=not self.answer,
        )


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing on the way, that carries the packet or stops it.

    Parameters:
        kind: "interface", "subnet", "route table", "group", "network ACL", "peering" or "network" in a cloud; "router",
            "filter", "route" or "tunnel" at a router; "site"; "internet".
        where: Where that is, in words: "Account A, route table rtb-1", "router acme-router".
        id: The provider's id of the thing, or the router's number of it.
        what: What it does with the packet, in words.
        account, network: Where that is, by name and id; empty outside of the clouds.
    """

    kind: str
    where: str
    id: str
    what: str
    account: str = ""
    network: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Path:
    """One direction: the hops in order, and what stopped the packet; None when it arrived.

    Parameters:
        hops: What carried it.
        stop: What stopped it.
        notes: What a reader should know: hosts that are not there, other paths.
        flows: What remembers the connection: (interface, direction), for the answer.
        routers: The ids of the routers on the way, in order.
    """

    packet: Packet
    hops: tuple[Hop, ...] = ()
    stop: Hop | None = None
    notes: tuple[str, ...] = ()
    flows: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    routers: tuple[str, ...] = ()

    @property
    def arrives(self) -> bool:
        """Whether the packet gets to where it goes."""
        return self.stop is None

    def __str__(self) -> str:
        return f"{self.packet}: stopped in {self.stop}" if self.stop else f"{self.packet}: arrives"


def short(identifier: str) -> str:
    """A provider's id as a person reads it: of Azure's long ones the last part."""
    return identifier.rsplit("/", 1)[-1]
