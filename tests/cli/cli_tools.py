"""The command line as its users meet it: words in, exit code and two streams out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trunkline.clouds.cloud import CloudError, Exposure, Rule


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Command = Callable[..., Answer]


PIPELINES = '''
"""Pipelines of the tests."""

import enum
import os
import signal
import time
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal, Optional

from trunkline import Error, Field, during, here, step
from trunkline.clouds.cloud import Account
from trunkline.config import Config


class Size(enum.Enum):
    SMALL = "small"
    BIG = "big"


def nothing(state):
    pass


def opens(state):
    here().note("tcp/8000 from 198.51.100.7/32")


def deploy(
    run: str,
    cidr: IPv4Network,
    *,
    size: Size = Size.SMALL,
    zone: Literal["a", "b"] = "a",
    count: int = 2,
    dry: bool = False,
    names: list[str] | None = None,
    gateway: Optional[IPv4Address] = None,
    path: Path = Path("x"),
):
    """Deploy a network.

    More about it.

    Parameters:
        cidr: Its block,
            as a prefix.
        size, zone: How big, and where.
    """
    given = dict(run=run, cidr=str(cidr), size=size.value, zone=zone, count=count, dry=dry, names=names,
                 gateway=gateway and str(gateway), path=str(path), inner={"api_token": "t0p"}, admin_password="t0p")
    return [("make", lambda state: given)]


def plain():
    return [("one", nothing)]


def connected(config: Config, first: Account, second: Account | None = None):
    """Use two accounts."""
    def see(state):
        return {"caller": config.caller, "accounts": [each and each.name for each in (first, second)]}
    return [("see", see), during("access", open=opens, close=nothing, steps=[("in", nothing)])], {"left": 1}


def fails(how: str = "plainly"):
    def bad(state):
        if how == "known":
            raise Error("the stack rolled back", hint="look at its events")
        raise ValueError("no route\\nsecond line")
    def worse(state):
        raise OSError("no disk")
    steps = [("bad", [bad, worse])] if how == "twice" else [("bad", bad)]
    return [("fine", nothing), during("access", open=opens, close=nothing, steps=steps)]


def stuck():
    def shut(state):
        raise Error("the cloud does not answer")
    return [during("access", open=opens, close=shut, steps=[("in", nothing)])]


def opens_and_tells():
    def tell(state):
        here().note("much")
        return {"told": "all"}
    return [during("access", open=opens, close=nothing, steps=[("tell", tell)])]


def half():
    def opens_half(state):
        opens(state)
        raise Error("refused")
    return [during("access", open=opens_half, close=nothing, steps=[("in", nothing)])]


def slow():
    def wait(state):
        print("waiting", flush=True)
        time.sleep(0.3)
    return [during("access", open=opens, close=nothing, steps=[("wait", wait)]), ("never", nothing)]


def unwired():
    return [("one", step(nothing, needs={"vpc_cidr": Field("cidr")}, gives=()))], {"vpc_cdr": "10.0.0.0/8"}


def refuses(cidr: IPv4Network):
    raise Error(f"{cidr} overlaps 10.0.0.0/16 of the datacentre", hint="choose another block")


def wrong():
    return "steps"


def odd(thing: complex):
    return []


def hides(name: str):
    return []


def _private():
    return []
'''


class FakeAccount:
    """An account that is asked what is exposed, and closes it."""

    cloud, region = "fake", "here"

    def __init__(self, name: str, exposures: list[Exposure]) -> None:
        self.name, self.open, self.trouble = name, exposures, False
        self.stubborn = False

    def exposures(self) -> list[Exposure]:
        if self.trouble:
            raise CloudError(f"account {self.name}: the token has expired", code="ExpiredToken", hint="log in again")
        return list(self.open)

    def close(self, exposure: Exposure) -> None:
        if self.stubborn:
            raise CloudError("not allowed", code="AccessDenied")
        self.open.remove(exposure)


def exposure(account: str, run: str, minutes: float) -> Exposure:
    now = datetime.now(UTC).replace(microsecond=0)
    rule = Rule("tcp", 8000, "198.51.100.7/32")
    return Exposure(account, "sg-1", rule, run, "api-access", now, now + timedelta(minutes=minutes), f"{run}-{minutes}")
