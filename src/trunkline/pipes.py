"""pipe and apipe as users call them: in memory, or with a journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from trunkline._core import pipe as core
from trunkline._core.errors import Misuse
from trunkline._core.events import Observer
from trunkline._core.pipe import GRACE
from trunkline._core.state import State
from trunkline._core.steps import Steps

if TYPE_CHECKING:
    from trunkline.durable.runs import JournalLike
    from trunkline.durable.undoing import OnFailure


def pipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    run: str | None = None,
    journal: JournalLike | None = None,
    observers: Iterable[Observer] = (),
    grace: float = GRACE,
    on_failure: OnFailure = "keep",
) -> State:
    """Run the steps, one after the other, each with the state that those before it left.

    Plain functions run in the caller's thread and without an event loop, until the first step that is async,
    stands side by side with others, is inside a scope or has a timeout. From there on, plain functions run in
    threads. Ctrl-C lets what is in flight end, closes the open scopes, and raises KeyboardInterrupt.

    With a journal the run survives the death of its process: calling this again, with the same name, resumes it.
    What is done is replayed; what was in flight is looked for (`find`) or made again with its old token; a scope that
    stood open is closed, and opened anew if there is something left to do in it.

    Parameters:
        data: The state to begin with; never changed. With a journal, JSON; a run that is resumed goes on with what it
            began with.
        steps: A list of ("name", callable), ("name", [callables side by side]), `during`, `each`, or any Node. A
            callable takes the state as a dict of its own and returns a mapping or None; with a key "outputs" only
            that mapping is passed along, otherwise the keys whose value changed.
        run: The run's name, part of every step's token; made up where it is not given, which a journal does not allow.
        journal: A `Journal`, or the path of its file.
        observers: Whoever follows the run's events.
        grace: Seconds that an interrupted run may take to end: a third for what is in flight, the rest for the
            scopes to close; a second interrupt leaves 3.5. Without one, each closing has 30 seconds, or these if more.
        on_failure: "undo" takes back at once what a run did that failed, the newest step first, with or without a
            journal; the failure is still what is raised, with a note. "keep" leaves it, for another attempt. An
            interrupt (Ctrl-C, a cancel) is no failure.

    Returns:
        The state at the end, the caller's to keep.

    Raises:
        Misuse: the steps or the data are written wrongly; before anything ran, where that can be known.
        Conflict: steps side by side gave one key different values.
        StepTimeout: a step took longer than its timeout.
        Changed, LeaseHeld, LeaseLost, RunState, JournalError: see `trunkline.errors`; with a journal only.
        Whatever a step raises, with the note "in step PATH"; several side by side as an ExceptionGroup. When the undo
            that it called for failed too, an ExceptionGroup of both.
    """
    if journal is not None:
        from trunkline.durable import runs

        return runs.pipe(
            data, steps, journal=journal, run=_named(run), observers=observers, grace=grace, on_failure=on_failure
        )
    if on_failure == "keep":
        return core.pipe(data, steps, run=run, observers=observers, grace=grace)
    from trunkline.durable import undoing

    undoing.checked(on_failure)
    return undoing.pipe(data, steps, run=run, observers=observers, grace=grace)


async def apipe(
    data: Mapping[str, Any],
    steps: Steps,
    *,
    run: str | None = None,
    journal: JournalLike | None = None,
    observers: Iterable[Observer] = (),
    grace: float = GRACE,
    on_failure: OnFailure = "keep",
) -> State:
    """`pipe` for callers inside an event loop; a cancel of the calling task closes the open scopes first.

    `grace` is what each closing may take at all: a cancel does not say why it came.

    Runs side by side that share one `Journal` share its commits, too.
    """
    if journal is not None:
        from trunkline.durable import runs

        return await runs.apipe(
            data, steps, journal=journal, run=_named(run), observers=observers, grace=grace, on_failure=on_failure
        )
    if on_failure == "keep":
        return await core.apipe(data, steps, run=run, observers=observers, grace=grace)
    from trunkline.durable import undoing

    undoing.checked(on_failure)
    return await undoing.apipe(data, steps, run=run, observers=observers, grace=grace)


def undo(
    steps: Steps, *, journal: JournalLike, run: str, observers: Iterable[Observer] = (), grace: float = GRACE
) -> list[str]:
    """Take back what a run with a journal did, the newest step first, from the values that were recorded.

    It stops at the first failure and goes on when called again; there is no way back to forward.

    Parameters:
        steps: The steps that the run was made of.
        journal, run, observers, grace: As for `pipe`.

    Returns:
        The paths of the steps that have no undo: what they did is still there.

    Raises:
        RunState: the run is not known.
        InUse: a step's `in_use` says who depends on what it made; nothing was undone, the run is as it was.
        Whatever an undo raises, with the note "in step PATH".
    """
    from trunkline.durable import runs

    return runs.undo(steps, journal=journal, run=run, observers=observers, grace=grace)


def _named(run: str | None) -> str:
    if run is None:
        raise Misuse("a journal without run=", hint='give the run a name, such as run="acme-10.1"')
    return run
