"""Resource groups: made at once, deleted with all they hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable

from trunkline_lab.azure.errors import ArmError, invalid_request
from trunkline_lab.azure.provider import Change, Provider
from trunkline_lab.azure.resources.kind import region
from trunkline_lab.azure.store import Document, Group, Resource

_OTHER = re.compile(r"[^-\w._()]")
_NAME = re.compile(r"^[-\w._()]{0,89}[-\w_()]$")


def put_group(provider: Provider, subscription: str, name: str, body: Document) -> tuple[Group, bool]:
    """Make a group or change its tags; also whether it is new. Raises ArmError."""
    store = provider.site.store
    if not _NAME.match(name):
        raise invalid_request("InvalidResourceGroup", _wrong(name))
    if not body.get("location"):
        raise invalid_request("LocationRequired", "The location property is required for this definition.")
    location = region(body["location"])
    with store.lock:
        if not store.has_group(subscription, name):
            group = Group(subscription, name, location, dict(body.get("tags") or {}))
            store.put_group(group)
            return group, True
        group = store.open_group(subscription, name)
        if group.location != location:
            raise ArmError(
                409,
                "InvalidResourceGroupLocation",
                f"Invalid resource group location '{location}'. The Resource group already exists in location "
                f"'{group.location}'.",
            )
        group.tags = dict(body.get("tags") or {})
        return group, False


async def delete_group(provider: Provider, group: Group) -> None:
    """Delete all that the group holds, then the group. Raises ArmError when something else uses a part of it."""
    store = provider.site.store
    try:
        await delete_all(provider, lambda: store.resources(group.subscription, group.name))
    except ArmError:
        group.state = "Succeeded"
        raise
    with store.lock:
        store.drop_group(group)


async def delete_all(provider: Provider, doomed: Callable[[], Iterable[Resource]]) -> None:
    """Delete resources, users before what they use. Raises ArmError (ResourceGroupDeletionBlocked) when stuck.

    Parameters:
        provider: Deletes one.
        doomed: Answers those that are left.
    """
    while True:
        begun, refusals = _begin(provider, doomed)
        if not begun and not refusals:
            return
        if not begun and all(refusal.status != 429 for refusal in refusals):
            raise ArmError(
                409,
                "ResourceGroupDeletionBlocked",
                "Deletion failed as resources with identifiers "
                f"'{', '.join(str(refusal.target) for refusal in refusals)}' could not be deleted. The provisioning "
                "state of the resource group will be rolled back.",
                details=refusals,
            )
        await asyncio.gather(*(provider.finish_delete(change) for change in begun))
        await asyncio.sleep(0 if begun else 0.01)


def _begin(provider: Provider, doomed: Callable[[], Iterable[Resource]]) -> tuple[list[Change], list[ArmError]]:
    """Begin to delete whatever can be deleted now; also why the rest cannot."""
    begun: list[Change] = []
    refusals: list[ArmError] = []
    with provider.site.store.lock:
        for resource in doomed():
            try:
                change = provider.delete(resource.id)
            except ArmError as refused:
                refusals.append(ArmError(refused.status, refused.code, refused.message, target=str(resource.id)))
            else:
                begun += [change] if change is not None else []
    return begun, refusals


def _wrong(name: str) -> str:
    """What is wrong with the name of a group."""
    others = "".join(dict.fromkeys(_OTHER.findall(name)))
    if others:
        return (
            f"The provided resource group name '{name}' has these invalid characters: '{others}'. The name can only be "
            "a letter, digit, '-', '.', '(', ')' or '_'."
        )
    return f"The provided resource group name '{name}' is not valid: it has 1 to 90 characters and no '.' at its end."
