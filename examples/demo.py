"""The main job in the lab: a federation in one cloud, a VPC of the other connected to it. `make demo` runs this.

Everything goes through the command line, as a user would type it; each command is printed before it runs. What is
shown afterwards is checked, not told: the demo ends non-zero unless every tunnel is up at both ends, all that was
opened is closed, the clouds say that nothing is exposed, and (where this machine can carry real packets) a host of the
VPC reaches one of the datacentre's: a ping, a page by HTTP, a TCP transfer.
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

from trunkline_lab.packets.needs import missing

COMMAND = str(Path(sys.executable).with_name("trunkline"))
NAME = f"demo-{os.getpid()}"
console = Console(highlight=False)


def main() -> int:
    """Run the demo; 0 when all that it shows is true."""
    started = time.monotonic()
    lacking = [str(each) for each in missing()]
    for each in lacking:
        console.print(f"[yellow]no real packets here:[/] {each} is missing (scripts/install-debian.sh, as root)")
    lab = run("lab", "up", "--name", NAME, *([] if lacking else ["--packets"]))
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
            *([] if lacking else show_packets(vpc)),
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


def run(*words: str, fails: int = 0) -> dict[str, Any]:
    """Run one command line; its progress is seen, its result comes back. Exit code `fails` is a result too."""
    console.print(f"\n[bold]$ trunkline {shlex.join(words)}[/]")
    done = subprocess.run([COMMAND, *words, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, fails):
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


def show_packets(vpc: dict[str, Any]) -> list[str]:
    """What a host of the VPC reaches in the datacentre, by packets and by the trace. Answers what is untrue."""
    lab = ("--name", NAME)
    app = run("lab", "host", "app", "--in", vpc["outputs"]["app_subnet1_id"], *lab)
    ping = run("lab", "ping", "app", "datacentre", *lab, fails=1)
    page = run("lab", "curl", "app", "datacentre", "--port", "443", *lab, fails=1)
    sent = run("lab", "iperf", "app", "datacentre", *lab, fails=1)
    said = run("trace", app["address"], "10.0.0.10", "--open", fails=2)
    table = Table("asked", "answer", title=f"Packets from {app['address']} (app) to 10.0.0.10 (datacentre)")
    table.add_row("ping", f"{ping['received']} of {ping['sent']} answered, {ping['milliseconds']} ms")
    table.add_row("HTTP on port 443", page.get("why") or str(page["body"]).strip())
    transfer = f"{sent['bytes']:,} bytes, {sent['megabits_per_second']} Mbit/s" if "bytes" in sent else sent["why"]
    table.add_row("a TCP transfer", transfer)
    way = [hop["where"] + ": " + hop["what"] for hop in said["there"]["hops"] if hop["kind"] in ("tunnel", "site")]
    table.add_row("trunkline trace, which sends nothing", "\n".join([said["summary"], *way]))
    console.print(table)
    reached = {
        "ping": ping["received"] > 0,
        "HTTP": page.get("status") == 200,
        "TCP": "bytes" in sent,
        "the trace": said["reachable"],
    }
    return [f"{what} from app does not reach the datacentre" for what, true in reached.items() if not true]


if __name__ == "__main__":
    sys.exit(main())
