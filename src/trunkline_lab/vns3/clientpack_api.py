"""Client packs: one for each overlay address that the licence has for clients. No client ever connects here."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re

from .controller import Call, Reply
from .operations import Operations
from .records import Record, drawer
from .refusals import bad_argument
from .state import Settings

operations = Operations()
_COMPRESSIONS = ("on", "off", "lzo", "lz4", "none")
_FORMATS = ("tarball", "zip", "conf", "ovpn", "linux_onefile", "windows_onefile", "wireguard")
_KIND = "clientpack"


def packs(call: Call) -> dict[str, Record]:
    """All packs by name; made of the licence's addresses when they are first asked for."""
    known = drawer(call, _KIND)
    settings = call.controller.settings
    addresses = settings.license.topology.clients if settings.license else ()
    for address in addresses[len(known) :]:
        _add(call, known, address)
    return known


def _add(call: Call, known: dict[str, Record], address: str) -> Record:
    name = address.replace(".", "_")
    known[name] = {
        "name": name,
        "overlay_ipaddress": address,
        "enabled": True,
        "checked_out": False,
        "sequential_id": len(known) + 1,
        "compression": "on",
        "manager_id": "",
        "ipaddress": "",
        "status": "disconnected",
        "connected": False,
        "tags": {},
    }
    return known[name]


def _view(settings: Settings, pack: Record) -> Record:
    """A pack with its files and their checksums, which follow from the keys of the topology."""
    name = pack["name"]
    files = {
        "linux_onefile": f"{name}.conf",
        "windows_onefile": f"{name}.ovpn",
        "tarball_file": f"{name}.tar.gz",
        "zip_file": f"{name}.zip",
    }
    sums = {f"{kind}_sha1": _checksum(settings, pack, kind) for kind in ("conf", "ovpn", "tarball", "zip")}
    return {**pack, **files, **sums}


def _checksum(settings: Settings, pack: Record, kind: str) -> str:
    text = f"{settings.keyset.uuid if settings.keyset else ''}/{pack['name']}/{kind}/{pack.get('generation', 0)}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _shown(call: Call, pack: Record) -> Record:
    view = _view(call.controller.settings, pack)
    view.pop("generation", None)
    return view


def _find(call: Call, name: str) -> Record:
    known = packs(call)
    if name not in known:
        raise bad_argument(f"name is invalid: there is no client pack {name!r}")
    return known[name]


@operations("GET", "/clientpacks", licensed=True)
def get_packs(call: Call) -> object:
    """All packs by name."""
    return {name: _shown(call, pack) for name, pack in packs(call).items()}


@operations("PUT", "/clientpacks", licensed=True)
def put_packs(call: Call) -> object:
    """Change all packs."""
    known = packs(call).values()
    for pack in known:
        _change(call, pack)
    return {
        "enabled": all(pack["enabled"] for pack in known),
        "checked_out": all(pack["checked_out"] for pack in known),
    }


def _change(call: Call, pack: Record) -> None:
    body = call.body
    for name in ("auth_on", "psk_on"):
        body.flag(name, False)
    enabled, checked = body.flag("enabled", pack["enabled"]), body.flag("checked_out", pack["checked_out"])
    compression = body.choice("compression", _COMPRESSIONS, pack["compression"])
    pack |= {"enabled": enabled, "checked_out": checked, "compression": compression}


@operations("POST", "/clientpacks/add_clientpacks", licensed=True)
def post_packs(call: Call) -> object:
    """Add packs for overlay addresses, given as "a, b, c"."""
    known, settings = packs(call), call.controller.settings
    assert settings.license is not None
    overlay = ipaddress.ip_network(settings.license.topology.subnet)
    words = call.body.text("requested_ips").replace(",", " ").split()
    for word in words:
        try:
            inside = ipaddress.ip_address(word) in overlay
        except ValueError:
            inside = False
        if not inside or word.replace(".", "_") in known or word in settings.license.topology.managers:
            raise bad_argument(f"requested_ips is invalid: {word!r} is not a free address of {overlay}")
    for word in words:
        _add(call, known, word)
    return f"{len(words)} client packs added"


@operations("POST", "/clientpacks/next_available", licensed=True)
def post_next(call: Call) -> object:
    """Check out the first free pack of a range."""
    low = ipaddress.ip_address(call.body.address("low_ip", "0.0.0.0"))
    high = ipaddress.ip_address(call.body.address("high_ip", "255.255.255.255"))
    disabled = call.body.flag("include_disabled", False)
    for pack in packs(call).values():
        address = ipaddress.ip_address(pack["overlay_ipaddress"])
        if int(low) <= int(address) <= int(high) and not pack["checked_out"] and (pack["enabled"] or disabled):
            pack["checked_out"] = True
            return _shown(call, pack)
    raise bad_argument("no client pack is available")


@operations("GET", "/clientpacks/{clientpack_name}", licensed=True)
def get_pack(call: Call) -> object:
    """One pack."""
    return {"clientpack": _shown(call, _find(call, call.parts["clientpack_name"]))}


@operations("PUT", "/clientpack", licensed=True)
def put_pack(call: Call) -> object:
    """Change a pack, or make its keys anew."""
    pack = _find(call, call.body.text("name"))
    regenerate = call.body.flag("regenerate", False)
    _change(call, pack)
    if regenerate:
        pack["generation"] = pack.get("generation", 0) + 1
    return _shown(call, pack)


@operations("GET", "/clientpack", licensed=True)
def download_pack(call: Call) -> object:
    """A pack's file, by the name and the format in the query."""
    chosen = call.query.get("fileformat") or call.query.get("fileFormat") or "conf"
    if chosen not in _FORMATS:
        raise bad_argument(f"fileformat is invalid: {chosen!r} is none of {', '.join(_FORMATS)}")
    return _file(call, _find(call, call.query.get("name", "")))


@operations("GET", "/clientpack/{clientpack_name}", licensed=True)
def download_named_pack(call: Call) -> object:
    """A pack's file, by its name, or by that of one of its files."""
    name = re.sub(r"\.(conf|ovpn|tar\.gz|zip)$", "", call.parts["clientpack_name"])
    return _file(call, _find(call, name))


def _file(call: Call, pack: Record) -> Reply:
    """What a client would configure; its keys belong to nobody."""
    lines = ["client", "dev tun", f"remote {call.controller.machine.public_address} 1194 udp"]
    lines += [f"# overlay address {pack['overlay_ipaddress']}", f"# {json.dumps(pack['tags'])}"]
    return Reply(200, "\n".join(lines) + "\n", content_type="text/plain")


@operations("POST", "/clientpack/{clientpack_name}", licensed=True)
def post_tag(call: Call) -> object:
    """Put a tag on a pack."""
    pack = _find(call, call.parts["clientpack_name"])
    call.body.require("key", "value")
    pack["tags"][call.body.text("key")] = call.body.text("value")
    return {"name": pack["name"], "tags": dict(pack["tags"])}


@operations("DELETE", "/clientpack/{clientpack_name}", licensed=True)
def delete_tag(call: Call) -> object:
    """Take a tag from a pack."""
    pack, key = _find(call, call.parts["clientpack_name"]), call.body.text("key")
    if key not in pack["tags"]:
        raise bad_argument(f"key is invalid: {pack['name']} has no tag {key!r}")
    del pack["tags"][key]
    return {"name": pack["name"], "tags": dict(pack["tags"])}


@operations("PUT", "/clientpack/{clientpack_name}", licensed=True)
def disconnect_pack(call: Call) -> object:
    """Disconnect a pack's client."""
    call.body.require("disconnect")
    return _disconnected(_find(call, call.parts["clientpack_name"]))


@operations("POST", "/client/reset", licensed=True)
def reset_client(call: Call) -> object:
    """Reset a client's connection."""
    return _disconnected(_find(call, call.body.text("name")))


def _disconnected(pack: Record) -> Record:
    return {"disconnecting": pack["name"], "overlay_ipaddress": pack["overlay_ipaddress"]}


@operations("POST", "/clients/reset_all", licensed=True)
def reset_all(call: Call) -> object:
    """Reset all connections: of none."""
    return {"resetting": []}


@operations("GET", "/status/clients", licensed=True)
def get_clients(call: Call) -> object:
    """The connected clients: none."""
    return {}
