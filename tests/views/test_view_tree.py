"""The model of the tree: what is derived from events, without a terminal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trunkline import during, each, here, pipe
from trunkline._core.events import Event, StepStarted
from trunkline.views.tree import Row, Tree
from trunkline.views.words import duration, ending, one_line

Watched = list[tuple[Event, list[Row]]]


class Watcher:
    """Feeds a tree and keeps its rows after every event."""

    def __init__(self) -> None:
        self.tree, self.seen = Tree(), Watched()

    def on(self, event: Event) -> None:
        self.tree.on(event)
        self.seen.append((event, self.tree.rows(event.at)))

    def after(self, kind: type, path: str) -> dict[str, Row]:
        rows = next(rows for event, rows in self.seen if type(event) is kind and getattr(event, "path", "") == path)
        return {row.label: row for row in rows}

    @property
    def last(self) -> dict[str, Row]:
        return {row.label: row for row in self.seen[-1][1]}


def nothing(state: dict[str, Any]) -> None:
    here().note("two\nlines   of text")


def failing(state: dict[str, Any]) -> None:
    raise ValueError("no such thing\nsecond line")


def steps(verify: Any = nothing) -> list[Any]:
    return [
        ("vpc", nothing),
        ("routes", [("up", nothing), ("down", nothing)]),
        during(
            "access",
            open=nothing,
            close=nothing,
            steps=[each("peers", over="hubs", steps=[("tunnel", nothing)]), ("verify", verify)],
        ),
        ("last", nothing),
    ]


def watched(hubs: list[str], verify: Any = nothing) -> Watcher:
    watcher = Watcher()
    pipe({"hubs": hubs}, steps(verify), run="acme", observers=[watcher])
    return watcher


def test_the_shape_is_known_before_anything_runs() -> None:
    _, rows = watched(["a"]).seen[0]
    assert [(row.guide + row.label, row.count, row.status) for row in rows] == [
        ("├── vpc", "", "waiting"),
        ("├── routes", "0/2", "waiting"),
        ("├── access", "0/1", "waiting"),
        ("└── last", "", "waiting"),
    ]


def test_what_runs_unfolds_with_its_note_and_what_is_done_folds() -> None:
    watcher = watched(["a", "b"])
    at = watcher.after(StepStarted, "routes/down")
    assert (at["vpc"].status, at["routes"].status, at["down"].status) == ("done", "running", "running")
    noted = [rows for event, rows in watcher.seen if getattr(event, "text", "") and event.path == "vpc"]
    assert noted[0][0].note == "two lines of text"
    assert list(watcher.last) == ["vpc", "routes", "access", "last"], "at the end all is folded"
    assert {row.status for row in watcher.last.values()} == {"done"}
    assert watcher.tree.progress() == (7, 7) == (len(list(watcher.tree.root.leaves())), 7)


def test_items_appear_when_they_begin_and_share_a_row_with_their_only_step() -> None:
    at = watched(["a", "b"]).after(StepStarted, "access/peers[b]/tunnel")
    assert at["peers"].count in ("0/2", "1/2")
    assert "b" in at
    assert "tunnel" not in at
    assert at["access"].status == "open"


def test_an_open_scope_says_so_and_its_ends_show_only_while_they_work() -> None:
    watcher = watched(["a"])
    opening = watcher.after(StepStarted, "access#open")
    assert opening["open"].status == "running"
    assert [*opening].index("open") == [*opening].index("access") + 1, "before the steps inside"
    inside = watcher.after(StepStarted, "access/verify")
    assert "open" not in inside
    assert inside["access"].note == "open: two lines of text"
    assert watcher.last["access"].note == "closed"


def test_what_failed_opens_and_the_scope_around_it_counts_as_failed_though_it_closed() -> None:
    watcher = Watcher()
    with pytest.raises(ValueError, match="no such thing"):
        pipe({"hubs": ["a"]}, steps(failing), run="acme", observers=[watcher])
    assert watcher.last["access"].status == "failed"
    assert watcher.last["verify"].note == "ValueError: no such thing"
    assert watcher.last["last"].status == "waiting"
    assert watcher.tree.progress() == (4, 6)


def test_a_close_that_fails_stays_in_sight() -> None:
    watcher = Watcher()
    with pytest.raises(ValueError, match="no such thing"):
        pipe({}, [during("access", open=nothing, close=failing, steps=[("in", nothing)])], observers=[watcher])
    assert watcher.last["access"].status == "failed"
    assert watcher.last["close"].note == "ValueError: no such thing"


def test_an_each_without_items_is_over_when_what_follows_begins() -> None:
    watcher = watched([])
    assert watcher.after(StepStarted, "access/verify")["peers"].status == "skipped"
    assert watcher.last["access"].status == "done"


@pytest.mark.parametrize("height", [1, 2, 3, 5, 8])
def test_it_fits_the_height_and_keeps_what_runs(height: int) -> None:
    tree = Tree()

    class Full:
        def on(self, event: Event) -> None:
            tree.on(event)
            rows = tree.rows(event.at, height)
            assert len(rows) <= height
            whole = tree.rows(event.at)
            if len(whole) > height > 2:
                assert rows[-1].label == f"… {len(whole) - len(rows) + 1} more"
                running = [row for row in whole if row.status in ("running", "open", "failed")]
                assert len(running) >= height or all(row in rows for row in running)

    pipe({"hubs": [f"hub-{n}" for n in range(12)]}, steps(), observers=[Full()])
    assert tree.progress()[0] == 17


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.04, "0.0 s"), (99.9, "99.9 s"), (99.96, "1:40"), (3599.6, "1:00:00"), (3725, "1:02:05")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_errors_in_one_line() -> None:
    assert one_line(ValueError("a\nb")) == "ValueError: a"
    assert one_line(OSError()) == "OSError"
    assert one_line(KeyboardInterrupt()) == one_line(asyncio.CancelledError()) == "interrupted"
    assert [ending(each) for each in (None, KeyboardInterrupt(), OSError("x"))] == [
        "done",
        "interrupted",
        "failed: OSError: x",
    ]
    assert one_line(ExceptionGroup("g", [ValueError("a"), OSError("b")])) == "ValueError: a (and 1 more)"
