"""What every cloud offers: one Protocol, and the few values it speaks in.

A cloud's plug-in gives an `Account`: credentials of its own, clients made once, and verbs that are safe to
repeat. Nothing here knows a particular cloud, and no cloud knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from trunkline._core.errors import Error
from trunkline._core.steps import Step
from trunkline.network.model import Network

Protocol_ = Literal["tcp", "udp", "icmp", "any"]
# A parameter's value: fixed, or a function without arguments that is asked at the moment of use (secrets).
Value = object | Callable[[], object]


class CloudError(Error):
    """A cloud refused or failed; `code` is the provider's own word for it."""

    def __init__(self, message: str, *, code: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class StackFailed(CloudError):
    """A stack did not reach its goal; names the first resource that failed and the provider's reason."""

    def __init__(self, stack: str, resource: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"stack {stack}: {resource}: {reason}", code="StackFailed", hint=hint)
        self.stack, self.resource, self.reason = stack, resource, reason


@dataclass(frozen=True, slots=True)
class Rule:
    """One inbound permission: `protocol` to `port` (0 for all ports) from `source`, a CIDR."""

    protocol: Protocol_
    port: int
    source: str

    def __str__(self) -> str:
        return f"{self.protocol}/{self.port or 'all'} from {self.source}"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a route leads: a router's interface (its provider id) and that interface's private address."""

    interface: str
    address: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """A temporary rule that a cloud has now, as the rule itself tells it.

    Parameters:
        account: The account's name, as in the configuration.
        group: The security group's or NSG's id.
        rule: What it permits.
        run, purpose: Whose it is, and what for.
        opened, expires: Aware UTC times, to the second.
        handle: The provider's id of the rule, for `close`.
    """

    account: str
    group: str
    rule: Rule
    run: str
    purpose: str
    opened: datetime
    expires: datetime
    handle: str


@runtime_checkable
class Account(Protocol):
    """One account of one cloud. Every verb may be repeated and may be called from several threads."""

    name: str
    cloud: str
    region: str

    def stack(
        self,
        template: str | Path,
        *,
        name: str | None = None,
        parameters: Mapping[str, Value] | None = None,
        keys: Mapping[str, str] | None = None,
        timeout: float = 1800.0,
    ) -> Step:
        """A step that makes (or updates) a stack from one of this cloud's templates.

        The template is read now: its parameters become what the step needs and its outputs what it gives,
        `VpcCidr` as the key `vpc_cidr`.

        Parameters:
            template: Path of the template.
            name: The stack's name; by default made of the run's name and the step's.
            parameters: Fixed values by parameter name; these are not needed from the state.
            keys: State keys for parameter or output names where the default does not fit.
            timeout: Seconds until waiting ends in StepTimeout.
        """
        ...

    def launch(self, password: Callable[[], str]) -> dict[str, Value]:
        """The parameters by which this cloud's templates launch a router: its image, its size if one is configured.

        Parameters:
            password: Asked, at the moment of use, for the password of the machine's own user, where a cloud insists
                on one.

        Raises:
            CloudError: the configuration names no image.
        """
        ...

    def outputs(self, stack: str) -> dict[str, object] | None:
        """The outputs of a finished stack by state key (`RouterAddress` as `router_address`), None if there is none."""
        ...

    def allow(self, group: str, rule: Rule, *, run: str, purpose: str, expires: datetime | None = None) -> None:
        """Permit `rule` in `group`; with `expires` it is temporary and shows in `exposures`."""
        ...

    def revoke(self, group: str, rule: Rule, *, run: str, purpose: str) -> None:
        """Take back what `allow` gave to this run and purpose; nothing happens when it is not there."""
        ...

    def exposures(self) -> list[Exposure]:
        """Every temporary rule of trunkline's in this account and region, read from the cloud."""
        ...

    def close(self, exposure: Exposure) -> None:
        """Remove a rule that `exposures` showed; nothing happens when it is gone."""
        ...

    def route(self, table: str, prefix: str, via: NextHop, *, run: str) -> None:
        """Send `prefix` to `via` in route table `table`; refuses to move a route that leads elsewhere."""
        ...

    def unroute(self, table: str, prefix: str, *, via: NextHop | None = None) -> None:
        """Remove the route, only while it leads to `via` when that is given; nothing happens when it is gone."""
        ...

    def network(self, network: str) -> Network:
        """The network with this provider id, with its subnets, route tables and rules, read from the cloud."""
        ...

    def networks(self, only: Sequence[str] | None = None) -> list[Network]:
        """All networks of the account, or those with these ids, read in bulk: a few calls for all of them."""
        ...
