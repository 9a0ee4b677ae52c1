"""Signs of states, a shape as well as a colour; counts of them; and what a card leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

from trunkline.network.model import Network
from trunkline.views import theme
from trunkline.views.svg import element, number, text_of

WORST = ("down", "half", "unseen", "up")


def anchor(network: Network) -> str:
    """The id of a network's details in a page: the same in every picture, and fit for an address."""
    return "n-" + sha256(f"{network.cloud}/{network.account}/{network.id}".encode()).hexdigest()[:10]


def worst(states: Iterable[str]) -> str:
    """The worst of some states; "up" for none."""
    return min(states, key=WORST.index, default="up")


def mark(state: str, x: float, y: float, size: float = 5.0) -> str:
    """A state's own shape, with its middle at (x, y): circle, triangle, cross."""
    look = f"mark {state}"
    if state in ("up", "unseen"):
        return element("circle", cx=x, cy=y, r=size - 0.5, class_=look)
    if state == "half":
        corners = f"{number(x)},{number(y - size)} {number(x + size)},{number(y + size - 1)}"
        return element("polygon", points=f"{corners} {number(x - size)},{number(y + size - 1)}", class_=look)
    arm = size - 1
    ends = [(x - arm, y - arm, x + arm, y + arm), (x - arm, y + arm, x + arm, y - arm)]
    strokes = "".join(f"M{number(a)} {number(b)}L{number(c)} {number(d)}" for a, b, c, d in ends)
    return element("path", d=strokes, class_=look)


def together(states: Sequence[str]) -> str:
    """The state of many tunnels as one trunk: "down" when at least half of them are, "half" when not all are up."""
    down = sum(state == "down" for state in states)
    return "down" if down and 2 * down >= len(states) else "up" if set(states) <= {"up"} else "half"


def counts(states: Iterable[str]) -> list[tuple[str, str]]:
    """How many of each state there are, as text with its class: ("● 276", "up")."""
    found = Counter(states)
    return [(f"{theme.SIGNS[state]} {found[state]}", state) for state in ("up", "half", "down") if found[state]]


def spans(parts: Sequence[tuple[str, str]], x: float, y: float, class_: str, between: str = "  ") -> str:
    """One line of text in several colours."""
    inner = []
    for place, (text, look) in enumerate(parts):
        # SVG makes several blanks one.
        shown = text_of((between if place else "") + text).replace("  ", "\N{NO-BREAK SPACE} ")
        inner.append(element("tspan", shown, class_=look or None))
    return element("text", *inner, x=x, y=y, class_=class_)
