"""One VPC stack, made and deleted: trunkline against Sceptre, all of them clients of one lab.

Sceptre is measured twice: as it is, and with its pauses between two looks cut to trunkline's shortest one, which
tells how much of the difference is waiting and how much is work.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from bench import one_stack
from bench.figures import Figure
from bench.processes import ROOT, OwnLab, children, run
from trunkline.blueprints.equipment import template
from trunkline.clouds.cloud import Account
from trunkline.config import load

ROUNDS = 3
TIMES = 10  # how many times faster than Sceptre a launch shall be
PEERS = ROOT / ".venv-bench" / "bin"
IMPATIENT = """
import sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.05))
from sceptre.cli import cli
sys.argv[0] = "sceptre"
cli()
"""


@dataclass(frozen=True)
class Client:
    """One who makes and deletes the stack; `stack` is the name that it gives it."""

    stack: str
    up: Callable[[], object]
    down: Callable[[], object]


def measure() -> list[Figure]:
    """Milliseconds of launch and delete, of whole processes and warm; the goal is for a whole process's launch."""
    if not (PEERS / "sceptre").exists():
        raise SystemExit("Sceptre is not there to be measured against: run bench/setup.sh, or `make bench`")
    with children() as env, OwnLab("fast") as lab, tempfile.TemporaryDirectory() as directory:
        account = load(lab.config).account("A")
        project, theirs = Path(directory), {**env, **sceptre_environment(lab.config)}
        write_project(project, account)
        impatient = [str(PEERS / "python"), "-c", IMPATIENT]
        clients = {
            "ours": trunkline(lab.config, env),
            "warm": Client(one_stack.RUN, partial(one_stack.up, account), partial(one_stack.down, account)),
            "Sceptre": sceptre([str(PEERS / "sceptre")], project, theirs),
            "Sceptre without its pauses": sceptre(impatient, project, theirs),
        }
        times = timed(clients, account)
    return figures(times)


def trunkline(config: Path, env: Mapping[str, str]) -> Client:
    """Trunkline as a process."""
    words = [sys.executable, "-m", "bench.one_stack"]
    up, down = (partial(run, [*words, way, str(config)], env) for way in ("up", "down"))
    return Client(one_stack.RUN, up, down)


def sceptre(command: list[str], project: Path, env: Mapping[str, str]) -> Client:
    """Sceptre as a process; its stack's name is its project's and its file's."""
    up, down = (partial(run, [*command, way, "--yes", "vpc.yaml"], env, project) for way in ("launch", "delete"))
    return Client("peer-vpc", up, down)


def sceptre_environment(config: Path) -> dict[str, str]:
    """What Sceptre takes from its environment: the lab's endpoint and an account's key."""
    account = load(config).accounts["A"]
    return {
        "AWS_ENDPOINT_URL": str(account["endpoint"]),
        "AWS_ACCESS_KEY_ID": str(account["access_key_id"]),
        "AWS_SECRET_ACCESS_KEY": str(account["secret_access_key"]),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def write_project(project: Path, account: Account) -> None:
    """A project of Sceptre's with our template, unchanged, and the values that trunkline gets."""
    for folder in ("config", "templates"):
        (project / folder).mkdir()
    shutil.copy(template("vpc", account), project / "templates" / "vpc.yaml")
    parameters = {**one_stack.PARAMETERS, **account.launch(lambda: "")}
    stack = {"template": {"type": "file", "path": "vpc.yaml"}, "parameters": parameters}
    (project / "config" / "config.yaml").write_text(yaml.safe_dump({"project_code": "peer", "region": account.region}))
    (project / "config" / "vpc.yaml").write_text(yaml.safe_dump(stack))


def timed(clients: Mapping[str, Client], account: Account) -> dict[str, tuple[float, float]]:
    """Median milliseconds of (launch, delete) of each client, in turn; the first round only warms them."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in clients}
    for _ in range(ROUNDS + 1):
        for name, client in clients.items():
            up = milliseconds(client.up)
            see(account, client.stack, there=True)
            down = milliseconds(client.down)
            see(account, client.stack, there=False)
            times[name].append((up, down))
    return {name: (median(0, kept), median(1, kept)) for name, kept in times.items()}


def milliseconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def median(which: int, kept: list[tuple[float, float]]) -> float:
    """The median of one of the two times, without the first round's."""
    return statistics.median(pair[which] for pair in kept[1:])


def see(account: Account, stack: str, *, there: bool) -> None:
    """Raise SystemExit unless the cloud agrees: what did not happen must not be timed."""
    if (account.outputs(stack) is not None) is not there:
        raise SystemExit(f"stack {stack} is {'not made' if there else 'not gone'}: there is nothing to measure")


def figures(times: Mapping[str, tuple[float, float]]) -> list[Figure]:
    """Every pair that says something, launch and delete; one of them is judged."""
    found = []
    for which, way in enumerate(("made", "deleted")):
        for name, ours in (("a process", "ours"), ("in a running process", "warm")):
            for peer in ("Sceptre", "Sceptre without its pauses"):
                value, other = times[ours][which], times[peer][which]
                judged = (way, ours, peer) == ("made", "ours", "Sceptre")
                found.append(
                    Figure(
                        f"a VPC stack {way}, {name}",
                        value,
                        "ms",
                        peer,
                        other,
                        f"at most 1/{TIMES} of Sceptre" if judged else "",
                        value * TIMES <= other if judged else None,
                    )
                )
    return found
