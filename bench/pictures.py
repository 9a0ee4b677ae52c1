"""Drawing a federation, against writing the same federation as JSON; processor time, for neither waits for anybody."""

from __future__ import annotations

from functools import partial
from time import process_time

from bench.figures import Figure, paired
from trunkline.network.model import Federation, Network, Route, Router, RouteTable, RuleSet, Site, Subnet, Tunnel
from trunkline.network.serial import dumps
from trunkline.views.report import Report, page
from trunkline.views.topology import topology

ROUNDS = 9
GOAL = 100.0  # milliseconds for 300 networks
SITE = Site("datacentre", "203.0.113.10", ("10.0.0.0/16",))


def measure() -> list[Figure]:
    """Milliseconds of the processor for a picture of 300 and of 3,000 networks, and for a page of 300."""
    figures, times = [], {}
    for count in (300, 3000):
        federation = star(count)
        drawn, written = paired(
            partial(topology, federation), partial(dumps, federation), ROUNDS if count < 1000 else 3
        )
        times[count] = drawn * 1000
        judged = count == 300
        figures.append(
            Figure(
                f"a picture of {count:,} networks",
                drawn * 1000,
                "ms",
                "the same as JSON",
                written * 1000,
                f"at most {GOAL:g} ms" if judged else "at most 11 times as long as 300",
                drawn * 1000 <= GOAL if judged else times[3000] <= 11 * times[300],
            )
        )
    federation = star(300)
    reported, written = paired(
        lambda: page(Report("acme", "done", 0.0, 1.0, federation=federation)),
        partial(dumps, federation),
        ROUNDS,
        process_time,
    )
    figures.append(Figure("a report of 300 networks", reported * 1000, "ms", "the network as JSON", written * 1000))
    return figures


def star(count: int) -> Federation:
    """`count` networks in 12 accounts, each with tunnels to both routers of a federation; every 20th is down."""
    hubs = [_router(f"hub-{zone}", "vnet", f"198.18.0.{zone}") for zone in (1, 2)]
    networks, routers = [Network("vnet", "federation", "azure", "B", ("10.254.0.0/24",))], []
    to_hubs = tuple(Tunnel(f"{n}", hub.name, str(hub.public_address), up=True) for n, hub in enumerate(hubs))
    far: list[Tunnel] = [Tunnel("0", SITE.name, SITE.address, up=True)]
    for place in range(count):
        cidr, key = f"10.{place // 256}.{place % 256}.0/24", f"vpc-{place:05}"
        address = f"198.19.{place // 256}.{place % 256}"
        up = bool(place % 20)
        table = RouteTable(f"rtb-{place}", (Route(cidr, "local"), Route("10.0.0.0/16", f"eni-{key}")), (f"{key}-a",))
        subnets = (Subnet(f"{key}-r", "router", cidr), Subnet(f"{key}-a", "app", cidr))
        group = RuleSet(f"sg-{place}", "routers")
        networks.append(Network(key, key, "aws", f"A{place % 12:02}", (cidr,), subnets, (table,), (group,)))
        tunnels = tuple(Tunnel(each.id, each.name, each.peer, up=up) for each in to_hubs)
        routers.append(_router(f"{key}-router", key, address, tunnels))
        far.append(Tunnel(f"{place + 1}", f"{key}-router", address, up=up))
    hubs = [_router(hub.name, hub.network, str(hub.public_address), tuple(far)) for hub in hubs]
    return Federation(tuple(networks), (*hubs, *routers), (SITE,))


def _router(name: str, network: str, address: str, tunnels: tuple[Tunnel, ...] = ()) -> Router:
    return Router(name, name, network, f"eni-{network}", "10.0.0.4", address, tunnels=tunnels)
