"""Deployments of a resource group or a subscription: validated, run, cancelled, listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from graphlib import TopologicalSorter

from trunkline_lab.azure.asking import Asking
from trunkline_lab.azure.deployment import Deployment, Step
from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.groups import delete_all, put_group
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.language.scope import Reference
from trunkline_lab.azure.links import Links
from trunkline_lab.azure.outputs import SEE, evaluate_outputs
from trunkline_lab.azure.provider import Provider
from trunkline_lab.azure.reading import Reader
from trunkline_lab.azure.template import Item, Template

_WEEK, _WHEN = timedelta(days=7), "%m/%d/%Y %I:%M:%S %p"


class Deployments:
    """All deployments of one cloud.

    Parameters:
        provider: Makes the resources.
        changed: Called after each operation that may have changed something.
        links: The files of linked templates.
    """

    def __init__(self, provider: Provider, changed: Callable[[], None], links: Links) -> None:
        self.provider = provider
        self._changed = changed
        self._all: dict[str, Deployment] = {}
        reader = Reader(provider, links, self._all)
        self.read, self.check, self.nested = reader.read, reader.check, reader.nested

    def find(self, id_: ResourceId) -> Deployment:
        """The deployment. Raises ArmError (DeploymentNotFound)."""
        if id_.group:
            self.provider.site.store.group(id_.subscription, id_.group)
        found = self._all.get(id_.key)
        if found is None:
            raise ArmError(404, "DeploymentNotFound", f"Deployment '{id_.name}' could not be found.")
        return found

    def in_group(self, subscription: str, group: str) -> list[Deployment]:
        """The group's deployments, newest first; those of the subscription itself when `group` is ""."""
        if group:
            self.provider.site.store.group(subscription, group)
        place = (subscription.lower(), group.lower())
        found = [one for one in self._all.values() if (one.id.subscription.lower(), one.id.group.lower()) == place]
        return sorted(found, key=lambda one: one.began, reverse=True)

    def forget_group(self, subscription: str, group: str) -> None:
        """A group that is deleted takes its deployments' history with it."""
        place = (subscription.lower(), group.lower())
        for key, one in list(self._all.items()):
            if (one.id.subscription.lower(), one.id.group.lower()) == place:
                del self._all[key]

    # Running

    def begin(self, deployment: Deployment) -> bool:
        """Note a deployment that is to run; True when none of its name was there. Raises ArmError."""
        if deployment.id.group:
            self.provider.site.store.open_group(deployment.id.subscription, deployment.id.group)
        old = self._all.get(deployment.id.key)
        if old is not None and old.active:
            raise ArmError(
                409,
                "DeploymentActive",
                f"Unable to edit or replace deployment '{old.id.name}': previous deployment from '{old.began:{_WHEN}}' "
                f"is still active (expiration time is '{old.began + _WEEK:{_WHEN}}'). "
                "Please see https://aka.ms/arm-deploy for usage details.",
            )
        self._all[deployment.id.key] = deployment
        return old is None

    async def run(self, deployment: Deployment) -> None:
        """Make what a deployment asks for. Raises ArmError; resources made before a failure stay, as in ARM."""
        deployment.state = "Running"
        try:
            failures = await self._make(deployment)
            if deployment.canceled:
                raise ArmError(409, "DeploymentCanceled", f"The deployment '{deployment.id.name}' was canceled.")
            if failures:
                raise ArmError(
                    409,
                    "DeploymentFailed",
                    "At least one resource deployment operation failed. "
                    f"Please list deployment operations for details. {SEE}",
                    target=str(deployment.id),
                    details=failures,
                )
            if deployment.mode == "Complete":
                await self._remove_strangers(deployment)
            deployment.outputs = evaluate_outputs(deployment.template, self.reference(deployment.template))
        except ArmError as failed:
            deployment.end("Canceled" if deployment.canceled else "Failed", failed)
            raise
        except Exception as broken:
            deployment.end("Failed", ArmError(500, "InternalServerError", f"{type(broken).__name__}: {broken}"))
            raise
        deployment.end("Succeeded")

    async def _make(self, deployment: Deployment) -> list[ArmError]:
        """Make all resources, each as soon as what it waits for is there; answers the failures."""
        # Of two with one id, of which one is not wanted or only referred to, the other comes last and counts.
        listed = sorted(deployment.template.items, key=lambda item: item.wanted and not item.existing)
        items = {item.id.key: item for item in listed}
        sorter = TopologicalSorter({key: item.depends for key, item in items.items()})
        sorter.prepare()
        running: dict[asyncio.Task[None], str] = {}
        failures: list[ArmError] = []
        try:
            while sorter.is_active():
                ready = sorter.get_ready()
                for key in ready:
                    if not items[key].wanted or items[key].existing:
                        sorter.done(key)
                    elif not deployment.canceled:
                        running[asyncio.create_task(self._make_one(deployment, items[key]))] = key
                if not running:
                    if ready:
                        continue
                    break
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    key = running.pop(task)
                    failed = task.exception()
                    if failed is None:
                        sorter.done(key)
                    elif isinstance(failed, ArmError):
                        failures.append(failed)
                    else:
                        raise failed
        finally:
            for task in running:
                task.cancel()
        return failures

    async def _make_one(self, deployment: Deployment, item: Item) -> None:
        """Make one resource, and note how that went. Raises ArmError with the resource as its target."""
        step = deployment.begin(item.id)
        try:
            if item.nested:
                inner = self.nested(item, self.reference(deployment.template), deployment)
                self.check(inner)
                self.begin(inner)
                await self.run(inner)
                step.end(200)
            elif item.id.is_group:
                body = item.body(self.reference(deployment.template))
                _, fresh = put_group(self.provider, item.id.subscription, item.id.name, body)
                step.end(201 if fresh else 200)
            else:
                await self._put(item, deployment, step)
        except ArmError as refused:
            failed = ArmError(
                refused.status, refused.code, refused.message, target=str(item.id), details=refused.details
            )
            step.end(refused.status, failed)
            raise failed from refused
        finally:
            self._changed()

    async def _put(self, item: Item, deployment: Deployment, step: Step) -> None:
        """PUT one resource; what is busy is tried again, as ARM does."""
        body = item.body(self.reference(deployment.template))
        while True:
            try:
                change = self.provider.put(item.id, body, version=item.api_version)
                break
            except ArmError as refused:
                if refused.status != 429:
                    raise
            await asyncio.sleep(max(self.provider.site.world.pace.resource, 0.005))
        await self.provider.finish_put(change)
        step.end(201 if change.fresh else 200)

    def reference(self, template: Template) -> Reference:
        """What reference() and its like answer while `template` is deployed."""
        return Asking(template, self.provider, self._all)

    async def _remove_strangers(self, deployment: Deployment) -> None:
        """Complete mode: delete what the group holds and the template does not ask for. Raises ArmError."""
        kept = {id_.top.key for id_ in self._touched(deployment)}
        subscription, group = deployment.template.place.group_path

        store = self.provider.site.store
        doomed = [one.id for one in store.resources(subscription, group) if one.id.key not in kept]
        steps = [deployment.begin(id_, "Delete") for id_ in doomed]
        left = {id_.key for id_ in doomed}
        try:
            await delete_all(
                self.provider, lambda: [one for one in store.resources(subscription, group) if one.id.key in left]
            )
        except ArmError as refused:
            for step in steps:
                step.end(refused.status, refused)
            raise
        for step in steps:
            step.end(200)

    def _touched(self, deployment: Deployment) -> list[ResourceId]:
        """The resources of a deployment and of those that it holds."""
        found: list[ResourceId] = []
        for id_ in deployment.made():
            nested = self._all.get(id_.key)
            found += self._touched(nested) if nested is not None else [id_]
        return found

    # Afterwards

    def cancel(self, id_: ResourceId) -> None:
        """Begin no further resource. Raises ArmError when the deployment has ended."""
        deployment = self.find(id_)
        if not deployment.active:
            raise ArmError(
                409,
                "DeploymentCannotBeCancelled",
                f"The deployment '{id_.name}' cannot be cancelled as it is in the final state '{deployment.state}'.",
            )
        self._stop(deployment)

    def _stop(self, deployment: Deployment) -> None:
        """Mark a deployment, and those that it holds, as canceled."""
        deployment.canceled = True
        for step in deployment.steps:
            nested = self._all.get(step.target.key) if step.target is not None else None
            if nested is not None and nested.active:
                self._stop(nested)

    def delete(self, id_: ResourceId) -> None:
        """Forget a deployment, and leave what it made. Raises ArmError while it runs."""
        deployment = self.find(id_)
        if deployment.active:
            raise ArmError(409, "DeploymentActive", f"Unable to delete deployment '{id_.name}': it is still active.")
        del self._all[id_.key]
