"""Runs that the journal knows: going on with one, taking one back, and paying what dead ones owe."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline._core.errors import InUse
from trunkline.cli import say
from trunkline.cli.asked import asked
from trunkline.cli.exits import Exit
from trunkline.cli.home import configured, journal_file
from trunkline.cli.serving import served
from trunkline.cli.stopping import grace, hear_no_interrupt, termination_as_interrupt
from trunkline.durable import history, runs
from trunkline.durable.errors import Changed, LeaseHeld, RunState
from trunkline.durable.journal import Journal
from trunkline.durable.store import Store
from trunkline.views.choose import view
from trunkline.views.jsonl import error_as_json

if TYPE_CHECKING:
    from trunkline.cli.command import Call


def resume(run: str, config: Path | None, extra: list[str]) -> int:
    """Go on with a run as it was asked for. Raises RunState when the journal does not know it."""
    from trunkline.cli import running
    from trunkline.cli.command import perform

    return perform("up", asked(run, config, extra), running.up, without=["--format"])


def undo(run: str, config: Path | None, extra: list[str]) -> int:
    """Take back what a run did, the newest step first."""
    from trunkline.cli.command import perform

    return perform("up", asked(run, config, extra), take_back, without=["--format"])


def take_back(call: Call) -> int:
    """Undo the run of `call`, and say what is left of it."""
    from trunkline.cli.running import command, tell_left, tell_owed

    steps, _ = call.build()
    raised: BaseException | None = None
    file = journal_file(call.config)
    with closing(Journal(file)) as journal, termination_as_interrupt(), served(call, steps, file) as web:
        shown = view(call.common["progress"], sys.stderr)
        try:
            runs.undo(steps, journal=journal, run=call.run, observers=[shown, *web], grace=grace())
        except (LeaseHeld, Changed, RunState, InUse):  # nothing was touched
            raise
        except (Exception, KeyboardInterrupt) as error:
            raised = error
        finally:
            hear_no_interrupt()
            shown.close()
        left = history.left(journal.store, call.run)
        scopes = {each.path: each.seconds is None for each in history.run(journal.store, call.run).exposed}
        owed = [path for path, still in scopes.items() if still]
    assert left is not None
    if call.common["json"]:
        why = {"error": error_as_json(raised)} if raised else {}
        say.result({"version": "1.0", "run": call.run, "outcome": left.standing, "left": [*left.steps], **why})
    elif raised is None:
        say.out(f"{call.run}: undone")
    if raised is not None:
        say.failure(raised, debug=call.common["debug"])
    if raised is not None or left.steps:
        tell_left(left)
    for path in owed:
        say.line(f"  {path}: NOT CLOSED")
    if raised is not None:
        say.line(f"go on:      {command(call, 'undo', call.run)}")
    if owed:
        tell_owed(call, owed, scopes)
        return Exit.NEEDS_HANDS
    if isinstance(raised, KeyboardInterrupt):
        return Exit.INTERRUPTED
    return Exit.FAILED if raised else Exit.NEEDS_HANDS if left.steps else Exit.DONE


def pay_dead(config: Path | None, only: str | None) -> None:
    """Close what runs of this journal owe whose process is gone; one that cannot be paid is told, and no obstacle."""
    file = journal_file(configured(config))
    if not file.exists():
        return
    with closing(Store(file)) as store:
        owing = dict.fromkeys(each.run for each in history.owed(store) if not each.alive)
    for run in owing:
        if only is None or run == only:
            try:
                _pay(run, config)
            except LeaseHeld:
                continue  # it is at work, and closes by itself
            except Exception as error:
                why = "; ".join(str(each) for each in say.flat(error))
                say.warning(
                    f"run {run}: {why}", f"trunkline resume {run}, or trunkline undo {run}, opens what it needs"
                )


def _pay(run: str, config: Path | None) -> None:
    from trunkline.cli.command import perform

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
