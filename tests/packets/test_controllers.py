"""What a controller's API says of tunnels and BGP in a lab with packets is what charon and bird say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from negotiated import within
from vns3_rig import Api, license_router, until

from trunkline_lab.lab import Lab
from trunkline_lab.world import FAST

pytestmark = [pytest.mark.packets, pytest.mark.lab]
SECRET, SOON = "a-secret-of-two", 20.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(pace=FAST, packets=True, routers=2) as made:
        yield made


@pytest.fixture(scope="module")
def pair(lab: Lab) -> tuple[Any, Any]:
    """Two licensed controllers on the workbench: an open network, with the internet around it."""
    apis = [Api(each.machine, each, each.machine.default_password) for each in lab.controllers.all()]
    for number, api in enumerate(apis, 1):
        until(api.reachable)
        license_router(api)
        api.ok("PUT", "/peering/self", {"id": number, "force": True})  # numbers of their own
    return apis[0], apis[1]


def endpoint(api: Any, name: str, peer: str, secret: str, inside: str) -> Any:
    fields = {"name": name, "ipaddress": peer, "secret": secret, "route_based_int_address": inside, "pfs": True}
    fields |= {"ike_version": 2, "vpn_type": "vti", "extra_config": f"local-peer-id={api.address}"}
    fields |= {"route_based_local": "0.0.0.0/0", "route_based_remote": "0.0.0.0/0", "nat_t_enabled": "False"}
    return api.ok("POST", "/ipsec/endpoints", fields)


def status(api: Any, tunnel: int) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/status/ipsec")[str(tunnel)]
    return found


def history(api: Any, remote: Any, tunnel: int) -> list[str]:
    told = api.get(f"/status/link_history?remote={remote['ipaddress']}&tunnelid={tunnel}")
    return [each["event"] for each in told["history"]]


def test_connected_history_and_bgp_are_those_of_the_real_thing(lab: Lab, pair: tuple[Any, Any]) -> None:
    one, two = pair
    here = endpoint(one, "to two", two.address, SECRET, "169.254.7.1/30")
    there = endpoint(two, "to one", one.address, "another", "169.254.7.2/30")
    ours, theirs = (int(next(iter(each["tunnels"]))) for each in (here, there))
    assert not within(2.0, lambda: status(one, ours)["connected"])  # the secrets differ

    def reason() -> str:
        report = next(each for each in lab.controllers.reports() if each["id"] == one.machine.id)
        return str(report["tunnels"][0]["reason"])  # type: ignore[index]

    assert within(SOON, lambda: "secret" in reason())  # it takes an attempt to know
    two.ok("PUT", f"/ipsec/endpoints/{there['id']}", {"secret": SECRET})
    assert within(SOON, lambda: status(one, ours)["connected"] and status(two, theirs)["connected"])
    assert status(one, ours)["tunnel_params"]["ike_version"] == "2"

    two.ok("POST", "/routes", {"cidr": "10.77.0.0/16", "interface": "eth0", "advertise": True})
    asns = [api.get("/config")["asn"] for api in pair]
    for api, far, asn, number in (
        (one, "169.254.7.2", asns[1], here["id"]),
        (two, "169.254.7.1", asns[0], there["id"]),
    ):
        peer = {"ipaddress": far, "asn": asn, "hold_time": 3, "keepalive_interval": 1}
        api.ok("POST", f"/ipsec/endpoints/{number}/ebgp_peers", peer)
    assert within(SOON, lambda: ["10.77.0.0", "255.255.0.0"] in one.get("/status/connected_subnets"))
    [peers] = [each["bgp_peers"] for each in one.get("/ipsec")["remote_endpoints"].values()]
    assert [each["connection_detail"] for each in peers.values()] == ["Established"]

    lab.packets.ask("strike", router=two.machine.id, kind="freeze")  # type: ignore[union-attr]
    assert within(SOON, lambda: not status(one, ours)["connected"])
    assert ["10.77.0.0", "255.255.0.0"] not in one.get("/status/connected_subnets")
    lab.packets.ask("mend")  # type: ignore[union-attr]
    assert within(SOON, lambda: status(one, ours)["connected"])
    assert history(one, here, ours) == ["up", "down", "up"]
    one.ok("PUT", f"/ipsec/endpoints/{here['id']}/tunnels/{ours}", {"bounce": True})
    # It may be up again before anybody asks; that it was down is written down.
    assert within(SOON, lambda: history(one, here, ours) == ["up", "down", "up", "down", "up"])
    assert status(one, ours)["connected"]


def test_the_datacentre_says_what_its_own_charon_says(lab: Lab, pair: tuple[Any, Any]) -> None:
    one, _ = pair
    site = lab.site
    made = endpoint(one, "to site", site.address, site.secret, "169.254.9.1/30")
    tunnel = int(next(iter(made["tunnels"])))
    assert within(SOON, lambda: status(one, tunnel)["connected"])
    assert within(SOON, lambda: [each["connected"] for each in lab.site_tunnels()] == [True])
    lab.packets.ask("strike", router="datacentre", kind="kill")  # type: ignore[union-attr]
    assert within(SOON, lambda: not status(one, tunnel)["connected"])
    lab.packets.ask("mend", router="datacentre")  # type: ignore[union-attr]
    assert within(SOON, lambda: status(one, tunnel)["connected"])
