"""Resources removed, each after those that need it; what something else still holds is tried for a while."""

from __future__ import annotations

import time
from collections.abc import Mapping

from trunkline_lab.aws.cloudformation.records import Built
from trunkline_lab.aws.cloudformation.setting import Setting
from trunkline_lab.aws.cloudformation.stack import Stack
from trunkline_lab.aws.cloudformation.steps import Outcome, Steps

_GONE = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


class Removal:
    """Removes resources of one stack.

    Parameters:
        resources: What to remove.
        policies: Deletion policies by name that count instead of the resources' own.
        force: Leave behind what cannot be removed, instead of failing.
    """

    def __init__(
        self,
        setting: Setting,
        stack: Stack,
        resources: list[Built],
        policies: Mapping[str, str],
        *,
        force: bool = False,
    ) -> None:
        self._setting, self._stack, self._policies, self._force = setting, stack, policies, force
        self._steps = Steps(setting, stack)
        self._left = [built for built in resources if built.status not in _GONE]
        self._failed: list[Built] = []
        self._begun: list[Built] = []

    def run(self) -> list[str]:
        """Remove what can be removed. Returns the names of what could not."""
        give_up = time.monotonic() + self._setting.patience
        while ready := self._ready():
            self._begin(ready)
            last = time.monotonic() >= give_up
            if self._round(ready, last=last):
                give_up = time.monotonic() + self._setting.patience
            elif not last:
                self._setting.pause()
        return [built.name for built in self._failed]

    def _ready(self) -> list[Built]:
        held = {name for each in self._left for name in each.needs if name != each.name}
        return [built for built in self._left if built.name not in held and built not in self._failed]

    def _begin(self, ready: list[Built]) -> None:
        fresh = [built for built in ready if built not in self._begun]
        for built in fresh:
            self._begun.append(built)
            # What was never made has nothing under way.
            if built.physical:
                self._stack.note(built, "DELETE_IN_PROGRESS")
        if fresh:
            self._setting.wait()

    def _round(self, ready: list[Built], *, last: bool) -> bool:
        """Try each once. Returns whether anything is decided; what is not will be tried again, except the last time."""
        decided = False
        for built in reversed(ready):
            outcome = self._steps.delete(built, self._policies.get(built.name), last=last)
            if outcome is Outcome.FAILED and self._force:
                self._stack.note(built, "DELETE_SKIPPED", built.reason)
                outcome = Outcome.DONE
            if outcome is Outcome.DONE:
                self._left.remove(built)
            elif outcome is Outcome.FAILED:
                self._failed.append(built)
            decided = decided or outcome is not Outcome.HELD
        return decided
