"""The proof at the end of connect-vpc: whatever of the job is left out, the proof names it."""

import re

import pytest

from trunkline import pipe
from trunkline.blueprints import reached
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.equipment import router_driver
from trunkline.blueprints.federation import federation
from trunkline.blueprints.peering import forward_rules, vpc_router
from trunkline.blueprints.reached import NotReached
from trunkline.blueprints.survey import Seen, survey
from trunkline.clouds.cloud import NextHop, Rule
from trunkline.config import load
from trunkline.network.reachability import trace
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST


class Job:
    """connect-vpc run once in a lab; what runs while its API is open is given as `inside`."""

    def __init__(self, lab):
        self.lab, self.config = lab, load(lab.config)
        self.a, self.b = self.config.account("A"), self.config.account("B")
        self.driver = router_driver(self.config)
        made = federation(self.config, "federation", account=self.b)
        pipe(made.data, made.steps, run="federation")
        self._state = None

    def connected(self, monkeypatch):
        """The state of the job as it is, run where it was not yet."""
        if self._state is None:
            self._state = self.connect(monkeypatch)
        return self._state

    def connect(self, monkeypatch, inside=None):
        proof = reached.prove
        if inside is not None:
            monkeypatch.setattr("trunkline.blueprints.connect_vpc.prove", lambda *args: inside(proof, *args))
        job = connect_vpc(self.config, "acme", account=self.a, federation_account=self.b)
        monkeypatch.undo()
        return pipe(job.data, job.steps, run="acme")


@pytest.fixture(scope="module")
def job():
    with Lab(pace=FAST) as lab:
        yield Job(lab)


def left_out(job, state):
    """What is left out of the job, each with how to leave it out, how to mend it, and what the proof says."""
    router, hubs = vpc_router(state), state["federation"]
    via = NextHop(state["router_interface_id"], state["router_assigned_private_address"])
    hop = NextHop(hubs[0]["interface"], hubs[0]["private_address"])
    rules = [rule for prefix in state["on_prem"] for rule in forward_rules(prefix, state["vpc_cidr"])]
    ike = Rule("udp", 500, f"{state['router_address']}/32")
    tables = {"table": state["app_route_table_id"], "prefix": "10.0.0.0/16"}
    up = {"table": hubs[0]["route_table"], "prefix": state["vpc_cidr"]}
    group, mine = state["federation_group_id"], {"run": "acme", "purpose": "ipsec"}
    fw = {"router": router, "rules": rules}
    yield (
        "routes/down",
        lambda: job.a.unroute(**tables),
        lambda: job.a.route(**tables, via=via, run="acme"),
        "no route for 10.0.0.0/16",
    )
    yield (
        "routes/up",
        lambda: job.b.unroute(**up),
        lambda: job.b.route(**up, via=hop, run="acme"),
        f"led to the internet, which does not carry {state['vpc_cidr']}",
    )
    yield (
        "the new router's firewall",
        lambda: job.driver.unfirewall(**fw),
        lambda: job.driver.firewall(**fw),
        "router acme-router: its firewall has no rule that lets",
    )
    yield (
        "the hubs' firewall",
        lambda: [job.driver.unfirewall(hub, rules) for hub in hubs],
        lambda: [job.driver.firewall(hub, rules) for hub in hubs],
        "router federation-router-N: its firewall has no rule that lets",
    )
    yield (
        "the rule that lets IKE in",
        lambda: job.b.revoke(group, ike, **mine),
        lambda: job.b.allow(group, ike, **mine),
        f"udp/500 from {state['router_address']} is closed at federation-router-N",
    )


def test_whatever_is_left_out_is_named(job, monkeypatch):
    seen = {}
    monkeypatch.setattr(reached, "PATIENCE", 0.0)

    def inside(proof, *args):
        state = args[-1]
        for name, leave_out, mend, _ in left_out(job, state):
            leave_out()
            with pytest.raises(NotReached) as raised:
                proof(*args)
            seen[name] = str(raised.value)
            mend()
            for router, other in ((vpc_router(state), hub) for hub in state["federation"]):
                job.driver.connected(router, other)
                job.driver.connected(other, router)
        router = vpc_router(state)
        for hub in state["federation"]:
            job.driver.remove_endpoint(hub, router)
        with pytest.raises(NotReached) as raised:
            proof(*args)
        seen["peers"] = str(raised.value)
        return {"reached": [], "expected": {name: words for name, _, _, words in left_out(job, state)}}

    state = job.connect(monkeypatch, inside)
    expected = {**state["expected"], "peers": "router federation-router-N has no tunnel back to"}
    for name, words in expected.items():
        # The tunnels are made side by side, so either hub may be the first.
        told = re.sub(r"federation-router-[12]", "federation-router-N", seen[name])
        assert words in told, (name, told)
    assert len(seen) == 6


def test_the_job_mends_what_was_left_out_and_tells_its_ways(job, monkeypatch):
    state = job.connected(monkeypatch)
    ways = [(way["from"], way["to"]) for way in state["reached"]]
    assert ways == [
        ("10.1.1.10", "10.0.0.10"),
        ("10.0.0.10", "10.1.1.10"),
        ("10.1.2.10", "10.0.0.10"),
        ("10.0.0.10", "10.1.2.10"),
    ]
    assert all(way["path"] for way in state["reached"])


def test_afterwards_the_api_is_shut_and_the_routers_are_shown_as_they_were(job, monkeypatch):
    state = job.connected(monkeypatch)
    found = survey(job.config)
    names = {router.name for router in found.federation.routers}
    assert names >= {"acme-router", "federation-router-1", "federation-router-2"}
    assert all("is shown as it was on" in note and "its API is shut" in note for note in found.notes)
    assert len(found.notes) == 3
    answer = trace(found.federation, state["app_subnet1_id"], "datacentre")
    assert answer.reachable, str(answer)


def test_without_a_memory_it_says_what_it_could_not_see(job, monkeypatch):
    state = job.connected(monkeypatch)
    kept = Seen(job.config.home)._path
    memory = kept.read_text()
    kept.write_text("{}")
    try:
        answer = trace(survey(job.config).federation, state["app_subnet1_id"], "datacentre")
    finally:
        kept.write_text(memory)
    assert "router acme-router: not read: its API is shut (" in answer.summary
    assert "open it for a minute with --open" in answer.summary


def test_with_open_the_routers_are_read_and_everything_is_closed_after(job, monkeypatch):
    from trunkline.blueprints.look import look

    state = job.connected(monkeypatch)
    found = look(job.config)
    assert found.notes == ()
    assert all(not router.unread for router in found.federation.routers)
    assert trace(found.federation, state["app_subnet2_id"], "datacentre").reachable
    assert [each for name in job.config.accounts for each in job.config.account(name).exposures()] == []
    assert job.a.outputs("look-acme-router") is None
