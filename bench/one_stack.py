"""One VPC stack by trunkline, as a process: `python -m bench.one_stack up CONFIG` and `... down CONFIG`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from trunkline import pipe, step
from trunkline._core.steps import Step
from trunkline.blueprints.equipment import template
from trunkline.clouds.cloud import Account
from trunkline.config import load

RUN = "bench"
PARAMETERS = {
    "VpcCidr": "10.1.0.0/16",
    "RouterSubnetCidr": "10.1.0.0/24",
    "AppSubnet1Cidr": "10.1.1.0/24",
    "AppSubnet2Cidr": "10.1.2.0/24",
    "RouterPrivateAddress": "10.1.0.10",
    "FederationAddress1": "198.51.100.1",
    "FederationAddress2": "198.51.100.2",
    "NamePrefix": "bench",
}


def stack(account: Account) -> Step:
    """The step that makes the stack."""
    router = account.launch(lambda: "")
    return account.stack(template("vpc", account), name=RUN, parameters={**PARAMETERS, **router})


def up(account: Account) -> None:
    """Make the stack. Raises KeyError when it gave no VPC."""
    pipe({}, [("vpc", stack(account))], run=RUN)["vpc_id"]


def down(account: Account) -> None:
    """Delete it."""
    undo: Any = stack(account).undo
    pipe({}, [("vpc", step(undo))], run=RUN)


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]](load(Path(sys.argv[2])).account("A"))
