"""What CloudFormation refuses, in its own words."""

from __future__ import annotations

from trunkline_lab.aws.calls import Refused


def invalid(message: str) -> Refused:
    """A ValidationError: the code of nearly all that CloudFormation refuses."""
    return Refused("ValidationError", message)


class Impossible(Exception):
    """A resource cannot be made, changed or deleted; the message is its event's ResourceStatusReason."""
