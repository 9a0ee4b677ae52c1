"""What a controller remembers, reboots included."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .firewall_rules import FirewallRules
from .ipsec_state import Endpoint
from .license import License
from .numbers import Numbers

VERSION = "6.0.0-20230601"


def stamp(seconds: float) -> str:
    """A time as the API writes it: "2026-01-31T12:00:00Z"."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Keyset:
    """The keys of a topology: `token` made them, controllers with the same `uuid` can peer."""

    token: str
    uuid: str
    checksum: str
    created: float


@dataclass
class KeysetSetup:
    """A keyset that is being made or fetched."""

    started: int
    source: str | None


@dataclass
class Peer:
    """Another controller of the topology, as this one was told."""

    id: int
    address: str
    mtu: str


@dataclass
class RouteEntry:
    """A route of the controller's table; `tunnel` is a tunnel's id, `interface` and `gateway` may be "_notset"."""

    id: int
    cidr: str
    interface: str
    gateway: str
    description: str
    advertise: bool
    metric: int
    table: str
    tunnel: int | None
    enabled: bool = True
    editable: bool = True


@dataclass
class Access:
    """An API token or an access URL."""

    id: int
    token: str
    name: str
    lifetime: int
    created: float
    created_ip: str
    refreshes: bool
    expires: float
    description: str = ""
    access: str = ""
    expired: bool = False
    last_accessed: float | None = None
    last_accessed_ip: str = ""

    def valid(self, now: float) -> bool:
        """Whether it still opens the door."""
        return not self.expired and now < self.expires

    def used(self, now: float, client: str) -> None:
        """Note a use; a refreshing one lives on from now."""
        self.last_accessed, self.last_accessed_ip = now, client
        if self.refreshes:
            self.expires = now + self.lifetime


@dataclass
class Settings:
    """Everything that survives a reboot."""

    password: str
    controller_name: str
    topology_name: str = ""
    ntp_hosts: str = "0.pool.ntp.org 1.pool.ntp.org"
    security_token: str = field(default_factory=lambda: secrets.token_hex(8))
    ui_enabled: bool = True
    ui_username: str = "vnscubed"
    license: License | None = None
    keyset: Keyset | None = None
    peering_id: int | None = None
    peers: dict[int, Peer] = field(default_factory=dict)
    ipsec_local_ipaddress: str = ""
    endpoints: dict[int, Endpoint] = field(default_factory=dict)
    routes: dict[int, RouteEntry] = field(default_factory=dict)
    rules: FirewallRules = field(default_factory=FirewallRules)
    tokens: dict[int, Access] = field(default_factory=dict)
    urls: dict[int, Access] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    records: dict[str, dict[Any, dict[str, Any]]] = field(default_factory=dict)
    ids: Numbers = field(default_factory=Numbers)

    @property
    def licensed(self) -> bool:
        """Whether the licence was accepted."""
        return self.license is not None and self.license.finalized

    @property
    def asn(self) -> int | None:
        """This controller's autonomous system number; None while it is unlicensed."""
        if self.license is None or not self.license.finalized:
            return None
        return self.license.topology.asns[(self.peering_id or 1) - 1]

    @property
    def overlay_address(self) -> str | None:
        """This controller's address in the overlay; None until it has a peering id."""
        if self.license is None or self.peering_id is None:
            return None
        return self.license.topology.managers[self.peering_id - 1]
