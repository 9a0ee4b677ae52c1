"""What the trace says of a federation, and what packets do in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from random_federations import SITE_HOST, asked

from trunkline.network.model import Federation
from trunkline.network.reachability import Reachability
from trunkline_lab.packets.child import Child
from trunkline_lab.packets.plan import GatewayState, Plan

_SETTLED = 0.5  # seconds without a change
_PATIENCE = 12.0


@dataclass(frozen=True)
class Disagreement:
    """One question with two answers."""

    question: tuple[str, str, str, int]
    trace: str
    packets: str
    reached: bool

    def __str__(self) -> str:
        one, protocol, other, port = self.question
        return f"{one} -> {other} {protocol}/{port}: packets: {self.packets}; trace: {self.trace}"


def compare(fabric: Child, plan: Plan) -> tuple[int, list[Disagreement]]:
    """Ask all pairs both ways. How many were asked, and where the two disagree."""
    fabric.apply(plan)
    questions, states = asked(plan), settled(fabric, expected(plan))
    for _ in range(5):
        wrong = _differences(plan, states, questions, fabric.ask("connect", asked=questions, wait=1.0))
        if late := [each.question for each in wrong if not each.reached]:
            # An answer that did not come may only be late, on a machine with other work; one that came is a fact.
            again = fabric.ask("connect", asked=late, wait=5.0)
            wrong = [each for each in wrong if each.reached] + _differences(plan, states, late, again)
        if standing(states) == standing(states := settled(fabric, expected(plan))):
            return len(questions), wrong
    raise AssertionError("tunnels do not come to rest")


def expected(plan: Plan) -> set[tuple[str, str]]:
    """The tunnels that come up, as far as both ends alone decide: both are there and run, with one secret."""
    running = {router.id for router in plan.federation.routers if router.running} | {"site/dc"}
    ends = {(o.address, o.peer): o for o in plan.offers if o.gateway in running}
    found = set()
    for (address, peer), ours in ends.items():
        theirs = ends.get((str(peer), address)) or ends.get((str(peer), None))
        if peer is not None and theirs is not None and theirs.secret == ours.secret:
            found.add((ours.gateway, str(ours.tunnel)))
    return found


def settled(fabric: Child, awaited: set[tuple[str, str]]) -> tuple[GatewayState, ...]:
    """How the gateways stand once the tunnels that are awaited are up, and nothing has changed for a while.

    A tunnel that was lost and has just come back is waited for, too: where another way is as good, it is passed by.
    """
    deadline, since, last = time.monotonic() + _PATIENCE, time.monotonic(), None
    while True:
        states = fabric.state()
        now, up = time.monotonic(), standing(states)
        returning = {(state.id, tunnel.tunnel) for state in states for tunnel in state.tunnels if tunnel.returning}
        if (up, returning) != last:
            last, since = (up, returning), now
        waiting = returning or not all(up.get(tunnel) for tunnel in awaited)
        if (now - since > _SETTLED and not waiting) or now > deadline:
            return states
        time.sleep(0.1)


def standing(states: Sequence[GatewayState]) -> dict[tuple[str, str], bool]:
    """Which tunnels are up."""
    return {(state.id, tunnel.tunnel): tunnel.up for state in states for tunnel in state.tunnels}


def as_read(plan: Plan, states: Sequence[GatewayState]) -> Federation:
    """The federation as it would be read now: with the tunnels that are up."""
    up = standing(states)
    routers = tuple(
        replace(router, tunnels=tuple(replace(each, up=up.get((router.id, each.id), False)) for each in router.tunnels))
        for router in plan.federation.routers
    )
    return replace(plan.federation, routers=routers)


def _differences(
    plan: Plan,
    states: Sequence[GatewayState],
    questions: Sequence[tuple[str, str, str, int]],
    answers: Sequence[dict[str, str]],
) -> list[Disagreement]:
    reachability = Reachability(as_read(plan, states))
    owners = {i.public_address: i for network in plan.federation.networks for i in network.interfaces}
    named = {host.interface: host.name for host in plan.hosts}
    wrong = []
    for question, answer in zip(questions, answers, strict=True):
        one, protocol, other, port = question
        found = reachability.trace(_end(plan, one), _end(plan, other), protocol, port)
        reached = answer["host"] == (named[owners[other].id] if other in owners else other)
        if found.reachable != reached:
            said = f"{answer['answer']} {answer['host']}".strip()
            wrong.append(Disagreement(question, str(found) if found.reachable else found.summary, said, reached))
    return wrong


def _end(plan: Plan, name: str) -> str:
    for host in plan.hosts:
        if host.name == name:
            return host.interface or f"{host.site}:{SITE_HOST}"
    return name
