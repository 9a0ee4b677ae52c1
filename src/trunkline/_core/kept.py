"""The walk with a recorder: what is known is replayed, what is unknown is found or made again, and all can be undone.

A node is written once and serves every mode. Composites run again in each of them; only leaves and scopes know what
is recorded. `replay` derives states and has no effect; `undo` goes newest first; `ask` goes the same way before it, and
only asks whether what would be undone is in use; `pay` closes what is owed, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from trunkline._core.errors import InUse
from trunkline._core.events import StepEnded
from trunkline._core.recorder import Owed, Recorder
from trunkline._core.state import Changes, State
from trunkline._core.steps import Leaf, Node, Step, Steps, nodes, nothing
from trunkline._core.walk import Late, Place, Run, raise_all

Mode = Literal["go", "replay", "ask", "undo", "pay"]


class Kept(Place):
    """A node's place in a pipe whose progress is recorded."""

    __slots__ = ("mode", "recorder")

    def __init__(self, run: Run, recorder: Recorder, mode: Mode = "go", path: str = "") -> None:
        super().__init__(run, path)
        self.recorder, self.mode = recorder, mode

    def at(self, path: str) -> Kept:
        """The place at another path of this run."""
        return Kept(self.run, self.recorder, self.mode, path)

    def replaying(self) -> Kept:
        """This place, for deriving states only."""
        return Kept(self.run, self.recorder, "replay", self.path)

    async def walk(self, steps: Steps, state: Mapping[str, Any]) -> State:
        """One after the other; for ask, undo and pay the last one first, each with the state that was before it."""
        if self.mode == "go":
            return await super().walk(steps, state)
        prefix = f"{self.path}/" if self.path else ""
        now, changes = dict(state), dict[str, Any]()
        begun: list[tuple[Node, Kept, State]] = []
        for node in nodes(steps):
            place = self.at(prefix + node.name)
            if not self.recorder.under(place.path):
                continue
            begun.append((node, place, dict(now)))
            given = await node.run(now, place.replaying())
            now.update(given)
            changes.update(given)
        if self.mode == "replay":
            return changes
        for node, place, before in reversed(begun):
            await node.run(before, place)
        return {}

    async def _part(self, suffix: str, part: Node | Steps, state: Mapping[str, Any]) -> Changes:
        if self.mode != "go" and not self.recorder.under(self.path + suffix):
            return {}
        return await super()._part(suffix, part, state)

    async def leaf(self, step: Step, state: Mapping[str, Any]) -> Changes:
        """Replay, run, undo or pass by one step, as the mode and the record say."""
        record = self.recorder.recorded(self.path)
        if self.mode == "go":
            if record is not None and record.outcome == "done":
                self._ended(self.path, time.monotonic(), tuple(record.outputs), replayed=True)
                return record.outputs
            return await self._go(step, state, begun=record is not None)
        if record is None:
            return {}
        if record.outcome != "undone":
            if self.mode == "ask" and step.in_use is not None:
                await self._ask(step.in_use, step, {**state, **record.outputs})
            if self.mode == "undo":
                await self._undo(step, {**state, **record.outputs})
        return record.outputs

    async def _go(self, step: Step, state: Mapping[str, Any], begun: bool) -> Changes:
        await self.recorder.intend(self.path)
        found: tuple[Changes | None, Late] = (None, None)
        try:
            if begun and step.find is not None:  # it may have had its effect: ask before making anything again
                found = await self._perform(self.path, step.find, step, state)
            if found == (None, None):
                found = await self._perform(self.path, step.fn, step, state)
            changes = await self.recorder.done(self.path, found[0] or {})
        except BaseException as error:
            await self.recorder.unknown(self.path, error)
            raise
        if found[1] is not None:
            raise found[1]
        return changes

    async def _ask(self, in_use: Callable[[State], str | None], step: Step, state: Mapping[str, Any]) -> None:
        user, late = await self._call(self.path, in_use, step, state)  # type: ignore[arg-type]
        if late is not None:
            raise late
        if user is not None:
            raise InUse(f"{self.path} is in use: {user}", hint="nothing was undone, the run is as it was")

    async def _undo(self, step: Step, state: Mapping[str, Any]) -> None:
        late: Late = None
        if step.undo is None or step.undo is nothing:
            now = time.time()
            self.run.emit(StepEnded(self.run.name, self.path, now, 0.0, replayed=True))
        else:
            _, late = await self._perform(self.path, step.undo, step, state, ignore=True)
        await self.recorder.undone(self.path, skipped=step.undo is None)
        if late is not None:  # it was told to stop, and ended well all the same
            raise late

    async def scope(self, opening: Step, closing: Step, steps: Steps, state: Mapping[str, Any]) -> Changes:
        """Never go into an old scope: it is closed, and a new one is opened if there is something to do inside."""
        await self.run.need_loop()
        known = self.recorder.owed(self.path)
        inside = {**state, **known.opened} if known is not None else dict(state)
        if self.mode in ("replay", "ask"):
            return await self.walk(steps, inside)
        if known is not None and self.mode == "pay":
            await self.walk(steps, {**known.state, **known.opened})
        if self.mode == "go" and known is not None and known.body_ended:
            changes = await self.replaying().walk(steps, inside)
            await self._pay(closing, known)
            return changes
        await self._pay(closing, known)
        if self.mode == "go":
            return await self._opened(opening, closing, steps, state)
        if self.mode == "undo" and self.recorder.left(self.path):
            if _undoable(steps) or self.recorder.unpaid(self.path):
                return await self._opened(opening, closing, steps, state)
            return await self.walk(steps, inside)  # nothing to take back: only to be marked as passed by
        return {}

    async def _opened(self, opening: Step, closing: Step, steps: Steps, state: Mapping[str, Any]) -> Changes:
        recorder = self.recorder
        await recorder.owe(self.path, state)
        started, inside = self._owed_from_now(), dict(state)
        changes: State = {}
        failure: BaseException | None = None
        try:
            opened, late = await self._perform(f"{self.path}#open", opening.fn, opening, state)
            inside.update(await recorder.opened(self.path, opened or {}))
            if late is not None:
                raise late
            changes = await self.walk(steps, inside)
            await recorder.body_ended(self.path)
        except BaseException as error:  # a cancel, or a lost lease: closing is owed all the same
            failure = error
        owed, cancel = await self._close(closing, inside, started)
        if owed is None:
            try:
                await recorder.paid(self.path)
            except BaseException as error:
                failure = failure or error
        raise_all(failure or cancel, owed, self.path)
        return changes

    async def _pay(self, closing: Step, known: Owed | None) -> None:
        if known is None or known.closed:
            return
        owed, cancel = await self._close(closing, {**known.state, **known.opened}, time.monotonic())
        if owed is None:
            await self.recorder.paid(self.path)
        raise_all(cancel, owed, self.path)


def _undoable(steps: Steps) -> bool:
    return any(
        node.step.undo not in (None, nothing) if isinstance(node, Leaf) else _undoable(node.parts())
        for node in nodes(steps)
    )
