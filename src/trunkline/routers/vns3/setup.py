"""From the factory to a member of a topology: password, licence, keyset, peering."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trunkline.routers.router import Router, RouterError, RouterUnreachable, named
from trunkline.routers.vns3.session import Api
from trunkline.routers.waiting import NotYet

# The first major version with the firewall API that is used here; the SDK, too, takes a controller for a 6.0.0.
OLDEST = 6
# A router that keeps answering for this many seconds after it took its licence is not going to reboot any more.
SETTLED = 15.0
# A fetch that has ended without a keyset for this many seconds has failed; asking again starts it anew.
FETCH_PAUSE = 3.0
FETCH_ATTEMPTS = 4


def take_over(api: Api, default_password: str, older: Sequence[str], password: str) -> None:
    """Replace the password in force, and see that it is replaced. Does nothing on a router that has `password`.

    Parameters:
        default_password: The factory's.
        older: Those that a rotation may have left in force, the likeliest first.
        password: The one that it shall have.
    """
    config = _config_or_none(lambda: api.call("config.get_config"))
    if config is None:
        _replace_password(api, [*older, default_password], password)
        config = api.call("config.get_config")
        _see_refused(api, default_password, "factory password")
    for each in older:
        _see_refused(api, each, "password before the rotation")
    version = str(config.get("vns3_version"))
    if not version.partition(".")[0].isdigit() or int(version.partition(".")[0]) < OLDEST:
        raise api.error(f"runs VNS3 {version}", hint=f"upgrade it: its API must be that of {OLDEST}.0 or newer")


def _replace_password(api: Api, in_force: Sequence[str], password: str) -> None:
    for each in in_force:
        try:
            _call_as(api, each, "config.put_update_api_password", {"password": password})
        except RouterError as error:
            if error.status != 401:
                raise
            refused = error
        else:
            return
    if _config_or_none(lambda: api.call("config.get_config")) is None:
        raise refused
    # Another process was first, with the same master key and so with the same password.


def _see_refused(api: Api, password: str, what: str) -> None:
    if _config_or_none(lambda: _call_as(api, password, "config.get_config", {})) is not None:
        raise api.error(f"still accepts its {what} after it was replaced", hint="report it to the vendor")


def _call_as(api: Api, password: str, operation: str, body: Mapping[str, object]) -> Any:
    return api.session.call_as(password, operation, body, api.session.limits.within(api.deadline))


def _config_or_none(get: Callable[[], Any]) -> Any:
    """The answer, or None where the password was refused."""
    try:
        return get()
    except RouterError as error:
        if error.status == 401:
            return None
        raise


def ensure_licensed(api: Api, text: Callable[[], str], port: int) -> None:
    """Upload the licence, accept its default parameters, and wait for the reboot that follows."""
    if _finalized(api):
        return
    if not _license(api).get("license_present"):
        api.call("licensing.upload_license", text())
    with Tripwire(api.session.address, port) as wire:
        api.call("licensing.put_set_license_parameters", default=True)
        _wait_for_reboot(api, wire)


def _wait_for_reboot(api: Api, wire: Tripwire) -> None:
    """Until the router was seen down, or stayed up long enough, and works with its licence."""
    start = time.monotonic()
    seen_down = False

    def licensed_again() -> None:
        nonlocal seen_down
        try:
            done = _finalized(api)
        except RouterUnreachable:
            seen_down = True
            raise
        seen_down = seen_down or wire.cut
        if not seen_down and time.monotonic() - start < SETTLED:
            raise NotYet("licence accepted, about to reboot")
        if not done:
            raise NotYet("it is up and not licensed yet")

    api.until(licensed_again, f"the reboot of {api.who} with its licence")


def _finalized(api: Api) -> bool:
    return bool(api.call("config.get_config").get("licensed")) and bool(_license(api).get("finalized"))


def _license(api: Api) -> dict[str, Any]:
    """What the router says of its licence; empty before the upload, which it answers with 403."""
    return _unless_unlicensed(api, "licensing.get_license")


def _unless_unlicensed(api: Api, operation: str) -> dict[str, Any]:
    try:
        return dict(api.call(operation))
    except RouterError as error:
        if error.status == 403:
            return {}
        raise


class Tripwire:
    """An idle connection that breaks when the router goes down, also when it is back before the next question."""

    def __init__(self, address: str, port: int, timeout: float = 5.0) -> None:
        try:
            self._socket: socket.socket | None = socket.create_connection((address, port), timeout)
        except OSError:
            self._socket = None

    def __enter__(self) -> Tripwire:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()

    @property
    def cut(self) -> bool:
        """Whether the other side closed or reset it since."""
        if self._socket is None:
            return False
        readable, _, _ = select.select([self._socket], [], [], 0)
        if not readable:
            return False
        try:
            return not self._socket.recv(1)
        except OSError:
            return True


def ensure_keyset(api: Api, token: Callable[[], str], source: Router | None) -> None:
    """Generate the keys of a topology, or fetch those of `source`, and wait until they are there.

    A fetch brings the licence too and ends in a reboot, so it is for a router without a licence: until it is over,
    the router answers 403. A fetch that fails says so only by letting the next request start anew.
    """
    keyset = _unless_unlicensed(api, "config.get_keyset")
    if keyset.get("keyset_present"):
        return
    request: dict[str, object] = {"token": token()}
    if source is not None:
        request["source"] = source.get("private_address") or source["address"]
    starts, asked = 0, -FETCH_PAUSE

    def present() -> None:
        nonlocal starts, asked
        now = _unless_unlicensed(api, "config.get_keyset")
        if now.get("keyset_present"):
            return
        if now.get("in_progress") or time.monotonic() - asked < FETCH_PAUSE:
            raise NotYet("the keyset is being made" if source is None else "the keyset is being fetched")
        if starts == FETCH_ATTEMPTS:
            raise api.error(_no_keyset(source), hint=_no_keyset_hint(source))
        started, asked = _start_keyset(api, request), time.monotonic()
        starts += started
        raise NotYet("asked for the keyset")

    what = f"the keyset of {api.who}" + (f" from {named(source)}" if source else "")
    api.until(present, what, hint=_no_keyset_hint(source))


def _start_keyset(api: Api, request: dict[str, object]) -> bool:
    """Whether the request started something; False where it runs, or is done, already."""
    try:
        api.call("config.put_keyset", **request)
    except RouterError as error:
        if error.status == 400 and error.reason in ("Keyset setup in progress.", "Keyset already exists."):
            return False
        raise
    return True


def _no_keyset(source: Router | None) -> str:
    return "no keyset came of it" if source is None else f"could not fetch the keyset from {named(source)}"


def _no_keyset_hint(source: Router | None) -> str | None:
    if source is None:
        return None
    return f"does {named(source)} have a keyset made with the same token, and admit tcp/8000 from this router?"


def ensure_identity(api: Api, peering_id: int) -> None:
    """Set the router's number in its topology."""
    if api.call("peering.get_peering_status").get("id") != peering_id:
        api.call("peering.put_self_peering_id", id=peering_id)


def ensure_peer(api: Api, other: Router) -> None:
    """Make `other` a peer, under its private address."""
    number, address = other["peering_id"], other["private_address"]
    known = _peer(api, number)
    if known is None:
        api.call("peering.post_create_peer", id=number, name=address)
    elif known.get("address") != address:
        api.call("peering.put_update_peer", number, name=address, force=True)


def remove_peer(api: Api, other: Router) -> None:
    """Forget `other` as a peer."""
    if _peer(api, other["peering_id"]) is not None:
        api.call("peering.delete_peer", other["peering_id"])


def wait_reachable(api: Api, other: Router) -> None:
    """Wait until the peer `other` is reached."""

    def reached() -> None:
        peer = _peer(api, other["peering_id"])
        if peer is None:
            raise api.error(f"{named(other)} is not one of its peers", hint="peer them first, both ways")
        if not peer.get("reachable"):
            raise NotYet(f"peer {other['peering_id']} at {peer.get('address')} is not reachable")

    hint = "peered on both sides, one keyset, and udp/1195-1203 open between the two?"
    api.until(reached, f"{api.who} to reach its peer {named(other)}", hint=hint)


def _peer(api: Api, number: int) -> dict[str, Any] | None:
    """The peer of this number; None where its place is empty or the router's own."""
    status = api.call("peering.get_peering_status")
    peers: dict[str, dict[str, Any]] = status.get("controllers") or status.get("managers") or {}
    for peer in peers.values():
        if peer.get("id") == number and not peer.get("self") and not peer.get("not_set"):
            return peer
    return None
