"""The table of a controller's API: which function answers which method and path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .controller import Call

Handler = Callable[[Call], object]


@dataclass(frozen=True)
class Operation:
    """One row of the API.

    Parameters:
        method, path: "GET" and "/routes/{route_id}"; version 2 paths start with "/v2".
        handler: Gives what goes into the envelope's `response`.
        licensed: Whether an unlicensed controller answers 403.
        status: The HTTP status of success.
    """

    method: str
    path: str
    handler: Handler
    licensed: bool
    status: int

    @property
    def name(self) -> str:
        """How the log and the counts call it: "PUT /license"."""
        return f"{self.method} {self.path}"


class Operations:
    """A group of operations that belong together; calling it registers one."""

    def __init__(self) -> None:
        self._rows: list[Operation] = []

    def __call__(
        self, method: str, path: str, *, licensed: bool = False, status: int = 200
    ) -> Callable[[Handler], Handler]:
        """A decorator that registers its function."""

        def register(handler: Handler) -> Handler:
            self._rows.append(Operation(method, path, handler, licensed, status))
            return handler

        return register

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._rows)
