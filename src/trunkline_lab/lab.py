"""A whole lab in this process: two clouds, routers, and a datacentre, on loopback."""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from . import settings
from .addresses import Claim
from .audit import Audit
from .faults import Faults
from .habits import Habits
from .site import Site
from .world import Pace, World

if TYPE_CHECKING:
    from .audit_azure import AzureMakers
    from .aws import AwsFace
    from .azure import AzureFace
    from .hosts import Hosts
    from .packets.child import Child
    from .packets.following import Following
    from .packets.plan import GatewayState, Plan
    from .vns3 import Controllers, Workbench

CALLER = "127.0.0.1"
AWS_ACCOUNTS = {"A": "210000000001", "A2": "210000000002"}
AZURE_SUBSCRIPTIONS = {
    "B": "b0000000-0000-4000-8000-000000000001",
    "B2": "b0000000-0000-4000-8000-000000000002",
}
TENANT = "70000000-0000-4000-8000-000000000001"
VAULT = "lab-vault"  # of the account B
REGIONS = {"aws": "us-east-1", "azure": "westeurope"}
AZURE_ROUTER_IMAGE = "cohesive:vns3:byol:6.0.0"
_HOST_SECONDS, _LOOK_AGAIN = 10.0, 0.05


class Lab:
    """A lab; also a context manager. One process holds at most one.

    Parameters:
        pace: How long things take.
        routers: How many factory-fresh controllers to boot outside any cloud.
        directory: Where configuration and secrets go; a temporary one, removed at `stop`, when none is given.
        callers: The addresses of this computer from which users call; the first goes into the configuration.
        seed: Of all that happens by chance.
        habits: What the clouds are like.
        packets: Let the networks carry packets: namespaces, strongSwan and bird. Raises PacketsError from `start`
            when a part of the machine is missing.

    Attributes:
        faults: What is to go wrong: `lab.faults.add("aws:ec2:CreateVpc", "lost", times=1)`.
        config: The configuration's path, for `trunkline --config`.
        aws, azure: The clouds' faces; `.endpoint` and `.calls`.
        controllers: The routers.
        bench: Puts further factory-fresh controllers on the table.
        site: The datacentre.
        hosts: Places test hosts.
        packets: The fabric that follows the clouds; None without packets.
    """

    config: Path
    aws: AwsFace
    azure: AzureFace
    controllers: Controllers
    bench: Workbench
    site: Site
    hosts: Hosts
    packets: Following | None
    _makers: AzureMakers

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        routers: int = 0,
        directory: Path | None = None,
        callers: Iterable[str] = (CALLER,),
        seed: int = 0,
        habits: Habits | None = None,
        packets: bool = False,
    ) -> None:
        self.faults = Faults(seed)
        self._seed, self._habits = seed, habits or Habits()
        self.packets = None
        self._with_packets = packets
        self.pace = pace or Pace()
        self.callers = tuple(callers)
        self._routers = routers
        self._given = directory
        self._undo: list[Callable[[], object]] = []
        self.started = 0.0

    def start(self) -> Self:
        """Start everything; what was started is stopped again when a part fails."""
        self.started = time.time()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything, last first. May be called twice."""
        while self._undo:
            self._undo.pop()()

    def _start(self) -> None:
        claim = Claim()
        self._undo.append(claim.release)
        claim.addresses.gate = self.faults.gate
        self.world = World(claim.addresses, self.pace)
        child = self._start_packets() if self._with_packets else None  # it starts while the others do
        with ThreadPoolExecutor(3) as side_by_side:
            parts = [side_by_side.submit(part) for part in (self._start_aws, self._start_azure, self._start_routers)]
        for part in parts:
            part.result()
        for face in (self.aws, self.azure, self.bench):
            self.controllers.add_face(face)
        for _ in range(self._routers):
            self.bench.put()
        self.controllers.settle()
        from .hosts import Hosts

        self.hosts = Hosts(self.aws, self.azure, self.site)
        if child is not None:
            self._follow(child.wait())
        self.config = self._write_settings()

    def _start_aws(self) -> None:
        from .aws import AwsFace
        from .aws.rules.limits import Limits
        from .faults_aws import AwsFaults

        habits = self._habits
        self.aws = AwsFace(
            self.world,
            region=REGIONS["aws"],
            read_lag=habits.read_lag,
            seed=self._seed,
            passing=habits.passing,
            limits=Limits() if habits.limits else None,
            buckets=habits.buckets,
        )
        self.aws.gateway.rules.insert(0, AwsFaults(self.faults))
        self.aws.start()
        self._undo.append(self.aws.stop)

    def _start_azure(self) -> None:
        from .audit_azure import AzureMakers
        from .azure import AzureFace
        from .faults_azure import AzureFaults

        self.azure = AzureFace(
            self.world,
            subscriptions=tuple(AZURE_SUBSCRIPTIONS.values()),
            tenant=TENANT,
            templates=self._habits.templates,
            basic_skus=self._habits.basic_skus,
            vaults=[VAULT],
        )
        self._makers = AzureMakers(self.azure)
        self.azure.hooks += [AzureFaults(self.faults, self.azure.told), self._makers]
        self.azure.start()
        self._undo.append(self.azure.stop)

    def _start_routers(self) -> None:
        from .faults_vns3 import RouterFaults
        from .vns3 import Controllers, Workbench

        self.controllers = Controllers(self.world, callers=self.callers)
        struck = RouterFaults(self.faults)
        self.controllers.before.append(struck.before)
        self.controllers.after.append(struck.after)
        self._undo.append(self.controllers.stop)
        self.bench = Workbench(self.world)
        self.site = Site("datacentre", self.world.addresses.take())
        self.controllers.add_site(self.site)

    def _start_packets(self) -> Child:
        from .packets.child import Child

        child = Child()
        self._undo.append(child.stop)
        return child

    def _follow(self, child: Child) -> None:
        from .packets.following import Following
        from .packets_plan import plan

        def read() -> Plan:
            return plan(self.aws, self.azure, self.bench, self.controllers, self.site, tuple(self.hosts.at_site))

        self.packets = Following(child, read)
        self._undo.append(self.packets.stop)
        self.controllers.listen(self.packets.changed)
        self.packets.settle()
        self._measure(self.packets)

    def _measure(self, packets: Following) -> None:
        """From now on controllers say of their tunnels what their charons say."""
        from .measured import Measured
        from .packets.watching import Watching

        def bounce(gateway: str, tunnel: int | None) -> None:
            packets.ask("renegotiate", gateway=gateway, tunnel=None if tunnel is None else str(tunnel))

        def take(plan: Plan, states: tuple[GatewayState, ...]) -> None:
            self.controllers.thread.call(lambda: measured.take(plan, states))

        measured = Measured(self.controllers.gateways, bounce)
        self.controllers.standing = measured
        self._undo.append(Watching(packets, take).stop)

    def add_host(self, name: str, where: str, group: str | None = None) -> dict[str, str]:
        """Make a test host (see `Hosts.add`), and wait until it carries packets where there are any."""
        made = self.hosts.add(name, where, group)
        deadline = time.monotonic() + _HOST_SECONDS
        while self.packets is not None and name not in self.packets.ask("hosts") and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)
        return made

    def _write_settings(self) -> Path:
        from .vns3 import issue_license

        directory = self._given
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="trunkline-lab-"))
            self._undo.append(lambda: shutil.rmtree(directory, ignore_errors=True))
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = directory / "vault.pem"
        authority.write_text(self.azure.certificate.pem)
        accounts = dict(self._accounts())
        vault = {"vault": VAULT, "vault_endpoint": self.azure.vaults.endpoint, "vault_authority": str(authority)}
        accounts["B"] = {**accounts["B"], **vault}
        return settings.write(
            directory,
            accounts=accounts,
            site=self.site,
            caller=self.callers[0],
            license_text=issue_license(),
        )

    def _accounts(self) -> Mapping[str, Mapping[str, str]]:
        accounts = {name: self._aws_account(number) for name, number in AWS_ACCOUNTS.items()}
        accounts |= {name: self._azure_account(number) for name, number in AZURE_SUBSCRIPTIONS.items()}
        return accounts

    def _aws_account(self, number: str) -> dict[str, str]:
        key, secret = self.aws.credentials(number)
        return {
            "cloud": "aws",
            "region": REGIONS["aws"],
            "endpoint": self.aws.endpoint,
            "access_key_id": key,
            "secret_access_key": secret,
            "router_image": self.aws.router_image,
        }

    def _azure_account(self, subscription: str) -> dict[str, str]:
        return {
            "cloud": "azure",
            "subscription": subscription,
            "tenant": TENANT,
            "resource_group": "trunkline",
            "region": REGIONS["azure"],
            "endpoint": self.azure.endpoint,
            "router_image": AZURE_ROUTER_IMAGE,
        }

    def status(self) -> dict[str, object]:
        """How the lab stands, as plain data for JSON. Thread safe."""
        return {
            "config": str(self.config),
            "endpoints": {"aws": self.aws.endpoint, "azure": self.azure.endpoint},
            "caller": self.callers[0],
            "controllers": self.controllers.reports(),
            "sites": {
                self.site.name: {
                    "address": self.site.address,
                    "prefixes": list(self.site.prefixes),
                    "tunnels": self.site_tunnels(),
                }
            },
            "packets": self.packets is not None,
            "seconds_up": round(time.time() - self.started, 1),
            "memory_mb": _memory_mb(),
        }

    def audit(self) -> Audit:
        """All that exists, who made it, and every call in order. Thread safe."""
        from . import audit_aws, audit_azure, audit_vns3

        things = [*audit_aws.things(self.aws), *self._makers.things(), *audit_vns3.things(self.controllers)]
        calls = [*audit_aws.calls(self.aws), *audit_azure.calls(self.azure), *audit_vns3.calls(self.controllers)]
        calls.sort(key=lambda entry: entry.at)
        return Audit(tuple(things), tuple(calls), tuple(self.faults.fired))

    def site_tunnels(self) -> list[dict[str, object]]:
        """The datacentre's own report: `peer`, `peer_address`, `connected`, `since` (epoch seconds), `reason`."""
        return self.controllers.site_tunnels(self.site)

    def calls(self) -> dict[str, dict[str, int]]:
        """How often each operation was called, by service. Thread safe."""
        counts: dict[str, Counter[str]] = {}
        for record in list(self.aws.calls):
            service = f"{record.service} via {record.via}" if record.via else record.service
            counts.setdefault(service, Counter())[record.operation] += 1
        for call in list(self.azure.calls):
            counts.setdefault("azure", Counter())[f"{call.operation} {call.resource_type}".rstrip()] += 1
        counts["vns3"] = Counter(self.controllers.counts())
        return {service: dict(sorted(found.items())) for service, found in sorted(counts.items())}


def _memory_mb() -> float:
    """The most memory that this process has held resident, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
