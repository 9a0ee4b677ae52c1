"""States in passing: what was asked for is under way for a while before it is done.

Sources: the EC2 user guide's "Instance lifecycle", and State or Status in the EC2 API reference's pages of NatGateway,
VpnConnection, VpcPeeringConnectionStateReason, VpcAttachment and NetworkInterface.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler


@dataclass(frozen=True)
class _Passage:
    """One operation's passage.

    Parameters:
        found: The objects that it moved, from EC2's state and the call.
        put: Gives an object a state.
        under_way: The state meanwhile.
        done: The state in the end.
    """

    found: Callable[[Any, Call], Iterable[Any]]
    put: Callable[[Any, str], None]
    under_way: str
    done: str


_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


def _instance(instance: Any, state: str) -> None:
    instance._state.name, instance._state.code = state, _CODES[state]


def _state(thing: Any, state: str) -> None:
    thing.state = state


def _status(thing: Any, state: str) -> None:
    thing.status = state


def _peering(peering: Any, state: str) -> None:
    if peering._status.code != "failed":
        peering._status.code = state


def _named(ec2: Any, call: Call) -> list[Any]:
    wanted = set(call.params.get("InstanceIds", []))
    return [instance for instance in ec2.all_instances() if instance.id in wanted]


def _newest(kept: str) -> Callable[[Any, Call], list[Any]]:
    return lambda ec2, _: list(getattr(ec2, kept).values())[-1:]


def _one(kept: str, parameter: str) -> Callable[[Any, Call], list[Any]]:
    return lambda ec2, call: [getattr(ec2, kept)[call.form[parameter]]]


def _launched(ec2: Any, _: Call) -> list[Any]:
    return list(list(ec2.reservations.values())[-1].instances)


def _attachment(ec2: Any, call: Call) -> list[Any]:
    return [ec2.vpn_gateways[call.form["VpnGatewayId"]].attachments[call.form["VpcId"]]]


_PASSAGES = {
    "RunInstances": _Passage(_launched, _instance, "pending", "running"),
    "StartInstances": _Passage(_named, _instance, "pending", "running"),
    "StopInstances": _Passage(_named, _instance, "stopping", "stopped"),
    "TerminateInstances": _Passage(_named, _instance, "shutting-down", "terminated"),
    "CreateNatGateway": _Passage(_newest("nat_gateways"), _state, "pending", "available"),
    "DeleteNatGateway": _Passage(_one("nat_gateways", "NatGatewayId"), _state, "deleting", "deleted"),
    "CreateVpnConnection": _Passage(_newest("vpn_connections"), _state, "pending", "available"),
    "DeleteVpnConnection": _Passage(_one("vpn_connections", "VpnConnectionId"), _state, "deleting", "deleted"),
    "CreateVpcPeeringConnection": _Passage(_newest("vpc_pcxs"), _peering, "initiating-request", "pending-acceptance"),
    "AcceptVpcPeeringConnection": _Passage(
        _one("vpc_pcxs", "VpcPeeringConnectionId"), _peering, "provisioning", "active"
    ),
    "AttachVpnGateway": _Passage(_attachment, _state, "attaching", "attached"),
    "DetachVpnGateway": _Passage(_attachment, _state, "detaching", "detached"),
    "CreateNetworkInterface": _Passage(_newest("enis"), _status, "pending", "available"),
    "AttachNetworkInterface": _Passage(_one("enis", "NetworkInterfaceId"), _status, "attaching", "in-use"),
}


class Passing:
    """Holds things in passing for `seconds` after a caller's own call; CloudFormation waits, so its calls settle.

    Parameters:
        backend: Where the things are.
        seconds: How long; 0 for at once.
        settled: Called, later, when something has arrived.
    """

    def __init__(self, backend: Backend, seconds: float, settled: Callable[[float], None]) -> None:
        self._backend, self.seconds, self._settled = backend, seconds, settled
        self._under_way: list[tuple[float, Any, _Passage]] = []

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2":
            return proceed(call)
        self.settle()
        given = proceed(call)
        passage = _PASSAGES.get(call.operation)
        if passage is None or call.via or self.seconds <= 0 or given.status >= 400:
            return given
        for thing in passage.found(self._backend.ec2(call.account, call.region), call):
            passage.put(thing, passage.under_way)
            self._under_way.append((time.monotonic() + self.seconds, thing, passage))
        self._settled(self.seconds)
        body = given.body.replace(f">{passage.done}<".encode(), f">{passage.under_way}<".encode())
        headers = tuple((k, str(len(body)) if k.lower() == "content-length" else v) for k, v in given.headers)
        return replace(given, body=body, headers=headers)

    def settle(self) -> None:
        """Let arrive what has been under way for long enough, unless it was sent elsewhere meanwhile."""
        moment = time.monotonic()
        for due, thing, passage in self._under_way:
            later = any(other is thing and when > due for when, other, _ in self._under_way)
            if due <= moment and not later:
                passage.put(thing, passage.done)
        self._under_way = [each for each in self._under_way if each[0] > moment]
