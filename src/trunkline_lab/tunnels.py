"""When two IPsec gateways agree: what each offers, and why a pair of offers makes no tunnel.

Knows no controller and no cloud: routers and the datacentre's gateway describe themselves as offers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

IKE_PORTS = (500, 4500)
DEFAULT_PHASE1 = frozenset({"aes256-sha2_256-dh14", "aes128-sha2_256-dh14", "aes256-sha1-dh14", "aes128-sha1-dh14"})
DEFAULT_PHASE2 = frozenset({"aes256-sha2_256", "aes128-sha2_256", "aes256-sha1", "aes128-sha1"})


@dataclass(frozen=True)
class Offer:
    """One end of a tunnel, as it is configured.

    Parameters:
        gateway: The gateway's id, unique in the lab.
        tunnel: The tunnel's id there.
        address: The gateway's public address.
        peer: The other end's address; None takes anyone (a responder for remote peers).
        identities: The IKE identities that it may show.
        expected: The identities that it accepts; empty for any.
        secret: The pre-shared secret.
        ike_version: 1 or 2.
        phase1, phase2: Proposals, "aes256-sha2_256-dh14" and "aes256-sha2_256".
        pfs: Whether phase 2 wants perfect forward secrecy; None takes both.
        kind: "policy", "vti" or "gre"; None takes any.
        local, remote: Traffic selectors as CIDRs; an empty `remote` takes what comes.
        enabled: Whether it is switched on.
    """

    gateway: str
    tunnel: int
    address: str
    peer: str | None
    identities: frozenset[str]
    expected: frozenset[str]
    secret: str
    ike_version: int
    phase1: frozenset[str] = DEFAULT_PHASE1
    phase2: frozenset[str] = DEFAULT_PHASE2
    pfs: bool | None = None
    kind: str | None = None
    local: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    enabled: bool = True


class Gateway(Protocol):
    """Anything that ends IPsec tunnels."""

    @property
    def id(self) -> str:
        """Unique in the lab."""
        ...

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    @property
    def address(self) -> str | None:
        """Its public address."""
        ...

    @property
    def running(self) -> bool:
        """Whether it negotiates at all now."""
        ...

    def admits(self, protocol: str, port: int, source: str) -> bool:
        """Whether the rules around it let such a packet in."""
        ...

    def offers(self) -> list[Offer]:
        """What it is configured for."""
        ...


def disagreement(ours: Offer, theirs: Offer) -> str | None:
    """The first reason why the two ends make no tunnel, None when they agree."""
    for end in (ours, theirs):
        if not end.enabled:
            return "the tunnel is disabled"
    if ours.peer not in (None, theirs.address) or theirs.peer not in (None, ours.address):
        return f"{theirs.address} is configured for another peer"
    if ours.ike_version != theirs.ike_version:
        return f"IKE version {ours.ike_version} here, {theirs.ike_version} there"
    if not ours.phase1 & theirs.phase1:
        return "no common phase 1 proposal"
    if not _identity_accepted(ours, theirs) or not _identity_accepted(theirs, ours):
        return "the IKE identities do not match"
    if ours.secret != theirs.secret:
        return "the pre-shared secrets differ"
    if not ours.phase2 & theirs.phase2:
        return "no common phase 2 proposal"
    if None not in (ours.pfs, theirs.pfs) and ours.pfs != theirs.pfs:
        return "perfect forward secrecy on one end only"
    if None not in (ours.kind, theirs.kind) and ours.kind != theirs.kind:
        return f"{ours.kind} here, {theirs.kind} there"
    if not selectors_agree(ours, theirs):
        return "the traffic selectors do not match"
    return None


def closed_port(here: Gateway, there: Gateway) -> str | None:
    """The first IKE port that the rules around either end close to the other, None when all are open."""
    assert here.address is not None
    assert there.address is not None
    for inside, outside in ((here, there.address), (there, here.address)):
        for port in IKE_PORTS:
            if not inside.admits("udp", port, outside):
                return f"udp/{port} from {outside} is closed at {inside.name}"
    return None


def chosen(ours: Iterable[str], theirs: Iterable[str]) -> str:
    """The proposal that both took: the first in order of both."""
    return min(set(ours) & set(theirs), default="")


def _identity_accepted(shown: Offer, by: Offer) -> bool:
    return not by.expected or bool(shown.identities & by.expected)


def selectors_agree(ours: Offer, theirs: Offer) -> bool:
    """Two named peers must mirror each other; a responder for anyone narrows to what it has (IKEv2, RFC 7296 2.9)."""
    if ours.peer is not None and theirs.peer is not None:
        return ours.local == theirs.remote and ours.remote == theirs.local
    return _overlap(ours.remote, theirs.local) and _overlap(theirs.remote, ours.local)


def _overlap(wanted: tuple[str, ...], had: tuple[str, ...]) -> bool:
    if not wanted or not had:
        return True
    networks = [ipaddress.ip_network(cidr) for cidr in had]
    return any(ipaddress.ip_network(cidr).overlaps(network) for cidr in wanted for network in networks)
