"""What a bird is to do, and the same in bird's own words.

A gateway's own routes are static ones of bird's, so that a route into a tunnel stands while the tunnel's interface is
up, and so does what BGP tells others of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

TABLE = 100  # the kernel's table that bird fills
_OWN_PREFERENCE = 2000  # what a site announces, and has in its wires
_STATIC_PREFERENCE = 1000  # a gateway's own routes, less their rank; BGP's have bird's 100

_COMMON = """\
router id {router_id};
log stderr {{ info, remote, warning, error, auth, fatal, bug }};
timeformat protocol iso long ms;
protocol device {{ scan time 2; }}
protocol bfd {{
  interface "*" {{ interval 100 ms; multiplier 3; }};
}}
protocol kernel {{
  kernel table {table};
  scan time 5;
  ipv4 {{
    import none;
    export where source ~ [ RTS_STATIC, RTS_BGP ] && preference != {own};
  }};
}}
"""
_BGP = """\
protocol bgp {name} {{
  local {own} as {local_asn};
  neighbor {address} as {asn};
  direct;  # over one tunnel, also where both ends have one number, for which bird would suppose many hops
  interface "{device}";
  hold time {hold_time};
  keepalive time {keepalive};
  # A lab is asked right after it was changed: no session waits for minutes before it tries again.
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 2;
  {options}
  ipv4 {{
    import all;
    export where {told};
    next hop self;
  }};
}}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A route out of `device`, by `via` where it is not None; the lower `metric` is preferred.

    It stands while its device is up; a `watched` one ends already when BFD misses `via`.
    """

    prefix: str
    device: str
    via: str | None = None
    metric: int = 0
    watched: bool = False


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A BGP neighbour on `device`, seen from the own address `own`; times in seconds."""

    device: str
    address: str
    own: str
    asn: int
    local_asn: int
    hold_time: int
    keepalive: int
    bfd: bool
    password: str = ""

    def __repr__(self) -> str:
        return f"Neighbour({self.address}, AS {self.asn})"


@dataclass(frozen=True, slots=True)
class Routing:
    """What a bird is to do: its ways, its neighbours, and the prefixes that it tells them, if it has a way to them."""

    router_id: str
    ways: tuple[Way, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    announced: frozenset[str] = frozenset()
    originated: tuple[str, ...] = ()


def settings(routing: Routing) -> str:
    """bird's settings."""
    common = _COMMON.format(router_id=routing.router_id, table=TABLE, own=_OWN_PREFERENCE)
    ranked = [
        _static(f"ways{rank}", _STATIC_PREFERENCE - rank, [f"{way.prefix} {_leads(way)}" for way in ways])
        for rank, ways in enumerate(_ranked(routing.ways))
    ]
    own = _static("own", _OWN_PREFERENCE, [f"{prefix} unreachable" for prefix in routing.originated])
    return "".join([common, *ranked, own, *(_bgp(neighbour, routing) for neighbour in routing.neighbours)])


def protocol(neighbour: str) -> str:
    """What bird calls the session with a neighbour."""
    return "bgp_" + neighbour.replace(".", "_")


def _static(name: str, preference: int, routes: list[str]) -> str:
    lines = [f"protocol static {name} {{", f"  ipv4 {{ preference {preference}; }};"]
    lines += [f"  route {route};" for route in routes]
    return "\n".join([*lines, "}", ""]) if routes else ""


def _ranked(ways: Iterable[Way]) -> list[list[Way]]:
    """The ways, those that are first for their prefix before those that are second: bird takes one each a protocol."""
    by_prefix: defaultdict[str, list[Way]] = defaultdict(list)
    for way in ways:
        by_prefix[way.prefix].append(way)
    ordered = [sorted(found, key=lambda way: way.metric) for found in by_prefix.values()]
    deepest = max(map(len, ordered), default=0)
    return [[found[rank] for found in ordered if rank < len(found)] for rank in range(deepest)]


def _leads(way: Way) -> str:
    if way.via is None:
        return f'via "{way.device}"'
    return f"via {way.via}%'{way.device}' {'bfd' if way.watched else 'onlink'}"


def _bgp(neighbour: Neighbour, routing: Routing) -> str:
    prefixes = ", ".join(sorted({*routing.announced, *routing.originated}))
    options = ["bfd on;"] if neighbour.bfd else []
    options += [f'password "{neighbour.password}";'] if neighbour.password else []
    return _BGP.format(
        name=protocol(neighbour.address),
        own=neighbour.own,
        local_asn=neighbour.local_asn,
        address=neighbour.address,
        asn=neighbour.asn,
        device=neighbour.device,
        hold_time=neighbour.hold_time,
        keepalive=neighbour.keepalive,
        options="\n  ".join(options),
        told=f"source = RTS_BGP || net ~ [ {prefixes} ]" if prefixes else "source = RTS_BGP",
    )
