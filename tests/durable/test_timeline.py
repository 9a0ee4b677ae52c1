"""When a run's steps were at work and what stood open, by the journal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from trunkline import during, pipe, step, undo
from trunkline.durable.store import Store
from trunkline.durable.timeline import Timeline, timeline


def told(journal: Path, alive: bool = False) -> Timeline:
    with closing(Store(journal)) as store:
        return timeline(store, "acme", alive=alive)


def outcomes(over_time: Timeline) -> list[tuple[str, str]]:
    return [(each.path, each.outcome) for each in over_time.attempts]


def nothing(state: dict[str, Any]) -> None:
    pass


def make(state: dict[str, Any]) -> dict[str, Any]:
    return {"vpc_id": "vpc-1"}


def steps(inner: Any) -> list[Any]:
    vpc = ("vpc", step(make, undo=nothing))
    return [vpc, during("access", open=nothing, close=nothing, steps=[("in", step(inner, undo=nothing))])]


def failing(state: dict[str, Any]) -> None:
    raise OSError("the router does not answer")


def test_every_attempt_counts_and_what_was_taken_back_says_so(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    with pytest.raises(OSError, match="does not answer"):
        pipe({"cidr": "10.1.0.0/16"}, steps(failing), journal=journal, run="acme")
    first = told(journal)
    assert outcomes(first) == [
        ("vpc", "done"), ("access#open", "done"), ("access/in", "failed"), ("access#close", "done"),
    ]  # fmt: skip
    assert first.attempts[2].note == "OSError: the router does not answer"
    assert [(each.path, each.until is None) for each in first.standings] == [("access", False)]
    assert first.data == {"cidr": "10.1.0.0/16"}
    assert first.outputs["vpc"] == {"vpc_id": "vpc-1"}
    pipe({"cidr": "10.1.0.0/16"}, steps(nothing), journal=journal, run="acme")
    again = told(journal)
    assert outcomes(again)[4:] == [("access#open", "done"), ("access/in", "done"), ("access#close", "done")]
    assert len(again.standings) == 2
    undo(steps(nothing), journal=journal, run="acme")
    back = told(journal)
    assert [path for path, outcome in outcomes(back) if outcome == "undone"] == ["access/in", "vpc"]
    assert "vpc" not in back.outputs
    for one in back.attempts:
        assert one.ended is not None
        assert one.begun <= one.ended


def test_what_was_in_flight_when_the_process_died_is_unknown_and_the_scope_open(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"

    def copies(state: dict[str, Any]) -> None:
        with closing(Store(journal)) as store, closing(Store(tmp_path / "copy.db")) as copy:
            store._db.backup(copy._db)

    pipe({}, steps(copies), journal=journal, run="acme")
    dead, alive = told(tmp_path / "copy.db"), told(tmp_path / "copy.db", alive=True)
    assert outcomes(dead)[-1] == ("access/in", "unknown")
    assert dead.attempts[-1].ended is not None
    assert outcomes(alive)[-1] == ("access/in", "running")
    assert alive.attempts[-1].ended is None
    assert [(each.path, each.until) for each in dead.standings] == [("access", None)]
