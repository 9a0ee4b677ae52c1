"""The main job in the lab: a federation in one cloud, a VPC of the other connected to it. `make demo` runs this.

Everything goes through the command line, as a user would type it; each command is printed before it runs. What is
shown afterwards is checked, not told: the demo ends non-zero unless every tunnel is up at both ends, all that was
opened is closed, and the clouds say that nothing is exposed.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COMMAND = str(Path(sys.executable).with_name("trunkline"))
NAME = f"demo-{os.getpid()}"
console = Console(highlight=False)


def main() -> int:
    """Run the demo; 0 when all that it shows is true."""
    started = time.monotonic()
    lab = run("lab", "up", "--name", NAME)
    try:
        os.environ["TRUNKLINE_CONFIG"] = lab["config"]
        federation = run("up", "federation", "--name", "fednet", "--account", "B")
        vpc = run(
            *("up", "connect-vpc", "--name", "acme", "--account", "A"),
            *("--federation-account", "B", "--federation", "fednet", "--cidr", "10.1.0.0/16"),
        )
        exposed = run("exposures")
        status = run("lab", "status", "--name", NAME)
        untrue = [
            *show_tunnels(federation, vpc, status),
            *show_access(federation, vpc),
            *show_exposed(exposed),
        ]
    finally:
        run("lab", "down", "--name", NAME)
    for line in untrue:
        console.print(f"[bold red]untrue:[/] {line}")
    if not untrue:
        console.print(
            f"\n[bold green]10.1.0.0/16 is connected, and nothing is open.[/] {time.monotonic() - started:.0f} s"
        )
    return 1 if untrue else 0


def run(*words: str) -> dict[str, Any]:
    """Run one command line; its progress is seen as it goes, its result comes back."""
    console.print(f"\n[bold]$ trunkline {shlex.join(words)}[/]")
    done = subprocess.run([COMMAND, *words, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        console.print(f"[bold red]trunkline {words[0]} {words[1]} ended with exit code {done.returncode}[/]")
        raise SystemExit(done.returncode)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def show_tunnels(federation: dict[str, Any], vpc: dict[str, Any], status: dict[str, Any]) -> list[str]:
    """Every tunnel, as each of its two ends reports it. Answers what is untrue."""
    ends = federation["outputs"]["tunnels"] + vpc["outputs"]["tunnels"]
    ends += [
        {"router": "datacentre", "to": seen["peer"], "at": seen["peer_address"], "connected": seen["connected"]}
        for seen in status["sites"]["datacentre"]["tunnels"]
    ]
    table = Table("one end", "says of its tunnel to", "at", "", title="Tunnels, as each end reports them")
    for end in ends:
        table.add_row(end["router"], end["to"], end["at"], "connected" if end["connected"] else "[red]DOWN[/]")
    console.print(table)
    expected = 2 * 2 + 2 * 2  # two to the site, two to the VPC, each seen from both of its ends
    untrue = [f"{end['router']} says that its tunnel to {end['to']} is down" for end in ends if not end["connected"]]
    if len(ends) != expected:
        untrue.append(f"{len(ends)} ends of tunnels were reported, not {expected}")
    return untrue


def show_access(*runs: dict[str, Any]) -> list[str]:
    """What was exposed, when, and for how long. Answers what is untrue."""
    table = Table("run", "scope", "what", "since", "for", title="What was opened, and closed again")
    untrue = []
    for result in runs:
        if not any(
            scope["path"] == "api-access" or scope["path"].endswith("/api-access") for scope in result["access"]
        ):
            untrue.append(f"run {result['run']} tells of no temporary access")
        for scope in result["access"]:
            since = datetime.fromtimestamp(scope["opened"]).strftime("%H:%M:%S")
            seconds = f"{scope['seconds']:.1f} s" if scope["closed"] else "[red]STILL OPEN[/]"
            table.add_row(result["run"], scope["path"].rpartition("/")[2], scope["note"], since, seconds)
            if not scope["closed"]:
                untrue.append(f"run {result['run']}: {scope['path']} is still open")
    console.print(table)
    return untrue


def show_exposed(exposed: dict[str, Any]) -> list[str]:
    """What the clouds say is exposed now. Answers what is untrue."""
    now = exposed["exposures"]
    console.print(f"Exposed now, by what the clouds say: {len(now) or 'nothing'}")
    return [f"still exposed: {one}" for one in now]


if __name__ == "__main__":
    sys.exit(main())
