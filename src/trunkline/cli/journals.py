"""Runs that the journal knows: going on with one, taking one back, and telling how they stand."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from trunkline.cli import say
from trunkline.cli.exits import Exit
from trunkline.cli.home import journal_file
from trunkline.cli.serving import served
from trunkline.config import Config, ConfigError, find, load
from trunkline.durable import history, runs
from trunkline.durable.errors import LeaseHeld, RunState
from trunkline.durable.store import Store
from trunkline.views.choose import view
from trunkline.views.words import duration


def resume(run: str, config: Path | None, extra: list[str]) -> int:
    """Go on with a run as it was asked for. Raises RunState when the journal does not know it."""
    from trunkline.cli import running
    from trunkline.cli.command import perform

    return perform("up", asked(run, config, extra), running.up, without=["--format"])


def undo(run: str, config: Path | None, extra: list[str]) -> int:
    """Take back what a run did, the newest step first."""
    from trunkline.cli.command import Call, perform

    def take_back(call: Call) -> int:
        steps, _ = call.build()
        shown, journal = view(call.common["progress"], sys.stderr), journal_file(call.config)
        with served(call, steps, journal, undoing=True) as web:
            try:
                left = runs.undo(steps, journal=journal, run=call.run, observers=[shown, *web])
            finally:
                shown.close()
        if call.common["json"]:
            say.result({"version": "1.0", "run": call.run, "outcome": "undone", "left": left})
        else:
            say.out(f"{call.run}: undone")
        if left:
            say.warning(f"no undo: {', '.join(left)}", "see to what these steps did by hand")
        return Exit.NEEDS_HANDS if left else Exit.DONE

    return perform("up", asked(run, config, extra), take_back, without=["--format"])


def pay_dead(config: Path | None, only: str | None) -> None:
    """Close what runs of this journal owe whose process is gone; one that cannot be paid is told, and no obstacle."""
    file = journal_file(configuration(config))
    if not file.exists():
        return
    with closing(Store(file)) as store:
        owing = [told.name for told in history.runs(store) if history.owes(store, told.name)]
    for run in owing:
        if only is None or run == only:
            try:
                _pay(run, config)
            except LeaseHeld:
                continue  # it is at work, and closes by itself
            except Exception as error:
                say.warning(f"run {run}: {error}", f"trunkline resume {run}, or trunkline undo {run}")


def _pay(run: str, config: Path | None) -> None:
    from trunkline.cli.command import Call, perform

    def pay(call: Call) -> int:
        steps, _ = call.build()
        runs.pay(steps, journal=journal_file(call.config), run=call.run)
        say.line(f"{run}: closed what its dead process owed")
        return Exit.DONE

    before = Path.cwd()
    try:
        perform("up", asked(run, config, []), pay, without=["--format"])
    finally:
        os.chdir(before)


def status(run: str | None, config: Path | None, *, as_json: bool) -> int:
    """How one run stands, step by step; or all of them, a line each."""
    with closing(opened(config)) as store:
        if run is None:
            return _all(history.runs(store), as_json)
        told = history.run(store, run)
    if as_json:
        say.result({"version": "1.0", **told._asdict(), "steps": [step._asdict() for step in told.steps]})
        return Exit.DONE
    say.out(f"{told.name}: {told.standing}, begun {_time(told.begun)} on {told.host or 'this machine'}")
    rows = [[step.path, step.outcome, duration(step.seconds) if step.seconds else "", step.note] for step in told.steps]
    say.table(rows, ["step", "", "took", ""])
    return Exit.DONE


def _all(found: list[history.Told], as_json: bool) -> int:
    if as_json:
        say.result({"version": "1.0", "runs": [{k: v for k, v in t._asdict().items() if k != "steps"} for t in found]})
        return Exit.DONE
    rows = [[t.name, t.standing, _time(t.begun), duration(t.seconds), t.pipeline, t.exposed] for t in found]
    say.table(rows, ["run", "stands", "begun", "took", "pipeline", "exposed for"])
    return Exit.DONE


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def opened(config: Path | None) -> Store:
    """The journal of a configuration. Raises RunState when there is none yet."""
    file = journal_file(configuration(config))
    if not file.exists():
        raise RunState(f"there is no journal at {file}", hint="it is made by the first `trunkline up`")
    return Store(file)


def configuration(path: Path | None) -> Config | None:
    """The configuration; None when none was named and none is found."""
    try:
        find(path)
    except ConfigError:
        if path is not None:
            raise
        return None
    return load(path)


def asked(run: str, config: Path | None, extra: list[str]) -> list[str]:
    """The words by which the run was asked for, its name and what is said now added."""
    with closing(opened(config)) as store:
        told = history.run(store, run)
    directory, _, *words = [word for word in told.words if word != "--web"] or ["", ""]
    if not words:
        raise RunState(
            f"run {run} was not begun by the command line", hint="call pipe(..., journal=, run=) again, or undo(...)"
        )
    if Path(directory).is_dir():
        os.chdir(directory)
    given: list[Any] = ["--config", str(config.absolute())] if config is not None else []
    return [*_without(words, ["--name", *(["--config"] if config else [])]), "--name", run, *given, *extra]


def _without(words: list[str], options: list[str]) -> list[str]:
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in options:
            skip = True
        elif not word.startswith(tuple(f"{option}=" for option in options)):
            kept.append(word)
    return kept
