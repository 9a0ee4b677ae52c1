"""Random federations from a seed, each with some of its parts left out, and what is to be asked of them.

Everything that can be forgotten is said by name (`Draft.has`), so a draft first tells which parts there are, and is
then written again without some of them.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from trunkline.network.model import (
    Federation,
    Filter,
    Interface,
    Network,
    Peering,
    Permission,
    Route,
    Router,
    RouterRoute,
    RouteTable,
    RuleSet,
    Site,
    Subnet,
    Tunnel,
)
from trunkline_lab.packets.plan import HostPlan, Plan
from trunkline_lab.tunnels import Offer

ANY = "0.0.0.0/0"
SITE, SITE_ADDRESS, SITE_HOST = "10.0.0.0/16", "203.0.113.1", "10.0.0.10"
PORTS = (("tcp", 443), ("tcp", 80), ("udp", 53))
AZURE_DEFAULTS = (
    Permission("in", "any", 0, 65535, "VirtualNetwork", "allow", 65000, "VirtualNetwork"),
    Permission("in", "any", 0, 65535, ANY, "deny", 65500),
    Permission("out", "any", 0, 65535, "VirtualNetwork", "allow", 65000, "VirtualNetwork"),
    Permission("out", "any", 0, 65535, "Internet", "allow", 65001),
    Permission("out", "any", 0, 65535, ANY, "deny", 65500),
)


@dataclass(frozen=True)
class Shape:
    """What a federation is like before anything is left out."""

    vpcs: tuple[str, ...]  # the cloud of each
    hubs: int
    hub_cloud: str
    peered: bool
    public: bool
    lists: bool

    @staticmethod
    def drawn(dice: random.Random) -> Shape:
        """One by chance."""
        return Shape(
            vpcs=tuple(dice.choice(("aws", "azure")) for _ in range(dice.randint(1, 3))),
            hubs=dice.randint(1, 2),
            hub_cloud=dice.choice(("aws", "azure")),
            peered=dice.random() < 0.5,
            public=dice.random() < 0.5,
            lists=dice.random() < 0.5,
        )


@dataclass
class Draft:
    """A federation of a shape, without some parts.

    Parameters:
        shape: What it is like.
        without: The names of the parts that are left out.

    Attributes:
        parts: The names of all parts, known once it is written.
    """

    shape: Shape
    without: Collection[str] = ()
    parts: dict[str, None] = field(default_factory=dict)

    def has(self, part: str) -> bool:
        """Whether this part is there."""
        self.parts[part] = None
        return part not in self.without

    def plan(self) -> Plan:
        """The federation as a plan, with the offers of its tunnels."""
        spokes = [self._spoke(number) for number in range(1, len(self.shape.vpcs) + 1)]
        hubs = self._hubs()
        routers = [self._spoke_router(number) for number in range(1, len(spokes) + 1)]
        routers += [self._hub_router(number) for number in range(1, self.shape.hubs + 1)]
        federation = Federation((*spokes, hubs), tuple(routers), (Site("dc", SITE_ADDRESS, (SITE,)),))
        hosts = [HostPlan(f"h{n}", f"eni-h{n}") for n in range(1, len(spokes) + 1)]
        hosts += [HostPlan(f"g{n}", f"eni-g{n}") for n in range(1, len(spokes) + 1)]
        return Plan(federation, tuple(self._offers(routers)), (*hosts, HostPlan("dc", site="dc", address=SITE_HOST)))

    # ── a VPC with its router ───────────────────────────────────────────────────────────────────────────────────────

    def _cidr(self, number: int) -> str:
        if number > 1 and not self.has(f"vpc{number}: a prefix of its own"):
            return self._cidr(number - 1)
        if number == 1 and not self.has("vpc1: a prefix apart from the site's"):
            return SITE
        return f"10.{number}.0.0/16"

    def _spoke(self, number: int) -> Network:
        name, cloud, cidr = f"vpc{number}", self.shape.vpcs[number - 1], self._cidr(number)
        base = cidr.removesuffix(".0.0/16")
        near = f"eni-r{number}" if cloud == "aws" else f"{base}.0.4"
        app = [Route(cidr, "local")]
        if self.has(f"{name}: route down"):
            app.append(Route(SITE, near))
        if self.shape.public and self.has(f"{name}: default route"):
            app.append(Route(ANY, "internet"))
        neighbours = [n for n in (number - 1, number + 1) if self.shape.peered and 1 <= n <= len(self.shape.vpcs)]
        app += [
            Route(self._cidr(other), f"pcx-{min(number, other)}")
            for other in neighbours
            if self.has(f"{name}: route to peered vpc{other}") and self._cidr(other) != cidr
        ]
        routers = [Route(cidr, "local")]
        routers += [Route(f"{self._hub_address(n)}/32", "internet") for n in range(1, self.shape.hubs + 1)]
        sets = self._sets(number, cloud, base)
        acl = self._acl(name, base) if self.shape.lists and cloud == "aws" else None
        lists = (acl.id,) if acl else ()
        return Network(
            id=name,
            name=name,
            cloud=cloud,
            account="A",
            cidrs=(cidr,),
            subnets=(
                Subnet(f"{name}-r", "r", f"{base}.0.0/24"),
                Subnet(f"{name}-a", "a", f"{base}.1.0/24", rule_sets=lists),
                Subnet(f"{name}-b", "b", f"{base}.2.0/24"),
            ),
            route_tables=(
                RouteTable(f"{name}-rt-r", tuple(routers), (f"{name}-r",)),
                RouteTable(f"{name}-rt-a", tuple(app), (f"{name}-a", f"{name}-b")),
            ),
            rule_sets=(*sets, *((acl,) if acl else ())),
            interfaces=(
                Interface(
                    f"eni-r{number}",
                    f"{name}-r",
                    f"{base}.0.4",
                    f"198.51.100.{number}",
                    (f"{name}-sg-r",),
                    self.has(f"{name}: the router forwards"),
                    f"i-r{number}",
                ),
                self._host(number, "h", f"{name}-a", f"{base}.1.10"),
                self._host(number, "g", f"{name}-b", f"{base}.2.10"),
            ),
            peerings=tuple(
                Peering(f"pcx-{min(number, n)}", f"vpc{n}", self.has(f"vpc{min(number, n)}: peering"))
                for n in neighbours
            ),
        )

    def _host(self, number: int, letter: str, subnet: str, address: str) -> Interface:
        public = f"198.51.100.{number + (100 if letter == 'h' else 120)}" if self.shape.public else None
        return Interface(
            f"eni-{letter}{number}", subnet, address, public, (f"vpc{number}-sg-a",), False, f"i-{letter}{number}"
        )

    def _sets(self, number: int, cloud: str, base: str) -> tuple[RuleSet, ...]:
        name, defaults = f"vpc{number}", AZURE_DEFAULTS if cloud == "azure" else ()
        out = () if cloud == "azure" else (Permission("out", "any", 0, 65535, ANY),)
        router = [*self._ike(name, [self._hub_address(n) for n in range(1, self.shape.hubs + 1)], cloud)]
        if self.has(f"{name}: rule that lets the subnets' packets in to the router"):
            router.append(Permission("in", "any", 0, 65535, f"{base}.0.0/16", priority=300 if cloud == "azure" else 0))
        app = []
        if self.has(f"{name}: rule for tcp/443"):
            app.append(Permission("in", "tcp", 443, 443, "10.0.0.0/8", priority=200))
        if self.has(f"{name}: rule for udp"):
            app.append(Permission("in", "udp", 0, 65535, "10.0.0.0/8", priority=210))
        if self.shape.public and self.has(f"{name}: rule for the internet"):
            app.append(Permission("in", "tcp", 443, 443, "198.51.100.0/24", priority=220))
        if self.has(f"{name}: hosts of a group reach each other"):
            app.append(Permission("in", "tcp", 80, 80, f"{name}-sg-a", priority=230))
        if cloud == "azure" and not self.has(f"{name}: no denial of tcp/80"):
            app.append(Permission("in", "tcp", 80, 80, ANY, "deny", 150))
        if cloud == "aws":
            out = out if self.has(f"{name}: rule that lets everything out") else ()
        return (
            RuleSet(
                f"{name}-sg-r",
                "router",
                (*router, *(out or (Permission("out", "any", 0, 65535, ANY),) if cloud == "aws" else ()), *defaults),
            ),
            RuleSet(f"{name}-sg-a", "app", (*app, *out, *defaults)),
        )

    def _ike(self, name: str, peers: list[str], cloud: str) -> Iterator[Permission]:
        for place, peer in enumerate(peers):
            if self.has(f"{name}: rule for IKE from {peer}"):
                for port in (500, 4500):
                    priority = 100 + 10 * place + port % 7 if cloud == "azure" else 0
                    yield Permission("in", "udp", port, port, f"{peer}/32", priority=priority)

    def _acl(self, name: str, base: str) -> RuleSet:
        permissions = [
            Permission("in", "any", 0, 65535, ANY, priority=200),
            Permission("out", "any", 0, 65535, ANY, priority=200),
        ]
        if not self.has(f"{name}: the ACL lets answers of tcp out"):
            permissions.append(Permission("out", "tcp", 1024, 65535, "10.0.0.0/8", "deny", 100))
        if not self.has(f"{name}: the ACL lets tcp/443 in"):
            permissions.append(Permission("in", "tcp", 443, 443, ANY, "deny", 100))
        return RuleSet(f"{name}-acl", "", tuple(permissions), stateful=False)

    def _spoke_router(self, number: int) -> Router:
        name, cidr = f"vpc{number}", self._cidr(number)
        base = cidr.removesuffix(".0.0/16")
        tunnels, routes = [], [RouterRoute(ANY, gateway=f"{base}.0.1")]
        for hub in range(1, self.shape.hubs + 1):
            if self.has(f"{name}: tunnel to hub{hub}"):
                tunnels.append(
                    self._tunnel(str(hub), f"hub{hub}", self._hub_address(hub), f"169.254.{number}.{hub * 4 + 1}/30")
                )
                if self.has(f"{name}: the router's route to the site by hub{hub}"):
                    routes.append(RouterRoute(SITE, tunnel=str(hub), metric=hub))
        return Router(
            id=f"i-r{number}",
            name=f"r{number}",
            network=name,
            interface=f"eni-r{number}",
            private_address=f"{base}.0.4",
            public_address=f"198.51.100.{number}",
            tunnels=tuple(tunnels),
            routes=tuple(routes),
            filters=tuple(self._filters(name, cidr)),
            forwards=False,
        )

    # ── the hubs ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _hub_address(self, hub: int) -> str:
        return f"198.51.100.{200 + hub}"

    def _hubs(self) -> Network:
        cloud = self.shape.hub_cloud
        numbers = range(1, self.shape.hubs + 1)
        vpcs = [f"198.51.100.{n}" for n in range(1, len(self.shape.vpcs) + 1)]
        out = AZURE_DEFAULTS if cloud == "azure" else (Permission("out", "any", 0, 65535, ANY),)
        ike = self._ike("hub", [SITE_ADDRESS, *vpcs], cloud)
        return Network(
            id="hub",
            name="hub",
            cloud=cloud,
            account="B",
            cidrs=("10.254.0.0/24",),
            subnets=(Subnet("hub-r", "r", "10.254.0.0/26"),),
            route_tables=(RouteTable("hub-rt", (Route("10.254.0.0/24", "local"), Route(ANY, "internet")), ("hub-r",)),),
            rule_sets=(RuleSet("hub-sg", "hub", (*ike, *out)),),
            interfaces=tuple(
                Interface(
                    f"eni-hub{n}", "hub-r", f"10.254.0.{10 + n}", self._hub_address(n), ("hub-sg",), True, f"i-hub{n}"
                )
                for n in numbers
            ),
        )

    def _hub_router(self, hub: int) -> Router:
        name, tunnels = (
            f"hub{hub}",
            [self._tunnel("100", "dc", SITE_ADDRESS, f"169.254.200.{hub * 4 + 1}/30")],
        )
        routes, filters = [RouterRoute(ANY, gateway="10.254.0.1")], []
        if self.has(f"{name}: route to the site"):
            routes.append(RouterRoute(SITE, tunnel="100"))
        for number in range(1, len(self.shape.vpcs) + 1):
            if self.has(f"{name}: tunnel to vpc{number}"):
                tunnels.append(
                    self._tunnel(
                        str(number), f"r{number}", f"198.51.100.{number}", f"169.254.{number}.{hub * 4 + 2}/30"
                    )
                )
                if self.has(f"{name}: route to vpc{number}"):
                    routes.append(RouterRoute(self._cidr(number), tunnel=str(number)))
            filters += self._filters(name, self._cidr(number))
        return Router(
            id=f"i-hub{hub}",
            name=name,
            network="hub",
            interface=f"eni-hub{hub}",
            private_address=f"10.254.0.{10 + hub}",
            public_address=self._hub_address(hub),
            tunnels=tuple(tunnels),
            routes=tuple(routes),
            filters=tuple(filters),
            forwards=False,
            running=hub == 1 or self.has(f"{name}: it runs"),
        )

    # ── what both have ──────────────────────────────────────────────────────────────────────────────────────────────

    def _filters(self, name: str, cidr: str) -> Iterator[Filter]:
        if self.has(f"{name}: the firewall lets {cidr} to the site pass"):
            yield Filter(cidr, SITE)
        if self.has(f"{name}: the firewall lets the site to {cidr} pass"):
            yield Filter(SITE, cidr)

    def _tunnel(self, number: str, name: str, peer: str, inside: str | None) -> Tunnel:
        return Tunnel(number, name, peer, inside=inside)

    def _offers(self, routers: list[Router]) -> Iterator[Offer]:
        yield Offer("site/dc", 1, SITE_ADDRESS, None, frozenset({SITE_ADDRESS}), frozenset(), "dc", 2, local=(SITE,))
        for router in routers:
            for tunnel in router.tunnels:
                assert router.public_address is not None
                pair = sorted((router.public_address, tunnel.peer))
                right = self.has(f"{router.name}: the right secret for {tunnel.name}")
                yield Offer(
                    gateway=router.id,
                    tunnel=int(tunnel.id),
                    address=router.public_address,
                    peer=tunnel.peer,
                    identities=frozenset({router.public_address, router.private_address}),
                    expected=frozenset({tunnel.peer}),
                    secret=("dc" if tunnel.peer == SITE_ADDRESS else "-".join(pair)) if right else "wrong",
                    ike_version=2,
                    pfs=True,
                    kind="vti",
                    local=(ANY,),
                    remote=(ANY,),
                )


def drawn(seed: int, omissions: int) -> Iterator[tuple[Plan, tuple[str, ...]]]:
    """One shape by chance, whole and then `omissions` times with one to three parts left out; with what was."""
    dice = random.Random(seed)
    shape = Shape.drawn(dice)
    whole = Draft(shape)
    yield whole.plan(), ()
    for _ in range(omissions):
        without = tuple(sorted(dice.sample(sorted(whole.parts), dice.randint(1, 3))))
        yield Draft(shape, without).plan(), without


def asked(plan: Plan) -> list[tuple[str, str, str, int]]:
    """All pairs of hosts, and public addresses: (from, protocol, to, port), `to` a host's name or a public address."""
    names = [host.name for host in plan.hosts]
    interfaces = {i.id: i for network in plan.federation.networks for i in network.interfaces}
    private = {h.name: interfaces[h.interface].private_address if h.interface else h.address for h in plan.hosts}
    public = [interfaces[h.interface].public_address for h in plan.hosts if h.interface]
    return [
        (one, protocol, other, port)
        for one in names
        for other in [*names, *filter(None, public[:2])]
        if private[one] != private.get(other)  # nobody asks for another by what is his own address, too
        for protocol, port in PORTS
    ]
