"""The main job for every pair of clouds: real packets from the new VPC to the datacentre, BGP where asked."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from trunkline import pipe
from trunkline.blueprints.connect_vpc import connect_vpc
from trunkline.blueprints.federation import federation
from trunkline.config import load
from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

pytestmark = [pytest.mark.packets, pytest.mark.lab, pytest.mark.long]
PAIRS = [("A", "B", False), ("B", "A", False), ("A", "A2", True), ("B", "B2", True)]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(pace=FAST, packets=True) as made:
        yield made


@pytest.mark.parametrize(("x", "y", "bgp"), PAIRS, ids=[f"{x}-{y}" for x, y, _ in PAIRS])
def test_a_host_of_x_reaches_the_datacentre_by_a_federation_of_y(lab: Lab, x: str, y: str, bgp: bool) -> None:
    config, number = load(lab.config), PAIRS.index((x, y, bgp))
    hubs = federation(
        config, f"fed-{y.lower()}", account=config.account(y), cidr=IPv4Network(f"10.{250 + number}.0.0/24")
    )
    pipe(hubs.data, hubs.steps, run=f"fed-{y.lower()}")
    accounts = {"account": config.account(x), "federation_account": config.account(y)}
    job = connect_vpc(config, f"acme-{number}", **accounts, federation=f"fed-{y.lower()}", bgp=bgp)
    state = pipe(job.data, job.steps, run=f"acme-{number}")
    name = f"app-{number}"
    made = lab.add_host(name, state["app_subnet1_id"])
    assert lab.packets is not None
    assert lab.packets.ask("ping", source=name, target="datacentre", count=3)["received"] == 3
    answer = lab.packets.ask("curl", source=name, target="10.0.0.10", port=443)
    assert answer["status"] == 200
    assert f'"you": "{made["address"]}"' in answer["body"]
