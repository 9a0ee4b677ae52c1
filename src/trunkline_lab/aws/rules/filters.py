"""Filters of EC2's Describe calls, applied to items as the SDK reads them.

Source: "Filter" of the EC2 API reference (docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html): the values
of one filter are joined by OR, filters by AND; * and ? are wildcards.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from trunkline_lab.aws.calls import Call


def of(call: Call) -> dict[str, list[str]]:
    """The filters of a call: their values, by name."""
    given = [*call.params.get("Filters", []), *call.params.get("Filter", [])]
    return {each.get("Name", ""): list(each.get("Values", [])) for each in given}


def of_tags(call: Call) -> dict[str, list[str]]:
    """The call's filters by tags alone."""
    return {name: values for name, values in of(call).items() if _by_tag(name)}


def tagged(item: Mapping[str, Any], wanted: Mapping[str, Iterable[str]]) -> bool:
    """Whether an item's tags are as the filters want them."""
    return all(_tag_matches(item, name, values) for name, values in wanted.items())


def matches(call: Call, item: Mapping[str, Any], *, there: bool) -> bool:
    """Whether an older version of an item fits the call's filters.

    Parameters:
        there: What to answer for a filter by something that the item itself does not show.
    """
    return all(
        _tag_matches(item, name, values) if _by_tag(name) else _member_matches(item, name, values, there)
        for name, values in of(call).items()
    )


def _by_tag(name: str) -> bool:
    return name == "tag-key" or name.startswith("tag:")


def _tag_matches(item: Mapping[str, Any], name: str, values: Iterable[str]) -> bool:
    held = {each["Key"]: each["Value"] for each in item.get("Tags", [])}
    given = list(held) if name == "tag-key" else [held[name[4:]]] if name[4:] in held else []
    return any(fnmatch.fnmatchcase(each, pattern) for each in given for pattern in values)


def _member_matches(item: Mapping[str, Any], name: str, values: Iterable[str], there: bool) -> bool:
    member = item.get("".join(word.capitalize() for word in name.split("-")))
    return str(member) in values if isinstance(member, str) else there
