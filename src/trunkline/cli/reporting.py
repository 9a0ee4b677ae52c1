"""`trunkline report RUN`: what a run did and what it left, as one page."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

from trunkline.cli import federations, say
from trunkline.cli.asked import asked
from trunkline.cli.exits import Exit
from trunkline.cli.federations import Seen
from trunkline.cli.files import write
from trunkline.cli.home import configured, open_journal
from trunkline.cli.touching import Needs, needs_of, touched
from trunkline.config import Config
from trunkline.durable import history
from trunkline.durable.store import Store
from trunkline.durable.timeline import timeline
from trunkline.views.report import Report, page
from trunkline.views.report.contents import heading, problems
from trunkline.views.spans import Span, Standing
from trunkline.views.words import duration, one_line


def report(run: str, config: Path | None, output: Path | None, file: Path | None, *, as_json: bool) -> int:
    """Write the report of a run; by default to RUN.html, and with `-` to stdout."""
    with closing(open_journal(config)) as store:
        history.run(store, run)  # a run that is not known is told before anything else is read
        seen = federations.from_file(file) if file is not None else None
        made = of_run(store, run, configured(config), _needs(run, config), seen)
    text = page(made)
    if str(output) == "-":
        say.out(text)
        return Exit.DONE
    target = output or Path(f"{run.replace('/', '-')}.html")
    write(target, text)
    told = problems(made)
    if as_json:
        listed = [{"text": each.text, "networks": [name for _, name in each.where]} for each in told]
        say.result({"version": "1.0", "run": run, "file": str(target), "title": heading(made), "problems": listed})
    else:
        say.out(f"{target}: {heading(made)}")
    return Exit.DONE


def of_run(store: Store, run: str, config: Config | None, needs: Needs, seen: Seen | None = None) -> Report:
    """The report of a run in the journal.

    Parameters:
        store: The journal.
        run: The run's name.
        config: The configuration, by whose accounts networks are read anew.
        needs: What its steps need, as far as it is known; see `touching`.
        seen: The network, where it is not to be read.

    Raises:
        RunState: There is no such run.
    """
    told = history.run(store, run)
    over_time = timeline(store, run, alive=told.standing == "running")
    seen = seen or federations.of_runs(store, config, run)
    went_wrong = told.standing in ("failed", "interrupted", "died")
    return Report(
        run,
        told.standing,
        told.begun,
        time.time() if told.standing == "running" else told.begun + told.seconds,
        facts(told),
        [Span(*each) for each in over_time.attempts],
        [Standing(*each) for each in over_time.standings],
        seen.federation if seen.federation.networks else None,
        seen.source,
        seen.exposures,
        touched(seen.federation, over_time, needs),
        [("go on", f"trunkline resume {run}"), ("take back", f"trunkline undo {run}")] if went_wrong else [],
    )


def _needs(run: str, config: Path | None) -> Needs:
    """What the run's steps need, by its pipeline; nothing when that is not there any more, or has changed its mind."""
    from trunkline.cli.command import Call, perform

    found: dict[str, frozenset[str]] = {}

    def look(call: Call) -> int:
        found.update(needs_of(call.build()[0]))
        return Exit.DONE

    before = Path.cwd()
    try:
        perform("up", asked(run, config, []), look, without=["--format"])
    except Exception as error:
        say.line(f"its pipeline cannot be asked what its steps need: {one_line(error)}")
    finally:
        os.chdir(before)
    return found


def facts(told: history.Told) -> list[tuple[str, str]]:
    """What stands at the top of a report."""
    begun = datetime.fromtimestamp(told.begun).strftime("%Y-%m-%d %H:%M:%S")
    said = [
        ("begun", begun),
        ("took", duration(told.seconds)),
        ("by", told.user),
        ("on", told.host),
        ("pipeline", told.pipeline),
    ]
    return [(name, value) for name, value in [*said, ("exposed", ", ".join(map(str, told.exposed)))] if value]
