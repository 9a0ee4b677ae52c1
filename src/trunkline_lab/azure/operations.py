"""Long-running operations, in both of ARM's styles: a status to ask for, and a location that has the result."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.store import Document

# The SDK takes "Retry-After: 0" for no answer and falls back to its 30 s; this header it reads as told.
SOON = {"retry-after-ms": "20"}


@dataclass
class Operation:
    """One operation: its state, and what its location answers once it has succeeded."""

    base: str
    result: Callable[[], Document | None]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "InProgress"
    error: ArmError | None = None

    def status(self) -> Document:
        """What its status address answers."""
        body: Document = {"id": f"{self.base}/operations/{self.id}", "name": self.id, "status": self.state}
        if self.error is not None:
            body["error"] = self.error.inner()
        return body


class Operations:
    """All operations of one cloud, for as long as the lab runs."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._all: dict[str, Operation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = changed

    def start(
        self, base: str, work: Coroutine[Any, Any, None], result: Callable[[], Document | None] = lambda: None
    ) -> Operation:
        """Begin `work` as an operation whose addresses lie under `base`, a path."""
        operation = Operation(base, result)
        self._all[operation.id] = operation
        self.spawn(self._run(operation, work))
        return operation

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin `work` without an address to ask for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, operation: Operation, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            operation.state = "Succeeded"
        except ArmError as refused:
            operation.error = refused
            operation.state = "Canceled" if refused.code == "DeploymentCanceled" else "Failed"
        except Exception as broken:
            # A fault of the lab's own is told as the cloud would, and not as an operation that never ends.
            operation.error = ArmError(500, "InternalServerError", f"{type(broken).__name__}: {broken}")
            operation.state = "Failed"
            raise
        finally:
            self._changed()

    def find(self, id_: str) -> Operation:
        """The operation. Raises ArmError (404)."""
        try:
            return self._all[id_]
        except KeyError:
            raise ArmError(404, "OperationNotFound", f"The operation '{id_}' could not be found.") from None

    async def stop(self) -> None:
        """Cancel whatever goes on, and wait for it."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
