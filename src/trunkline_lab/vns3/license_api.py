"""Licensing: upload, accept with parameters (which reboots), and read."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import replace

from .arguments import Arguments
from .controller import Call
from .license import Topology, read
from .operations import Operations
from .refusals import UNLICENSED, bad_argument, prerequisite
from .state import stamp

operations = Operations()


@operations("PUT", "/license")
def put_license(call: Call) -> object:
    """Upload a licence as plain text; it counts once its parameters are set."""
    settings = call.controller.settings
    if settings.licensed:
        raise bad_argument("License already accepted")
    settings.license = license_ = read(call.text, time.time())
    return {
        "license": "accepted",
        "finalized": False,
        "license_present": True,
        "capabilities": list(license_.capabilities),
        "default_topology": license_.topology.as_dict(),
    }


@operations("GET", "/license")
def get_license(call: Call) -> object:
    """The uploaded licence."""
    license_ = call.controller.settings.license
    if license_ is None:
        raise prerequisite(UNLICENSED)
    return {
        "license_present": True,
        "license": "accepted",
        "finalized": license_.finalized,
        "sha1_checksum": license_.checksum,
        "uploaded_at": stamp(license_.uploaded),
        "uploaded_at_i": int(license_.uploaded),
        "topology": license_.topology.as_dict(),
        "capabilities": list(license_.capabilities),
        "container_details": {"containers_run_count": 0, "containers_image_count": 0},
        "custom_addressing": license_.custom,
        "my_manager_vip": license_.topology.vip,
    }


@operations("PUT", "/license/parameters")
def put_license_parameters(call: Call) -> object:
    """Accept the licence with its default or with given addresses; the controller reboots."""
    settings = call.controller.settings
    if settings.license is None:
        raise bad_argument("a license must be uploaded first")
    if settings.licensed:
        raise bad_argument("License parameters are already set")
    topology = settings.license.topology
    if not call.body.flag("default", False):
        topology = _custom(call.body, topology)
    settings.license = settings.license.accepted(topology)
    call.controller.reboot_soon()
    return {"license": "accepted", "finalized": True, "parameters": _parameters(topology)}


def _parameters(topology: Topology) -> dict[str, object]:
    managers = list(topology.managers)
    return {
        "subnet": topology.subnet,
        "controllers": managers,
        "managers": managers,
        "clients": list(topology.clients),
        "asns": list(topology.asns),
        "my_manager_vip": topology.vip,
    }


def _custom(body: Arguments, default: Topology) -> Topology:
    body.require("subnet", "managers", "asns", "clients", "my_manager_vip")
    subnet = ipaddress.ip_network(body.cidr("subnet"))
    managers, clients = _addresses(body, "managers", subnet), _addresses(body, "clients", subnet)
    asns = tuple(_numbers(body, "asns"))
    if not 1 <= len(managers) <= len(default.managers):
        raise bad_argument(f"managers is invalid: the license allows 1 to {len(default.managers)}")
    if len(clients) > len(default.clients):
        raise bad_argument(f"clients is invalid: the license allows {len(default.clients)}")
    if len(asns) != len(managers):
        raise bad_argument("asns is invalid: one for each of managers is needed")
    vip = body.address("my_manager_vip")
    return replace(default, subnet=str(subnet), managers=managers, asns=asns, clients=clients, vip=vip)


def _addresses(body: Arguments, name: str, subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[str, ...]:
    """Addresses as "a b c", "a,b,c" or "first-last", all inside the subnet."""
    found: list[str] = []
    for word in body.text(name).replace(",", " ").split():
        first, _, last = word.partition("-")
        try:
            low, high = int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last or first))
        except ValueError:
            raise bad_argument(f"{name} is invalid: {word!r} is no address or range") from None
        if high - low > 1024:
            raise bad_argument(f"{name} is invalid: {word!r} is too long a range")
        found += [str(ipaddress.IPv4Address(n)) for n in range(low, high + 1)]
    outside = [address for address in found if ipaddress.ip_address(address) not in subnet]
    if outside:
        raise bad_argument(f"{name} is invalid: {outside[0]} is not in {subnet}")
    return tuple(found)


def _numbers(body: Arguments, name: str) -> list[int]:
    words = body.text(name).replace(",", " ").split()
    if not words or not all(word.isdigit() and 0 < int(word) < 2**32 for word in words):
        raise bad_argument(f"{name} is invalid: expected autonomous system numbers")
    return [int(word) for word in words]
