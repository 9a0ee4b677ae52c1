"""Instances where moto is kinder than EC2: types that exist, interfaces that outlive them."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

# What is said of an instance that has ended; nothing where that is no error.
_ENDED = {
    "StartInstances": "The instance '{}' is not in a state from which it can be started.",
    "StopInstances": "This instance '{}' is not in a state from which it can be stopped.",
    "TerminateInstances": "",
}
_TYPE_FIELDS = {"RunInstances": "InstanceType", "ModifyInstanceAttribute": "InstanceType.Value"}


class Instances:
    """A type that EC2 does not have is refused.

    An interface made at launch ends with its instance; a given one outlives it and is free again.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2":
            return proceed(call)
        _refuse_unknown_type(call)
        if call.operation not in {"RunInstances", *_ENDED}:
            return proceed(call)
        ec2 = self._backend.ec2(call.account, call.region)
        ended = _ended(ec2, call)
        before = set(ec2.enis)
        kept = [(instance, instance.nics) for instance in ended]
        for instance in ended:
            # Ending it again is no error, and there is nothing more to end.
            instance.nics = {}
        try:
            given = proceed(call)
        finally:
            for instance, interfaces in kept:
                instance.nics = interfaces
        if given.status < 400 and call.operation == "RunInstances":
            _own(ec2, set(ec2.enis) - before, call.form)
        elif given.status < 400 and call.operation == "TerminateInstances":
            _release(ec2)
        return given


def _ended(ec2: Any, call: Call) -> list[Any]:
    """The instances of the request that have ended; starting or stopping one is refused."""
    named = {value for name, value in call.form.items() if name.startswith("InstanceId.")}
    ended = [each for each in ec2.all_instances() if each.id in named and each.state in {"shutting-down", "terminated"}]
    refusal = _ENDED.get(call.operation)
    if ended and refusal:
        raise Refused("IncorrectInstanceState", refusal.format(ended[0].id))
    return ended


def _refuse_unknown_type(call: Call) -> None:
    given = call.form.get(_TYPE_FIELDS.get(call.operation, ""))
    if given is not None and given not in INSTANCE_TYPES:
        raise Refused("InvalidParameterValue", f"Invalid value '{given}' for InstanceType.")


def _own(ec2: Any, made: set[str], form: dict[str, str]) -> None:
    kept = {
        form.get(name.replace("DeleteOnTermination", "DeviceIndex"))
        for name, value in form.items()
        if name.startswith("NetworkInterface.") and name.endswith("DeleteOnTermination") and value.lower() == "false"
    }
    for identity in made:
        ec2.enis[identity].delete_on_termination = str(ec2.enis[identity].device_index) not in kept


def _release(ec2: Any) -> None:
    for interface in ec2.enis.values():
        if interface.instance and interface.instance.state == "terminated":
            for address in ec2.addresses:
                if address.eni is interface:
                    address.instance = None
            interface.instance = interface.attachment_id = interface.attach_time = None
            interface.status = "available"
