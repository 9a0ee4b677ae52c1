"""An instance's interfaces as EC2 keeps them, which moto does not."""

from __future__ import annotations

from typing import Any

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler


class Instances:
    """An interface made at launch ends with its instance; a given one outlives it and is free again."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2" or call.operation not in {"RunInstances", "TerminateInstances"}:
            return proceed(call)
        ec2 = self._backend.ec2(call.account, call.region)
        before = set(ec2.enis)
        given = proceed(call)
        if given.status < 400 and call.operation == "RunInstances":
            _own(ec2, set(ec2.enis) - before, call.form)
        elif given.status < 400:
            _release(ec2)
        return given


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
