"""The lab's Azure as one object: an endpoint that the official SDKs drive, and what routers ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from trunkline.network.model import Network
from trunkline_lab.azure.api import Api
from trunkline_lab.azure.catalogue import Catalogue
from trunkline_lab.azure.deployments import Deployments
from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.http import Call, Hook
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.links import Links
from trunkline_lab.azure.networks import networks
from trunkline_lab.azure.operations import Operations
from trunkline_lab.azure.provider import Provider
from trunkline_lab.azure.reach import admits, primary
from trunkline_lab.azure.resources.kind import Site
from trunkline_lab.azure.resources.virtual_machines import interfaces_of
from trunkline_lab.azure.server import Server
from trunkline_lab.azure.store import Document, Resource, Store
from trunkline_lab.azure.vault import Vaults
from trunkline_lab.certificate import self_signed
from trunkline_lab.world import Machine, World

TENANT = "11111111-1111-4111-8111-111111111111"
SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"


class AzureFace:
    """Azure Resource Manager on loopback.

    Any bearer token is accepted. Use it as a context manager, or call `start` and `stop`.

    Parameters:
        world: The lab's common ground: public addresses and the pace of things.
        router_image: (publisher, offer) of the router's image.
        subscriptions: The subscriptions that exist.
        tenant: The tenant they belong to.
        templates: For linked templates, the local folder (or file) by the beginning of the addresses that it stands
            for, such as {"https://example.org/templates/": Path("templates")}.
        basic_skus: Whether public addresses and load balancers of the Basic SKU can still be made. Azure retired them
            on 30 September 2025; templates that are older often ask for them.
        vaults: The names of the Key Vaults that exist.

    Attributes:
        vaults: The Key Vaults; `.endpoint`, and `certificate.pem` is what vouches for it.
        endpoint: "http://127.0.0.1:PORT", once started.
        calls: Every request that was let in, in order.
        hooks: Asked before and after each request; append to it to make faults.
        deployments: All that were made and not deleted.
    """

    def __init__(
        self,
        world: World,
        *,
        router_image: tuple[str, str] = ("cohesive", "vns3"),
        subscriptions: Sequence[str] = (SUBSCRIPTION,),
        tenant: str = TENANT,
        templates: Mapping[str, Path] | None = None,
        basic_skus: bool = False,
        vaults: Sequence[str] = (),
    ) -> None:
        self.endpoint = ""
        self.certificate = self_signed("vault", ["127.0.0.1"])
        self.vaults = Vaults(tenant, tuple(vaults), self.certificate.context)
        self.calls: list[Call] = []
        self.hooks: list[Hook] = []
        self.subscriptions = tuple(subscriptions)
        self.tenant = tenant
        self._store = Store(tenant, self.subscriptions)
        self._site = Site(self._store, world)
        self._provider = Provider(self._site, Catalogue(router_image, basic_skus))
        self.deployments = Deployments(self._provider, world.changed, Links(templates or {}))
        api = Api(self._provider, self.deployments, Operations(world.changed))
        self._server = Server(api, world.changed, self.calls, self.hooks)

    @property
    def store(self) -> Store:
        """All groups and resources, for those who look at a lab from outside; hold its `lock`."""
        return self._store

    def told(self, path: str) -> Document | None:
        """What a GET of a resource's path answers now; None when there is no resource of this id."""
        with self._store.lock:
            try:
                return self._provider.get(ResourceId.parse(path))
            except ArmError:
                return None

    def start(self) -> AzureFace:
        """Begin to listen on a port that the kernel chooses."""
        self.endpoint = self._server.start()
        self.vaults.start()
        return self

    def stop(self) -> None:
        """Stop listening; everything that was made is gone. May be called twice."""
        self._server.stop()
        self.vaults.stop()

    def __enter__(self) -> AzureFace:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def machines(self) -> list[Machine]:
        """All running machines of the router's image."""
        with self._store.lock:
            found = [self._machine(resource) for resource in self._provider.routers()]
        return [machine for machine in found if machine is not None]

    def networks(self) -> list[Network]:
        """Every virtual network as it is now, as the network model."""
        with self._store.lock:
            return list(networks(self._site))

    def _machine(self, resource: Resource) -> Machine | None:
        """A machine as routers know it; None when its interface is gone."""
        interface = self._store.find(interfaces_of(resource)[0])
        if interface is None:
            return None
        configuration = primary(interface)
        public = configuration.get("publicIPAddress")
        address = self._store.find(public["id"]) if public else None
        private = configuration["privateIPAddress"]
        return Machine(
            id=str(resource.id),
            name=resource.id.name,
            account=resource.id.subscription,
            network=configuration["subnet"]["id"].rpartition("/subnets/")[0],
            private_address=private,
            public_address=address.properties["ipAddress"] if address else None,
            default_password=f"{resource.id.name}-{private}",
        )

    def admits(self, machine: str, protocol: str, port: int, source: str) -> bool:
        """Whether the groups and routes now let a packet from `source` (an address) in to `machine` and an answer back.

        Parameters:
            machine: The machine's resource id.
            protocol: "tcp", "udp" or "icmp".
            port: The destination's port.
            source: The sender's address: a public one, or a private one of the same network.
        """
        with self._store.lock:
            resource = self._store.find(machine)
            interface = self._store.find(interfaces_of(resource)[0]) if resource else None
            return interface is not None and admits(self._site, interface, protocol, port, source)
