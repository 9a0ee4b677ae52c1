"""`trunkline lab` and `python -m trunkline_lab`: up, status, fault, audit, down."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from . import fault_cli, outage_cli, packets_cli, process
from .audit_view import show_audit
from .habits import Habits, Order
from .home import Home
from .options import Json, Name, home_of, living
from .process import LabError

DONE, FAILED, USAGE = 0, 1, 64

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The lab on this machine: AWS, Azure, VNS3 routers and a datacentre, all on loopback.",
)


class PaceName(StrEnum):
    """How fast things happen."""

    normal = "normal"
    fast = "fast"


@app.command()
def up(
    name: Name = "lab",
    routers: Annotated[
        int, typer.Option(min=0, max=200, help="Also boot this many factory-fresh routers outside any cloud.")
    ] = 0,
    pace: Annotated[PaceName, typer.Option(help="normal: boots and reboots take seconds; fast: for tests.")] = (
        PaceName.normal
    ),
    seed: Annotated[int, typer.Option(min=0, help="Of all that happens by chance: faults, late reads.")] = 0,
    read_lag: Annotated[
        float, typer.Option(min=0, max=60, help="AWS: half of the reads are this many seconds behind the writes.")
    ] = 0.0,
    passing: Annotated[
        float, typer.Option(min=0, max=60, help="AWS: so many seconds things are pending, attaching, deleting.")
    ] = 0.0,
    limits: Annotated[bool, typer.Option("--limits", help="AWS: a new account's quotas (5 VPCs, 5 addresses ...).")] = (
        False
    ),
    bucket: Annotated[
        list[str] | None,
        typer.Option(metavar="BUCKET=FOLDER", help="AWS: where a TemplateURL's bucket lies here; may be repeated."),
    ] = None,
    templates: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS=FOLDER", help="Azure: where linked templates lie here; may be repeated."),
    ] = None,
    basic_skus: Annotated[
        bool, typer.Option("--basic-skus", help="Azure: the retired Basic addresses and balancers can be made.")
    ] = False,
    packets: Annotated[
        bool, typer.Option("--packets", help="Let the networks carry packets: namespaces, strongSwan, bird.")
    ] = False,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay in the foreground until Ctrl-C.")] = False,
    as_json: Json = False,
) -> int:
    """Start a lab in the background; print where everything is.

    Examples:

      trunkline lab up

      trunkline lab up --packets

      trunkline lab up --name second --routers 2 --json

      trunkline lab up --read-lag 2 --limits --bucket templates=./cloudformation
    """
    home = home_of(name)
    habits = Habits(
        read_lag=read_lag,
        passing=passing,
        limits=limits,
        buckets=_folders(bucket, "--bucket"),
        templates=_folders(templates, "--templates"),
        basic_skus=basic_skus,
    )
    order = Order(routers=routers, pace=pace.value, seed=seed, packets=packets, habits=habits)
    show = _show_json if as_json else _show_up
    if foreground:
        if not process.run(home, order, ready=lambda status: show(home, status)):
            raise LabError(f"lab {name} is already up")
        return DONE
    if packets:
        _need_packets()
    if not process.start(home, order):
        print(f"lab {name} is already up", file=sys.stderr)
    show(home, process.ask(home, "/status"))
    return DONE


def _folders(given: Sequence[str] | None, option: str) -> dict[str, Path]:
    """Folders by what each stands for, from `NAME=FOLDER`."""
    pairs = [(each, *each.rpartition("=")[::2]) for each in given or ()]
    for each, name, folder in pairs:
        if not name or not folder:
            raise typer.BadParameter(f"{each!r} is not NAME=FOLDER", param_hint=option)
        if not Path(folder).is_dir():
            raise typer.BadParameter(f"{each!r}: there is no folder {folder}", param_hint=option)
    return {name: Path(folder).resolve() for _, name, folder in pairs}


@app.command()
def status(name: Name = "lab", as_json: Json = False) -> int:
    """Tell how a lab stands: endpoints, routers, tunnels as each end reports them.

    Examples:

      trunkline lab status

      trunkline lab status --name second --json
    """
    home = living(name)
    (_show_json if as_json else _show_status)(home, process.ask(home, "/status"))
    return DONE


@app.command()
def audit(name: Name = "lab", as_json: Json = False) -> int:
    """Tell all that exists, who made it, what stands open or double, and with --json every call.

    Examples:

      trunkline lab audit

      trunkline lab audit --json
    """
    found = process.ask(living(name), "/audit")
    print(json.dumps(found, indent=2)) if as_json else show_audit(found)
    return DONE


outage_cli.add_to(fault_cli.app)
app.add_typer(fault_cli.app, name="fault")
packets_cli.add_to(app)


@app.command()
def down(name: Name = "lab", as_json: Json = False) -> int:
    """End a lab; everything it held is gone.

    Examples:

      trunkline lab down

      trunkline lab down --name second
    """
    was_up = process.stop(home_of(name))
    if as_json:
        print(json.dumps({"name": name, "was_up": was_up}))
    else:
        print(f"lab {name} is down" if was_up else f"lab {name} was not up")
    return DONE


def main(argv: Sequence[str]) -> int:
    """Run `trunkline lab` with the words that follow it.

    Parameters:
        argv: For example ["up", "--json"].

    Returns:
        0 done, 1 failed, 64 wrong usage.
    """
    try:
        return int(app(list(argv) or ["--help"], prog_name="trunkline lab", standalone_mode=False) or DONE)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.details:
            print(error.details, file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return FAILED
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        print(f"error: the lab cannot keep its files: {error.strerror}: {error.filename}", file=sys.stderr)
        print("hint: set XDG_STATE_HOME to a directory that you may write to", file=sys.stderr)
        return FAILED
    except process.Refused as error:
        print(f"error: {error}", file=sys.stderr)
        print(f"hint: trunkline lab {' '.join(argv[: 2 if argv[0] == 'fault' else 1])} --help", file=sys.stderr)
        return USAGE
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        print(f"error: {_said(error)}", file=sys.stderr)
        print(f"hint: see {context.command_path if context else 'trunkline lab'} --help", file=sys.stderr)
        return USAGE


def _said(wrong: typer.TyperException) -> str:
    """What is wrong with an option: typer's words, and the value, which they leave out for numbers."""
    text = wrong.format_message().replace("Value error, ", "")
    errors = getattr(wrong.__cause__, "errors", None)  # pydantic's, which typer reads values with
    if errors is None:
        return text
    value, (head, colon, rest) = repr(errors()[0]["input"]), text.partition(": ")
    return text if value in rest else f"{head}{colon}{value}: {rest[:1].lower()}{rest[1:]}"


def _need_packets() -> None:
    """Raise LabError when this machine lacks a part, before anything is started."""
    from .packets.needs import missing

    if lacking := missing():
        raise LabError(
            f"real packets cannot run here: {'; '.join(map(str, lacking))} missing",
            hint="as root: scripts/install-debian.sh; or without --packets",
        )


def _show_json(home: Home, status: Mapping[str, object]) -> None:
    print(json.dumps({"name": home.name, **status}, indent=2), flush=True)


def _show_up(home: Home, status: Mapping[str, Any]) -> None:
    print(f"lab {home.name} is up")
    _show_places(status)
    for controller in status["controllers"]:
        password = controller["default_password"]
        print(f"router         {controller['name']}  {controller['address']}  default password {password}")
    print(f"\nexport TRUNKLINE_CONFIG={status['config']}", flush=True)


def _show_places(status: Mapping[str, Any]) -> None:
    for cloud, endpoint in status["endpoints"].items():
        print(f"{cloud:<14} {endpoint}")
    for name, site in status["sites"].items():
        print(f"{name:<14} {site['address']}  {', '.join(site['prefixes'])}")
    print(f"{'configuration':<14} {status['config']}")


def _show_status(home: Home, status: Mapping[str, Any]) -> None:
    print(f"lab {home.name} is up for {status['seconds_up']:.0f} s, {status['memory_mb']:.0f} MB")
    _show_places(status)
    for controller in status["controllers"]:
        words = ["up" if controller["up"] else "down", "licensed" if controller["licensed"] else "unlicensed"]
        words.append("API open" if controller["listening"] else "API closed")
        print(f"router         {controller['name']}  {controller['address']}  {', '.join(words)}")
        _show_tunnels(controller["tunnels"], lambda tunnel: f"{tunnel['endpoint']} ({tunnel['peer_address']})")
        for session in controller["bgp"]:
            print(f"  bgp          {session['address']} AS {session['asn']}  {session['state']}")
        for peer in controller["peers"]:
            print(f"  peer         {peer['id']}  {'reachable' if peer['reachable'] else 'not reachable'}")
    for name, site in status["sites"].items():
        print(f"site           {name}")
        _show_tunnels(site["tunnels"], lambda tunnel: f"{tunnel['peer']} ({tunnel['peer_address']})")


def _show_tunnels(tunnels: Sequence[Mapping[str, Any]], who: Callable[[Mapping[str, Any]], str]) -> None:
    for tunnel in tunnels:
        state = "connected" if tunnel["connected"] else f"down: {tunnel['reason']}"
        print(f"  tunnel       {who(tunnel)}  {state}")
