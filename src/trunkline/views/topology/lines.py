"""The lines of a picture: tunnels between columns, arcs within one, peerings, and the trunks into a grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from trunkline.views.svg import element, number, text_of
from trunkline.views.topology.layout import LANE, Area, Box, Layout
from trunkline.views.topology.marks import counts, mark, together
from trunkline.views.topology.picture import End, Link, Picture, short

Ports = dict[tuple[int, str], float]  # by a link's id() and the side of its end


def ports_of(read: Picture, placed: Layout) -> Ports:
    """At which height each line leaves its ends, so that those of one end do not lie upon each other."""
    sides: dict[tuple[Box, str], list[tuple[float, int]]] = {}
    for link, left, right in _drawn_links(read, placed):
        if left.x == right.x:
            continue
        sides.setdefault((left, "right"), []).append((right.middle, id(link)))
        sides.setdefault((right, "left"), []).append((left.middle, id(link)))
    ports = {}
    for (box, side), found in sides.items():
        step = min(8.0, (box.height - 10) / len(found))
        for place, (_, key) in enumerate(sorted(found, key=lambda each: each[0])):
            ports[key, side] = box.middle + (place - (len(found) - 1) / 2) * step
    return ports


def _place(end: End, placed: Layout) -> Box | None:
    return placed.pills.get(end.id) if end.kind == "router" else placed.outside.get(end)


def _drawn_links(read: Picture, placed: Layout) -> Iterator[tuple[Link, Box, Box]]:
    """The links that have a line of their own, from left to right."""
    for link in read.links:
        one, other = _place(link.one, placed), _place(link.other, placed)
        if one and other:
            yield (link, one, other) if one.x <= other.x else (link, other, one)


def tunnels(read: Picture, placed: Layout, ports: Ports) -> Iterator[str]:
    """Tunnels from column to column."""
    for link, left, right in _drawn_links(read, placed):
        if left.x == right.x:
            continue
        one, other = ports[id(link), "right"], ports[id(link), "left"]
        half = (right.x - left.right) / 2
        curve = (
            f"M{number(left.right)} {number(one)}C{number(left.right + half)} {number(one)} "
            f"{number(right.x - half)} {number(other)} {number(right.x)} {number(other)}"
        )
        yield element("path", element("title", text_of(link.text)), d=curve, class_=f"link {link.state}")


def end_marks(read: Picture, placed: Layout, ports: Ports) -> Iterator[str]:
    """The state of each tunnel between columns, as a mark where it arrives."""
    for link, left, right in _drawn_links(read, placed):
        if left.x != right.x:
            yield mark(link.state, right.x - 9, ports[id(link), "left"])


def arcs(read: Picture, placed: Layout) -> Iterator[str]:
    """Tunnels within one column, as arcs at its left: the further apart the ends, the wider."""
    found = []
    for link, one, other in _drawn_links(read, placed):
        if one.x == other.x:
            found.append((link, one, other) if one.y <= other.y else (link, other, one))
    used: Counter[Box] = Counter()
    for link, upper, lower in sorted(found, key=lambda each: each[2].y - each[1].y):
        # Each arc takes a port of its own: downwards from the upper end, upwards from the lower one.
        start = upper.middle + min(3.0 + 2.5 * used[upper], upper.height / 2 - 2)
        end = lower.middle - min(3.0 + 2.5 * used[lower], lower.height / 2 - 2)
        used[upper] += 1
        used[lower] += 1
        bulge = min(28 + 0.13 * (end - start), 140.0)
        x = upper.x
        curve = (
            f"M{number(x)} {number(start)}C{number(x - bulge)} {number(start)} "
            f"{number(x - bulge)} {number(end)} {number(x)} {number(end)}"
        )
        yield element("path", element("title", text_of(link.text)), d=curve, class_=f"link {link.state}")
        yield mark(link.state, x - 0.75 * bulge, (start + end) / 2)


def peerings(read: Picture, placed: Layout) -> Iterator[str]:
    """Peerings of clouds between large cards, as dotted arcs at their right."""
    if placed.small:
        return
    drawn_ = set[frozenset[str]]()
    for network in (*read.hubs, *read.spokes):
        for peering in network.peerings:
            one, other = placed.cards.get(network.id), placed.cards.get(peering.peer)
            pair = frozenset((network.id, peering.peer))
            if one is None or other is None or one.x != other.x or pair in drawn_:
                continue
            drawn_.add(pair)
            upper, lower = sorted((one, other), key=lambda box: box.y)
            x, bulge = one.right, min(26 + 0.08 * (lower.middle - upper.middle), 60.0)
            curve = (
                f"M{number(x)} {number(upper.middle)}C{number(x + bulge)} {number(upper.middle)} "
                f"{number(x + bulge)} {number(lower.middle)} {number(x)} {number(lower.middle)}"
            )
            told = f"peering {short(peering.id)}{'' if peering.active else ', not active'}"
            yield element("path", element("title", text_of(told)), d=curve, class_="peering")


def trunks(read: Picture, placed: Layout) -> Iterator[str]:
    """One trunk a hub's router, down the gutter, and a rail over every shelf of areas, each in its worst state."""
    routers = [router for network in read.hubs for router in read.routers.get(network.id, ())]
    spokes = {network.id for network in read.spokes}
    serving: dict[str, dict[str, list[str]]] = {router.id: {} for router in routers}
    for link in read.links:
        for hub, far in ((link.one, link.other), (link.other, link.one)):
            if hub.id in serving and far.network in spokes:
                serving[hub.id].setdefault(far.network, []).append(link.state)
    joints: list[str] = []
    for lane, router in enumerate(routers):
        served, pill, x = serving[router.id], placed.pills[router.id], placed.gutter + LANE * lane
        rails = [
            shelf[0].box.y - 10
            for shelf in placed.shelves
            if any(network.id in served for area in shelf for network in area.networks)
        ]
        if not rails:
            continue
        states = [state for found in served.values() for state in found]
        ends = (min(*rails, pill.middle), max(*rails, pill.middle))
        line = f"M{number(pill.right)} {number(pill.middle)}H{number(x)}"
        line += f"M{number(x)} {number(ends[0])}V{number(ends[1])}"
        told = f"{router.name}: {', '.join(text for text, _ in counts(states))}"
        yield element("path", element("title", text_of(told)), d=line, class_=f"trunk {together(states)}")
        joints += [element("circle", cx=x, cy=rail, r=4, class_=f"mark {together(states)} joint") for rail in rails]
    carried: dict[str, list[str]] = {}
    for found in serving.values():
        for network_id, states in found.items():
            carried.setdefault(network_id, []).extend(states)
    for shelf in placed.shelves:
        yield from _rail(shelf, carried, placed.gutter)
    yield from joints


def _rail(shelf: Sequence[Area], carried: dict[str, list[str]], gutter: float) -> Iterator[str]:
    """The line over one shelf: `carried` has the states of the hubs' tunnels by network."""
    y, right, drops, states = shelf[0].box.y - 10, gutter, [], []
    for area in shelf:
        found = [state for network in area.networks for state in carried.get(network.id, ())]
        if found:
            right = area.box.x + 24
            drops.append(f"M{number(right)} {number(y)}V{number(area.box.y)}")
            states += found
    if drops:
        line = f"M{number(gutter)} {number(y)}H{number(right)}{''.join(drops)}"
        yield element("path", d=line, class_=f"trunk {together(states)}")
