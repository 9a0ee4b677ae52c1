"""Reads as EC2 has them: in pages, filtered by tags, and with an error for an id that names nothing.

Sources: "Pagination" of the EC2 API reference, and its pages of the Describe operations (Filters: tag, tag-key;
MaxResults, NextToken).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from trunkline_lab.aws import wire
from trunkline_lab.aws.calls import Answer, Call, Handler, Refused
from trunkline_lab.aws.rules import filters
from trunkline_lab.aws.rules.kinds import BY_OPERATION, Kind, items_of, keep_items

# moto ignores tag filters and an id that names nothing here, or has other words for it.
_UNFILTERED = {
    "DescribeNatGateways",
    "DescribeVpcPeeringConnections",
    "DescribeCustomerGateways",
    "DescribeEgressOnlyInternetGateways",
    "DescribeVpnGateways",
}
_FEWEST, _MOST = 5, 1000


class Reads:
    """Rules for the calls of `kinds.KINDS`."""

    def __call__(self, call: Call, proceed: Handler) -> Answer:
        """Apply the rule. The caller holds the backend's lock."""
        if call.service != "ec2":
            return proceed(call)
        kind = BY_OPERATION.get(call.operation)
        return proceed(call) if kind is None else self._read(kind, call, proceed)

    def _read(self, kind: Kind, call: Call, proceed: Handler) -> Answer:
        size, start = _page(call)
        tags = filters.of_tags(call) if call.operation in _UNFILTERED else {}
        asked = [str(each) for each in call.params.get(kind.asked, [])]
        paged = call.operation != "DescribeInstances" and (size or start)
        if not (tags or paged or asked):
            return proceed(call)
        given = proceed(_without_page(call) if paged else call)
        if given.status >= 400:
            if "NotFound" in wire.error_code(given):
                _require(kind, [each for each in asked if each.encode() in given.body])
            return given
        if not (tags or paged or call.operation in _UNFILTERED):
            return given
        result = wire.result(call, given)
        items = items_of(kind, result)
        _require(kind, [each for each in asked if each not in {item[kind.member] for item in items}])
        kept = [item for item in items if filters.tagged(item, tags)]
        keep_items(kind, result, kept[start : start + size] if paged else kept)
        if paged and len(kept) > start + size:
            result["NextToken"] = _token(start + size)
        return wire.answer(call, result)


def _require(kind: Kind, missing: list[str]) -> None:
    if missing:
        raise Refused(kind.missing, kind.told.format(missing[0]))


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
