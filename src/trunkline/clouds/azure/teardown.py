"""Deleting what a deployment made: those that depend on others first, side by side where nothing stands between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.deployments import Target
from trunkline.clouds.azure.errors import azure_errors, status_of
from trunkline.clouds.azure.waiting import finish, pauses, sleep_until
from trunkline.clouds.cloud import CloudError

# A refusal with one of these words in its code may pass by itself: a machine's interface stays reserved for a
# while, and a provider works on one thing at a time.
_PASSING = ("Reserved", "Retryable", "InProgress", "TooManyRequests", "Throttl")
_REFUSED = (400, 409, 412, 429)


def remove(
    clients: Clients,
    targets: list[Target],
    uses: Mapping[str, set[str]],
    until: float,
    note: Callable[[str], None],
) -> None:
    """Delete resources; those that are gone already are fine.

    Parameters:
        targets: Newest first.
        uses: For a resource's id in small letters, the ids of those it depends on. May be incomplete: a delete
            that is refused because another one of the list still stands is tried again when that has gone.
        until: Monotonic time after which StepTimeout is raised.
        note: Told what is being deleted.

    Raises:
        CloudError: A resource cannot be deleted; names it and the reason.
    """
    pending = {target.id.lower(): target for target in targets}
    versions = {key: _version(target) for key, target in pending.items()}
    for pause in pauses():
        if not pending:
            return
        used = {needed for key in pending for needed in uses.get(key, ()) if needed != key}
        wave = [target for key, target in pending.items() if key not in used] or list(pending.values())
        note(f"deleting {', '.join(map(str, wave))}")
        refusals = _delete(clients, wave, versions, until)
        for target in wave:
            if target.id.lower() not in refusals:
                del pending[target.id.lower()]
        if len(refusals) == len(wave):  # nothing moved: only waiting can help, when anything can
            _raise_unless_passing(refusals, until)
            sleep_until(until, pause)


def _delete(clients: Clients, wave: list[Target], versions: Mapping[str, str], until: float) -> dict[str, CloudError]:
    """Delete side by side; answers the refusals by id."""
    pollers: dict[str, tuple[Target, Any]] = {}
    refusals: dict[str, CloudError] = {}

    def attempt(target: Target, action: Callable[[], None]) -> None:
        try:
            with azure_errors(f"delete {target}"):
                action()
        except CloudError as error:
            status = status_of(error)
            if status == 404:
                return
            if status is not None and status not in _REFUSED and status >= 400:
                raise
            refusals[target.id.lower()] = error

    for target in wave:
        key = target.id.lower()

        def begin(target: Target = target, key: str = key) -> None:
            poller = clients.resources.resources.begin_delete_by_id(target.id, api_version=versions[key])
            pollers[key] = (target, poller)

        attempt(target, begin)
    finish([poller for _, poller in pollers.values()], until, lambda: f"deleting {', '.join(map(str, wave))}")
    for target, poller in pollers.values():
        attempt(target, poller.result)
    return refusals


def _raise_unless_passing(refusals: Mapping[str, CloudError], until: float) -> None:
    for error in refusals.values():
        if not any(word in error.code for word in _PASSING) or time.monotonic() >= until:
            raise error


def _version(target: Target) -> str:
    if target.api_version is None:
        raise CloudError(
            f"delete {target}: its API version is not known, since its type is computed in the template",
            code="UnknownApiVersion",
            hint="delete it by hand, and write its type and apiVersion as plain text in the template",
        )
    return target.api_version
