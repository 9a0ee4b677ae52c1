"""The lab's AWS: EC2, STS and a CloudFormation of its own behind one port on loopback."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from trunkline.network.model import Network
from trunkline_lab.aws import reach
from trunkline_lab.aws.backend import Backend
from trunkline_lab.aws.calls import Answer, Call, Handler, Record
from trunkline_lab.aws.cloudformation.api import CloudFormation
from trunkline_lab.aws.gateway import Gateway
from trunkline_lab.aws.inside import Clients
from trunkline_lab.aws.networks import networks
from trunkline_lab.aws.rules import dependencies, gateways
from trunkline_lab.aws.rules.canonical import canonical
from trunkline_lab.aws.rules.checks import Checks
from trunkline_lab.aws.rules.devices import Devices
from trunkline_lab.aws.rules.endpoints import Endpoints
from trunkline_lab.aws.rules.instances import Instances
from trunkline_lab.aws.rules.interfaces import Interfaces
from trunkline_lab.aws.rules.lag import Lag
from trunkline_lab.aws.rules.limits import Limits, Quotas
from trunkline_lab.aws.rules.passing import Passing
from trunkline_lab.aws.rules.policies import aws_policies
from trunkline_lab.aws.rules.reads import Reads
from trunkline_lab.aws.rules.shape import well_formed
from trunkline_lab.aws.rules.tags import reserved
from trunkline_lab.aws.rules.tokens import Tokens, dry_run
from trunkline_lab.aws.rules.values import allowed
from trunkline_lab.aws.rules.vpn import Vpn
from trunkline_lab.aws.server import Server
from trunkline_lab.world import Machine, World

ROUTER_IMAGE = "ami-0c0ffee0000000001"
LINUX_IMAGE = "ami-0c0ffee0000000002"
_FREES = {"ReleaseAddress", "TerminateInstances", "StopInstances", "DeleteNetworkInterface", "AssociateAddress"}


class AwsFace:
    """AWS on loopback, as the official SDKs see it. Also a context manager.

    Parameters:
        world: The lab's common ground: public addresses, pace, news of changes.
        router_image: The AMI whose instances are VNS3 routers; it exists in every account and region, and so does
            LINUX_IMAGE, whose instances boot and serve nothing.
        region: The region of requests that carry no signature.
        read_lag: Some answers come from a replica that is so many seconds behind what callers have done.
        seed: Of the coin that tells which answers; None makes all of them late.
        passing: For so many seconds things are in passing (pending, attaching, deleting) after a caller's call.
        limits: How many of a kind an account may have; None for as many as it likes.
        buckets: Local folders with templates, by the name of the S3 bucket that each stands for in a TemplateURL.

    Attributes:
        endpoint: "http://127.0.0.1:PORT", known once started.
        gateway: Every request passes its `rules`; add to them to change what AWS does.
        inside: Clients that act as CloudFormation does: what they make or read does not lag.
    """

    def __init__(
        self,
        world: World,
        *,
        router_image: str = ROUTER_IMAGE,
        region: str = "us-east-1",
        read_lag: float = 0.0,
        seed: int | None = None,
        passing: float = 0.0,
        limits: Limits | None = None,
        buckets: Mapping[str, Path] | None = None,
    ) -> None:
        self.endpoint = ""
        self.world, self.router_image, self.region = world, router_image, region
        self._backend = Backend(world.addresses, {router_image: "vns3", LINUX_IMAGE: "linux"})
        self._booted: dict[str, float] = {}
        self._timers: set[threading.Timer] = set()
        self._server: Server | None = None
        self.gateway = Gateway({}, self._backend.answer, account_of=self._backend.account_of, region=region)
        self.inside = Clients(self.gateway)
        self.formation = CloudFormation(self.inside, world.pace, buckets)
        self.gateway.services["cloudformation"] = self.formation.answer
        self.lag = Lag(read_lag, seed)
        self.passing = Passing(self._backend, passing, lambda seconds: self._later(seconds, self._arrived))
        # Outermost first. What a later rule sees, it sees with the whole state to itself.
        self.gateway.rules += [
            self._tell_world,
            self._one_at_a_time,
            well_formed,
            dry_run,
            allowed,
            canonical,
            reserved,
            Reads(),
            self.lag,
            Tokens(),
            Quotas(self._backend, limits),
            Checks(self._backend, dependencies.CHECKS),
            Checks(self._backend, gateways.CHECKS),
            self._boot,
            self.passing,
            Devices(self._backend),
            Instances(self._backend),
            Interfaces(self._backend),
            Endpoints(self._backend),
            Vpn(self._backend),
            aws_policies,
        ]

    @property
    def backend(self) -> Backend:
        """All state but the stacks', for those who look at a lab from outside; hold its `lock`."""
        return self._backend

    @property
    def calls(self) -> list[Record]:
        """The call log, in the order of answers; clear() it to count anew."""
        return self.gateway.calls

    def start(self) -> Self:
        """Listen. Raises RuntimeError when this process already runs a lab's AWS."""
        self._backend.start()
        self._server = Server(self.gateway)
        self._server.start()
        self.endpoint = self._server.endpoint
        threading.Thread(target=self._warm, name="lab-aws-warm", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening, end what is under way, and forget all state. Nothing happens when it is not running."""
        if self._server is None:
            return
        for timer in list(self._timers):
            timer.cancel()
        self.formation.stop()
        self._server.stop()
        self._server = None
        self._backend.stop()

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    def credentials(self, account: str) -> tuple[str, str]:
        """An access key and its secret of the account with these twelve digits; a new pair each time."""
        return self._backend.credentials(account)

    def machines(self) -> list[Machine]:
        """All booted, running instances of the router's image, in every account and region."""
        with self._backend.lock:
            return [reach.machine(ec2, instance) for ec2, instance in self._routers() if self._is_up(instance)]

    def admits(self, machine: str, protocol: str, port: int, source: str) -> bool:
        """Whether the instance's groups and its subnet's routes let `source` in and the answer back.

        Parameters:
            machine: The instance's id.
            protocol: "tcp", "udp" or "icmp".
            port: The destination port.
            source: The sender's address. Raises ValueError when it is none.
        """
        ipaddress.ip_address(source)
        with self._backend.lock:
            found = next(((e, i) for e, i in self._routers() if i.id == machine), None)
            return found is not None and reach.admits(*found, protocol, port, source)

    def networks(self) -> list[Network]:
        """Every VPC of every account and region as it is now, as the network model."""
        with self._backend.lock:
            return [each for account, _, ec2 in self._backend.every_ec2() for each in networks(ec2, account)]

    def _routers(self) -> list[tuple[Any, Any]]:
        return [
            (ec2, instance)
            for _, _, ec2 in self._backend.every_ec2()
            for instance in ec2.all_running_instances()
            if instance.image_id == self.router_image
        ]

    def _is_up(self, instance: Any) -> bool:
        return self._booted.get(instance.id, 0.0) <= time.monotonic()

    def _tell_world(self, call: Call, proceed: Handler) -> Answer:
        try:
            return proceed(call)
        finally:
            if not call.reads and call.service == "ec2":
                self.world.changed()

    def _one_at_a_time(self, call: Call, proceed: Handler) -> Answer:
        if call.service == "cloudformation":
            return proceed(call)
        with self._backend.lock:
            given = proceed(call)
            if call.operation in _FREES:
                self._backend.return_addresses()
            return given

    def _boot(self, call: Call, proceed: Handler) -> Answer:
        given = proceed(call)
        starts = call.service == "ec2" and call.operation in {"RunInstances", "StartInstances"}
        if starts and given.status < 400 and self.world.pace.boot > 0:
            up = time.monotonic() + self.world.pace.boot
            named = {value for name, value in call.form.items() if name.startswith("InstanceId.")}
            for _, instance in self._routers():
                if instance.id in named or instance.id not in self._booted:
                    self._booted[instance.id] = up
            self._later(self.world.pace.boot, self.world.changed)
        return given

    def _arrived(self) -> None:
        with self._backend.lock:
            self.passing.settle()
        self.world.changed()

    def _warm(self) -> None:
        self._backend.warm()
        self.formation.warm(self.region)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = threading.Timer(seconds + 0.01, run)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()
