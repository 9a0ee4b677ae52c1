"""The datacentre: a gateway that is not ours, which takes IKEv2 from anyone who knows its secret."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .tunnels import Offer


@dataclass(frozen=True)
class Site:
    """An on-premises network behind an IPsec gateway, configured as a responder for any address.

    Parameters:
        name: Its name in the configuration.
        address: The gateway's public address.
        prefixes: The CIDRs behind it.
        secret: The pre-shared secret that it was given.
    """

    name: str
    address: str
    prefixes: tuple[str, ...] = ("10.0.0.0/16",)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def id(self) -> str:
        """Unique in the lab."""
        return f"site/{self.name}"

    @property
    def running(self) -> bool:
        """A datacentre is always there."""
        return True

    def admits(self, protocol: str, port: int, source: str) -> bool:
        """Its own firewall leaves IKE and its NAT traversal open to the world, and nothing else."""
        return protocol == "udp" and port in (500, 4500)

    def offers(self) -> list[Offer]:
        """One offer, good for every peer."""
        return [
            Offer(
                gateway=self.id,
                tunnel=1,
                address=self.address,
                peer=None,
                identities=frozenset({self.address}),
                expected=frozenset(),
                secret=self.secret,
                ike_version=2,
                local=self.prefixes,
            )
        ]
