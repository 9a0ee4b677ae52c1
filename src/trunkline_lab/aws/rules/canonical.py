"""Address blocks as EC2 keeps them: 100.68.0.18/18 is written down as 100.68.0.0/18.

Source: the EC2 API reference, the CidrBlock, DestinationCidrBlock and CidrIp of the operations below.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from trunkline_lab.aws.calls import Answer, Call, Handler

_IN_RULES = ("CidrIp", "CidrIpv6")
_BLOCKS = {
    "CreateVpc": ("CidrBlock",),
    "CreateSubnet": ("CidrBlock",),
    "CreateRoute": ("DestinationCidrBlock",),
    "CreateNetworkAclEntry": ("CidrBlock",),
    "AuthorizeSecurityGroupIngress": _IN_RULES,
    "AuthorizeSecurityGroupEgress": _IN_RULES,
    "RevokeSecurityGroupIngress": _IN_RULES,
    "RevokeSecurityGroupEgress": _IN_RULES,
}


def canonical(call: Call, proceed: Handler) -> Answer:
    """Hand the request on with its blocks in their canonical form; what is no block is for others to refuse."""
    names = _BLOCKS.get(call.operation) if call.service == "ec2" else None
    if names is None:
        return proceed(call)
    pairs = parse_qsl(call.body.decode(), keep_blank_values=True)
    written = [(key, _canonical(value) if key.rpartition(".")[2] in names else value) for key, value in pairs]
    return proceed(call if written == pairs else replace(call, body=urlencode(written).encode()))


def _canonical(block: str) -> str:
    try:
        return str(ipaddress.ip_network(block, strict=False)) if "/" in block else block
    except ValueError:
        return block
