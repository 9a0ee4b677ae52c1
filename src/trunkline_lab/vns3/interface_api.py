"""Network interfaces: the instance's own, those that were added with their addresses, and edge GRE."""

from __future__ import annotations

import time

from .controller import Call, Controller
from .operations import Operations
from .records import FLAG, NUMBER, TEXT, Form, Record, drawer, flag, found, number, numbered, without
from .refusals import bad_argument, not_found
from .state import stamp

operations = Operations()
_SYSTEM, _GRE, _ADDRESS = "interface", "edge_gre", "interface_address"
_INTERFACE = Form(
    "name",
    name=TEXT,
    description=TEXT,
    ip_internal=TEXT,
    ip_external=TEXT,
    mtu=number(1500),
    enabled=flag(True),
    mask_bits=TEXT,
    gateway=TEXT,
)
_TUNNEL = Form(
    "endpoint_name",
    "ip_internal",
    endpoint_name=TEXT,
    description=TEXT,
    ip_internal=TEXT,
    mtu=number(1476),
    enabled=flag(True),
    mask_bits=TEXT,
    local_connection_ip=TEXT,
    remote_connection_ip=TEXT,
    ttl=number(64),
    system_default=FLAG,
)
_ADDRESSES = Form(
    "ip_internal", label=TEXT, description=TEXT, ip_internal=TEXT, ip_external=TEXT, mask_bits=NUMBER, gateway=TEXT
)
_UNDERLAY, _OVERLAY = 1, 2
_ACTIONS = ("discover_new_primary_adapters", "discover_ips", "manage_overlay_interfaces", "discover_links")


def _own(controller: Controller) -> list[Record]:
    """The interfaces that the instance and its overlay have by themselves."""
    machine, settings = controller.machine, controller.settings
    underlay = _interface(_UNDERLAY, "eth0", "system", machine.private_address, "24", controller.subnet_gateway)
    underlay["ip_external"] = machine.public_address
    if settings.license is None or settings.overlay_address is None:
        return [underlay]
    bits = settings.license.topology.subnet.partition("/")[2]
    return [underlay, _interface(_OVERLAY, "tun0", "overlay", settings.overlay_address, bits, "")]


def _interface(identity: int, name: str, kind: str, address: str, bits: str, gateway: str) -> Record:
    return {
        "id": identity,
        "name": name,
        "interface_type": kind,
        "description": "",
        "ip_internal": address,
        "ip_external": "",
        "mtu": 1500,
        "enabled": True,
        "status": "Up",
        "mask_bits": bits,
        "gateway": gateway,
        "system_default": True,
        "tags": [],
    }


def _all(call: Call) -> list[Record]:
    added = [_shown(each) for each in drawer(call, _SYSTEM).values()]
    gre = [_interface_of(each) for each in drawer(call, _GRE).values()]
    return [*_own(call.controller), *added, *gre]


def _shown(record: Record) -> Record:
    return record | {"status": "Up" if record["enabled"] else "Down"}


def _interface_of(record: Record) -> Record:
    """An edge GRE interface as the list of all interfaces shows it."""
    return without(_gre(record), "endpoint_name", "local_connection_ip", "remote_connection_ip", "ttl", "interface_id")


@operations("GET", "/interfaces")
def get_interfaces(call: Call) -> object:
    """All network interfaces."""
    return _all(call)


@operations("POST", "/interfaces/action")
def post_action(call: Call) -> object:
    """Look for adapters anew; answers with all interfaces. The machine has the one that its cloud gave."""
    if not any(call.body.flag(name, False) for name in _ACTIONS):
        raise bad_argument(f"one of {', '.join(_ACTIONS)} is required")
    return _all(call)


@operations("GET", "/interfaces/system")
def get_system(call: Call) -> object:
    """The interfaces of the instance itself."""
    return [each for each in _all(call) if each["interface_type"] == "system"]


@operations("POST", "/interfaces/system")
def post_system(call: Call) -> object:
    """Add an interface."""
    record = _INTERFACE.new(call.body)
    _check_addresses(call, "ip_internal", "ip_external", "gateway")
    if any(each["name"] == record["name"] for each in _all(call)):
        raise bad_argument(f"name is invalid: there is an interface {record['name']!r} already")
    return _shown(numbered(call, _SYSTEM, record | {"interface_type": "system", "system_default": False, "tags": []}))


def _check_addresses(call: Call, *names: str) -> None:
    for name in names:
        if call.body.text(name, ""):
            call.body.address(name)


def _system(call: Call) -> Record:
    own = [each for each in _own(call.controller) if str(each["id"]) == call.parts["interface_id"]]
    return own[0] if own and own[0]["interface_type"] == "system" else found(call, _SYSTEM, "interface_id")


@operations("GET", "/interfaces/system/{interface_id}")
def get_system_interface(call: Call) -> object:
    """One interface."""
    record = _system(call)
    return record if record["system_default"] else _shown(record)


@operations("PUT", "/interfaces/system/{interface_id}")
def put_system_interface(call: Call) -> object:
    """Change an interface that was added."""
    record = _added(call)
    _check_addresses(call, "ip_internal", "ip_external", "gateway")
    _INTERFACE.change(record, call.body)
    return _shown(record)


@operations("DELETE", "/interfaces/system/{interface_id}")
def delete_system_interface(call: Call) -> object:
    """Remove an interface that was added, with its addresses."""
    record = _added(call)
    addresses = drawer(call, _ADDRESS)
    for key in [key for key, each in addresses.items() if each["interface_id"] == record["id"]]:
        del addresses[key]
    return _shown(drawer(call, _SYSTEM).pop(record["id"]))


def _added(call: Call) -> Record:
    record = _system(call)
    if record["system_default"]:
        raise bad_argument(f"interface_id is invalid: {record['name']} is the system's own")
    return record


# Addresses of an interface


@operations("GET", "/interfaces/system/{interface_id}/addresses")
def get_addresses(call: Call) -> object:
    """All addresses of an interface."""
    number_ = _system(call)["id"]
    return [_address(each) for each in drawer(call, _ADDRESS).values() if each["interface_id"] == number_]


def _address(record: Record) -> Record:
    return without(record, "interface_id", "id", "label")


@operations("POST", "/interfaces/system/{interface_id}/addresses")
def post_address(call: Call) -> object:
    """Add an address."""
    record = _ADDRESSES.new(call.body) | {"interface_id": _system(call)["id"]}
    _check_addresses(call, "ip_internal", "ip_external", "gateway")
    record["created_at"] = record["updated_at"] = stamp(time.time())
    return numbered(call, _ADDRESS, record)


def _one_address(call: Call) -> Record:
    record = found(call, _ADDRESS, "address_id")
    if record["interface_id"] != _system(call)["id"]:
        raise not_found(f"address {record['id']} not found at interface {call.parts['interface_id']}")
    return record


@operations("GET", "/interfaces/system/{interface_id}/addresses/{address_id}")
def get_address(call: Call) -> object:
    """One address."""
    return _one_address(call)


@operations("PUT", "/interfaces/system/{interface_id}/addresses/{address_id}")
def put_address(call: Call) -> object:
    """Change an address."""
    record = _one_address(call)
    _check_addresses(call, "ip_internal", "ip_external", "gateway")
    _ADDRESSES.change(record, call.body)
    record["updated_at"] = stamp(time.time())
    return record


@operations("DELETE", "/interfaces/system/{interface_id}/addresses/{address_id}")
def delete_address(call: Call) -> object:
    """Remove an address."""
    return drawer(call, _ADDRESS).pop(_one_address(call)["id"])


# Edge GRE


def _gre(record: Record) -> Record:
    return record | {
        "interface_id": record["id"],
        "name": f"gre{record['id']}",
        "interface_type": "edge_gre",
        "ip_external": "",
        "gateway": "",
        "status": "Up" if record["enabled"] else "Down",
        "tags": [],
    }


@operations("GET", "/interfaces/edge_gre")
def get_gre_interfaces(call: Call) -> object:
    """All edge GRE interfaces."""
    return [_gre(each) for each in drawer(call, _GRE).values()]


@operations("POST", "/interfaces/edge_gre")
def post_gre(call: Call) -> object:
    """Add an edge GRE interface."""
    record = _TUNNEL.new(call.body)
    _check_addresses(call, "ip_internal", "local_connection_ip", "remote_connection_ip")
    return _gre(numbered(call, _GRE, record))


@operations("GET", "/interfaces/edge_gre/{interface_id}")
def get_gre(call: Call) -> object:
    """One edge GRE interface."""
    return _gre(found(call, _GRE, "interface_id"))


@operations("PUT", "/interfaces/edge_gre/{interface_id}")
def put_gre(call: Call) -> object:
    """Change an edge GRE interface."""
    record = found(call, _GRE, "interface_id")
    _check_addresses(call, "ip_internal", "local_connection_ip", "remote_connection_ip")
    _TUNNEL.change(record, call.body)
    return _gre(record)


@operations("DELETE", "/interfaces/edge_gre/{interface_id}")
def delete_gre(call: Call) -> object:
    """Remove an edge GRE interface."""
    return _gre(drawer(call, _GRE).pop(found(call, _GRE, "interface_id")["id"]))
