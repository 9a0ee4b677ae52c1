"""The lab's tunnels of real packets: their rate against strongSwan's own, and how long an outage lasts.

A tunnel of the lab is strongSwan's in user space with a VXLAN in it, between networks that judge every packet; the
peer is strongSwan's alone, on one wire: one tunnel either way, the same ciphers, the same direction, taken in turn.
An outage is the longest silence of a ping every 20 ms while the hub that carries it is killed, frozen or cut off.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench import hubs
from bench.figures import Figure
from trunkline_lab.packets import needs
from trunkline_lab.packets.child import Child

ROUNDS, SECONDS = 5, 3
GOAL = 0.9
_UP, _SETTLE, _WATCH = 30.0, 1.0, 9.0


def measure() -> list[Figure]:
    """Both, or nothing where packets cannot run."""
    lacking = needs.missing()
    if lacking:
        print(f"no packets here: {'; '.join(map(str, lacking))} missing", file=sys.stderr)
        return []
    with Child() as fabric:
        return [rate(fabric), *outages(fabric)]


def rate(fabric: Child) -> Figure:
    """TCP through one tunnel, from a host in one network to one in another, and through strongSwan alone, in turn."""
    fabric.apply(hubs.plan())
    _until(lambda: fabric.ask("ping", source="web", target="near", count=1)["received"])
    ours, bare = [], []
    with _bare() as measure_bare:
        for _ in range(ROUNDS):
            bare.append(measure_bare())
            ours.append(float(fabric.ask("iperf", source="web", target="near", seconds=SECONDS)["megabits_per_second"]))
    one, other = statistics.median(ours), statistics.median(bare)
    name = "rate through a tunnel between two networks"
    return Figure(name, one, "Mbit/s", "strongSwan alone", other, f"at least {GOAL}", one >= GOAL * other)


@contextmanager
def _bare() -> Iterator[Callable[[], float]]:
    words = [*needs.unshare(), sys.executable, "-m", "bench.bare_ipsec"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        assert bare.stdin is not None
        assert bare.stdout is not None

        def once() -> float:
            assert bare.stdin is not None
            assert bare.stdout is not None
            print(SECONDS, file=bare.stdin, flush=True)
            return float(bare.stdout.readline())

        yield once
        bare.stdin.close()


def outages(fabric: Child) -> Iterator[Figure]:
    """How long nothing passes when a hub is lost, by what notices it; and when it comes back."""
    for watch, plan in (
        ("BFD, 3 times 100 ms", hubs.plan(bgp=True, bfd=True)),
        ("BGP's hold time of 3 s", hubs.plan(bgp=True)),
        ("dead-peer detection, 1 s", hubs.plan()),
    ):
        fabric.apply(plan)
        _until(lambda: _carries(fabric))
        for kind in ("kill", "freeze", "cut"):
            lost, back = _outage(fabric, kind)
            yield Figure(f"outage when a hub is lost ({kind}), noticed by {watch}", lost, "s")
            yield Figure("  and when it comes back: packets lost", back, "", goal="0", reached=back == 0)


def _outage(fabric: Child, kind: str) -> tuple[float, int]:
    """The longest silence when the hub in use is lost, and how many packets are lost when it is back."""
    with ThreadPoolExecutor(1) as pool:
        pinging = pool.submit(fabric.ask, "flood", source="web", target="db", seconds=_WATCH)
        time.sleep(_SETTLE)
        fabric.ask("strike", router="hub1", kind=kind)
        lost = float(pinging.result()["longest_silence"])
        pinging = pool.submit(fabric.ask, "flood", source="web", target="db", seconds=_WATCH)
        time.sleep(_SETTLE)
        fabric.ask("mend")
        told = pinging.result()
    _until(lambda: _carries(fabric))
    return lost, int(told["sent"] - told["received"])


def _carries(fabric: Child) -> bool:
    """Whether all that is to be up is up, and packets pass."""
    states = fabric.state()
    tunnels = [tunnel.up for state in states for tunnel in state.tunnels]
    sessions = [session.state == "Established" for state in states for session in state.sessions]
    return all((*tunnels, *sessions)) and bool(fabric.ask("ping", source="web", target="db", count=1)["received"])


def _until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + _UP
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("the fabric does not come up")
        time.sleep(0.1)
