"""Reads as EC2 has them: late, in pages, filtered by tags, and with an error for an id that names nothing.

Sources: the EC2 user guide's "Eventual consistency" and "Pagination" of the EC2 API reference, and its pages of the
Describe operations (Filters: tag, tag-key; MaxResults, NextToken).
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from trunkline_lab.aws import wire
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused
from trunkline_lab.aws.rules.kinds import BY_OPERATION, Kind

# moto ignores tag filters and an id that names nothing here, or has other words for it.
_UNFILTERED = {
    "DescribeNatGateways",
    "DescribeVpcPeeringConnections",
    "DescribeCustomerGateways",
    "DescribeEgressOnlyInternetGateways",
    "DescribeVpnGateways",
}
_MAKES = ("Create", "Run", "Allocate", "Import", "Copy", "Register")
_ID = re.compile(rb">((?:[a-z]+-)[0-9a-f]{8,17})<")
_FEWEST, _MOST = 5, 1000


class Reads:
    """Rules for the calls of `kinds.KINDS`.

    Parameters:
        lag: For so many seconds after its creation a resource is not shown to callers; 0 shows all at once. What
            CloudFormation makes or reads does not lag: it waits until things have settled.
    """

    def __init__(self, lag: float = 0.0) -> None:
        self.lag = lag
        self._born: dict[bytes, float] = {}

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2":
            return proceed(call)
        kind = BY_OPERATION.get(call.operation)
        if kind is None:
            given = proceed(call)
            if self.lag and not call.reads and given.status < 400:
                self._note(call, given)
            return given
        return self._read(kind, call, proceed)

    def _note(self, call: Call, given: Answer) -> None:
        """Remember when an id was seen first; what is told by a call that makes nothing is old."""
        makes = call.operation.startswith(_MAKES) and not call.via
        for identity in _ID.findall(given.body):
            self._born.setdefault(identity, time.monotonic() if makes else 0.0)

    def _young(self, identity: str) -> bool:
        return time.monotonic() - self._born.get(identity.encode(), 0.0) < self.lag

    def _read(self, kind: Kind, call: Call, proceed: Handler) -> Answer:
        size, start = _page(call)
        tags = _tag_filters(call) if call.operation in _UNFILTERED else {}
        late = self.lag > 0 and not call.via
        asked = [str(each) for each in call.params.get(kind.asked, [])]
        if late:
            _require(kind, [each for each in asked if self._young(each)])
        paged = call.operation != "DescribeInstances" and (size or start)
        if not (late or tags or paged or asked):
            return proceed(call)
        given = proceed(_without_page(call) if paged else call)
        if given.status >= 400:
            if "NotFound" in wire.error_code(given):
                _require(kind, [each for each in asked if each.encode() in given.body])
            return given
        if not (late or tags or paged or call.operation in _UNFILTERED):
            return given
        result = wire.result(call, given)
        items = _items(kind, result)
        _require(kind, [each for each in asked if each not in {item[kind.member] for item in items}])
        kept = [item for item in items if _tagged(item, tags) and not (late and self._young(item[kind.member]))]
        if kind.listed == "Instances":
            _keep_instances(result, kept)
        else:
            result[kind.listed] = kept[start : start + size] if paged else kept
        if paged and len(kept) > start + size:
            result["NextToken"] = _token(start + size)
        return wire.answer(call, result)


def _items(kind: Kind, result: Mapping[str, Any]) -> list[Any]:
    if kind.listed != "Instances":
        return list(result.get(kind.listed, []))
    return [each for reservation in result.get("Reservations", []) for each in reservation.get("Instances", [])]


def _keep_instances(result: dict[str, Any], kept: list[Any]) -> None:
    wanted = {each["InstanceId"] for each in kept}
    for reservation in result.get("Reservations", []):
        reservation["Instances"] = [each for each in reservation["Instances"] if each["InstanceId"] in wanted]
    result["Reservations"] = [each for each in result.get("Reservations", []) if each["Instances"]]


def _require(kind: Kind, missing: list[str]) -> None:
    if missing:
        raise Refused(kind.missing, kind.told.format(missing[0]))


def _tag_filters(call: Call) -> dict[str, list[str]]:
    named = {each.get("Name", ""): list(each.get("Values", [])) for each in call.params.get("Filters", [])}
    named |= {each.get("Name", ""): list(each.get("Values", [])) for each in call.params.get("Filter", [])}
    return {name: values for name, values in named.items() if name == "tag-key" or name.startswith("tag:")}


def _tagged(item: Mapping[str, Any], wanted: Mapping[str, list[str]]) -> bool:
    held = {each["Key"]: each["Value"] for each in item.get("Tags", [])}
    return all(_matches(held, name, values) for name, values in wanted.items())


def _matches(held: Mapping[str, str], name: str, values: list[str]) -> bool:
    given = list(held) if name == "tag-key" else [held[name[4:]]] if name[4:] in held else []
    return any(fnmatch.fnmatchcase(each, pattern) for each in given for pattern in values)


def _page(call: Call) -> tuple[int, int]:
    """How many items a page has and which is its first; refused where the token is none of ours."""
    text, token = call.form.get("MaxResults", ""), call.form.get("NextToken", "")
    size = int(text) if text.isdigit() else 0
    if text and not _FEWEST <= size <= _MOST:
        told = f"Value ( {text} ) for parameter maxResults is invalid. Expecting a value between {_FEWEST} and {_MOST}."
        raise Refused("InvalidParameterValue", told)
    if not token or call.operation == "DescribeInstances":
        return size, 0
    try:
        start = int(base64.b64decode(token, validate=True).decode().removeprefix("page:"))
    except (binascii.Error, ValueError):
        raise Refused("InvalidNextToken", f"Invalid value '{token}' for nextToken.") from None
    return size or _MOST, start


def _token(start: int) -> str:
    return base64.b64encode(f"page:{start}".encode()).decode()


def _without_page(call: Call) -> Call:
    """The same call for everything."""
    pairs = parse_qsl(call.body.decode(), keep_blank_values=True)
    body = urlencode([(key, value) for key, value in pairs if key not in {"MaxResults", "NextToken"}]).encode()
    return replace(call, body=body)
