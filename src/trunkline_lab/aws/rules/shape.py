"""Requests that make no sense: a parameter that is missing, an id that is none, and moto's accidents on them.

Sources: "Error codes for the Amazon EC2 API" (MissingParameter, the Malformed codes); which parameters an operation
requires is in the service's model.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.model import OperationNotFoundError
from moto.core.utils import get_service_model
from moto.ec2.exceptions import EC2ClientError

from trunkline_lab.aws.calls import Answer, Call, Handler, Refused
from trunkline_lab.aws.rules.kinds import BY_MEMBER, Kind


def well_formed(call: Call, proceed: Handler) -> Answer:
    """Refuse what EC2 refuses before it looks at any resource."""
    if call.service != "ec2":
        return proceed(call)
    try:
        shape = get_service_model("ec2").operation_model(call.operation).input_shape
    except OperationNotFoundError:
        raise Refused("InvalidAction", f"The action {call.operation} is not valid for this web service.") from None
    params: dict[str, Any] = call.params
    for name in shape.required_members if shape else ():
        if name not in params:
            wire = name[0].lower() + name[1:]
            raise Refused("MissingParameter", f"The request must contain the parameter {wire}")
    for name, value in params.items():
        kind = BY_MEMBER.get(name)
        for each in value if isinstance(value, list) else [value]:
            if kind is not None and isinstance(each, str):
                _check(kind, each)
    try:
        given = proceed(call)
    except EC2ClientError as error:  # A later rule asked moto for what is not there.
        raise Refused(error.code, error.message) from None
    if given.status >= 500 and b"<Code>" not in given.body:
        raise Refused("InternalError", f"An internal error has occurred in {call.operation}.", 500)
    return given


def _check(kind: Kind, identity: str) -> None:
    if re.fullmatch(rf"{kind.prefix}-[0-9a-f]{{8,17}}", identity) or identity == "default":
        return
    if kind.malformed:
        raise Refused(kind.malformed, f'Invalid id: "{identity}" (expecting "{kind.prefix}-...")')
    raise Refused(kind.missing, kind.told.format(identity))
