"""The eight-step job under every fault of the clouds, at every call of it and of its undo; judged by the audit.

A clean run tells which calls there are: a call is the name under which the lab's faults know it, and its how-manieth
of that name. Each life is struck once. What failed goes on or is undone as it is; what did not is undone; an undo that
failed is called again: in the end nothing may be left.
"""

import hashlib
import re
import warnings
from collections import Counter
from typing import NamedTuple

import pytest

from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.federation import federation
from trunkline.config import load
from trunkline.durable import runs
from trunkline.durable.journal import Journal
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

SHARDS = 32
STUBBORN = 8
CHANGES = re.compile(r"[/ :](Create|Delete|Execute|Authorize|Revoke|PUT|POST|DELETE)")
# What differs from run to run in a call's name: the run, ids, tokens, the run's own addresses.
OWN = re.compile(r"job-\d+|[0-9a-f]{8}-[0-9a-f-]{27}|trunkline-[0-9a-f.-]+|(?<=/)\d+(?=/|$)")

WIRE = [("error", {}), ("lost", {}), ("reset", {}), ("half", {}), ("html", {}), ("delay", {"seconds": 0.3})]
DONE = [("error", {"done": True}), ("reset", {"done": True}), ("html", {"done": True})]
CLOUD = [*WIRE, ("throttle", {"seconds": 1.0})]
REFUSED = {"aws": {"code": "UnauthorizedOperation", "status": 403}, "azure": {"code": "Conflict", "status": 409}}


class Strike(NamedTuple):
    """One fault at one call; `times` in a row, so that the client's own attempts run out, too."""

    call: str
    nth: int
    kind: str
    how: dict
    times: int
    undoing: bool

    def __str__(self):
        when = " of the undo" if self.undoing else ""
        return f"{self.kind} {self.how or ''} at {self.call}{when}, number {self.nth}, {self.times} in a row"

    def place(self):
        """A number that has nothing to do with the order: a slice of the sweep is a fair sample."""
        return int.from_bytes(hashlib.sha256(str(self).encode()).digest()[:4])


def kinds(call, inside):
    """Every kind of fault that makes sense at a call."""
    face = call.partition(":")[0]
    changes = bool(CHANGES.search(call))
    if face == "lab":
        return [("exhausted", {})]
    if inside:  # CloudFormation's own calls never leave the process
        return [
            ("error", {}),
            ("error", {"code": "UnauthorizedOperation"}),
            ("throttle", {}),
            ("delay", {"seconds": 0.3}),
        ]
    if face == "vns3":
        router = [*WIRE, ("hang", {"seconds": 1.0}), ("reboot", {"seconds": 0.3}), ("error", {"code": "BadRequest"})]
        return [*router, *DONE, ("reboot", {"seconds": 0.3, "done": True})] if changes else router
    cloud = [*CLOUD, ("error", REFUSED[face])]
    return [*cloud, *DONE] if changes else [*cloud, ("stale", {})]


class Site:
    """A lab in this process, with a federation, a journal, and the job in it."""

    def __init__(self, lab, directory):
        self.lab, self.config, self.number = lab, load(lab.config), 0
        self.journal = Journal(directory / "journal.db")
        plan = federation(self.config, "federation", account=self.config.account("B"))
        runs.pipe(plan.data, plan.steps, journal=self.journal, run="federation")

    def job(self):
        """The next run's name, and what does it: forward and undo."""
        self.number += 1
        name = f"job-{self.number}"
        accounts = {"account": self.config.account("A"), "federation_account": self.config.account("B")}
        plan = connect_vpc(self.config, name, **accounts, router_timeout=120.0)
        words = {"journal": self.journal, "run": name}
        return name, lambda: runs.pipe(plan.data, plan.steps, **words), lambda: runs.undo(plan.steps, **words)

    def strikes(self):
        """Every fault at every call of a clean run, and of its undo."""
        name, forward, undo = self.job()
        calls = [(call, False) for call in self.calls(forward).items()]
        self.judge(name, undone=False)
        calls += [(call, True) for call in self.calls(undo).items()]
        self.judge(name, undone=True)
        return [
            Strike(call, nth, kind, how, times, undoing)
            for ((call, inside), count), undoing in calls
            for nth in range(1, count + 1)
            for kind, how in kinds(call, inside)
            for times in ((1, STUBBORN) if kind in ("error", "lost", "throttle") and not inside else (1,))
        ]

    def calls(self, work):
        """How often each call is made in `work`."""
        seen, strike = Counter(), self.lab.faults.strike

        def counted(call, *places, inside=False):
            seen[OWN.sub("*", call), inside] += 1
            return strike(call, *places, inside=inside)

        self.lab.faults.strike = counted
        work()
        self.lab.faults.strike = strike
        return seen

    def live(self, strike):
        """One life: struck, gone on with or undone, judged. Answers what became of it."""
        name, forward, undo = self.job()
        if strike.undoing:
            forward()
            outcome = self.struck(strike, undo, failed="undo failed, then undone")
        else:
            outcome = self.struck(strike, forward, failed="failed, then undone")
        if outcome == "failed, then undone" and strike.place() % 2:
            outcome = "failed, then gone on with"
            forward()
        if not strike.undoing and outcome != "failed, then undone":
            self.judge(name, undone=False)
        undo()
        self.judge(name, undone=True)
        return outcome

    def struck(self, strike, work, failed):
        """Work under a fault; answers what became of it."""
        before, outcome = len(self.lab.faults.fired), "absorbed"
        for _ in range(strike.times):  # the first that is due strikes, so each of them hits the next call
            self.lab.faults.add(strike.call, strike.kind, nth=strike.nth, times=1, **strike.how)
        try:
            work()
        except Exception:
            outcome = failed
        self.lab.faults.clear()
        # How often is looked while waiting is not the same in every run.
        return outcome if len(self.lab.faults.fired) > before else "not met"

    def judge(self, run, undone):
        """0 duplicates, 0 orphans, 0 open access; and nothing at all of a run that was undone."""
        audit = self.lab.audit()
        assert audit.duplicates() == []
        assert [str(one) for each in audit.runs() for one in audit.orphans(each)] == []
        assert [str(one) for one in audit.open_access()] == []
        assert not undone or [str(one) for one in audit.of(run)] == []


def sweep(tmp_path, chosen):
    """Live through the strikes that are chosen; a life that fails gets a new lab after it. Answers what became of them.

    Raises:
        AssertionError: naming every life that failed.
    """
    became, bad, strikes, labs = Counter(), [], None, 0
    warnings.simplefilter("ignore")
    while strikes is None or strikes:
        labs += 1
        directory = tmp_path / str(labs)
        directory.mkdir()
        with Lab(pace=FAST) as lab:
            site = Site(lab, directory)
            if strikes is None:
                found = site.strikes()
                strikes = chosen(sorted(found, key=Strike.place))
                print(f"{len(found)} faults at {len({(one.call, one.nth, one.undoing) for one in found})} calls")
            while strikes:
                strike = strikes.pop()
                try:
                    became[site.live(strike)] += 1
                except BaseException as error:
                    bad.append(f"{strike}: {type(error).__name__}: {error} {getattr(error, '__notes__', '')}")
                    print(bad[-1], flush=True)
                    if not isinstance(error, (Exception, AssertionError)):
                        raise
                    break
            site.journal.close()
    print(f"{sum(became.values()) + len(bad)} lives, {len(bad)} bad: {dict(became)}; 0 left over in the others")
    assert not bad, "\n".join(bad)
    return became


def test_the_job_under_some_of_the_faults(tmp_path):
    became = sweep(tmp_path, lambda strikes: strikes[:5])
    assert sum(became.values()) == 5


@pytest.mark.long
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_job_under_every_fault_at_every_call(tmp_path, shard):
    assert sweep(tmp_path, lambda strikes: [strike for strike in strikes if strike.place() % SHARDS == shard])
