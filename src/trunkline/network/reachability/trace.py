"""From one end to another and back: whether it works, the way it takes, or the first thing that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from trunkline._core.errors import Error
from trunkline.network.model import Federation, Interface, Route, Subnet
from trunkline.network.prefixes import number, text
from trunkline.network.reachability.atlas import Atlas
from trunkline.network.reachability.endpoints import End, find
from trunkline.network.reachability.packet import EPHEMERAL, Hop, Packet, Path
from trunkline.network.reachability.routing import closer, no_way_out
from trunkline.network.reachability.rules import Judge
from trunkline.network.reachability.walk import Walk

PROTOCOLS = ("tcp", "udp", "icmp")


@dataclass(frozen=True, slots=True)
class Trace:
    """The answer: the way there, and the way back.

    Parameters:
        source, destination: The ends as they were named.
        there: The packet's way.
        back: The answer's way; None when the packet does not arrive, or leaves what can be seen.
        notes: What a reader should know: overlapping prefixes, other paths, an answer that comes another way.
    """

    source: str
    destination: str
    there: Path
    back: Path | None
    notes: tuple[str, ...] = ()

    @property
    def reachable(self) -> bool:
        """Whether the packet arrives and its answer too."""
        return self.obstacle is None

    @property
    def obstacle(self) -> Hop | None:
        """The first thing that stops it, on the way there or back."""
        return self.there.stop or (self.back.stop if self.back else None)

    @property
    def summary(self) -> str:
        """One line: "10.1.1.10 -> 10.0.0.10 tcp/443: stopped in Account A, route table rtb-1: no route for ..."."""
        if self.back is not None and self.back.stop is not None:
            return f"{self.there.packet}: arrives, and its answer is stopped in {self.back.stop}"
        return f"{self.there.packet}: {'reachable' if self.reachable else f'stopped in {self.obstacle}'}"

    def __str__(self) -> str:
        lines = [self.summary, *(f"  {hop}" for hop in self.there.hops)]
        if self.back is not None:
            lines += ["  and back:", *(f"  {hop}" for hop in self.back.hops)]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


class Reachability:
    """Traces through one federation, whose indexes are built once.

    Parameters:
        federation: What was read.
    """

    def __init__(self, federation: Federation) -> None:
        self.atlas = Atlas(federation)

    @cached_property
    def judge(self) -> Judge:
        """Judges by the federation's rule sets."""
        return Judge(self.atlas)

    def find(self, name: str) -> End:
        """The end of this name. Raises UnknownEnd."""
        return find(self.atlas, name)

    def trace(self, source: str, destination: str, protocol: str = "tcp", port: int = 443) -> Trace:
        """From `source` to `destination` and back; `trace` says how they are named, and what is raised."""
        if protocol not in PROTOCOLS:
            raise Error(f"protocol={protocol!r} is not known", hint=f"one of {', '.join(PROTOCOLS)}")
        if protocol != "icmp" and not 1 <= port <= 65535:
            raise Error(f"port={port} is no port", hint="give 1 to 65535")
        return self.between(self.find(source), self.find(destination), protocol, port)

    def route(self, subnet: str, address: int) -> Route | None:
        """The route that the table of the subnet with this id has for an address (a number); None without one."""
        for place, thing in self.atlas.names.get(subnet, ()):
            if place is not None and isinstance(thing, Subnet) and (found := place.table(thing)):
                table, routes = found
                return next((table.routes[number] for number in routes.longest(address)), None)
        return None

    def closed(self, interface: str, protocol: str, port: int, source: str) -> str | None:
        """What keeps a packet from outside from an interface, or its answer from the way out; None when nothing does.

        Parameters:
            interface: Its provider id.
            protocol, port: What is asked for.
            source: The address that asks.
        """
        for place, thing in self.atlas.names.get(interface, ()):
            if place is not None and isinstance(thing, Interface):
                spot = self.atlas.spot(place, number(thing.private_address))
                if spot is not None:
                    packet = Packet(number(source), spot.address, protocol, port)
                    return closer(self.judge, spot, packet) or no_way_out(spot, packet.source)
        return f"interface {interface} is not there"

    def between(self, source: End, destination: End, protocol: str = "tcp", port: int = 443) -> Trace:
        """From one end that was found to another, and back."""
        icmp = protocol == "icmp"
        sender = source.spot.address if source.spot else source.address
        packet = Packet(sender, destination.address, protocol, 0 if icmp else port, 0 if icmp else EPHEMERAL)
        if source.spot is None and source.router is None and source.site is None:
            raise Error(
                f"{source.label} is no place to start from: no subnet and no site that was read has it",
                hint="name a host, a subnet, a router or a site; traces from the internet are not made",
            )
        if packet.source == packet.destination:
            raise Error(f"{source.label} and {destination.label} are one and the same", hint="name two ends")
        out = Walk(self.judge, packet)
        there = self._meant(out, out.run(source), destination)
        notes = [*self._overlaps(packet), *there.notes, *self._others(out, there, source, packet)]
        back = None
        if there.arrives and there.hops and there.hops[-1].kind != "internet":
            answer = out.packet.answered()
            prefer = tuple(reversed(there.routers))
            home = Walk(self.judge, answer, flows=there.flows, prefer=prefer)
            start = self._answerer(out, destination)
            back = self._meant(home, home.run(start), source)
            notes += self._others(home, back, start, answer, flows=there.flows, prefer=prefer)
            notes += self._asymmetric(there, back)
        return Trace(source.label, destination.label, there, back, tuple(dict.fromkeys(notes)))

    def _answerer(self, walk: Walk, destination: End) -> End:
        """Where the answer starts: where the packet arrived; a router answers by its own routes."""
        spot = walk.arrived
        if spot is None:
            return destination
        router = self.atlas.router_of.get(spot.interface.id) if spot.interface else None
        return End(spot.address, destination.label, router=router) if router else End(spot.address, "", spot)

    def _meant(self, walk: Walk, path: Path, destination: End) -> Path:
        """The path, stopped at its end where it came to another one that has the same address."""
        got = walk.arrived
        if not path.arrives or path.hops[-1].kind == "internet":
            return path
        if destination.spot is not None:
            wanted, strayed = destination.spot.place.label, got is None or got.place is not destination.spot.place
        elif destination.site is not None:
            wanted, strayed = f"site {destination.site.name}", got is not None
        else:
            return path
        if not strayed:
            return path
        last = path.hops[-1]
        what = f"{last.what}, and that is not the one of {wanted}: their prefixes overlap"
        return replace(path, hops=path.hops[:-1], stop=replace(last, what=what))

    def _overlaps(self, packet: Packet) -> Iterator[str]:
        for address in (packet.source, packet.destination):
            for _, words in self.atlas.overlapping.all(address):
                yield f"{text(address)} lies where {words}"

    def _others(self, walk: Walk, path: Path, start: End, packet: Packet, **known: Any) -> Iterator[str]:
        """What becomes of the packet on the ways that were as good as the one that it took."""
        for whose, which in walk.choices:
            other = Walk(self.judge, packet, forced={whose: which}, **known).run(start)
            name = self._way(whose, which)
            if other.stop is None and path.arrives:
                yield f"another way is as good, {name}: it arrives too"
            elif other.stop is None:
                yield f"another way is as good, {name}: by that it would arrive"
            elif path.arrives:
                yield f"another way is as good, {name}: by that it would be stopped in {other.stop}"

    def _way(self, whose: str, which: str) -> str:
        router = self.atlas.routers.get(whose)
        if router is None:
            return f"from {whose} by router {self.atlas.routers[which].name}"
        tunnel = self.atlas.tunnel(router, which)
        return f"from router {router.name} by {f'tunnel {tunnel.name}' if tunnel else which}"

    def _asymmetric(self, there: Path, back: Path) -> Iterator[str]:
        if back.arrives and there.routers != tuple(reversed(back.routers)):
            yield f"the answer comes another way: there by {self._names(there)}, back by {self._names(back)}"

    def _names(self, path: Path) -> str:
        return ", ".join(self.atlas.routers[each].name for each in path.routers) or "no router"


def trace(federation: Federation, source: str, destination: str, protocol: str = "tcp", port: int = 443) -> Trace:
    """Whether a connection works: from `source` to `destination`, and the answers back.

    What is asked is what the clouds and routers would do with its first packet and the answer to it, by the longest
    prefix, the rule that decides, the tunnels that are up. Nothing is sent.

    Parameters:
        federation: What was read.
        source, destination: An address; the id or name of an interface (a host's name), an instance, a subnet, a
            network, a router or a site; "ACCOUNT/NETWORK:ADDRESS" where several have that address.
        protocol: "tcp", "udp" or "icmp" (an echo).
        port: The destination's port; of no meaning for icmp.

    Raises:
        UnknownEnd: Nothing, or more than one thing, has such a name or address.
        Error: No such protocol or port, or both ends are one.
    """
    return Reachability(federation).trace(source, destination, protocol, port)
