"""`trunkline status` and `trunkline history`: what the journal tells of runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from trunkline.cli import say
from trunkline.cli.exits import Exit
from trunkline.cli.home import open_journal
from trunkline.durable import history
from trunkline.views.words import duration


def status(run: str | None, config: Path | None, *, as_json: bool) -> int:
    """How one run stands, step by step; or all of them, a line each."""
    with closing(open_journal(config)) as store:
        if run is None:
            return _all(history.runs(store), as_json)
        told = history.run(store, run)
    if as_json:
        say.result({"version": "1.1", **_plain(told), "steps": [step._asdict() for step in told.steps]})
        return Exit.DONE
    say.out(f"{told.name}: {told.standing}, begun {time(told.begun)}, by {whose(told.user, told.host)}")
    rows = [[step.path, step.outcome, duration(step.seconds) if step.seconds else "", step.note] for step in told.steps]
    say.table(rows, ["step", "", "took", ""])
    return Exit.DONE


def story(run: str | None, config: Path | None, *, as_json: bool) -> int:
    """What was done to one run, by whom and when, an attempt after the other; or all runs, a line each."""
    if run is None:
        return status(None, config, as_json=as_json)
    with closing(open_journal(config)) as store:
        told = history.run(store, run)
    if as_json:
        say.result({"version": "1.1", **_plain(told)})
        return Exit.DONE
    took = {step.path: step.seconds for step in told.steps}
    for attempt in told.attempts:
        by = whose(attempt.user, attempt.host)
        say.out(f"{time(attempt.begun)}  {attempt.what} by {by}: {attempt.outcome} after {duration(attempt.seconds)}")
        if attempt.error:
            say.out(f"  {attempt.error}")
        for path, change in attempt.changes.items():
            seconds = took.get(path) if change == "made" and attempt is told.attempts[-1] else None
            say.out(f"  {path}: {change}{f' in {duration(seconds)}' if seconds else ''}")
        for each in attempt.exposed:
            say.out(f"  {each.path}: {'OPEN' if each.seconds is None else f'open for {duration(each.seconds)}'}")
    return Exit.DONE


def whose(user: str, host: str) -> str:
    """Who, and where."""
    return f"{user}@{host}" if user else host or "somebody"


def time(seconds: float) -> str:
    """A moment in the reader's own time."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _all(found: list[history.Told], as_json: bool) -> int:
    if as_json:
        say.result({"version": "1.1", "runs": [_plain(told) for told in found]})
        return Exit.DONE
    if not found:
        say.out("no runs yet")
        return Exit.DONE
    rows = [
        [
            told.name,
            told.standing,
            time(told.begun),
            duration(told.seconds),
            whose(told.user, told.host),
            told.pipeline,
            ", ".join(map(str, told.exposed)),
        ]
        for told in found
    ]
    say.table(rows, ["run", "stands", "begun", "took", "by", "pipeline", "exposed for"])
    return Exit.DONE


def _plain(told: history.Told) -> Mapping[str, Any]:
    return {
        **{key: value for key, value in told._asdict().items() if key != "steps"},
        "exposed": [each._asdict() for each in told.exposed],
        "attempts": [
            {**attempt._asdict(), "exposed": [each._asdict() for each in attempt.exposed]} for attempt in told.attempts
        ],
    }
