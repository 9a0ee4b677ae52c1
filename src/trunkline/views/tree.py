"""The tree of a run: a model without a terminal, fed by events and asked for rows.

Only leaves have events of their own; what a group, a scope or an `each` shows is derived from what is in it. The
items of an `each` become known when their first step starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trunkline._core.events import (
    Event,
    Outline,
    RunEnded,
    RunStarted,
    ScopeClosed,
    ScopeOpened,
    StepEnded,
    StepNoted,
    StepStarted,
)
from trunkline.views.words import one_line, usually

Status = Literal["waiting", "running", "open", "done", "replayed", "failed", "skipped"]

_PARTS = re.compile(r"\[[^\]]*\]|#[a-z]+|[^/\[#]+")
_ITEM = re.compile(r"\[[^\]]*\]")
_SCOPE_ENDS = {"#open": "open", "#close": "close"}


@dataclass
class Node:
    """One element of the tree. `label` is what a person reads, `part` its piece of the path."""

    part: str
    kind: str
    template: tuple[Outline, ...] = ()
    children: dict[str, Node] = field(default_factory=dict)
    status: Status = "waiting"
    started: float | None = None
    seconds: float | None = None
    note: str = ""
    error: BaseException | None = None
    usual: float | None = None

    @property
    def label(self) -> str:
        """The name as it is shown."""
        return _SCOPE_ENDS.get(self.part, self.part.strip("[]"))

    def child(self, part: str) -> Node:
        """The child of that part; an unknown one is added, as items and a scope's two ends are."""
        if part not in self.children:
            kind = "item" if part.startswith("[") else "step"
            added = grown(Node(part, kind, self.template if kind == "item" else ()))
            self.children = {part: added, **self.children} if part == "#open" else {**self.children, part: added}
        return self.children[part]

    def leaves(self) -> Iterator[Node]:
        """The steps in it; a scope's two ends do not count as steps."""
        if self.part.startswith("#"):
            return
        if self.is_leaf:
            yield self
        for each in self.children.values():
            yield from each.leaves()

    @property
    def is_leaf(self) -> bool:
        """Whether it is a step of its own."""
        return not self.children and self.kind == "step"


def grown(node: Node) -> Node:
    """`node` with the children that its outline promises; those of an `each` come with its items."""
    if node.kind != "each":
        for outline in node.template:
            node.children[outline.name] = grown(Node(outline.name, outline.kind, outline.parts))
    return node


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree.

    Parameters:
        guide: The drawing on its left ("│   ├── ").
        status: What its symbol and colour say.
        label: Its name.
        count: "2/10" for what holds several steps, else empty.
        seconds: How long it took or has been running; None before it starts.
        note: What it waits for, or the error.
    """

    guide: str
    status: Status
    label: str
    count: str = ""
    seconds: float | None = None
    note: str = ""


class Tree:
    """The state of one run. Feed it events with `on`, read it with `rows`; it is not locked."""

    def __init__(self, usual: Mapping[str, float] | None = None) -> None:
        """`usual`: seconds that a step takes as a rule, by its path; the items of an `each` as "name[]"."""
        self.usual = usual or {}
        self.mode = "go"
        self.run = ""
        self.root = Node("", "root")
        self.started = 0.0
        self.ended: float | None = None
        self.error: BaseException | None = None

    def on(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted(run, at, outline, mode):
                self.run, self.started, self.mode = run, at, mode
                self.ended = self.error = None
                self.root = grown(Node("", "root", outline))
            case StepStarted(_, path, at):
                node = self.at(path, arriving=True)
                node.status, node.started, node.seconds, node.error = "running", at, None, None
                node.usual = self.usual.get(_ITEM.sub("[]", path)) if self.mode == "go" else None
            case StepNoted(_, path, _, text):
                self.at(path).note = " ".join(text.split())
            case StepEnded(_, path, _, seconds, _, error, replayed):
                node = self.at(path, arriving=True)
                node.status = "failed" if error else "replayed" if replayed else "done"
                node.seconds, node.error = seconds, error
                if not error and node.part != "#open":  # what was opened is worth knowing while it is open
                    node.note = ""
            case ScopeOpened(_, path, at):
                node = self.at(path, arriving=True)
                node.status, node.started, node.seconds = "open", at, None
            case ScopeClosed(_, path, _, seconds, error):
                node = self.at(path)
                node.status, node.seconds, node.error = "failed" if error else "done", seconds, error
            case RunEnded(_, at, _, error):
                self.ended, self.error = at, error
                self.settle(self.root, "skipped" if error is None else "waiting")

    def at(self, path: str, *, arriving: bool = False) -> Node:
        """The node of a path. A step that starts proves that what stands before it in its sequence is over."""
        node = self.root
        for part in _PARTS.findall(path):
            following = node.child(part)
            if arriving and node.kind in ("root", "scope", "item") and not part.startswith("#"):
                for earlier in node.children.values():
                    if earlier is following:
                        break
                    self.settle(earlier, "skipped")
            node = following
        return node

    def settle(self, node: Node, status: Status) -> None:
        """Give everything in `node` that never started its last status."""
        if node.kind == "each" and not node.children and node.status == "waiting":
            node.status = status
        for each in node.children.values():
            self.settle(each, status)

    def progress(self, node: Node | None = None) -> tuple[int, int]:
        """How many steps have ended well, of how many that are known so far."""
        leaves = list((node or self.root).leaves())
        return sum(leaf.status in ("done", "replayed") for leaf in leaves), len(leaves)

    def elapsed(self, now: float) -> float:
        """Seconds since the run began, up to its end."""
        return max(0.0, (self.ended or now) - self.started)

    def status(self, node: Node) -> Status:
        """A node's status; what holds others has the one that follows from them."""
        within = [self.status(each) for each in node.children.values()]
        if node.status == "done" and "failed" in within:
            return "failed"  # a scope that closed well after something in it failed
        if node.status != "waiting" or not within:
            return node.status
        for strongest in ("failed", "running", "open"):
            if strongest in within:
                return "running" if strongest == "open" else strongest
        finished = [each in ("done", "replayed", "skipped") for each in within]
        if all(finished):
            return "replayed" if set(within) <= {"replayed", "skipped"} and "replayed" in within else "done"
        return "running" if any(finished) and self.ended is None else "waiting"

    def rows(self, now: float, height: int | None = None) -> list[Row]:
        """The rows to show at `now` (seconds since the epoch), at most `height` of them.

        What is done or has not started is folded into one row; what runs, stands open or failed is unfolded. When
        that is too much, finished rows go first, then those to come, and a row says how many.
        """
        rows = list(self._rows(self.root, "", now))
        return rows if height is None or len(rows) <= height else _fitted(rows, max(height, 1))

    def _rows(self, node: Node, guide: str, now: float) -> Iterator[Row]:
        shown = [each for each in node.children.values() if self._is_shown(each)]
        for place, each in enumerate(shown):
            last = place == len(shown) - 1
            yield self._row(each, guide + ("└── " if last else "├── "), now)
            if self._is_unfolded(each):
                yield from self._rows(each, guide + ("    " if last else "│   "), now)

    def _is_shown(self, node: Node) -> bool:
        # A scope's two ends are shown while they matter: at work, or failed.
        return not node.part.startswith("#") or node.status in ("running", "failed")

    def _is_unfolded(self, node: Node) -> bool:
        return bool(node.children) and not _only_step(node) and self.status(node) in ("running", "open", "failed")

    def _row(self, node: Node, guide: str, now: float) -> Row:
        step = _only_step(node) or node
        status = self.status(node)
        done, known = self.progress(node)
        count = f"{done}/{known}" if node.children and step is node and known else ""
        return Row(guide, status, node.label, count, self._seconds(node, status, now), self._note(step, node, status))

    def _note(self, step: Node, node: Node, status: Status) -> str:
        error = step.error or node.error
        if error is not None:
            return one_line(error)
        if status == "open":
            opening = node.children.get("#open")
            return f"open: {opening.note}" if opening and opening.status == "done" and opening.note else "open"
        if node.kind == "scope" and node.status == "done":
            return "closed"
        return "  ".join(filter(None, (usually(step.usual), step.note))) if status == "running" else ""

    def _seconds(self, node: Node, status: Status, now: float) -> float | None:
        if node.seconds is not None:
            return node.seconds
        if status in ("waiting", "skipped"):
            return None
        if node.started is not None:
            return max(0.0, (self.ended or now) - node.started)
        return self._span(node, status, now)

    def _span(self, node: Node, status: Status, now: float) -> float | None:
        """From the first start within to the last end within, or to now while something runs."""
        begun = [each for each in _all(node) if each.started is not None]
        if not begun:
            return None
        first = min(each.started or 0.0 for each in begun)
        if status == "running" and self.ended is None:
            return max(0.0, now - first)
        return max((each.started or 0.0) + (each.seconds or 0.0) for each in begun) - first


def _all(node: Node) -> Iterator[Node]:
    for each in node.children.values():
        yield each
        yield from _all(each)


def _only_step(node: Node) -> Node | None:
    """The one step of an item that has no other: the two share a row."""
    if node.kind == "item" and len(node.children) == 1:
        (only,) = node.children.values()
        return only if only.is_leaf else None
    return None


def _fitted(rows: list[Row], height: int) -> list[Row]:
    """The `height - 1` rows that matter most, in their order, and one that counts the others."""
    rank = {"failed": 0, "running": 1, "open": 1, "waiting": 2}
    by_worth = sorted(range(len(rows)), key=lambda place: (rank.get(rows[place].status, 3), place))
    kept = [rows[place] for place in sorted(by_worth[: height - 1])]
    return [*kept, Row("", "waiting", f"… {len(rows) - len(kept)} more")]
