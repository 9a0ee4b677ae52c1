"""A run as lanes over time: one lane a group of steps, a row for each that runs side by side, scopes as red bands.

A bar's hatched tail is the time that a step, itself done, waited for the last of those beside it. Times in which
nothing happened (a dead run, before it was resumed) are cut out of the axis, with a mark that says how long they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from trunkline.views import theme
from trunkline.views.spans import Span, Standing, parts
from trunkline.views.svg import document, element, natural, number, text_of, width, words
from trunkline.views.words import duration

WIDTH, MARGIN, NAMES = 1180.0, 20.0, 170.0
LEFT, RIGHT = MARGIN + NAMES, WIDTH - MARGIN
TOP, ROW, BAR, THIN, MANY = 44.0, 24.0, 18.0, 7.0, 40
LONGEST_IDLE, CUT = 0.12, 34.0  # a longer share of idle time is cut out; pixels that stand for it
SIGNS = {"done": "✓", "failed": "✕", "unknown": "▲", "undone": "↺", "running": "…"}


class Tick(NamedTuple):
    """A mark on the axis, or (`cut`) a piece that was cut out of it."""

    x: float
    text: str
    cut: bool = False


class Axis:
    """From times to pixels, with long idle times cut out."""

    def __init__(self, spans: Sequence[Span], begun: float, now: float) -> None:
        busy = sorted((span.begun, span.ended or now) for span in spans) or [(begun, now)]
        self.begun = min(begun, busy[0][0])
        end = max(now, *(ended for _, ended in busy))
        longest = max((end - self.begun) * LONGEST_IDLE, 2.0)
        self.pieces: list[tuple[float, float]] = []
        start = last = self.begun
        for one, other in [*busy, (end, end)]:
            if one - last > longest:
                self.pieces.append((start, last))
                start = one
            last = max(last, other)
        self.pieces.append((start, max(last, start + 0.001)))
        room = RIGHT - LEFT - CUT * (len(self.pieces) - 1)
        self.shown = max(sum(other - one for one, other in self.pieces), 0.05)
        self.scale = room / self.shown

    def x(self, at: float) -> float:
        """Where a moment stands."""
        x = LEFT
        for place, (one, other) in enumerate(self.pieces):
            if at < one:
                return x - (CUT / 2 if place else 0)
            if at <= other or place == len(self.pieces) - 1:
                return min(x + (at - one) * self.scale, RIGHT)
            x += (other - one) * self.scale + CUT
        return x

    def ticks(self) -> Iterator[Tick]:
        """Round times since the run began, and the cuts."""
        step = next((each for each in _STEPS if each * self.scale >= 90), _STEPS[-1])
        for place, (one, other) in enumerate(self.pieces):
            first = -(-(one - self.begun) // step) * step
            at = first
            while self.begun + at <= other + 1e-6:
                yield Tick(self.x(self.begun + at), _clock(at, step))
                at += step
            if place + 1 < len(self.pieces):
                idle = self.pieces[place + 1][0] - other
                yield Tick(self.x(other) + CUT / 2, duration(idle), cut=True)


_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)


def _clock(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


@dataclass
class Lane:
    """One lane: its name, the scopes that it is in, and its rows of spans by what runs side by side."""

    name: str
    scopes: tuple[str, ...]
    scope: str = ""  # set when it is a scope's own lane, with its opening and closing
    rows: dict[str, list[Span]] = field(default_factory=dict)
    y: float = 0.0
    height: float = 0.0

    @property
    def row_height(self) -> float:
        """Of very many rows each is thin."""
        return ROW if len(self.rows) <= MANY else THIN

    @property
    def ended(self) -> float | None:
        """When the last of its steps ended; None while one runs."""
        ends = [span.ended for row in self.rows.values() for span in row]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def lanes(
    spans: Sequence[Span],
    standings: Sequence[Standing],
    *,
    begun: float,
    now: float,
    running: bool = False,
    alone: bool = True,
) -> str:
    """Draw a run.

    Parameters:
        spans, standings: What it did, and what stood open.
        begun, now: When it began, and up to when it is drawn (its end, or the present), in seconds since the epoch.
        running: Whether the run is still at work, so that what stands open is not forgotten.
        alone: Whether the SVG stands alone, or in a page that has the theme's rules.
    """
    begun = min([begun, *(span.begun for span in spans)])
    axis, found = Axis(spans, begun, now), arranged(spans)
    y = TOP
    for lane in found:
        lane.y, lane.height = y, max(len(lane.rows) * lane.row_height, ROW) + 8
        y += lane.height + 4
    inner = [
        *(_lane(lane) for lane in found),
        *_grid(axis, y),
        *_bands(standings, found, axis, now, running),
        *(bar for lane in found for bar in _bars(lane, axis, now)),
    ]
    label = f"The run over time: {len(spans)} steps in {duration(now - begun)}"
    style = theme.style() + RULES.replace("\n", "") if alone else None
    return document("".join([_HATCH, *inner]), WIDTH, y + 12, label, style, "trunkline lanes")


def arranged(spans: Sequence[Span]) -> list[Lane]:
    """The lanes of a run, in the order in which their first steps began; rows in the order of their names."""
    scopes = {span.path.partition("#")[0] for span in spans if "#" in span.path}
    found: dict[str, Lane] = {}
    for span in sorted(spans, key=lambda each: (each.begun, each.path)):
        around, rest = _split(span.path, scopes)
        if not rest or rest[0].startswith("#"):
            key, row = "/".join(around), ""
            lane = Lane(parts(key)[-1], tuple(around[:-1]), scope=around[-1])
        else:
            key, row = "/".join([*around[-1:], rest[0]]), "".join(rest[1:2])
            lane = Lane(rest[0], tuple(around))
        found.setdefault(key, lane).rows.setdefault(row, []).append(span)
    for lane in found.values():
        lane.rows = dict(sorted(lane.rows.items(), key=lambda item: natural(item[0])))
    return _nested(list(found.values()))


def _split(path: str, scopes: set[str]) -> tuple[list[str], list[str]]:
    """The scopes around a path (the innermost last, each as its whole path), and its parts inside of them."""
    around, rest, taken = list[str](), list[str](), ""
    for part in parts(path):
        taken += part if part.startswith(("[", "#")) or not taken else f"/{part}"
        if taken in scopes:
            around.append(taken)
            rest = []
        else:
            rest.append(part)
    return around, rest


def _nested(found: list[Lane]) -> list[Lane]:
    """What is in a scope follows its lane at once, so that one band covers it."""
    by_scope = {lane.scope: lane for lane in found if lane.scope}
    inside: dict[str, list[Lane]] = {}
    for lane in found:
        above = lane.scopes[-1] if lane.scopes else ""
        inside.setdefault(above if above in by_scope else "", []).append(lane)

    def unfolded(scope: str) -> Iterator[Lane]:
        for lane in inside.get(scope, ()):
            yield lane
            if lane.scope:
                yield from unfolded(lane.scope)

    return list(unfolded(""))


def _grid(axis: Axis, bottom: float) -> Iterator[str]:
    for x, text, cut in axis.ticks():
        if cut:
            yield element("path", d=f"M{number(x - 4)} {number(TOP - 8)}V{number(bottom)}", class_="cut")
            yield element("path", d=f"M{number(x + 4)} {number(TOP - 8)}V{number(bottom)}", class_="cut")
            yield words(f"{text} later", x, 16, "soft mid")
        else:
            yield element("path", d=f"M{number(x)} {number(TOP - 8)}V{number(bottom)}", class_="tick")
            yield words(text, x, 31, "soft mid" if x > LEFT + 10 else "soft")


def _lane(lane: Lane) -> str:
    depth = len(lane.scopes) * 10
    ground = element(
        "rect", x=MARGIN, y=lane.y, width=WIDTH - 2 * MARGIN, height=lane.height, rx=6, class_="ground"
    )  # fmt: skip
    return ground + words(lane.name, MARGIN + 10 + depth, lane.y + 20, "name", NAMES - 16 - depth)


def _bands(
    standings: Sequence[Standing], found: Sequence[Lane], axis: Axis, now: float, running: bool
) -> Iterator[str]:
    """A red band over everything that happened while a scope stood open; its own lane says for how long."""
    for path, since, until in standings:
        within = [lane for lane in found if lane.scope == path or path in lane.scopes]
        own = next((lane for lane in within if lane.scope == path), None)
        if own is None:
            continue
        end = until if until is not None else now
        left, right = axis.x(since), axis.x(end)
        y, bottom = own.y + 3, within[-1].y + within[-1].height - 3
        took = duration(end - since)
        text = f"open {took}" if until is not None else f"! open, {took} so far" if running else f"! STILL OPEN, {took}"
        look = "band" if until is not None else "band still"
        yield element(
            "rect", element("title", text_of(f"{path}: {text}")), x=left, y=y, width=max(right - left, 2.0),
            height=bottom - y, rx=3, class_=look,
        )  # fmt: skip
        # Between the bars of its opening and of its closing, or before both.
        ends = [(axis.x(span.begun), axis.x(span.ended or now)) for row in own.rows.values() for span in row]
        free = max([left, *(b for a, b in ends if left - 1 <= a < (left + right) / 2)])
        to = min([right, *(a for a, b in ends if (left + right) / 2 <= a <= right)])
        x, align = ((free + to) / 2, "mid") if width(text, 12.5) < to - free - 8 else (left - 8, "end")
        yield words(text, x, own.y + 20, f"exposed {align}")


def _bars(lane: Lane, axis: Axis, now: float) -> Iterator[str]:
    thin = lane.row_height < ROW
    end = lane.ended if len(lane.rows) > 1 else None
    for place, (row, spans) in enumerate(lane.rows.items()):
        y = lane.y + 4 + place * lane.row_height + (0 if thin else (ROW - BAR) / 2)
        height = THIN - 2 if thin else BAR
        last = max(span.ended or now for span in spans)
        if end is not None and spans[-1].outcome == "done" and end - last > 0.05:
            left, right = axis.x(last), axis.x(end)
            told = element("title", text_of(f"{row or lane.name} was done, and waited {duration(end - last)}"))
            if right - left >= 2:
                yield element(
                    "rect", told, x=left, y=y + 2, width=right - left, height=height - 4, class_="wait"
                )  # fmt: skip
        yield from (_bar(span, lane, row, axis, now, y, height, spans) for span in spans)


def _bar(
    span: Span, lane: Lane, row: str, axis: Axis, now: float, y: float, height: float, beside: Sequence[Span]
) -> str:
    left = axis.x(span.begun)
    right = max(axis.x(span.ended if span.ended is not None else now), left + 3)
    took = duration((span.ended or now) - span.begun)
    name = label(span, lane, row)
    told = f"{span.path}: {span.outcome}, {took}{f': {span.note}' if span.note else ''}"
    drawn = element("title", text_of(told))
    drawn += element("rect", x=left, y=y, width=right - left, height=height, rx=3, class_="bar")
    if height == BAR and not (lane.scope and span.outcome == "done"):  # the ends of a scope speak for themselves
        ends = [axis.x(other.ended if other.ended is not None else now) for other in beside if other.begun < span.begun]
        starts = [axis.x(other.begun) for other in beside if other.begun > span.begun]
        rooms = (right - left - 8, min([*starts, RIGHT]) - right - 8, left - max([*ends, LEFT]) - 8)
        texts = [f"{SIGNS[span.outcome]} {name} {took}", f"{SIGNS[span.outcome]} {name}"] if name else []
        drawn += _said(texts or [f"{SIGNS[span.outcome]} {took}"], rooms, left, right, y)
    return element("g", drawn, class_=f"span {span.outcome}")


def _said(texts: Sequence[str], rooms: tuple[float, float, float], left: float, right: float, y: float) -> str:
    """The first text that fits within its bar, after it, or before it; else its sign alone."""
    for place, room in enumerate(rooms):
        for text in texts:
            if width(text, 11.5) <= room:
                x, align = ((left + 5, ""), (right + 5, ""), (left - 5, "end"))[place]
                return words(text, x, y + 13, f"said {align}".strip())
    return words(texts[0][0], left + 4, y + 13, "said") if rooms[0] > 10 else ""


def label(span: Span, lane: Lane, row: str) -> str:
    """What a bar is called in its lane: its own last part, or its item's."""
    inner = parts(span.path)
    if lane.scope:
        return {"#open": "open", "#close": "close"}.get(inner[-1], inner[-1])
    if row.startswith("["):
        return row.strip("[]") if inner[-2:-1] == [row] else f"{row.strip('[]')} {inner[-1]}"
    return "" if inner[-1] == lane.name else inner[-1].strip("[]")


_HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V6" class="hatch"/></pattern></defs>'
)
RULES = """
svg.lanes .ground{fill:var(--area)}
svg.lanes .tick{stroke:var(--line);stroke-dasharray:2 4}
svg.lanes .cut{stroke:var(--soft)}
svg.lanes .hatch{stroke:var(--soft);stroke-width:2.4}
svg.lanes .wait{fill:url(#hatch);stroke:var(--line)}
svg.lanes .bar{fill:var(--mine-tint);stroke:var(--mine);stroke-width:1.2}
svg.lanes .done{--mine:var(--ok);--mine-tint:var(--ok-tint)}
svg.lanes .failed{--mine:var(--bad);--mine-tint:var(--bad-tint)}
svg.lanes .failed .bar{stroke-width:2}
svg.lanes .unknown{--mine:var(--warn);--mine-tint:var(--warn-tint)}
svg.lanes .undone{--mine:var(--soft);--mine-tint:var(--area)}
svg.lanes .running{--mine:var(--run);--mine-tint:var(--run-tint)}
svg.lanes .running .bar{stroke-dasharray:5 3}
svg.lanes .band{fill:var(--bad);fill-opacity:.09;stroke:var(--bad);stroke-opacity:.7}
svg.lanes .band.still{stroke-width:2;stroke-dasharray:6 3;fill-opacity:.16}
svg.lanes text.said{font-size:11.5px;paint-order:stroke;stroke:var(--area);stroke-width:3px;stroke-linejoin:round}
svg.lanes text.exposed{paint-order:stroke;stroke:var(--area);stroke-width:3px;stroke-linejoin:round}
"""
