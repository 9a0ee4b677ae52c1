"""Snapshots: a controller's whole configuration as a file, and back.

The file carries its own seal: a controller unpacks only what a controller of this very process has packed.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import hmac
import pickle
import secrets
import time
import uuid

from .controller import Call, Reply
from .operations import Operations
from .records import Record, drawer, found, without
from .refusals import bad_argument
from .state import Settings, stamp

operations = Operations()
_KIND = "snapshot"
_SEAL = secrets.token_bytes(32)
_HEAD = "VNS3 SNAPSHOT"
# What stays with the machine when another one's configuration comes in.
_OWN = ("password", "security_token", "tokens", "urls", "records", "ids", "jobs")


def pack(settings: Settings) -> str:
    """The configuration as a text."""
    kept = copy.copy(settings)
    kept.records = {kind: records for kind, records in settings.records.items() if kind != _KIND}
    content = pickle.dumps(kept)
    seal = hmac.digest(_SEAL, content, "sha256")
    return f"{_HEAD}\n{base64.b64encode(seal + content).decode()}\n"


def unpack(text: str) -> Settings:
    """The configuration in a text of `pack`. Raises Refusal for anything else."""
    head, _, body = text.strip().partition("\n")
    try:
        packed = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    seal, content = packed[:32], packed[32:]
    if head != _HEAD or not hmac.compare_digest(seal, hmac.digest(_SEAL, content, "sha256")):
        raise bad_argument("snapshot is invalid: it is none of this lab, or it was altered")
    settings = pickle.loads(content)
    assert isinstance(settings, Settings)
    return settings


def _all(call: Call) -> Record:
    records = drawer(call, _KIND)
    return {"latest_snapshot": next(reversed(records), ""), "snapshots": {n: _view(one) for n, one in records.items()}}


def _view(record: Record) -> Record:
    return without(record, "content", "name")


@operations("GET", "/snapshots", licensed=True)
def get_snapshots(call: Call) -> object:
    """All snapshots by name."""
    return _all(call)


@operations("POST", "/snapshots", licensed=True)
def post_snapshot(call: Call) -> object:
    """Take a snapshot of the configuration as it is now."""
    now = time.time()
    name = call.body.text("name", f"snapshot_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(now))}_{uuid.uuid4().hex[:8]}")
    if name in drawer(call, _KIND):
        raise bad_argument(f"name is invalid: there is a snapshot {name!r} already")
    content = pack(call.controller.settings)
    record = {
        "name": name,
        "content": content,
        "sha1_checksum": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(),
        "created_at": stamp(now),
        "created_at_i": int(now),
        "size": len(content),
        "status": "ready",
    }
    drawer(call, _KIND)[name] = record
    return {name: _view(record)}


@operations("PUT", "/snapshots/running_config")
def put_running_config(call: Call) -> object:
    """Take a snapshot's configuration over, and reboot into it. Works unlicensed: the licence comes with it."""
    theirs, controller = unpack(call.text), call.controller
    ours = controller.settings
    for name in _OWN:
        setattr(theirs, name, getattr(ours, name))
    ours.ids.skip_to(_highest(theirs))  # no id is given twice
    controller.settings = theirs
    controller.reboot_soon()
    return {"snapshot": theirs.topology_name or "snapshot", "log_lines": ["configuration imported", "rebooting"]}


def _highest(settings: Settings) -> int:
    numbers = [0, *settings.endpoints, *settings.routes]
    for endpoint in settings.endpoints.values():
        numbers += [*endpoint.tunnels, *endpoint.traffic_pairs, *endpoint.bgp_peers]
    return max(numbers)


@operations("GET", "/snapshots/{snapshot_name}", licensed=True)
def get_snapshot(call: Call) -> object:
    """The snapshot's file."""
    return Reply(200, found(call, _KIND, "snapshot_name")["content"], content_type="application/octet-stream")


@operations("DELETE", "/snapshots/{snapshot_name}", licensed=True)
def delete_snapshot(call: Call) -> object:
    """Remove a snapshot; answers with those that remain."""
    drawer(call, _KIND).pop(found(call, _KIND, "snapshot_name")["name"])
    return _all(call)
