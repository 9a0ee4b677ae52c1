"""Licences: the lab issues them, a controller reads them, and the topology they allow follows.

A licence is armoured text with a checksum, so that a truncated or altered file is refused as a real one would be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
import textwrap
import uuid
from dataclasses import dataclass, replace

from .refusals import bad_argument

_BEGIN, _END = "-----BEGIN VNS3 LICENSE-----", "-----END VNS3 LICENSE-----"
_OVERLAY = "100.127.255.192/26"
_FIRST_ASN = 65001


@dataclass(frozen=True)
class Topology:
    """What a licence allows and its parameters chose.

    Parameters:
        subnet: The overlay's CIDR.
        managers: Overlay addresses of controllers 1, 2, ... in this order.
        asns: Their autonomous system numbers, in the same order.
        clients: Overlay addresses for client packs.
        max_endpoints, max_subnets: The limits for IPsec.
        vip: The address that every controller answers on in the overlay.
    """

    subnet: str
    managers: tuple[str, ...]
    asns: tuple[int, ...]
    clients: tuple[str, ...]
    max_endpoints: int
    max_subnets: int
    vip: str

    def as_dict(self) -> dict[str, object]:
        """The `topology` object of the licence's answers."""
        return {
            "managers": [
                {"manager_id": n, "asn": asn, "overlay_ipaddress": _overlay(address)}
                for n, (address, asn) in enumerate(zip(self.managers, self.asns, strict=True), 1)
            ],
            "clients": [_overlay(address) for address in self.clients],
            "total_clients": len(self.clients),
            "overlay_max_clients": len(self.clients),
            "overlay_subnet": self.subnet,
            "ipsec_max_endpoints": self.max_endpoints,
            "ipsec_max_subnets": self.max_subnets,
            "license_upgrades": [],
        }


@dataclass(frozen=True)
class License:
    """An uploaded licence; `finalized` once its parameters were set."""

    checksum: str
    uploaded: float
    topology: Topology
    capabilities: tuple[str, ...]
    finalized: bool = False
    custom: bool = False

    def accepted(self, topology: Topology) -> License:
        """The same licence with its parameters set."""
        return replace(self, topology=topology, finalized=True, custom=topology != self.topology)


def issue(*, managers: int = 8, clients: int = 20, max_endpoints: int = 64, max_subnets: int = 512) -> str:
    """The text of a fresh licence.

    Parameters:
        managers: How many controllers one topology may have.
        clients: How many overlay clients.
        max_endpoints, max_subnets: How many IPsec endpoints and tunnels a controller may have.
    """
    terms = {
        "serial": uuid.uuid4().hex,
        "managers": managers,
        "clients": clients,
        "ipsec_max_endpoints": max_endpoints,
        "ipsec_max_subnets": max_subnets,
        "capabilities": ["bgp", "cloud", "containers", "eBGP", "hybrid", "ipsec", "vpn"],
    }
    body = base64.b64encode(json.dumps(terms, sort_keys=True).encode()).decode()
    lines = [_BEGIN, hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest(), *textwrap.wrap(body, 64), _END]
    return "\n".join(lines) + "\n"


def read(text: str, now: float) -> License:
    """The licence that `text` spells; a 400 "Bad license" when it is none or was altered."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) < 4 or lines[0] != _BEGIN or lines[-1] != _END:
        raise bad_argument("Bad license")
    body = "".join(lines[2:-1])
    if hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest() != lines[1]:
        raise bad_argument("Bad license")
    try:
        terms = json.loads(base64.b64decode(body, validate=True))
        topology = _default_topology(terms)
        capabilities = tuple(str(item) for item in terms["capabilities"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_argument("Bad license") from None
    return License(lines[1], now, topology, capabilities)


def _default_topology(terms: dict[str, int]) -> Topology:
    hosts = [str(host) for host in ipaddress.ip_network(_OVERLAY).hosts()]
    managers, clients = int(terms["managers"]), int(terms["clients"])
    if managers + clients + 1 > len(hosts):
        raise ValueError("the overlay is too small")
    return Topology(
        subnet=_OVERLAY,
        managers=tuple(reversed(hosts[-managers - 1 : -1])),
        asns=tuple(_FIRST_ASN + n for n in range(managers)),
        clients=tuple(hosts[:clients]),
        max_endpoints=int(terms["ipsec_max_endpoints"]),
        max_subnets=int(terms["ipsec_max_subnets"]),
        vip=hosts[-1],
    )


def _overlay(address: str) -> dict[str, object]:
    return {"ip_address": address, "octets": [int(part) for part in address.split(".")]}
