"""CloudFormation's quotas on templates and parameters (user guide: "Understand CloudFormation quotas")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline_lab.aws.cloudformation.errors import invalid

# Bytes of a template in a request, and of one that is named by a URL.
BODY = 51_200
FILE = 1_000_000
DESCRIPTION = 1_024
VALUE = 4_096
_MOST = {"Mappings": 200, "Outputs": 200, "Parameters": 200, "Resources": 500}


def check_template(sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a template with more of anything than CloudFormation takes."""
    for name, most in _MOST.items():
        count = len(sections[name])
        if count > most:
            text = f"Number of {name.lower()}, {count}, is greater than maximum allowed, {most}"
            raise invalid(f"Template format error: {text}")


def check_body(body: str) -> None:
    """Refuse a template that is too long for a request."""
    if len(body.encode()) > BODY:
        text = f"Member must have length less than or equal to {BODY}"
        raise invalid(f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: {text}")


def check_file(url: str, body: bytes) -> None:
    """Refuse a template that is too long for a file."""
    if len(body) > FILE:
        raise invalid(f"Template file {url} has {len(body)} bytes, which is larger than the allowed {FILE} bytes.")


def check_value(name: str, value: str) -> None:
    """Refuse a parameter's value that is too long."""
    if len(value.encode()) > VALUE:
        raise invalid(f"Parameter '{name}' must have a value of at most {VALUE} bytes")
