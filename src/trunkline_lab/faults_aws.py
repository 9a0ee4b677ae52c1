"""Faults on the lab's AWS: a rule around all other rules of its gateway.

Throttling: EC2 answers RequestLimitExceeded with 503 (EC2 Developer Guide, "Request throttling for the Amazon EC2
API"); the others answer Throttling with 400 and "Rate exceeded" (CloudFormation API Reference, "Common Errors").
Neither sends a header that says how long to wait.
"""

from __future__ import annotations

import time
from dataclasses import replace

from moto.core.utils import get_service_model

from .aws import wire
from .aws.calls import Answer, Call, Handler, Refused
from .faults import PAGE, Fault, Faults, Kind
from .stale import Stale

_NOT_FOUND = {"Vpc": "InvalidVpcID", "Subnet": "InvalidSubnetID", "RouteTable": "InvalidRouteTableID"}


class AwsFaults:
    """The rule; `gateway.rules.insert(0, AwsFaults(faults))`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._stale: Stale[Answer] = Stale()

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the fault that is due, if any."""
        inside = bool(call.via)
        service = f"{call.service} via {call.via}" if call.via else call.service
        fault = self._faults.strike(f"aws:{service}:{call.operation}", call.account, inside=inside)
        if fault is None or (fault.kind is Kind.stale and not call.reads):
            return self._as_usual(call, proceed)
        call.fault = str(fault)
        if fault.kind is Kind.delay:
            time.sleep(fault.seconds)
            return self._as_usual(call, proceed)
        if fault.kind is Kind.stale:
            return self._stale.before(_asked(call), (call.account, call.region)) or _never_seen(call)
        return _broken(call, fault, self._as_usual(call, proceed) if fault.done else None)

    def _as_usual(self, call: Call, proceed: Handler) -> Answer:
        if not self._faults.armed("aws", Kind.stale):
            return proceed(call)
        if not call.reads:
            self._stale.written((call.account, call.region))
        given = proceed(call)
        if call.reads and given.status < 400:
            self._stale.remember(_asked(call), (call.account, call.region), given)
        return given


def _broken(call: Call, fault: Fault, given: Answer | None) -> Answer:
    """What the client sees instead of `given`. Raises Refused."""
    if fault.kind is Kind.throttle:
        if call.service == "ec2":
            raise Refused("RequestLimitExceeded", "Request limit exceeded.", 503)
        raise Refused("Throttling", "Rate exceeded", 400)
    if fault.kind is Kind.error:
        message = fault.message or "An internal error has occurred"
        raise Refused(fault.code or "InternalError", message, fault.status or (400 if fault.code else 500))
    if fault.kind is Kind.html:
        return Answer(500, (("Content-Type", "text/html"),), PAGE.encode())
    whole = given or Answer(200, (), b"")
    call.environ["trunkline.cut"] = "half" if fault.kind is Kind.half else str(fault.kind)
    return whole if fault.kind is Kind.half else replace(whole, body=b"")


def _asked(call: Call) -> tuple[object, ...]:
    return (call.service, call.operation, call.account, call.region, call.body)


def _never_seen(call: Call) -> Answer:
    """A read of what was not there before the last write: an empty list, or not found when it asks by id."""
    for name, value in sorted(call.form.items()):
        kind, _, number = name.partition(".")
        if kind.endswith("Id") and number.isdigit():
            code = _NOT_FOUND.get(kind[:-2], f"Invalid{kind.replace('Id', 'ID')}")
            what = kind[:-2][:1].lower() + kind[1:-2]
            raise Refused(f"{code}.NotFound", f"The {what} ID '{value}' does not exist")
    if call.service == "cloudformation":
        raise Refused("ValidationError", f"Stack with id {call.form.get('StackName', '')} does not exist")
    return wire.answer(call, {name: [] for name in _lists(call)})


def _lists(call: Call) -> list[str]:
    """The lists in the operation's answer."""
    output = get_service_model(call.service).operation_model(call.operation).output_shape
    return [name for name, shape in output.members.items() if shape.type_name == "list"] if output else []
