"""Runs with a journal: begin, resume, undo, pay what is owed, and tell how they stand."""

from __future__ import annotations

import getpass
import os
import socket
import warnings
from collections.abc import Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline._core import pipe as core
from trunkline._core.events import Observer
from trunkline._core.state import State, checked_data
from trunkline._core.steps import Nodes, Steps, nodes, outline
from trunkline.durable.canonical import check_keys, decoded, encoded
from trunkline.durable.errors import Poison, RunState
from trunkline.durable.journal import Journal
from trunkline.durable.kept_run import KeptRun
from trunkline.durable.plan import flattened, refuse_changed
from trunkline.durable.undoing import OnFailure, checked, undone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

JournalLike = Journal | Path | str


def pipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    journal: JournalLike,
    run: str,
    observers: Iterable[Observer] = (),
    grace: float = core.GRACE,
    on_failure: OnFailure = "keep",
    again: bool = False,
    words: Iterable[str] = (),
    pipeline: str = "",
) -> State:
    """`pipe` that survives the death of its process; calling it again resumes.

    Parameters:
        journal: The journal, or its file's path.
        run: The run's name in it.
        again: Let a finished run begin anew: every step is asked to find what it made, or made again with its token.
        words: How the run was asked for, kept with it.
        pipeline: What it is a run of: the runs of one pipeline tell how long its steps usually take.
        data, steps, observers, grace, on_failure: As for `trunkline.pipe`. A run that is known goes on with the data
            that it began with.

    Raises:
        LeaseHeld: another process has the run.
        Changed: the steps before the last recorded one are not those that the run began with.
        RunState: the run is being undone.
        JournalError: the journal cannot be used.
    """
    steps, undoes, watching = nodes(steps), checked(on_failure), list(observers)
    with _held(journal, run) as kept:
        known = begin(kept, data, steps, again=again, words=words)
        _file_under(kept, pipeline)
        try:
            with _ending(kept):
                return core.pipe(known, steps, run=run, observers=watching, grace=grace, recorder=kept)
        except Exception as failure:
            if undoes:
                with undone(failure, kept):
                    core.retrace(known, steps, kept, "ask", run=run)
                    with _undoing(kept):
                        core.retrace(known, steps, kept, "undo", run=run, observers=watching, grace=grace)
            raise


async def apipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    journal: JournalLike,
    run: str,
    observers: Iterable[Observer] = (),
    grace: float = core.GRACE,
    on_failure: OnFailure = "keep",
    again: bool = False,
) -> State:
    """`pipe` for callers inside an event loop; runs that share one Journal share its commits."""
    steps, undoes, watching = nodes(steps), checked(on_failure), list(observers)
    async with _aheld(journal, run) as kept:
        known = begin(kept, data, steps, again=again, words=())
        try:
            with _ending(kept):
                return await core.apipe(known, steps, run=run, observers=watching, grace=grace, recorder=kept)
        except Exception as failure:
            if undoes:
                with undone(failure, kept):
                    await core.aretrace(known, steps, kept, "ask", run=run)
                    with _undoing(kept):
                        await core.aretrace(known, steps, kept, "undo", run=run, observers=watching, grace=grace)
            raise


def undo(
    steps: Steps, *, journal: JournalLike, run: str, observers: Iterable[Observer] = (), grace: float = core.GRACE
) -> list[str]:
    """Take back what a run did, the newest step first, from the values that were recorded.

    It stops at the first failure and goes on when called again; there is no way back to forward.

    Parameters:
        steps, journal, run, observers, grace: As for `pipe`.

    Returns:
        The paths of the steps that have no undo: what they did is still there.

    Raises:
        RunState: the run is not known.
        InUse: a step's `in_use` says who depends on what it made; nothing was undone, the run is as it was.
        Whatever an undo raises, with the note "in step PATH".
    """
    with _held(journal, run) as kept:
        refuse_changed(kept, _start(kept)["outline"], flattened(outline(nodes(steps))), run)
        if kept.standing != "undone":
            core.retrace(kept.start["data"], steps, kept, "ask", run=run)
            with _undoing(kept):
                core.retrace(kept.start["data"], steps, kept, "undo", run=run, observers=observers, grace=grace)
        return list(kept.passed_by)


def pay(
    steps: Steps, *, journal: JournalLike, run: str, observers: Iterable[Observer] = (), grace: float = core.GRACE
) -> None:
    """Close what a dead run left open, inside out, and do nothing else. Raises RunState for a run that is not known."""
    with _held(journal, run) as kept:
        data, before = _start(kept)["data"], kept.standing
        with _ending(kept, good=before, bad=before):
            core.retrace(data, steps, kept, "pay", run=run, observers=observers, grace=grace)


def begin(kept: KeptRun, data: Mapping[str, Any], steps: Nodes, *, again: bool, words: Iterable[str]) -> State:
    """Begin a run, or find it in order to go on; answers the data that it goes on with."""
    wanted = checked_data(data)
    check_keys(wanted, "data")
    wanted = decoded(encoded(wanted, "data"))
    shape = flattened(outline(steps))
    start = {"data": wanted, "outline": shape, "words": list(words), "by": _me()}
    if kept.standing == "undoing":
        raise RunState(f"run {kept.name} is being undone", hint=f"finish that first: trunkline undo {kept.name}")
    if kept.standing == "done" and again:
        kept.tell("again")
    elif kept.standing not in (None, "undone"):
        refuse_changed(kept, kept.start["outline"], shape, kept.name)
        known = kept.start["data"]
        differing = sorted(key for key in {*wanted, *known} if wanted.get(key) != known.get(key))
        if differing:
            message = f"run {kept.name} goes on with the data it began with; {', '.join(differing)} would differ now"
            warnings.warn(message, stacklevel=4)
        start = {**kept.start, "outline": shape, "by": _me()}
    kept.tell("start", value=start)
    data_now: State = start["data"]
    return data_now


@contextmanager
def _held(journal: JournalLike, run: str) -> Iterator[KeptRun]:
    own = not isinstance(journal, Journal)
    book = Journal(journal) if not isinstance(journal, Journal) else journal
    try:
        kept = book.hold(core.run_name(run))
        try:
            yield kept
        finally:
            book.release(kept)
    except Poison as poison:
        raise poison.error from None
    finally:
        if own:
            book.close()


@asynccontextmanager
async def _aheld(journal: JournalLike, run: str) -> AsyncIterator[KeptRun]:
    own = not isinstance(journal, Journal)
    book = Journal(journal) if not isinstance(journal, Journal) else journal
    try:
        kept = await book.ahold(core.run_name(run))
        try:
            yield kept
        finally:
            await book.arelease(kept)
    except Poison as poison:
        raise poison.error from None
    finally:
        if own:
            book.close()


@contextmanager
def _ending(kept: KeptRun, good: str | None = "done", bad: str | None = None) -> Iterator[None]:
    """Write how the run ended, together with its last outcome."""
    try:
        yield
    except Poison:
        raise
    except BaseException as error:
        stopped = not isinstance(error, Exception)
        kept.tell("end", value={"status": bad or ("interrupted" if stopped else "failed"), "error": repr(error)})
        raise
    kept.tell("end", value={"status": good, "error": None})


@contextmanager
def _undoing(kept: KeptRun) -> Iterator[None]:
    """An undo begins: from here on there is no way forward until it has ended well."""
    kept.tell("undoing", value={"by": _me()})
    with _ending(kept, good="undone", bad="undoing"):
        yield


def _file_under(kept: KeptRun, pipeline: str) -> None:
    """Note which pipeline a run is of."""
    if pipeline and isinstance(kept.book, Journal):
        with kept.book.store.transaction() as db:
            db.execute("UPDATE runs SET pipeline = ? WHERE name = ?", (pipeline, kept.name))


def _me() -> dict[str, str]:
    """Who works on a run, and on which machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return {"user": user, "host": socket.gethostname()}


def _start(kept: KeptRun) -> dict[str, Any]:
    if kept.standing is None:
        raise RunState(f"there is no run {kept.name!r} in the journal", hint="see `trunkline history` for those it has")
    return kept.start
