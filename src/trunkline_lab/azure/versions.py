"""API versions: each type knows a first and a last one, and takes the dates between them.

The first are those of the types' own reference pages, https://learn.microsoft.com/azure/templates/; the last are
those that the official SDKs ask for. A date in between that Azure never published is taken, too.
"""

from __future__ import annotations

import re

VERSION = re.compile(r"^20[1-9]\d-[01]\d-[0-3]\d(-preview|-privatepreview|-beta|-alpha)?$")
PROFILE = "profile"  # what a resource has whose template names an apiProfile and no version

_NETWORK, _COMPUTE = ("2014-12-01", "2026-03-01"), ("2015-05-01", "2026-04-01")
_RANGES = {
    "microsoft.network": _NETWORK,
    "microsoft.network/virtualnetworks/virtualnetworkpeerings": ("2016-06-01", _NETWORK[1]),
    "microsoft.network/natgateways": ("2019-02-01", _NETWORK[1]),
    "microsoft.network/publicipprefixes": ("2018-07-01", _NETWORK[1]),
    "microsoft.network/applicationsecuritygroups": ("2017-09-01", _NETWORK[1]),
    "microsoft.network/loadbalancers/backendaddresspools": ("2020-03-01", _NETWORK[1]),
    "microsoft.compute": _COMPUTE,
    "microsoft.compute/disks": ("2016-04-30", "2026-03-03"),
    "microsoft.compute/sshpublickeys": ("2019-12-01", _COMPUTE[1]),
    "microsoft.managedidentity": ("2015-08-31", "2025-01-31"),
    "microsoft.authorization": ("2014-07-01", "2022-04-01"),
    "microsoft.storage": ("2015-05-01", "2025-08-01"),
    "microsoft.resources": ("2014-04-01", "2026-06-01"),
}


def known_range(type_: str) -> tuple[str, str]:
    """The first and the last API version of a type or, for one without its own, of its namespace."""
    lower = type_.lower()
    return _RANGES.get(lower) or _RANGES[lower.partition("/")[0]]


def is_known(type_: str, version: object) -> bool:
    """Whether a type has an API version. A preview counts as of its date."""
    if version == PROFILE:
        return True
    if not isinstance(version, str) or not VERSION.match(version):
        return False
    first, last = known_range(type_)
    return first <= version[:10] <= last
