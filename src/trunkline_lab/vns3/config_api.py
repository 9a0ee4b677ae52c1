"""Configuration, passwords, the server itself, interfaces and the cloud's data."""

from __future__ import annotations

from ..world import Machine
from .controller import Call, Controller
from .operations import Operations
from .refusals import bad_argument
from .state import VERSION

operations = Operations()
_SHORTEST_PASSWORD = 8


def _config(controller: Controller) -> dict[str, object]:
    settings, machine = controller.settings, controller.machine
    return {
        "vns3_version": VERSION,
        "private_ipaddress": machine.private_address,
        "public_ipaddress": machine.public_address,
        "topology_name": settings.topology_name,
        "controller_name": settings.controller_name,
        "licensed": settings.licensed,
        "peered": bool(settings.peers),
        "overlay_ipaddress": settings.overlay_address,
        "asn": settings.asn,
        "manager_id": settings.peering_id or 0,
        "ntp_hosts": settings.ntp_hosts,
        "topology_checksum": settings.keyset.checksum if settings.keyset else None,
        "subnet_gateway": controller.subnet_gateway,
        "security_token": settings.security_token,
    }


@operations("GET", "/config")
def get_config(call: Call) -> object:
    """Who this controller is; answers unlicensed too."""
    return _config(call.controller)


@operations("PUT", "/config")
def put_config(call: Call) -> object:
    """Set topology name, controller name or NTP hosts."""
    names = ("topology_name", "controller_name", "ntp_hosts")
    given = {name: call.body.text(name) for name in names if name in call.body}
    if not given:
        raise bad_argument(f"one of {', '.join(names)} is required")
    for name, value in given.items():
        setattr(call.controller.settings, name, value)
    return _config(call.controller)


@operations("PUT", "/api_password")
def put_api_password(call: Call) -> object:
    """Replace the API password; the old one is void at once."""
    password = call.body.text("password")
    if len(password) < _SHORTEST_PASSWORD:
        raise bad_argument(f"password is invalid: at least {_SHORTEST_PASSWORD} characters are needed")
    call.controller.settings.password = password
    return {"password_reset": "ok"}


@operations("PUT", "/admin_ui")
def put_admin_ui(call: Call) -> object:
    """Switch the web UI on or off and set its user."""
    settings, body = call.controller.settings, call.body
    if not any(name in body for name in ("enabled", "admin_username", "admin_password")):
        raise bad_argument("one of enabled, admin_username, admin_password is required")
    enabled, username = body.flag("enabled", settings.ui_enabled), body.text("admin_username", settings.ui_username)
    settings.ui_enabled, settings.ui_username = enabled, username
    return {"enabled": settings.ui_enabled, "username": settings.ui_username}


@operations("PUT", "/server")
def put_server(call: Call) -> object:
    """Reboot."""
    if not call.body.flag("reboot", False):
        raise bad_argument("Nothing to do")
    call.controller.reboot_soon()
    return {"status": "rebooting"}


@operations("GET", "/cloud_data")
def get_cloud_data(call: Call) -> object:
    """What the cloud's metadata service says."""
    machine = call.controller.machine
    return {"cloud_type": _cloud_type(machine), "cloud_data": _cloud_data(machine)}


def _cloud_type(machine: Machine) -> str:
    if machine.id.startswith("i-"):
        return "ec2"
    return "azure" if machine.id.startswith("/subscriptions/") else "other"


def _cloud_data(machine: Machine) -> dict[str, object]:
    return {"accountId": machine.account, "instanceId": machine.id, "privateIp": machine.private_address}
