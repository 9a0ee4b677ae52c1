"""Errors as Azure Resource Manager words them: an HTTP status, a code, a message and details."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class ArmError(Exception):
    """A refusal in ARM's shape, `{"error": {"code", "message", "target", "details"}}`.

    Parameters:
        status: The HTTP status.
        code: ARM's own code, such as "ResourceNotFound".
        message: For a person.
        target: What it is about: a property's name or a resource's id.
        details: First causes.
    """

    def __init__(
        self, status: int, code: str, message: str, *, target: str | None = None, details: Sequence[ArmError] = ()
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.target = status, code, message, target
        self.details = tuple(details)

    def inner(self) -> dict[str, Any]:
        """The error without its envelope, as details and operations carry it."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            body["target"] = self.target
        if self.details:
            body["details"] = [detail.inner() for detail in self.details]
        return body

    def body(self) -> dict[str, Any]:
        """The error as an answer's body."""
        return {"error": self.inner()}


class Lost(Exception):
    """Raised by a hook: the connection is closed, or reset, and the caller never sees an answer."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


_FAILED = "Deployment template validation failed: '"


def invalid_template(message: str) -> ArmError:
    """A template that does not pass ARM's own validation."""
    return ArmError(400, "InvalidTemplate", f"{_FAILED}{message}'.")


def reason(refused: ArmError) -> str:
    """What invalid_template() was told; the whole message of any other error."""
    message = refused.message
    return message[len(_FAILED) : -2] if message.startswith(_FAILED) else message.removesuffix(".")


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Say which part of a template is not valid, such as "The template variable 'zones'". The innermost part counts."""
    try:
        yield
    except ArmError as refused:
        named = " is not valid: " in refused.message or reason(refused).startswith("The template resource ")
        if refused.code != "InvalidTemplate" or named:
            raise
        raise invalid_template(f"{what} is not valid: {reason(refused)}") from refused


@contextmanager
def processing(resource: object) -> Iterator[None]:
    """Say for which resource an expression could not be worked out."""
    try:
        yield
    except ArmError as refused:
        if refused.code != "InvalidTemplate" or refused.message.startswith(_UNPROCESSED):
            raise
        raise ArmError(400, "InvalidTemplate", f"{_UNPROCESSED}'{resource}'. '{reason(refused)}.'") from refused


_UNPROCESSED = "Unable to process template language expressions for resource "


def invalid_request(code: str, message: str, target: str | None = None) -> ArmError:
    """A resource's body that its provider refuses."""
    return ArmError(400, code, message, target=target)


def resource_not_found(type_: str, name: str, group: str) -> ArmError:
    """A resource that is not there."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{type_}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def group_not_found(group: str) -> ArmError:
    """A resource group that is not there."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
