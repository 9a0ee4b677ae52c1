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
from trunkline.views.words import duration, one_line

if TYPE_CHECKING:
    from trunkline._core.steps import Steps
    from trunkline.cli.command import Call
    from trunkline.views.report import Report
    from trunkline.views.spans import Recorder
    from trunkline.views.web import WebView


@contextmanager
def served(call: Call, steps: Steps, journal: Path) -> Iterator[list[WebView]]:
    """The live page of a run, as an observer, when `--web` asks for it; at the end it shows the whole report.

    Parameters:
        call, steps: The run, and its steps.
        journal: The journal's file; what the run did before is shown, too.

    Raises:
        ReportError: jinja2 is not installed.
    """
    if not call.common.get("web"):
        yield []
        return
    from trunkline.views.web import WebView

    view = WebView(lambda recorder: _so_far(call, recorder), _before(journal, call.run))
    say.line(f"watch it:   {view.url}")
    try:
        yield [view]
        _finish(view, call, steps, journal)
    finally:
        view.close()


def _so_far(call: Call, recorder: Recorder) -> Report:
    from trunkline.views.report import Report

    now = recorder.ended or time.time()
    begun = recorder.begun or now
    told = [("begun", datetime.fromtimestamp(begun).strftime("%Y-%m-%d %H:%M:%S")), ("pipeline", call.reference)]
    return Report(
        call.run,
        "undoing" if recorder.undoing else "running",
        begun,
        now,
        [*told, ("for", duration(now - begun))],
        recorder.spans,
        recorder.standings,
    )


def _before(journal: Path, run: str) -> Recorder:
    """A recorder that knows what the run did before."""
    from trunkline.durable.store import Store
    from trunkline.durable.timeline import timeline
    from trunkline.views.spans import Recorder, Span, Standing

    if not journal.exists():
        return Recorder()
    with closing(Store(journal)) as store:
        if next(store.entries(run), None) is None:
            return Recorder()
        past = timeline(store, run, alive=False)
    spans = [Span(*each) for each in past.attempts]
    return Recorder(spans, [Standing(*each) for each in past.standings])


def _finish(view: WebView, call: Call, steps: Steps, journal: Path) -> None:
    from trunkline.cli.reporting import of_run
    from trunkline.cli.touching import needs_of
    from trunkline.durable.store import Store

    # Who pressed Ctrl-C waits for no cloud.
    error = view.recorder.error
    config = None if error is not None and one_line(error) == "interrupted" else call.config
    try:
        with closing(Store(journal)) as store:
            made = of_run(store, call.run, config, needs_of(steps))
    except Error as problem:
        say.warning(f"the live page does not show how the run ended: {problem}", problem.hint)
    else:
        view.finish(made)
