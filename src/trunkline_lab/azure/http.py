"""What travels: a request, an answer, and the log's entry for the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from trunkline_lab.azure.errors import ArmError


@dataclass(frozen=True)
class Request:
    """One request, its query and headers by lower-case name. `base` is the endpoint that the caller used."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    base: str

    def document(self) -> dict[str, Any]:
        """The body as an object. Raises ArmError (InvalidRequestContent)."""
        if not isinstance(self.body, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid: a JSON object was expected.")
        return self.body


@dataclass(frozen=True)
class Answer:
    """One answer; None is an empty body. A body of bytes is sent as it is, with the content type in the headers.

    A header "trunkline-cut" is not sent: "half" breaks the connection off in the middle of the body.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request in the log.

    Parameters:
        method: The HTTP method.
        resource_type: Such as "Microsoft.Network/virtualNetworks"; "" where no resource is meant.
        operation: "get", "list", "put", "patch", "delete", "head", "poll", or an action's name.
        subscription: Its id, "" when there is none.
        path: The request's path.
        when: Seconds since the epoch.
        status: The answer's status; 0 while there is none, or when the answer was lost.
        body: The request's body, for hooks, while they are asked; secrets and all, so it is not kept.
        fault: What a fault on demand did to it; "" for nothing.
    """

    method: str
    resource_type: str
    operation: str
    subscription: str
    path: str
    when: float
    status: int = 0
    body: Any = field(default=None, repr=False)
    fault: str = ""


class Hook(Protocol):
    """Something that looks into requests: faults, throttling, counters.

    Either method may await, may raise ArmError to refuse, or Lost to close the connection unanswered.
    """

    async def before(self, call: Call) -> Answer | None:
        """Called before anything is done; an Answer is sent in place of doing it."""
        ...

    async def after(self, call: Call, answer: Answer) -> Answer | None:
        """Called when it is done; an Answer is sent in place of the one given."""
        ...
