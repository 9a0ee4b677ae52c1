"""Values that EC2 refuses although they are well formed: ports, rule numbers, sizes of subnets, targets of routes.

Sources: the EC2 API reference, IpPermission (IpProtocol, FromPort), CreateNetworkAclEntry (RuleNumber), CreateRoute,
CreateSecurityGroup (GroupName), CreateSubnet; the words are from users' reports, but for routes and groups' names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from trunkline_lab.aws.calls import Answer, Call, Handler, Refused

_PORTED, _ICMP, _ICMPV6, _ALL = {"tcp", "6", "udp", "17"}, {"icmp", "1"}, {"icmpv6", "58"}, {"-1", "all"}
_RULES = {f"{verb}SecurityGroup{way}" for verb in ("Authorize", "Revoke") for way in ("Ingress", "Egress")}
_TARGETS = (
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "OdbNetworkArn",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
)


def allowed(call: Call, proceed: Handler) -> Answer:
    """Refuse values that EC2 does not allow. A rule of a protocol other than TCP, UDP and ICMP has no ports."""
    if call.service != "ec2":
        return proceed(call)
    check = _CHECKS.get(call.operation)
    if check is not None:
        check(call.params)
    return proceed(_ports(call) if call.operation in _RULES else call)


def _group(given: dict[str, Any]) -> None:
    name = given.get("GroupName", "")
    if name.lower() == "default":
        raise Refused("InvalidParameterValue", "Cannot use reserved security group name: default")
    if name.lower().startswith("sg-"):
        raise Refused("InvalidParameterValue", f"Invalid value '{name}' for groupName. It may not begin with sg-.")


def _entry(given: dict[str, Any]) -> None:
    number = int(given.get("RuleNumber", 1))
    if not 1 <= number <= 32766:
        text = f"Value ({number}) for parameter ruleNumber is invalid. It is between 1 and 32766."
        raise Refused("InvalidParameterValue", text)


def _subnet(given: dict[str, Any]) -> None:
    block = given.get("CidrBlock", "")
    length = block.rpartition("/")[2]
    if length.isdigit() and not 16 <= int(length) <= 28:
        raise Refused("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")


def _route(given: dict[str, Any]) -> None:
    targets = [name for name in _TARGETS if given.get(name)]
    if not targets:
        raise Refused("MissingParameter", "The request must contain exactly one target, as in gatewayId")
    if len(targets) > 1:
        text = f"The request may contain one target only, and contains {', '.join(targets)}"
        raise Refused("InvalidParameterCombination", text)


_CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "CreateNetworkAclEntry": _entry,
    "CreateRoute": _route,
    "CreateSecurityGroup": _group,
    "CreateSubnet": _subnet,
}


def _ports(call: Call) -> Call:
    """The same call with ports that make sense, moto's -1 where there are none."""
    form, added = call.form, dict[str, str]()
    for name, protocol in form.items():
        if name.rpartition(".")[2] != "IpProtocol":
            continue
        prefix = name.removesuffix("IpProtocol")
        first, last = form.get(f"{prefix}FromPort"), form.get(f"{prefix}ToPort")
        kind, missing = protocol.lower(), first is None or last is None
        if kind in _PORTED:
            _range(first, last)
        elif kind in _ICMP and missing:
            text = "Invalid value for portRange. Must specify both from and to ports with ICMP (-1 for all types)."
            raise Refused("InvalidParameterValue", text)
        elif kind not in {*_ICMP, *_ICMPV6, *_ALL} or (kind in _ICMPV6 and missing):
            added |= {f"{prefix}FromPort": "-1", f"{prefix}ToPort": "-1"}
    if not added:
        return call
    kept = [(key, value) for key, value in parse_qsl(call.body.decode(), keep_blank_values=True) if key not in added]
    return replace(call, body=urlencode([*kept, *added.items()]).encode())


def _range(first: str | None, last: str | None) -> None:
    if first is None or last is None:
        text = "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
        raise Refused("InvalidParameterValue", text)
    if not 0 <= int(first) <= int(last) <= 65535:
        raise Refused("InvalidParameterValue", f"Invalid TCP/UDP port range ({first}:{last})")
