"""`trunkline lab fault`: add, list, clear."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from . import process
from .faults import MEANINGS, Kind
from .options import Json, Name, living

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make things go wrong in a running lab.")
_KINDS = "; ".join(f"{kind}: {meaning}" for kind, meaning in MEANINGS.items())


@app.command()
def add(
    pattern: Annotated[
        str, typer.Argument(help="Which calls, as a glob: aws:ec2:CreateVpc, azure:*:PUT routeTables/*, vns3:GET /*.")
    ],
    kind: Annotated[Kind, typer.Argument(help=f"What goes wrong. {_KINDS}.")],
    name: Name = "lab",
    where: Annotated[str, typer.Option(help="Only this account, subscription or router; a glob.")] = "*",
    nth: Annotated[int | None, typer.Option(help="Only the call of this number.")] = None,
    every: Annotated[int | None, typer.Option(help="Only each so-many-th call.")] = None,
    probability: Annotated[float | None, typer.Option(help="The chance of each call, 0 to 1.")] = None,
    times: Annotated[int | None, typer.Option(help="At most so often; without an end otherwise.")] = None,
    code: Annotated[str | None, typer.Option(help="error: its code.")] = None,
    status: Annotated[int | None, typer.Option(help="error: its HTTP status.")] = None,
    message: Annotated[str | None, typer.Option(help="error: its message.")] = None,
    seconds: Annotated[float | None, typer.Option(help="delay, hang, reboot: how long; throttle: to wait.")] = None,
    done: Annotated[bool, typer.Option("--done", help="error, reset, html, reboot: only after it was done.")] = False,
    as_json: Json = False,
) -> int:
    """Arm a fault.

    Examples:

      trunkline lab fault add aws:ec2:CreateVpc lost --times 1

      trunkline lab fault add "azure:*:PUT networkSecurityGroups/*" throttle --every 3

      trunkline lab fault add "vns3:POST /ipsec/endpoints*" reboot --done --nth 2
    """
    how = {"where": where, "nth": nth, "every": every, "probability": probability, "times": times, "code": code}
    how |= {"status": status, "message": message, "seconds": seconds, "done": done}
    fault = process.ask(living(name), "/faults", method="POST", body={"pattern": pattern, "kind": kind.value, **how})
    print(json.dumps(fault) if as_json else f"fault {fault['id']} is armed: {_line(fault)}")
    return 0


@app.command("list")
def list_(name: Name = "lab", as_json: Json = False) -> int:
    """Tell which faults are armed, and which struck.

    Examples:

      trunkline lab fault list

      trunkline lab fault list --json
    """
    found: Mapping[str, Any] = process.ask(living(name), "/faults")
    if as_json:
        print(json.dumps(found, indent=2))
        return 0
    for fault in found["faults"]:
        print(f"{fault['id']:>4}  {_line(fault)}  struck {fault['fired']} of {fault['seen']}")
    for fired in found["fired"]:
        print(f"      {fired['kind']} #{fired['fault']} struck {fired['call']} ({fired['where']})")
    if not found["faults"]:
        print("no fault is armed")
    return 0


@app.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="Which; all when none is given.")] = None,
    name: Name = "lab",
    as_json: Json = False,
) -> int:
    """Disarm one fault, or all.

    Examples:

      trunkline lab fault clear

      trunkline lab fault clear 2
    """
    path = "/faults" if number is None else f"/faults?id={number}"
    found = process.ask(living(name), path, method="DELETE")
    if number is not None and not found["cleared"]:
        raise typer.BadParameter(
            f"{number} is no fault that is armed: see `trunkline lab fault list`", param_hint="NUMBER"
        )
    print(json.dumps(found) if as_json else f"{found['cleared']} disarmed")
    return 0


def _line(fault: Mapping[str, Any]) -> str:
    often = [f"{key}={fault[key]}" for key in ("nth", "every", "probability", "times") if fault[key] is not None]
    where = [f"where={fault['where']}"] if fault["where"] != "*" else []
    return "  ".join([f"{fault['kind']:<9}", fault["pattern"], *where, *often])
