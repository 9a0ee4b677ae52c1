"""A federation as one SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trunkline.network.model import Federation, Network, Router
from trunkline.views import theme
from trunkline.views.svg import document, element, text_of, width, words
from trunkline.views.topology.layout import MARGIN, PILL, TITLE, Area, Box, Layout, layout
from trunkline.views.topology.lines import arcs, end_marks, peerings, ports_of, trunks, tunnels
from trunkline.views.topology.marks import anchor, counts, mark, spans, worst
from trunkline.views.topology.picture import End, Exposed, Picture, picture, title

CLOUDS = {"aws": "AWS", "azure": "Azure"}
MOST_MARKS = 4


def topology(federation: Federation, exposures: Iterable[Exposed] = ()) -> str:
    """Draw a federation as an SVG document that stands alone, light or dark as its reader's screen is.

    Parameters:
        federation: What is drawn.
        exposures: Temporary access that stands open now.

    Returns:
        The same text for the same federation, whatever order its parts come in.
    """
    return drawn(picture(federation, exposures), style=theme.style())


def drawn(read: Picture, *, style: str | None = None) -> str:
    """The SVG of a picture; with `style` None it is part of a page that has the theme's rules."""
    placed = layout(read)
    ports = ports_of(read, placed)
    parts = [
        _heading(read),
        *(_area(area, read) for area in placed.areas),
        *peerings(read, placed),
        *(trunks(read, placed) if placed.small else ()),
        *tunnels(read, placed, ports),
        *(_outside(end, box, read) for end, box in placed.outside.items()),
        *(_card(network, read, placed) for network in (*read.hubs, *read.spokes)),
        *arcs(read, placed),
        *end_marks(read, placed, ports),
        _legend(placed),
    ]
    label = f"The federation: {read.summary}"
    return document("".join(parts), placed.width, placed.height, label, style, "trunkline topology")


def _heading(read: Picture) -> str:
    return spans(read.heading, MARGIN, 30.0, "head", between=" · ")


def _area(area: Area, read: Picture) -> str:
    box = area.box
    name = f"{CLOUDS.get(area.cloud, area.cloud)} {area.account}".strip()
    ids = {network.id for network in area.networks}
    links = {id(link): link for network in ids for link in read.of.get(network, ())}.values()
    exposed = sum(len(read.exposed.get(network, ())) for network in ids)
    said = [each for each in counts(link.state for link in links) if each[1] != "up"]
    said += [(f"! {exposed}", "exposed")] if exposed else []
    said.append((f"{len(ids)} network{'s' if len(ids) > 1 else ''}", ""))
    room = box.width - 30 - sum(width(text, 11.5) + 12 for text, _ in said)
    return "".join(
        [
            rectangle(box, f"area {area.cloud}", 9),
            words(name, box.x + 12, box.y + 20, "name", max(room, 60.0), 12.5),
            spans(said, box.right - 10, box.y + 20, "soft end"),
        ]
    )


def _card(network: Network, read: Picture, placed: Layout) -> str:
    box = placed.cards[network.id]
    exposed = read.exposed.get(network.id, ())
    small = placed.small and network.id not in read.hub_ids
    draw = _small if small else _large
    states = [link.state for link in read.of.get(network.id, ())]
    said = [title(network), ", ".join(network.cidrs), *(text for text, _ in counts(states))]
    said += [f"exposed: {each.text}" for each in exposed]
    inner = element("title", text_of("\n".join(filter(None, said)))) + "".join(draw(network, read, placed, box))
    look = " ".join(filter(None, ("card", worst(states) if states else "", "exposed" if exposed else "")))
    return element("a", inner, href=f"#{anchor(network)}", class_=look)


def _small(network: Network, read: Picture, placed: Layout, box: Box) -> Iterator[str]:
    links = read.of.get(network.id, ())
    exposed = bool(read.exposed.get(network.id))
    yield rectangle(box, "box", 5)
    many = len(links) > MOST_MARKS
    side = 0 if many else 18 * (1 + (len(links) > 2)) + (12 if exposed else 0)
    yield words(title(network), box.x + 8, box.y + 17, "name", box.width - 16 - side, 12)
    yield words(", ".join(network.cidrs), box.x + 8, box.y + 33, "soft", box.width - 12 - (60 if many else side), 11)
    if exposed:
        x = box.right - (18 if many else side + 2)
        yield element("text", "!", x=x, y=box.y + (17 if many else 26), class_="exposed head")
    if many:
        said = counts(link.state for link in links)
        yield spans(said[-2:], box.right - 7, box.y + 33, "soft end", between=" ")
        return
    for place, link in enumerate(links):
        column, row = divmod(place, 2)
        yield mark(link.state, box.right - 12 - 16 * column, box.y + (13 if len(links) > 1 else 21) + 16 * row)


def _large(network: Network, read: Picture, placed: Layout, box: Box) -> Iterator[str]:
    hub = network.id in read.hub_ids
    yield rectangle(box, "box", 6)
    badge = 90 if read.exposed.get(network.id) else 0
    yield words(title(network), box.x + 10, box.y + 19, "name", box.width - 20 - badge, 12.5)
    yield words(", ".join(network.cidrs), box.x + 10, box.y + 35, "soft", box.width - 20, 11)
    if badge:
        yield words("! EXPOSED", box.right - 10, box.y + 19, "exposed end")
    routers = read.routers.get(network.id, ())
    indent = 10 if hub or not routers else 156
    for place, line in enumerate(placed.texts[network.id]):
        y, room = box.y + TITLE + 9 + 16 * place, box.width - indent - 14
        aside = 0.62 * 11 * len(line.right) + 12 if line.right else 0
        bold = line.look != "soft"
        yield words(line.text, box.x + indent, y, f"soft {line.look}", room - aside, 12 if bold else 11)
        if line.right:
            yield words(line.right, box.right - 12, y, "soft end", size=11)
    for router in routers:
        yield _router(router, placed.pills[router.id], read, counted=placed.small and hub)


def _router(router: Router, pill: Box, read: Picture, *, counted: bool) -> str:
    links = [link for link in read.of[router.network] if router.id in (link.one.id, link.other.id)] if counted else []
    address = router.public_address or router.private_address
    whole = ", ".join(filter(None, (f"router {router.name}", router.private_address, address, router.unread)))
    told = [element("title", text_of(whole))]
    told.append(rectangle(pill, "pill" if router.running else "pill down", 17))
    name = router.name if router.running else f"✕ {router.name}"
    room = pill.width - 24
    told.append(words(name, pill.x + 14, pill.y + 15, "name" if router.running else "down", room, 12.5))
    below = ("not read" if router.unread else address) if router.running else "does not run"
    told.append(words(below, pill.x + 14, pill.y + 28, "soft", room, 11))
    if links:
        told.append(spans(counts(link.state for link in links), pill.right - 14, pill.y + 28, "soft end"))
    return element("g", *told)


def _outside(end: End, box: Box, read: Picture) -> str:
    sites = {site.name: site for site in read.federation.sites}
    if end.kind == "router":
        router = next(each for each in read.federation.routers if each.id == end.id)
        return _router(router, box._replace(height=PILL), read, counted=False)
    lines, look = ["unknown address"], "unknown"
    if end.kind == "site":
        site = sites[end.id]
        more = [f"… {len(site.prefixes) - 4} more"] if len(site.prefixes) > 5 else []
        lines, look = [site.address, *site.prefixes[: 4 if more else 5], *more], "site"
    told = [rectangle(box, f"area {look}", 9), words(end.name, box.x + 12, box.y + 21, "name", box.width - 20, 12.5)]
    told += [words(line, box.x + 12, box.y + 38 + 16 * place, "soft") for place, line in enumerate(lines)]
    return element("g", *told)


def _legend(placed: Layout) -> str:
    y = placed.height - 18
    parts = [
        ("●", "up"), (" tunnel up", ""), ("   ▲", "half"), (" up at one end only", ""), ("   ✕", "down"),
        (" down", ""), ("   !", "exposed"), (" temporary access stands open", ""),
    ]  # fmt: skip
    return spans(parts, MARGIN, y, "soft", between="")


def rectangle(box: Box, class_: str, radius: int) -> str:
    """A rectangle with round corners."""
    return element(
        "rect", x=float(box.x), y=float(box.y), width=float(box.width), height=float(box.height), rx=radius,
        class_=class_,
    )  # fmt: skip
