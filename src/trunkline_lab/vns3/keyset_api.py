"""The keyset: generated here, or fetched from another controller.

The order of a fetch is the one that the official SDK tolerates: in progress while the API still answers, then dark,
then up with licence and keyset. Reporting the keyset before the reboot would send the SDK into the outage.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from dataclasses import replace

from .controller import Call, Controller
from .listener import PORT
from .operations import Operations
from .refusals import KEYSET_EXISTS, KEYSET_IN_PROGRESS, UNLICENSED, bad_argument, prerequisite
from .state import Keyset, KeysetSetup, stamp

operations = Operations()
_FETCH_OUTAGE = 1.5  # times the pace's reboot: a fetch reboots into a new topology, which takes longer


@operations("GET", "/keyset", licensed=True)
def get_keyset(call: Call) -> object:
    """Whether there is a keyset, or one is being made."""
    return _status(call.controller)


@operations("PUT", "/keyset")
def put_keyset(call: Call) -> object:
    """Start making a keyset, or fetching it from `source`; the latter needs no licence, it brings one."""
    controller, settings = call.controller, call.controller.settings
    token = call.body.text("token")
    source = call.body.text("source") if "source" in call.body else None
    if settings.keyset is not None:
        raise bad_argument(KEYSET_EXISTS)
    if controller.keyset_setup is not None:
        raise bad_argument(KEYSET_IN_PROGRESS)
    if source is None and not settings.licensed:
        raise prerequisite(UNLICENSED)
    if "topology_name" in call.body:
        settings.topology_name = call.body.text("topology_name")
    controller.keyset_setup = KeysetSetup(_later_than(controller.keyset_started), source)
    controller.keyset_started = controller.keyset_setup.started
    finish = (lambda: _generate(controller, token)) if source is None else (lambda: _fetch(controller, source, token))
    controller.after_a_while(controller.pace.keyset, finish)
    return _status(controller)


def _later_than(last: int) -> int:
    """Now in whole seconds, and never a second time: clients tell a failed fetch by its start."""
    return max(int(time.time()), last + 1)


def _status(controller: Controller) -> dict[str, object]:
    keyset, setup = controller.settings.keyset, controller.keyset_setup
    if keyset is not None:
        return {
            "keyset_present": True,
            "in_progress": False,
            "checksum": keyset.checksum,
            "uuid": keyset.uuid,
            "created_at": stamp(keyset.created),
            "created_at_i": int(keyset.created),
        }
    if setup is None:
        return {"keyset_present": False, "in_progress": False, "running": 0}
    return {
        "keyset_present": False,
        "in_progress": True,
        "running": max(0, int(time.time()) - setup.started),
        "started_at": stamp(setup.started),
        "started_at_i": setup.started,
    }


def _generate(controller: Controller, token: str) -> None:
    controller.keyset_setup = None
    number = str(uuid.uuid4())
    checksum = hashlib.sha1(f"{number}:{token}".encode(), usedforsecurity=False).hexdigest()
    controller.settings.keyset = Keyset(token, number, checksum, time.time())
    controller.surroundings.touched()


def _fetch(controller: Controller, source: str, token: str) -> None:
    origin = _origin(controller, source)
    if origin is None or not _gives(origin, token):
        controller.keyset_setup = None  # as a real one: the failure shows only in that nothing is in progress
        return
    theirs, settings = origin.settings, controller.settings
    assert theirs.license is not None
    assert theirs.keyset is not None
    settings.license = replace(theirs.license)
    settings.keyset = replace(theirs.keyset, created=time.time())
    settings.topology_name = theirs.topology_name
    controller.keyset_setup = None
    controller.boot(controller.pace.reboot * _FETCH_OUTAGE)


def _origin(controller: Controller, source: str) -> Controller | None:
    """The controller that `source` leads to, when its API can be reached from here."""
    seen = controller.surroundings.seen_from(controller, source)
    if seen is None:
        return None
    origin, address = seen
    reachable = origin.up and origin.admits("tcp", PORT, address)
    return origin if reachable else None


def _gives(origin: Controller, token: str) -> bool:
    keyset = origin.settings.keyset
    return origin.settings.licensed and keyset is not None and hmac.compare_digest(keyset.token, token)
