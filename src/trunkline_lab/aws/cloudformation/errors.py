"""What CloudFormation refuses, in its own words."""

from __future__ import annotations

from trunkline_lab.aws.calls import Refused

RESERVED = "aws: prefixed tag key names are not allowed for external use."


def invalid(message: str) -> Refused:
    """A ValidationError: the code of nearly all that CloudFormation refuses."""
    return Refused("ValidationError", message)


class NoExport(Refused):
    """What a template imports is exported by no stack."""

    def __init__(self, name: str) -> None:
        super().__init__("ValidationError", f"No export named {name} found.")


class Impossible(Exception):
    """A resource cannot be made, changed or deleted; the message is its event's ResourceStatusReason."""
