"""`trunkline lab host`, `ping`, `curl`, `iperf`: test hosts, and what reaches what by real packets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from . import process
from .options import Json, Name, living

REACHED, NOT_REACHED = 0, 1
_SECONDS = 60.0
From = Annotated[str, typer.Argument(metavar="FROM", help="A host's name.")]
To = Annotated[str, typer.Argument(metavar="TO", help="A host's name, or an address.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to `trunkline lab`."""
    for command in (host, ping, curl, iperf):
        app.command()(command)


def host(
    host_name: Annotated[str, typer.Argument(metavar="HOST", help="What to call it.")],
    where: Annotated[
        str | None, typer.Option("--in", metavar="SUBNET", help="A subnet's id or name, or the datacentre's name.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="A security group's id; the cloud's default when none is given.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the host away again.")] = False,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Put a test host into a subnet or the datacentre: a real machine of that cloud.

    It answers ping, HTTP on every TCP port, its name on every UDP port, and iperf3.

    Examples:

      trunkline lab host app --in acme-app-1

      trunkline lab host db --in datacentre

      trunkline lab host app --remove
    """
    if remove == (where is not None):
        raise typer.BadParameter("say where it is to stand (--in SUBNET), or --remove", param_hint="--in")
    if remove:
        gone: Mapping[str, Any] = process.ask(living(name), f"/hosts/{host_name}", method="DELETE", timeout=_SECONDS)
        print(json.dumps(gone) if as_json else f"{host_name} is gone")
        return REACHED
    body = {"name": host_name, "in": where, "group": group}
    made: Mapping[str, Any] = process.ask(living(name), "/hosts", method="POST", body=body, timeout=_SECONDS)
    print(json.dumps(made)) if as_json else print(f"{made['name']}  {made['address']}  {made['id']}".rstrip())
    return REACHED


def ping(
    source: From,
    target: To,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many requests.")] = 3,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Send echo requests from a host; exit code 1 when none is answered.

    Examples:

      trunkline lab ping app datacentre

      trunkline lab ping app 10.0.0.10 --count 1
    """
    found = _ask(name, "ping", source=source, target=target, count=count)

    def words() -> str:
        mean = f", {found['milliseconds']} ms" if found["milliseconds"] is not None else ""
        return f"{source} -> {target}: {found['received']} of {found['sent']} answered{mean}"

    return _show(found, as_json, words, reached=found["received"] > 0)


def curl(
    source: From,
    target: To,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The TCP port.")] = 80,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Ask a host for a page by HTTP from another; exit code 1 when no answer comes.

    Examples:

      trunkline lab curl app datacentre --port 443
    """
    found = _ask(name, "curl", source=source, target=target, port=port)
    return _show(found, as_json, lambda: found.get("why") or found["body"].strip(), reached="status" in found)


def iperf(
    source: From,
    target: To,
    seconds: Annotated[int, typer.Option(min=1, max=50, help="How long.")] = 2,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Send bytes by TCP from a host to a host; exit code 1 when they cannot connect.

    Examples:

      trunkline lab iperf app datacentre --seconds 5
    """
    found = _ask(name, "iperf", source=source, target=target, seconds=seconds)

    def words() -> str:
        if "why" in found:
            return f"{source} -> {target}: {found['why']}"
        megabytes = found["bytes"] / 1e6
        return (
            f"{source} -> {target}: {megabytes:.0f} MB in {found['seconds']} s, {found['megabits_per_second']} Mbit/s"
        )

    return _show(found, as_json, words, reached="bytes" in found)


def _ask(name: str, what: str, **arguments: object) -> dict[str, Any]:
    answer: Any = process.ask(living(name), f"/packets/{what}", method="POST", body=arguments, timeout=_SECONDS)
    return dict(answer["gives"])


def _show(found: Mapping[str, Any], as_json: bool, words: Callable[[], str], *, reached: bool) -> int:
    print(json.dumps(found) if as_json else words())
    return REACHED if reached else NOT_REACHED
