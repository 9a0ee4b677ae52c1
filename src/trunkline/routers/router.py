"""What every make of router offers: one Protocol, and the few values it speaks in.

A driver's verbs take routers as plain mappings out of a pipe's state, find what they make by its name before they
make it, and may be repeated: a second run adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypedDict, runtime_checkable

from trunkline._core.errors import Error
from trunkline.network import model


class Router(TypedDict, total=False):
    """A router, as plain state. Only `name` and `address` are needed to name one that is not ours.

    Keys:
        name: What people call it, unique in a federation ("acme/vpc").
        address: Its public address.
        private_address: Its address inside its own network; peers of a topology name each other by it.
        default_password: The factory password of its API; a router without this key is not ours to configure.
        instance: The provider's id of its machine: with the name it labels the generated password and the pinned
            certificate, so that a machine put in its place is a new acquaintance.
        cidr: Its network's prefix.
        asn: Its BGP number.
        peering_id: Its number in the topology, 1 and up.
    """

    name: str
    address: str
    private_address: str
    default_password: str
    instance: str
    cidr: str
    asn: int
    peering_id: int


class Tunnel(TypedDict):
    """One tunnel as one end reports it.

    Keys:
        router: The reporting router's name.
        endpoint: The endpoint's name ("to acme/vpc").
        address: The other end's public address.
        tunnel_address: This end's address inside the tunnel ("169.254.7.1/30").
        connected: Whether this end says that the tunnel is up.
        detail: What the router says of it ("phase1", "phase2", "bytes_in", ...), as far as it says.
    """

    router: str
    endpoint: str
    address: str
    tunnel_address: str
    connected: bool
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class Reading:
    """A router as it was read: the model of it, and in words what of it the model does not say."""

    router: model.Router
    unclear: tuple[str, ...] = ()


class RouterError(Error):
    """A router refused or failed; the message names router and address and carries the API's own words.

    Parameters:
        router: The router's name.
        address: Its public address.
        reason: The API's own message, or what else went wrong. Free of secrets.
        status: The HTTP status; 0 when there was no answer.
    """

    def __init__(self, router: str, address: str, reason: str, *, status: int = 0, hint: str | None = None) -> None:
        super().__init__(f"router {router} ({address}): {reason}", hint=hint)
        self.router, self.address, self.reason, self.status = router, address, reason, status


class RouterUnreachable(RouterError):
    """No answer: refused, reset, timed out, or a gateway's 502 or 503. May pass, as a reboot does."""


class CertificateChanged(RouterError):
    """The router shows another certificate than at first contact: nothing was sent to it."""


def named(router: Mapping[str, object]) -> str:
    """The router's name, or its address where it has none."""
    return str(router.get("name") or router["address"])


def require(router: Router, *keys: str) -> Router:
    """The router itself, once every one of these keys has a value; Error naming the first that has none."""
    for key in keys:
        if router.get(key) in (None, ""):
            name = router.get("name") or router.get("address") or "without a name"
            raise Error(f"router {name}: '{key}' is missing", hint=f"give the router's {key}")
    return router


@runtime_checkable
class Driver(Protocol):
    """One make of router. Every verb may be repeated, and may be called from several threads.

    A `timeout` is in seconds, from the call on; inside a step the step's own deadline ends it, too. Verbs ride through
    a router's reboot, and raise RouterError, RouterUnreachable, CertificateChanged or StepTimeout.
    """

    def contact(self, router: Router, *, timeout: float | None = None) -> None:
        """Wait until the API answers, pin its certificate, and replace the factory password by a generated one."""
        ...

    def forget(self, router: Router) -> None:
        """Drop what is known of a router that is gone: its pinned certificate and every connection to it."""
        ...

    def license(self, router: Router, *, timeout: float | None = None) -> None:
        """Give the router its licence and wait until it works with it."""
        ...

    def keyset(self, router: Router, source: Router | None = None, *, timeout: float | None = None) -> None:
        """Give the router the keys of its topology: fresh ones, or those of `source`."""
        ...

    def identity(self, router: Router, peering_id: int | None = None) -> None:
        """Set the router's number in its topology (default: its own `peering_id`)."""
        ...

    def peer(self, router: Router, other: Router) -> None:
        """Make `other` known to `router` as a peer of its topology. One-way: call it for both."""
        ...

    def unpeer(self, router: Router, other: Router) -> None:
        """Take back `peer`; nothing happens when it is not there."""
        ...

    def wait_reachable(self, router: Router, other: Router, *, timeout: float | None = None) -> None:
        """Wait until `router` says that it reaches its peer `other`."""
        ...

    def token(self, router: Router, name: str, lifetime: int) -> dict[str, object]:
        """Mint an API token that later calls of this process use; older ones of that name are gone first.

        Parameters:
            name: The token's name on the router.
            lifetime: Seconds until the router itself forgets it.

        Returns:
            "name" and "expires_at" as the router gives it; never the token.
        """
        ...

    def revoke_token(self, router: Router, name: str, *, timeout: float | None = None) -> None:
        """Remove every token of that name, and see them gone."""
        ...

    def tunnel_addresses(self, router: Router, other: Router) -> tuple[str, str]:
        """The pair of addresses inside the tunnel between the two, this router's first, each with its /30."""
        ...

    def endpoint(
        self,
        router: Router,
        other: Router,
        *,
        secret: str,
        prefixes: Iterable[str] = (),
        local_tunnel_address: str,
        remote_tunnel_address: str,
        nat_t: bool = True,
        private_address: str | None = None,
        proposals: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """An IPsec endpoint to `other`, and a route into its tunnel for every prefix."""
        ...

    def remove_endpoint(self, router: Router, other: Router) -> None:
        """Remove the endpoint to `other` with its routes; nothing happens when it is not there."""
        ...

    def route(
        self,
        router: Router,
        prefix: str,
        *,
        endpoint: Router | None = None,
        gateway: str | None = None,
        interface: str | None = None,
        advertise: bool = False,
        metric: int = 0,
    ) -> None:
        """Send `prefix` into the tunnel to `endpoint`, or to `gateway` and/or `interface`."""
        ...

    def unroute(self, router: Router, prefix: str, *, endpoint: Router | None = None) -> None:
        """Remove the routes for `prefix`, only those into the tunnel to `endpoint` when that is given."""
        ...

    def asn(self, router: Router) -> int:
        """The router's autonomous system number: its own `asn`, else what its licence gave it."""
        ...

    def bgp(self, router: Router, other: Router, *, address: str, asn: int, access_list: str = "") -> None:
        """A BGP session with `address` through the tunnel to `other`."""
        ...

    def firewall(self, router: Router, rules: Iterable[str]) -> None:
        """See to it that the firewall has these rules; missing ones are appended in order."""
        ...

    def unfirewall(self, router: Router, rules: Iterable[str]) -> None:
        """Remove these rules from the firewall; nothing happens to those that are not there."""
        ...

    def connected(self, router: Router, other: Router, *, timeout: float | None = None) -> Tunnel:
        """Wait until `router` says that its tunnel to `other` is up."""
        ...

    def tunnels(self, router: Router) -> list[Tunnel]:
        """Every tunnel, as this router reports it now."""
        ...

    def knows(self, address: str, instance: str) -> str | None:
        """The name under which the router with this address and machine was contacted from here; None if never."""
        ...

    def read(self, router: Router, *, network: str = "", interface: str = "", timeout: float | None = None) -> Reading:
        """The router as it is now: tunnels, routes, firewall and BGP sessions. Changes nothing.

        One that does not answer at once is not waited for: RouterUnreachable.
        """
        ...
