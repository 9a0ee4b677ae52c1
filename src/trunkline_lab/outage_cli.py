"""`trunkline lab fault router`, `link`, `zone`, `mend`: outages of a lab with packets."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from . import process
from .options import Json, Name, living

_SECONDS = 60.0


class Outage(StrEnum):
    """How a router is lost."""

    kill = "kill"
    freeze = "freeze"
    cut = "cut"


Kind = Annotated[
    Outage,
    typer.Option(help="kill: its daemons are gone; freeze: the whole machine stands still; cut: its wires are cut."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `trunkline lab fault`."""
    for command in (router, link, zone, mend):
        app.command()(command)


def router(
    router_name: Annotated[str, typer.Argument(metavar="ROUTER", help="A router's name or id, or a site's name.")],
    kind: Kind = Outage.kill,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Lose a router, until `mend`.

    Examples:

      trunkline lab fault router fed-router-1

      trunkline lab fault router fed-router-1 --kind freeze
    """
    return _strike(name, as_json, lambda ids: f"{router_name}: {kind.value}", router=router_name, kind=kind.value)


def link(
    router_name: Annotated[str, typer.Argument(metavar="ROUTER", help="A router's name or id, or a site's name.")],
    peer: Annotated[str, typer.Argument(metavar="PEER", help="That of the other end of a tunnel.")],
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Lose everything that two routers send each other, until `mend`.

    Examples:

      trunkline lab fault link acme-router fed-router-1
    """
    return _strike(name, as_json, lambda ids: f"{router_name} - {peer}: cut", link=[router_name, peer])


def zone(
    zone_name: Annotated[str, typer.Argument(metavar="ZONE", help='A zone with routers, such as "1" or "us-east-1a".')],
    kind: Kind = Outage.kill,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Lose every router of a zone, until `mend`.

    Examples:

      trunkline lab fault zone 1
    """
    return _strike(name, as_json, lambda ids: f"{', '.join(ids)}: {kind.value}", zone=zone_name, kind=kind.value)


def mend(
    router_name: Annotated[
        str | None, typer.Argument(metavar="ROUTER", help="Only this one's; every outage when none is given.")
    ] = None,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """End outages.

    Examples:

      trunkline lab fault mend

      trunkline lab fault mend fed-router-1
    """
    _ask(name, "mend", router=router_name)
    print(json.dumps({"mended": router_name or "all"}) if as_json else f"{router_name or 'everything'} is mended")
    return 0


def _strike(name: str, as_json: bool, words: Callable[[list[str]], str], **what: Any) -> int:
    struck: list[str] = _ask(name, "strike", **what)
    print(json.dumps({"struck": struck}) if as_json else words(struck))
    return 0


def _ask(name: str, what: str, **arguments: Any) -> Any:
    answer: Any = process.ask(living(name), f"/packets/{what}", method="POST", body=arguments, timeout=_SECONDS)
    return answer["gives"]
