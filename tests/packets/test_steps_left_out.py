"""connect-vpc with a step left out on purpose: its last step says what is missing, and packets do not get through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comparing import as_read

from trunkline import pipe, undo
from trunkline._core.steps import step
from trunkline.blueprints import peering, reached, routing
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.federation import federation
from trunkline.blueprints.reached import NotReached
from trunkline.config import Config, load
from trunkline.network.reachability import trace
from trunkline.routers.vns3 import Vns3
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

pytestmark = [pytest.mark.packets, pytest.mark.lab, pytest.mark.long]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(pace=FAST, packets=True) as made:
        config = load(made.config)
        hubs = federation(config, "fed", account=config.account("B"))
        pipe(hubs.data, hubs.steps, run="fed")
        yield made


def nothing(*_: Any, **__: Any) -> None:
    """In place of a step."""


def no_firewall(monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    """Routers whose name has `whose` in it are told no rules."""
    real = Vns3.firewall

    def firewall(self: Vns3, router: Any, rules: Any) -> None:
        if whose not in router["name"]:
            real(self, router, rules)

    monkeypatch.setattr(Vns3, "firewall", firewall)


LEFT_OUT = {
    "nothing": lambda patch: None,
    "routes/up": lambda patch: patch.setattr(routing, "route_up", nothing),
    "routes/down": lambda patch: patch.setattr(routing, "route_down", nothing),
    "routers/new": lambda patch: no_firewall(patch, "acme"),
    "routers/federation": lambda patch: no_firewall(patch, "fed"),
    "peers": lambda patch: patch.setattr(peering, "peer", nothing),
}
REASONS = {
    "nothing": "",
    "routes/up": "is closed at fed-router-",
    "routes/down": "no route for 10.0.0.0/16",
    "routers/new": "router acme-router: its firewall has no rule",
    "routers/federation": "its firewall has no rule",
    "peers": "router acme-router: no route of its own",
}


@pytest.mark.parametrize("left_out", LEFT_OUT)
def test_a_step_left_out_is_caught(lab: Lab, left_out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config: Config = load(lab.config)
    LEFT_OUT[left_out](monkeypatch)
    monkeypatch.setattr(reached, "PATIENCE", 3.0)
    monkeypatch.setattr(peering, "verify", lambda *_: {"tunnels": []})  # it waits for what will not come
    job = connect_vpc(
        config, "acme", account=config.account("A"), federation_account=config.account("B"), federation="fed"
    )

    def place(state: dict[str, Any]) -> None:
        lab.add_host("app", state["app_subnet1_id"])

    steps = [*job.steps]
    vpc = next(number for number, (name, _) in enumerate(steps) if name == "vpc")
    steps.insert(vpc + 1, ("place", step(place, undo=lambda _: lab.hosts.remove("app"))))
    journal = tmp_path / "runs.sqlite"
    said = ""
    try:
        pipe(job.data, steps, journal=journal, run="acme")
    except NotReached as missing:
        said = str(missing)
    try:
        packets = lab.packets
        assert packets is not None
        answered = packets.ask("ping", source="app", target="datacentre", count=8)["received"]
        assert packets.applied is not None
        found = trace(as_read(packets.applied, packets.state()), "app", "datacentre", "icmp")
        assert (answered > 0) == (left_out == "nothing"), found
        assert found.reachable == (answered > 0), found
        assert REASONS[left_out] in said
        assert bool(said) == (left_out != "nothing")
    finally:
        undo(steps, journal=journal, run="acme")
