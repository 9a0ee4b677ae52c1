"""The main job: its wall against its critical path, and how often it calls whom.

A lab of normal pace in a process of its own; the federation in Azure, the VPC in AWS. Three floors are compared:
the steps' own time in the order in which they were written (what is above it is the pipe's own), the longest chain
of steps that truly need each other (what a perfect scheduler could reach with these steps), and what the clouds and
the router take by themselves (what nobody can reach who has work of his own to do).
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.figures import Figure
from bench.processes import COMMAND, OwnLab, children, run
from trunkline import pipe
from trunkline._core.events import Event, Outline, RunEnded, RunStarted, StepEnded
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.equipment import stack_name
from trunkline.blueprints.federation import federation
from trunkline.clouds.aws.plugin import AwsAccount
from trunkline.config import Config, load
from trunkline_lab.world import Pace

ROUNDS = 3
GOAL = 1.15
# What each step must wait for: keys of the state that another gives, or a door that another opens or still needs.
_API, _TOKENS = "caller-route/api-access", "caller-route/api-access/api-tokens"
_TUNNEL = f"{_TOKENS}/peers[*]/tunnel"
NEEDS: dict[str, tuple[str, ...]] = {
    "network-config": (),
    "vpc": ("network-config",),
    "routes/up": ("vpc",),
    "routes/down": ("vpc",),
    "caller-route#open": ("vpc",),
    f"{_API}#open": ("vpc",),
    f"{_API}/routers/new": ("caller-route#open", f"{_API}#open"),
    f"{_API}/routers/federation": (f"{_API}#open",),
    f"{_TOKENS}#open": (f"{_API}/routers/new", f"{_API}/routers/federation"),
    _TUNNEL: (f"{_TOKENS}#open",),
    f"{_TOKENS}/verify": (_TUNNEL,),
    f"{_TOKENS}#close": (f"{_TOKENS}/verify",),
    f"{_API}#close": (f"{_TOKENS}#close",),
    "caller-route#close": (f"{_TOKENS}#close",),
}


@dataclass
class Stopwatch:
    """An observer that keeps each step's seconds by its path, the run's outline and its wall."""

    outline: tuple[Outline, ...] = ()
    wall: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)

    def on(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self.outline = event.outline
            case StepEnded():
                self.steps[event.path] = event.seconds
            case RunEnded():
                self.wall = event.seconds


@dataclass(frozen=True)
class Job:
    """One run that connected a VPC: its times, the stack's own seconds, and how often it called each service."""

    times: Stopwatch
    stack: float
    calls: Mapping[str, int]


def measure() -> list[Figure]:
    """Seconds and calls of the run with the median wall; goal: at most 1.15 times its critical path."""
    with OwnLab("normal") as lab:
        config = load(lab.config)
        hub = federation(config, "fednet", account=config.account("B"))
        pipe(hub.data, hub.steps, run="fednet")
        jobs = [connected(lab, config, f"bench-{n}") for n in range(ROUNDS)]
        process = as_a_process(lab.config)
    middle = statistics.median_low(job.times.wall for job in jobs)
    job = next(job for job in jobs if job.times.wall == middle)
    wall, pace = job.times.wall, Pace()
    own, chain = sequential(job.times.outline, job.times.steps), longest_chain(job.times.steps)
    alone = job.stack + pace.boot + pace.reboot + pace.keyset
    name, goal = "connect-vpc, the eight steps", f"at most {GOAL:g} times"
    return [
        Figure(name, wall, "s", "its steps as written", own, goal, wall <= GOAL * own),
        Figure("  the same", wall, "s", "longest chain by need", chain, goal, wall <= GOAL * chain),
        Figure("  the same", wall, "s", "clouds and router alone", alone),
        Figure("  as a process, trunkline up", process, "s", "longest chain by need", chain),
        *(Figure(f"  its calls to {service}", count, "") for service, count in job.calls.items() if count),
    ]


def connected(lab: OwnLab, config: Config, name: str) -> Job:
    """Connect one more VPC to the federation. Raises SystemExit when a tunnel is not up."""
    account, times, before = config.account("A"), Stopwatch(), lab.calls()
    job = connect_vpc(config, name, account=account, federation_account=config.account("B"), federation="fednet")
    state = pipe(job.data, job.steps, run=name, observers=[times])
    after = lab.calls()
    if len(state["tunnels"]) != 4 or not all(end["connected"] for end in state["tunnels"]):
        raise SystemExit(f"run {name}: not every tunnel is up: there is nothing to measure")
    calls = {each: sum(counts.values()) - sum(before.get(each, {}).values()) for each, counts in after.items()}
    assert isinstance(account, AwsAccount)
    return Job(times, stack_seconds(account, stack_name(name, "vpc")), calls)


def as_a_process(config: Path) -> float:
    """Seconds of `trunkline up connect-vpc` as it is typed: with its start, its SDKs' loading and its last look."""
    words = [COMMAND, "up", "connect-vpc", "--config", str(config)]
    words += ["--account", "A", "--federation-account", "B", "--federation", "fednet"]
    with children() as env:
        run([*words, "--name", "bench-first"], env)  # leaves the byte code of all that it loaded
        started = time.perf_counter()
        run([*words, "--name", "bench-second"], env)
        return time.perf_counter() - started


def stack_seconds(account: AwsAccount, stack: str) -> float:
    """From a stack's first event to its last, as CloudFormation itself dates them."""
    events = account.session.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    times = [event["Timestamp"] for event in events]
    return (max(times) - min(times)).total_seconds()


def sequential(parts: Sequence[Outline], seconds: Mapping[str, float], path: str = "") -> float:
    """Steps one after the other summed up; of those side by side the longest; a scope with its opening and closing."""
    return sum(_one(part, seconds, f"{path}{part.name}") for part in parts)


def _one(part: Outline, seconds: Mapping[str, float], path: str) -> float:
    if part.kind == "step":
        return seconds[path]
    if part.kind == "group":
        return max(_one(member, seconds, f"{path}/{member.name}") for member in part.parts)
    if part.kind == "each":
        items = {found[0] for step in seconds if (found := re.match(re.escape(path) + r"\[[^]]*]", step))}
        return max(sequential(part.parts, seconds, f"{item}/") for item in items)
    if part.kind == "scope":
        return seconds[f"{path}#open"] + sequential(part.parts, seconds, f"{path}/") + seconds[f"{path}#close"]
    raise SystemExit(f"{path} is of kind {part.kind!r}: tell bench/job.py how its parts run")


def longest_chain(seconds: Mapping[str, float]) -> float:
    """The longest chain of steps of which each needs the one before, by NEEDS."""
    times: dict[str, float] = {}
    for path, took in seconds.items():
        kind = re.sub(r"\[[^]]*]", "[*]", path)
        times[kind] = max(took, times.get(kind, 0.0))
    if times.keys() != NEEDS.keys():
        changed = ", ".join(sorted(times.keys() ^ NEEDS.keys()))
        raise SystemExit(f"the job's steps have changed ({changed}): tell bench/job.py what they need")

    @cache
    def ended(kind: str) -> float:
        return times[kind] + max(map(ended, NEEDS[kind]), default=0.0)

    return max(map(ended, NEEDS))
