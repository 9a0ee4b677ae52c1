"""Makes the kernel hold a wiring: what is there already stays, only what differs is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .gathering import gather
from .inside import NAMESPACES, ip, nft, sysctl
from .wires import End, Hop, Namespace, Rule, Wire, Wiring

# Nothing of the kernel's own is on the wires, and a packet may come back by another way than it went.
_SETTINGS = {
    f"net.{name}": value
    for where in ("all", "default")
    for name, value in {
        f"ipv6.conf.{where}.disable_ipv6": 1,
        f"ipv4.conf.{where}.rp_filter": 0,
        f"ipv4.conf.{where}.send_redirects": 0,
        f"ipv4.conf.{where}.accept_redirects": 0,
    }.items()
}
_FORWARDING = {"net.ipv4.ip_forward": 1}
# With rules the kernel looks up the way back to every source, lest it be an address of its own: a network has none.
_NO_OWN_ADDRESS = {"net.ipv4.conf.all.accept_local": 1}
_EMPTY = "table ip cloud\ndelete table ip cloud\n"  # the first line lets the second succeed when there is none


class Kernel:
    """The namespaces under /run/netns, which must be this process's own."""

    def __init__(self) -> None:
        self._wiring = Wiring()

    def apply(self, wanted: Wiring) -> None:
        """Make it so. When something fails, all is taken down, and the next call begins anew. Raises Refused."""
        with ThreadPoolExecutor(4) as side_by_side:
            try:
                self._change(side_by_side, self._wiring, wanted)
            except BaseException:
                names = self._wiring.namespaces.keys() | wanted.namespaces.keys()
                ip(None, [f"netns del {name}" for name in names if (NAMESPACES / name).exists()], force=True)
                self._wiring = Wiring()
                raise
        self._wiring = wanted

    def _change(self, pool: ThreadPoolExecutor, had: Wiring, wanted: Wiring) -> None:
        cut, laid = had.wires - wanted.wires, wanted.wires - had.wires
        # A device goes with its wire and takes its routes along: those are to be made anew.
        left = {name: _without(space, cut) for name, space in had.namespaces.items()}
        new = wanted.namespaces.keys() - had.namespaces.keys()
        before = {name: left.get(name, Namespace(name)) for name in wanted.namespaces}

        _all(pool, _cut, _grouped((wire.one.namespace, wire.one) for wire in cut).values())
        gone = had.namespaces.keys() - wanted.namespaces.keys()
        ip(None, [*(f"netns del {name}" for name in gone), *(f"netns add {name}" for name in new)])
        _all(pool, _begin, [wanted.namespaces[name] for name in new])
        # Filters come before the wires: no packet ever passes unjudged.
        refiltered = [s for n, s in wanted.namespaces.items() if s.filters != before[n].filters]
        _all(pool, lambda space: nft(space.name, _EMPTY + space.filters), refiltered)
        ip(None, [_veth(wire) for wire in laid])
        ends = _grouped((end.namespace, end) for wire in laid for end in (wire.one, wire.other))
        _all(pool, _lead, [(before[n], s, ends.get(n, [])) for n, s in wanted.namespaces.items()])


def _all(pool: ThreadPoolExecutor, action: Callable[..., None], things: Iterable[object]) -> None:
    """Do it for all side by side; when some fail, the first failure comes out after all have ended."""
    for done in [pool.submit(action, thing) for thing in things]:
        done.result()


def _grouped(ends: Iterable[tuple[str, End]]) -> dict[str, list[End]]:
    found = defaultdict(list)
    for name, end in ends:
        found[name].append(end)
    return found


def _without(space: Namespace, wires: frozenset[Wire]) -> Namespace:
    lost = {end.device for wire in wires for end in (wire.one, wire.other) if end.namespace == space.name}
    return replace(space, routes=frozenset(hop for hop in space.routes if hop.device not in lost))


def _cut(ends: list[End]) -> None:
    # One end takes the other along, at once; with its namespace it would go some time later.
    ip(ends[0].namespace, [f"link del {end.device}" for end in ends])


def _begin(space: Namespace) -> None:
    forwarding = _FORWARDING if space.forwards else {}
    sysctl(space.name, _SETTINGS | forwarding | (_NO_OWN_ADDRESS if space.rules else {}))
    ip(space.name, ["link set lo up"])


def _veth(wire: Wire) -> str:
    # Both ends have one hardware address and do no ARP (see wires.py).
    shared = "address 02:00:00:00:00:01 arp off"
    one, other = wire.one, wire.other
    near = f"link add dev {one.device} netns {one.namespace} {shared}"
    return f"{near} type veth peer name {other.device} netns {other.namespace} {shared}"


def _lead(change: tuple[Namespace, Namespace, list[End]]) -> None:
    had, wanted, new = change
    lines = [
        *(f"addr add {end.address}/32 dev {end.device}" for end in new if end.address),
        *(f"link set {end.device} up" for end in new),
        *(f"rule del {_rule(rule)}" for rule in had.rules - wanted.rules),
        *(f"route del {_route(hop)}" for hop in had.routes - wanted.routes),
        *(f"route replace {_route(hop)}" for hop in wanted.routes - had.routes),
        *(f"rule add {_rule(rule)}" for rule in wanted.rules - had.rules),
    ]
    ip(wanted.name, lines)
    gather(wanted.name, [end.device for end in new if end.gathers])


def _rule(rule: Rule) -> str:
    who = f"iif {rule.device}" if rule.device else "from all"
    return f"{who} lookup {rule.table} pref {rule.priority}"


def _route(hop: Hop) -> str:
    words = [hop.prefix] if hop.kind == "unicast" else [hop.kind, hop.prefix]
    words += [f"via {hop.via}"] if hop.via else []
    words += [f"dev {hop.device}"] if hop.device else []
    words += ["onlink"] if hop.via else []
    return " ".join([*words, f"table {hop.table}"])
