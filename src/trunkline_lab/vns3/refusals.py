"""The controller's way of saying no: an HTTP status, an error's name, and a message.

The names and statuses are those of the 6.0.0 OpenAPI document's examples; the SDK compares some messages letter by
letter, and those stand here as constants.
"""

from __future__ import annotations

UNLICENSED = "Must be licensed first."
KEYSET_EXISTS = "Keyset already exists."
KEYSET_IN_PROGRESS = "Keyset setup in progress."


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message

    def body(self) -> dict[str, dict[str, str]]:
        """The JSON body: `{"error": {"name", "message", "log"}}`."""
        return {"error": {"name": self.name, "message": self.message, "log": ""}}


class ConnectionDropped(Exception):
    """Raised by a hook to cut the client's connection without an answer, or with a TCP reset."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("reset" if reset else "dropped")
        self.reset = reset


def bad_argument(message: str) -> Refusal:
    """400: an argument is missing or wrong."""
    return Refusal(400, "APIArgumentError", message)


def bad_request(message: str) -> Refusal:
    """400 as version 2 of the API says it."""
    return Refusal(400, "APIBadRequestError", message)


def unauthorized() -> Refusal:
    """401: no valid password or token came with the request."""
    return Refusal(401, "UnauthorizedError", "Invalid API credentials.")


def prerequisite(message: str) -> Refusal:
    """403: something else must be done first."""
    return Refusal(403, "PrerequisiteError", message)


def not_found(message: str) -> Refusal:
    """404: nothing has this id or path."""
    return Refusal(404, "NotFoundError", message)
