"""Where everything in a picture of a federation stands: what is outside | the hubs | the others, by account.

Up to `FEW` networks each has a large card, one below the other, and every tunnel is a line. Above that the others are
a grid of small cards that carry their tunnels as marks, and every hub's router has one trunk into the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from trunkline.network.model import Network
from trunkline.views.topology.content import Line, lines
from trunkline.views.topology.picture import End, Picture, target_names

FEW = 12
MARGIN, TOP, GAP = 20.0, 62.0, 14.0
HEADER = 30.0  # an area's own line
TITLE, LINE, PILL = 44.0, 16.0, 34.0
OUTSIDE_WIDTH, HUB_WIDTH, CARD_WIDTH = 164.0, 260.0, 430.0
SMALL_WIDTH, SMALL_HEIGHT, SMALL_GAP = 124.0, 40.0, 6.0
GRID_WIDTH = 1076.0
LANE = 10.0  # from one trunk to the next


class Box(NamedTuple):
    """A rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return self.y + self.height / 2


class Area(NamedTuple):
    """An account's area: which account, its place, and its networks."""

    cloud: str
    account: str
    box: Box
    networks: tuple[Network, ...]


@dataclass
class Layout:
    """The places of everything.

    Parameters:
        small: Whether the others have small cards.
        cards: By the network's id.
        pills: The routers', by id.
        outside: Of sites, routers elsewhere and unknown addresses.
        areas: The accounts', the hubs' first.
        shelves: The rows of areas in the grid of small cards.
        texts: What is written on large cards, by the network's id.
        gutter: Where the trunks run down.
    """

    small: bool
    width: float = 0.0
    height: float = 0.0
    cards: dict[str, Box] = field(default_factory=dict)
    pills: dict[str, Box] = field(default_factory=dict)
    outside: dict[End, Box] = field(default_factory=dict)
    areas: list[Area] = field(default_factory=list)
    shelves: list[list[Area]] = field(default_factory=list)
    texts: dict[str, list[Line]] = field(default_factory=dict)
    gutter: float = 0.0


def layout(picture: Picture) -> Layout:
    """Give everything its place."""
    placed = Layout(small=len(picture.spokes) > FEW)
    names = target_names(picture.federation)
    for network in picture.hubs if placed.small else picture.federation.networks:
        placed.texts[network.id] = lines(network, picture.exposed.get(network.id, ()), names)
    x = MARGIN
    if picture.outside:
        x += OUTSIDE_WIDTH + (30.0 if not picture.hubs else 56.0 if placed.small else 90.0)
    heights = [_outside(placed, picture)]
    if picture.hubs:
        heights.append(_column(placed, picture, picture.hubs, x, HUB_WIDTH + 20, _hub))
        x += HUB_WIDTH + 20
    hub_routers = sum(len(picture.routers.get(network.id, ())) for network in picture.hubs)
    if picture.spokes:
        placed.gutter = x + 26
        if placed.small:
            x += (26 + LANE * hub_routers + 16) if hub_routers else 0
            heights.append(_grid(placed, picture.spokes, x))
            x += max(area.box.right for shelf in placed.shelves for area in shelf) - x
        else:
            across = any(_is_across(link.one, link.other, picture) for link in picture.links)
            x += (170.0 if across else 110.0) if picture.hubs or across else 0
            heights.append(_column(placed, picture, picture.spokes, x, CARD_WIDTH + 20, _large))
            x += CARD_WIDTH + 20 + (60.0 if any(network.peerings for network in picture.spokes) else 0)
    placed.width = max(x + MARGIN, 640.0)
    tallest = max(heights)
    _centre(placed, picture, heights, tallest)
    placed.height = TOP + tallest + 44
    return placed


def _is_across(one: End, other: End, picture: Picture) -> bool:
    spokes = {network.id for network in picture.spokes}
    return one.network in spokes and other.network in spokes


def _outside(placed: Layout, picture: Picture) -> float:
    y = TOP
    prefixes = {site.name: len(site.prefixes) for site in picture.federation.sites}
    for end in picture.outside:
        height = 56 + LINE * min(prefixes.get(end.id, 0), 5) if end.kind == "site" else 46.0
        placed.outside[end] = Box(MARGIN, y, OUTSIDE_WIDTH, height)
        if end.kind == "router":
            placed.pills[end.id] = placed.outside[end]
        y += height + GAP
    return max(y - GAP - TOP, 0.0)


Placer = Callable[[Layout, Picture, Network, float, float], float]


def _column(
    placed: Layout, picture: Picture, networks: Sequence[Network], x: float, width: float, place: Placer
) -> float:
    """Areas of large cards, one below the other; answers how high they are."""
    y = TOP
    for (cloud, account), group in groupby(networks, key=lambda network: (network.cloud, network.account)):
        members, top = tuple(group), y
        y += HEADER
        for network in members:
            y += place(placed, picture, network, x + 10, y) + 10
        placed.areas.append(Area(cloud, account, Box(x, top, width, y - top), members))
        y += GAP
    return y - GAP - TOP


def _hub(placed: Layout, picture: Picture, network: Network, x: float, y: float) -> float:
    """A hub's card: its lines, and below them its routers over the whole width, for tunnels go both ways."""
    routers = picture.routers.get(network.id, ())
    pills = y + TITLE + LINE * len(placed.texts[network.id]) + 2
    for place, router in enumerate(routers):
        placed.pills[router.id] = Box(x + 10, pills + place * (PILL + 12), HUB_WIDTH - 20, PILL)
    height = pills - y + len(routers) * (PILL + 12)
    placed.cards[network.id] = Box(x, y, HUB_WIDTH, height)
    return height


def _large(placed: Layout, picture: Picture, network: Network, x: float, y: float) -> float:
    """A large card: its routers at the left, where tunnels arrive, and its lines beside them."""
    routers = picture.routers.get(network.id, ())
    for place, router in enumerate(routers):
        placed.pills[router.id] = Box(x + 10, y + TITLE - 1 + place * (PILL + 10), 132, PILL)
    height = max(TITLE + LINE * len(placed.texts[network.id]), TITLE + len(routers) * (PILL + 10), TITLE + 4) + 2
    placed.cards[network.id] = Box(x, y, CARD_WIDTH, height)
    return height


def _grid(placed: Layout, networks: Sequence[Network], x: float) -> float:
    """Accounts as areas on shelves, with that number of cards a row that makes the whole least high."""
    accounts = [
        (key, tuple(group)) for key, group in groupby(networks, key=lambda network: (network.cloud, network.account))
    ]
    most = int((GRID_WIDTH - 12) // (SMALL_WIDTH + SMALL_GAP))
    best = min(range(3, most + 1), key=lambda columns: (_shelved(accounts, x, columns)[1], columns))
    placed.shelves, height = _shelved(accounts, x, best)
    for shelf in placed.shelves:
        for area in shelf:
            columns = min(len(area.networks), best)
            for place, network in enumerate(area.networks):
                row, column = divmod(place, columns)
                placed.cards[network.id] = Box(
                    area.box.x + 8 + column * (SMALL_WIDTH + SMALL_GAP),
                    area.box.y + HEADER + row * (SMALL_HEIGHT + SMALL_GAP),
                    SMALL_WIDTH,
                    SMALL_HEIGHT,
                )
            placed.areas.append(area)
    return height


def _shelved(
    accounts: Sequence[tuple[tuple[str, str], tuple[Network, ...]]], left: float, most: int
) -> tuple[list[list[Area]], float]:
    """The areas on shelves with at most `most` cards in a row, and how high they are together."""
    shelves: list[list[Area]] = [[]]
    x, y, tallest = left, TOP + 12, 0.0
    for (cloud, account), networks in accounts:
        columns = min(len(networks), most)
        rows = -(-len(networks) // columns)
        # An account's name wants some room, too.
        width = max(columns * (SMALL_WIDTH + SMALL_GAP) + 10, 2 * (SMALL_WIDTH + SMALL_GAP))
        height = HEADER + rows * (SMALL_HEIGHT + SMALL_GAP) + 4
        if shelves[-1] and x + width > left + GRID_WIDTH:
            shelves.append([])
            x, y, tallest = left, y + tallest + GAP + 10, 0.0
        shelves[-1].append(Area(cloud, account, Box(x, y, width, height), networks))
        x, tallest = x + width + GAP, max(tallest, height)
    return shelves, y + tallest - TOP


def _centre(placed: Layout, picture: Picture, heights: list[float], tallest: float) -> None:
    """Move the shorter columns down to the middle of the tallest one, as long as that is within one screen."""

    def moved(box: Box, down: float) -> Box:
        return box._replace(y=box.y + down)

    room = min(tallest, 620.0)
    down = max((room - heights[0]) / 2, 0.0)
    placed.outside = {end: moved(box, down) for end, box in placed.outside.items()}
    for end, box in placed.outside.items():
        if end.kind == "router":
            placed.pills[end.id] = box
    columns = [(picture.hubs, heights[1])] if picture.hubs else []
    columns += [(picture.spokes, heights[-1])] if picture.spokes and not placed.small else []
    for networks, height in columns:
        down, ids = max((room - height) / 2, 0.0), {network.id for network in networks}
        for network in networks:
            placed.cards[network.id] = moved(placed.cards[network.id], down)
            for router in picture.routers.get(network.id, ()):
                placed.pills[router.id] = moved(placed.pills[router.id], down)
        placed.areas = [
            area._replace(box=moved(area.box, down)) if area.networks[0].id in ids else area for area in placed.areas
        ]
