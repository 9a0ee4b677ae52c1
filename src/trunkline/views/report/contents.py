"""What a report says: plain values in, the sections of the page out, problems first, everything in a stable order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from trunkline.network.model import Federation, Network
from trunkline.views import theme
from trunkline.views.spans import Span, Standing
from trunkline.views.topology.content import routes
from trunkline.views.topology.marks import anchor
from trunkline.views.topology.picture import Exposed, Picture, counted, picture, target_names, title
from trunkline.views.words import duration

STANDINGS = {"done": "✓", "undone": "↺", "running": "…", "undoing": "↺"}
SIGNS = {"exposed": "!", "down": "✕", "half": "▲", "router": "✕", "route": "▲", "step": "✕", "open": "!"}
GRAVE = ("exposed", "open", "step", "down", "router")


@dataclass(frozen=True)
class Report:
    """A run as a report tells it.

    Parameters:
        run: Its name.
        standing: How it stands: done, failed, interrupted, died, running, undoing, undone.
        begun, now: When it began, and when it ended or the present; seconds since the epoch.
        facts: What else there is to say at the top: ("host", "build-7").
        spans, standings: What it did and what stood open, over time.
        federation: The network to draw, None when nothing is known of it.
        source: Where `federation` comes from, in words: "read from the accounts A and B at 12:00:00".
        exposures: Temporary access that stands open now; None when nobody could be asked.
        touched: The paths of the steps that touched a network, by its id.
        commands: Commands to go on with: ("resume", "trunkline resume acme").
    """

    run: str
    standing: str
    begun: float
    now: float
    facts: Sequence[tuple[str, str]] = ()
    spans: Sequence[Span] = ()
    standings: Sequence[Standing] = ()
    federation: Federation | None = None
    source: str = ""
    exposures: Sequence[Exposed] | None = None
    touched: Mapping[str, Sequence[str]] = field(default_factory=dict)
    commands: Sequence[tuple[str, str]] = ()

    @property
    def running(self) -> bool:
        """Whether its process is at work."""
        return self.standing in ("running", "undoing")

    @cached_property
    def picture(self) -> Picture | None:
        """The federation as it is drawn."""
        return None if self.federation is None else picture(self.federation, self.exposures or ())


class Told(NamedTuple):
    """One problem: its sign, the class of its colour, what it is, and the anchors of the networks it concerns."""

    sign: str
    look: str
    text: str
    where: tuple[tuple[str, str], ...] = ()


class Row(NamedTuple):
    """One network of the report: what its row and its details say."""

    anchor: str
    name: str
    account: str
    cidrs: str
    state: str
    counts: tuple[tuple[str, str], ...]
    exposed: tuple[str, ...]
    routers: tuple[tuple[str, str], ...]
    tunnels: tuple[tuple[str, str, str], ...]
    routes: tuple[tuple[str, str, str, bool], ...]
    subnets: tuple[tuple[str, str, str], ...]
    steps: tuple[tuple[str, str, str], ...]


def problems(report: Report) -> list[Told]:
    """What to look at, the gravest first: what stands open, failed steps, tunnels, routers, routes."""
    read = report.picture
    names = {network.id: (anchor(network), title(network)) for network in (read.federation.networks if read else ())}
    found = [
        Told("!", "exposed", f"{path} stands open; its closing is owed")
        for path, _, until in report.standings
        if until is None and not report.running
    ]
    listed = read.problems if read else ()
    found += [_told(each.kind, each.text, each.networks, names) for each in listed if each.kind == "exposed"]
    if read is None:
        found += [Told("!", "exposed", f"{each.account} {each.group}: {each.text}") for each in report.exposures or ()]
    for span in last_attempts(report.spans):
        if span.outcome in ("failed", "unknown"):
            sign, look = ("✕", "down") if span.outcome == "failed" else ("▲", "half")
            found.append(Told(sign, look, f"step {span.path} {span.outcome}{f': {span.note}' if span.note else ''}"))
    return found + [_told(each.kind, each.text, each.networks, names) for each in listed if each.kind != "exposed"]


def _told(kind: str, text: str, networks: Sequence[str], names: Mapping[str, tuple[str, str]]) -> Told:
    look = "exposed" if kind == "exposed" else "down" if kind in GRAVE else "half"
    return Told(SIGNS[kind], look, text, tuple(names[network] for network in networks if network in names))


def last_attempts(spans: Sequence[Span]) -> list[Span]:
    """Of every step its last attempt, in the order in which steps first began."""
    last: dict[str, Span] = {}
    for span in spans:
        last[span.path] = span
    return list(last.values())


def heading(report: Report) -> str:
    """The page's title: what is wrong first, then the run."""
    read = report.picture
    owed = [] if report.running else [path for path, _, until in report.standings if until is None]
    exposed = len(report.exposures or owed)
    down = sum(link.state != "up" for link in read.links) if read else 0
    said = [f"! {exposed} exposed"] * bool(exposed) + [f"✕ {counted(down, 'tunnel')} down"] * bool(down)
    return " · ".join([*said, f"{STANDINGS.get(report.standing, '✕')} {report.run} {report.standing}"])


def rows(report: Report) -> list[Row]:
    """Every network, by account and name."""
    read = report.picture
    if read is None:
        return []
    names, last = target_names(read.federation), {span.path: span for span in report.spans}
    return [
        _row(network, read, names, report.touched.get(network.id, ()), last) for network in read.federation.networks
    ]


def _row(
    network: Network, read: Picture, names: Mapping[str, str], touched: Sequence[str], last: Mapping[str, Span]
) -> Row:
    links = read.of.get(network.id, ())
    states = [link.state for link in links]
    counts = [(f"{theme.SIGNS[state]} {states.count(state)}", state) for state in ("up", "half", "down")]
    routers = read.routers.get(network.id, ())
    return Row(
        anchor(network),
        title(network),
        f"{network.cloud} {network.account}".strip(),
        ", ".join(network.cidrs),
        next((state for state in ("down", "half", "up") if state in states), ""),
        tuple((text, state) for text, state in counts if state in states),
        tuple(each.text for each in read.exposed.get(network.id, ())),
        tuple((router.name, router.public_address or router.private_address) for router in routers),
        tuple((theme.SIGNS[link.state], link.state, link.text) for link in links),
        tuple(routes(network, names)),
        tuple((subnet.name or subnet.id, subnet.cidr, subnet.zone) for subnet in network.subnets),
        tuple((path, last[path].outcome, _took(last[path])) for path in touched if path in last),
    )


def steps(report: Report) -> list[tuple[str, str, str, str, str]]:
    """Every attempt for the table: path, outcome, since the run's beginning, how long, note."""
    return [
        (span.path, span.outcome, duration(span.begun - report.begun), _took(span), span.note) for span in report.spans
    ]


def _took(span: Span) -> str:
    return duration(span.ended - span.begun) if span.ended is not None else ""
