"""The network by what runs recorded."""

from __future__ import annotations

from typing import Any

from trunkline.blueprints.recorded import joined, recorded
from trunkline.network.model import Site

SITE = Site("datacentre", "203.0.113.10", ("10.0.0.0/16",))
HUBS = [
    {
        "name": f"fednet-router-{zone}",
        "address": f"198.51.100.{zone}",
        "private_address": f"10.254.0.{zone}",
        "instance": f"vm-{zone}",
        "interface": f"nic-{zone}",
        "cidr": "10.254.0.0/24",
    }
    for zone in (1, 2)
]
FEDNET: dict[str, Any] = {
    "federation_network_id": "vnet-1",
    "federation_cidr": "10.254.0.0/24",
    "router_subnet1_cidr": "10.254.0.0/28",
    "federation": HUBS,
    "tunnels": [{"router": "fednet-router-1", "to": "datacentre", "at": "203.0.113.10", "connected": True}],
}
ACME: dict[str, Any] = {
    "federation": HUBS,
    "vpc_id": "vpc-1",
    "vpc_cidr": "10.1.0.0/16",
    "router_instance_id": "i-1",
    "router_address": "198.51.100.7",
    "tunnels": [
        {"router": "acme-router", "to": "fednet-router-1", "at": "198.51.100.1", "connected": True},
        {"router": "fednet-router-1", "to": "acme-router", "at": "198.51.100.7", "connected": False},
    ],
}


def test_a_run_that_made_no_network_tells_of_none() -> None:
    assert recorded("other", {"x": 1, "federation": "fednet"}, sites=[SITE]).networks == ()
    assert recorded("other", {}, sites=[SITE]).sites == ()


def test_a_run_that_got_as_far_as_its_plan_knows_the_federation() -> None:
    found = recorded("acme", {"federation": HUBS}, account="A", hub_account="B")
    assert [(each.name, each.account, each.cidrs) for each in found.networks] == [
        ("federation", "B", ("10.254.0.0/24",))
    ]
    assert [router.name for router in found.routers] == ["fednet-router-1", "fednet-router-2"]
    assert all(router.unread for router in found.routers)


def test_two_runs_are_joined_by_their_routers() -> None:
    fednet = recorded("fednet", FEDNET, account="B", sites=[SITE])
    acme = recorded("acme", ACME, account="A", hub_account="B", sites=[SITE])
    for parts in ([fednet, acme], [fednet, acme, acme]):
        whole = joined(parts)
        assert [(each.id, each.account) for each in whole.networks] == [("vnet-1", "B"), ("vpc-1", "A")]
        hub = next(router for router in whole.routers if router.name == "fednet-router-1")
        assert hub.network == "vnet-1"
        assert [(tunnel.peer, tunnel.up) for tunnel in hub.tunnels] == [("203.0.113.10", True), ("198.51.100.7", False)]
        assert whole.sites == (SITE,)
    alone = joined([acme])
    assert [each.id for each in alone.networks] == ["the network 10.254.0.0/24", "vpc-1"]
