"""Packet monitors: kept as records; no packet passes here, so what they catch is empty."""

from __future__ import annotations

import struct

from .controller import Call, Reply
from .operations import Operations
from .records import TEXT, Form, drawer, found, named, without
from .refusals import bad_argument

operations = Operations()
_MONITOR = Form(
    "name",
    "type",
    "interface",
    "filter",
    "duration",
    "destination",
    **dict.fromkeys(("name", "type", "interface", "filter", "duration", "destination"), TEXT),
)
_KIND = "packet_monitor"
# The header of a capture file without packets (libpcap's format: magic, version 2.4, zone, accuracy, length, Ethernet).
_EMPTY = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


@operations("GET", "/packet_monitors")
def get_monitors(call: Call) -> object:
    """All monitors."""
    return [without(each, "running") for each in drawer(call, _KIND).values()]


@operations("POST", "/packet_monitor")
def post_monitor(call: Call) -> object:
    """Make a monitor."""
    record = _MONITOR.new(call.body)
    call.body.choice("type", ("pcap", "netflow"))
    return without(named(call, _KIND, record | {"running": False}), "running")


@operations("GET", "/packet_monitor/{name}")
def get_monitor(call: Call) -> object:
    """One monitor."""
    return without(found(call, _KIND, "name"), "running")


@operations("DELETE", "/packet_monitor/{name}")
def delete_monitor(call: Call) -> object:
    """Remove a monitor."""
    drawer(call, _KIND).pop(found(call, _KIND, "name")["name"])
    return {"success": True, "output": ""}


@operations("PUT", "/packet_monitor/{name}/start")
def start_monitor(call: Call) -> object:
    """Start it."""
    return _switch(call, True)


@operations("PUT", "/packet_monitor/{name}/stop")
def stop_monitor(call: Call) -> object:
    """Stop it."""
    return _switch(call, False)


def _switch(call: Call, running: bool) -> object:
    record = found(call, _KIND, "name")
    changed = record["running"] is not running
    record["running"] = running
    state = "running" if running else "stopped"
    return {"success": changed, "output": state if changed else f"{record['name']} is {state} already"}


@operations("GET", "/packet_monitor/{name}/download")
def download_monitor(call: Call) -> object:
    """What it caught: a capture file without a packet."""
    if found(call, _KIND, "name")["type"] != "pcap":
        raise bad_argument("name is invalid: only a monitor of type pcap has a file")
    return Reply(200, _EMPTY, content_type="application/octet-stream")
