"""What the kernel is to hold, as plain values: namespaces, the wires between them, routes, rules, filters.

A wire is a veth pair whose ends have one hardware address and do no ARP: whatever leaves at one end arrives at the
other, whoever the next hop is. That is how a cloud's network works (no broadcast, no neighbours: everything goes to
the network itself), and it needs no proxy ARP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAIN = 254  # the kernel's own number of the main table


@dataclass(frozen=True, slots=True)
class End:
    """One end of a wire: the device's name in its namespace, and the address on it ("" for none).

    One that `gathers` passes on several packets of a stream as one (see gathering.py).
    """

    namespace: str
    device: str
    address: str = ""
    gathers: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire between two namespaces."""

    one: End
    other: End


@dataclass(frozen=True, slots=True)
class Hop:
    """One route of the kernel's.

    Parameters:
        prefix: A CIDR.
        device: Where it leads; "" for none.
        kind: "unicast"; "throw" (look in the tables of the later rules), "blackhole" (drop).
        table: The table's number.
        via: The next hop's address, where programs want to see one.
    """

    prefix: str
    device: str = ""
    kind: str = "unicast"
    table: int = MAIN
    via: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Packets that came in by `device` ("" for all) are looked up in `table`; the lowest priority comes first."""

    priority: int
    table: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace: whether it forwards, its routes and rules, and its table "cloud" in nftables' words."""

    name: str
    forwards: bool = False
    routes: frozenset[Hop] = frozenset()
    rules: frozenset[Rule] = frozenset()
    filters: str = ""


@dataclass(frozen=True, slots=True)
class Wiring:
    """All of it."""

    namespaces: dict[str, Namespace] = field(default_factory=dict)
    wires: frozenset[Wire] = frozenset()
