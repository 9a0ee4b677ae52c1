"""`trunkline up`: run a pipeline, show it, and say truthfully how it ended."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trunkline._core.events import Event, ScopeClosed, ScopeOpened, StepEnded, StepNoted
from trunkline._core.paths import shut_off
from trunkline._core.secret import Secret
from trunkline._core.state import same
from trunkline._core.wiring import check as check_wiring
from trunkline._core.wiring import refuse
from trunkline.cli import say
from trunkline.cli.access import Found, ask, described
from trunkline.cli.command import Call
from trunkline.cli.exits import Exit
from trunkline.cli.home import journal_file
from trunkline.cli.serving import served
from trunkline.cli.stopping import ASK, grace, hear_no_interrupt, termination_as_interrupt
from trunkline.durable import history, runs
from trunkline.durable.errors import Changed, LeaseHeld, RunState
from trunkline.durable.journal import Journal
from trunkline.durable.usual import usual
from trunkline.views.choose import chosen, view
from trunkline.views.jsonl import error_as_json
from trunkline.views.words import duration

SECRETS = ("password", "secret", "token", "psk", "key_material")
HIDDEN = "(hidden)"


@dataclass
class Access:
    """One scope of a run: since when it was open, how long, and why it could not be closed, if it could not."""

    path: str
    opened: float
    seconds: float | None = None
    error: BaseException | None = None
    note: str = ""

    @property
    def closed(self) -> bool:
        """Whether its closing ended well."""
        return self.seconds is not None and self.error is None

    def __str__(self) -> str:
        what = f"{self.path} ({self.note})" if self.note else self.path
        if self.closed:
            return f"{what}: closed after {duration(self.seconds)}"
        why = "; ".join(str(each) for each in say.flat(self.error)) if self.error else ""
        return f"{what}: NOT CLOSED{': ' if why else ''}{why}"


@dataclass
class Ledger:
    """An observer that keeps what was opened and closed."""

    scopes: dict[str, Access] = field(default_factory=dict)

    @property
    def owed(self) -> list[str]:
        """The paths of the scopes that are not closed."""
        return [path for path, scope in self.scopes.items() if not scope.closed]

    def on(self, event: Event) -> None:
        """Take one event."""
        match event:
            case ScopeOpened(_, path, at):
                self.scopes[path] = Access(path, at)
            case ScopeClosed(_, path, at, seconds, error):
                # Not opened by this process: an earlier one left it open.
                scope = self.scopes.setdefault(path, Access(path, at - seconds, note="left open by an earlier process"))
                scope.seconds, scope.error = seconds, error
            case StepNoted(_, path, _, text) if path.endswith("#open"):
                self.scopes[path.removesuffix("#open")].note = text
            case StepEnded(_, path, error=error) if path.endswith("#open") and error is not None:
                self.scopes[path.removesuffix("#open")].note = "was not fully open"


def up(call: Call) -> int:
    """Run the pipeline of `call`, or go on with its run; answers the exit code."""
    chosen(call.common["progress"], sys.stderr)  # a wrong word is told before anything else
    say.plain_warnings()
    steps, data = call.build()
    problems = check_wiring(steps, data)
    for problem in problems:
        if problem.level == "warning":
            say.warning(f"{problem.path}: {problem.message}", problem.hint)
    refuse(problems)
    ledger, begun, raised = Ledger(), time.monotonic(), None
    state: Mapping[str, Any] = {}
    journal = Journal(journal_file(call.config))
    with closing(journal), termination_as_interrupt(), served(call, steps, journal_file(call.config)) as web:
        words = [str(Path.cwd()), *call.words]
        shown = view(call.common["progress"], sys.stderr, usual(journal.store, call.reference))
        try:
            state = runs.pipe(
                data,
                steps,
                journal=journal,
                run=call.run,
                observers=[shown, ledger, *web],
                grace=grace(),
                on_failure=call.common["on_failure"],
                again=True,
                words=words,
                pipeline=call.reference,
            )
        except (LeaseHeld, Changed, RunState):  # nothing was touched
            raise
        except (Exception, KeyboardInterrupt) as error:
            raised = error
        finally:
            hear_no_interrupt()
            shown.close()
        # What the run says it closed is one thing, what the clouds say another: both must agree.
        limit = ASK if isinstance(raised, KeyboardInterrupt) else None
        found = ask(call.config.opened if call.config else (), run=call.run, limit=limit)
        left = history.left(journal.store, call.run) if raised else None
        end = Ended(call, state, data, ledger, found, time.monotonic() - begun, raised, left)
        end.tell()
    return end.code


@dataclass
class Ended:
    """How a run ended: what it gave, what stood open, what still does, and what it raised."""

    call: Call
    state: Mapping[str, Any]
    data: Mapping[str, Any]
    ledger: Ledger
    found: Found
    seconds: float
    raised: BaseException | None
    left: history.Left | None = None  # by the journal, of a run that did not end well

    @property
    def left_open(self) -> bool:
        """Whether access stands open, or nobody can tell."""
        return bool(self.found.exposures or self.ledger.owed)

    @property
    def code(self) -> Exit:
        """The exit code."""
        if self.left_open or (self.found.errors and self.ledger.scopes):
            return Exit.NEEDS_HANDS
        if isinstance(self.raised, KeyboardInterrupt):
            return Exit.INTERRUPTED
        if self.call.common["on_failure"] == "undo" and self.left is not None and self.left.steps:
            return Exit.NEEDS_HANDS
        return Exit.FAILED if self.raised else Exit.DONE

    @property
    def outcome(self) -> str:
        """How it went, in one word."""
        if isinstance(self.raised, KeyboardInterrupt):
            return "interrupted"
        return "failed" if self.raised else "done"

    @property
    def outputs(self) -> dict[str, Any]:
        """What the steps gave; what is secret is named and not shown."""
        data = self.data
        given = {key: value for key, value in self.state.items() if key not in data or not same(value, data[key])}
        return {key: hidden(key, value) for key, value in given.items()}

    def tell(self) -> None:
        """Say it all: the result on stdout, what went wrong on stderr, with the command that goes on from there."""
        if self.call.common["json"]:
            say.result(self.as_json())
        elif not self.raised:
            self._summary()
        if self.raised or self.code is not Exit.DONE:
            self._trouble()

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        return {
            "version": "1.0",
            "run": self.call.run,
            "outcome": self.outcome,
            "exit": int(self.code),
            "seconds": round(self.seconds, 3),
            "outputs": self.outputs,
            "access": [
                {
                    "path": each.path,
                    "opened": each.opened,
                    "seconds": each.seconds,
                    "closed": each.closed,
                    "note": each.note,
                }
                for each in self.ledger.scopes.values()
            ],
            "exposed_now": [described(each) for each in self.found.exposures],
            "not_asked": {name: str(error) for name, error in self.found.errors.items()},
            "error": error_as_json(self.raised) if self.raised else None,
            "left": self.left.as_json() if self.left else None,
        }

    def _summary(self) -> None:
        say.out(f"{self.call.run}: done in {duration(self.seconds)}")
        if self.outputs:
            say.out("\nOutputs")
            say.out("\n".join(listed(self.outputs)))
        if self.ledger.scopes:
            say.out("\nOpened and closed")
            for each in self.ledger.scopes.values():
                say.out(f"  {each}")
        if self.found.asked:
            say.out(f"\nExposed now: {len(self.found.exposures) or 'nothing'} (asked {say.joined(self.found.asked)})")

    def _trouble(self) -> None:
        if isinstance(self.raised, KeyboardInterrupt):
            if self.raised.__cause__ is not None:  # the undo that a failure called for was interrupted
                say.failure(self.raised.__cause__, debug=self.call.common["debug"])
            say.error("interrupted")
        elif self.raised:
            say.failure(self.raised, debug=self.call.common["debug"])
        for each in self.ledger.scopes.values():
            say.line(f"  {each}")
        for exposure in self.found.exposures:
            say.line(f"  OPEN: {exposure.rule} in {exposure.group} of {exposure.account}, until {exposure.expires}")
        for name, error in self.found.errors.items():
            say.warning(f"account {name} could not be asked what is exposed: {error}")
        if self.found.asked and not self.found.exposures:
            say.line(f"  exposed now: nothing (asked {say.joined(self.found.asked)})")
        if self.left is not None:
            if self.left.standing in ("undone", "undoing"):
                tell_left(self.left)
            if self.left.standing not in ("undone", "undoing"):
                say.line(f"resume:     {command(self.call, 'resume', self.call.run)}")
            if self.left.standing != "undone":
                say.line(f"take back:  {command(self.call, 'undo', self.call.run)}")
        if self.left_open or (self.found.errors and self.ledger.scopes):
            tell_owed(self.call, self.ledger.owed, self.ledger.scopes, exposed=bool(self.found.exposures))


def command(call: Call, *words: str) -> str:
    """A command to be typed next, with the configuration that `call` was given."""
    given = call.common["config"]
    return shlex.join(["trunkline", *words, *(["--config", str(given)] if given else [])])


def tell_owed(call: Call, owed: Collection[str], scopes: Collection[str], *, exposed: bool = False) -> None:
    """How to close what is owed. A scope inside a closed one is out of a sweep's reach: it opens nothing.

    Parameters:
        owed, scopes: The paths of the scopes that are not closed, and of all.
        exposed: The clouds show access of the run's.
    """
    shut = shut_off(owed, scopes)
    if exposed or not owed or len(shut) < len(owed):
        say.line(f"close it:   {command(call, 'sweep', '--run', call.run)}")
    if shut:
        names = say.joined([path.rpartition("/")[2] for path in shut])
        say.line(f"  {names}: behind access that is closed now; resume or undo opens that again, a sweep opens nothing")


def tell_left(left: history.Left) -> None:
    """After an undo: what is still there, with what each step gave, so that hands find it."""
    if left.standing == "undone":
        say.line(
            "  what it had done is undone" + (", save what has no undo; see to that by hand:" if left.steps else "")
        )
    else:
        say.line("  not undone:")
    for path, gave in left.steps.items():
        shown = ", ".join(f"{key}={_json(value)}" for key, value in hidden("", gave).items())
        say.line(f"    {path}{f': {shown}' if shown else ''}")


def hidden(key: str, value: Any) -> Any:
    """`value` as it may be shown: a secret's, also one deep inside, is replaced."""
    if isinstance(value, Mapping):
        return {inner: hidden(str(inner), each) for inner, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [hidden(key, each) for each in value]
    if isinstance(value, Secret):
        return HIDDEN
    return HIDDEN if value is not None and key.lower().endswith(SECRETS) else value


def listed(outputs: Mapping[str, Any]) -> Iterator[str]:
    """Outputs for people: a line each; a list of records, or a record of records, has a line for each record."""
    width = max(map(len, outputs))
    for key, value in outputs.items():
        records = list(value.values()) if isinstance(value, Mapping) else value
        if isinstance(records, list) and records and all(isinstance(each, Mapping) for each in records):
            if any(records):  # steps of an `each` that gave nothing are no result
                yield f"  {key}"
                yield from (f"    {_record(each)}" for each in records)
        else:
            yield f"  {key:{width}}  {value if isinstance(value, str) else _json(value)}"


def _record(record: Mapping[str, Any]) -> str:
    """A record on one line; of a provider's long id the last part. --json has all of it."""
    shown = {key: each if isinstance(each, str) else _json(each) for key, each in record.items() if each != HIDDEN}
    return "  ".join(
        f"{key}={each.rsplit('/', 1)[-1] if each.startswith('/') else each}" for key, each in shown.items()
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
