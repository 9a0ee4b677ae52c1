"""`--web`: a run as a live page on this machine, while it goes and for as long as its browsers need to take the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline._core.errors import Error
from trunkline.cli import say
from trunkline.views.words import duration

if TYPE_CHECKING:
    from trunkline._core.steps import Steps
    from trunkline.cli.command import Call
    from trunkline.views.report import Report
    from trunkline.views.spans import Recorder
    from trunkline.views.web import WebView


@contextmanager
def served(call: Call, steps: Steps, journal: Path, *, undoing: bool = False) -> Iterator[list[WebView]]:
    """The live page of a run, as an observer, when `--web` asks for it; at the end it shows the whole report.

    Parameters:
        call, steps: The run, and its steps.
        journal: The journal's file; what the run did before is shown, too.
        undoing: Whether the run is taken back.

    Raises:
        ReportError: jinja2 is not installed.
    """
    if not call.common.get("web"):
        yield []
        return
    from trunkline.views.web import WebView

    view = WebView(lambda recorder: _so_far(call, recorder, undoing), _before(journal, call.run, undoing))
    say.line(f"watch it:   {view.url}")
    try:
        yield [view]
        _finish(view, call, steps, journal)
    finally:
        view.close()


def _so_far(call: Call, recorder: Recorder, undoing: bool) -> Report:
    from trunkline.views.report import Report

    now = recorder.ended or time.time()
    begun = recorder.begun or now
    told = [("begun", datetime.fromtimestamp(begun).strftime("%Y-%m-%d %H:%M:%S")), ("pipeline", call.reference)]
    return Report(
        call.run,
        "undoing" if undoing else "running",
        begun,
        now,
        [*told, ("for", duration(now - begun))],
        recorder.spans,
        recorder.standings,
    )


def _before(journal: Path, run: str, undoing: bool) -> Recorder:
    """A recorder that knows what the run did before."""
    from trunkline.durable.store import Store
    from trunkline.durable.timeline import timeline
    from trunkline.views.spans import Recorder, Span, Standing

    outcome = "undone" if undoing else "done"
    if not journal.exists():
        return Recorder(outcome=outcome)
    with closing(Store(journal)) as store:
        if next(store.entries(run), None) is None:
            return Recorder(outcome=outcome)
        past = timeline(store, run, alive=False)
    spans = [Span(*each) for each in past.attempts]
    return Recorder(spans, [Standing(*each) for each in past.standings], outcome=outcome)


def _finish(view: WebView, call: Call, steps: Steps, journal: Path) -> None:
    from trunkline.cli.reporting import of_run
    from trunkline.cli.touching import needs_of
    from trunkline.durable.store import Store

    try:
        with closing(Store(journal)) as store:
            made = of_run(store, call.run, call.config, needs_of(steps))
    except Error as error:
        say.warning(f"the live page does not show how the run ended: {error}", error.hint)
    else:
        view.finish(made)
