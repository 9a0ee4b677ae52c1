"""Deployments of one resource group: started, watched, cancelled, and read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from trunkline._core.errors import StepTimeout
from trunkline.clouds.azure.clients import Clients
from trunkline.clouds.azure.errors import azure_errors, innermost, status_of
from trunkline.clouds.azure.template import resources
from trunkline.clouds.azure.waiting import finish, pauses, sleep_until
from trunkline.clouds.azure.words import word
from trunkline.clouds.cloud import CloudError, StackFailed

_MADE = "trunkline-made"
_TERMINAL = ("Succeeded", "Failed", "Canceled", "Deleted")


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that a deployment made or tried to make."""

    id: str
    type: str
    name: str
    api_version: str | None

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


class Deployments:
    """The deployments of one resource group, which is made when it is missing and never removed."""

    def __init__(self, clients: Clients, group: str, region: str) -> None:
        self.clients, self.group, self.region = clients, group, region

    def get(self, name: str) -> Any | None:
        """The deployment's record, None when there is none."""
        return self._looked_up(name)[0]

    def prepare(self, name: str) -> Any | None:
        """The deployment's record as `get` tells it, after making the resource group if that is missing."""
        record, code = self._looked_up(name)
        if code == "ResourceGroupNotFound":
            with azure_errors(f"make resource group {self.group}"):
                self.clients.resources.resource_groups.create_or_update(
                    self.group, {"location": self.region, "tags": {"trunkline": "resource-group"}}
                )
        return record

    def _looked_up(self, name: str) -> tuple[Any | None, str]:
        try:
            with azure_errors(f"read deployment {name}"):
                return self.clients.deployments.deployments.get(self.group, name), ""
        except CloudError as error:
            if status_of(error) != 404:
                raise
            return None, error.code

    def what_if(self, name: str, template: Mapping[str, Any], values: Mapping[str, object], until: float) -> list[Any]:
        """What a deployment would change, as ARM's WhatIfChange objects; also validates it, changing nothing.

        Parameters:
            until: Monotonic time after which waiting ends in StepTimeout.
        """
        from azure.mgmt.resource.deployments.models import DeploymentWhatIf

        with azure_errors(f"preview deployment {name}"):
            poller = self.clients.deployments.deployments.begin_what_if(
                self.group, name, DeploymentWhatIf({"properties": self._properties(template, values)})
            )
            finish([poller], until, lambda: f"the preview of deployment {name}")
            result = poller.result()
        if result.error is not None:
            code, message = innermost(result.error)
            raise CloudError(f"preview deployment {name}: {code}: {message}", code=code)
        return list(result.changes or ())

    def start(
        self, name: str, template: Mapping[str, Any], values: Mapping[str, object], tags: Mapping[str, str]
    ) -> None:
        """Start a deployment in incremental mode; returns when ARM has accepted it."""
        from azure.mgmt.resource.deployments.models import Deployment

        with azure_errors(f"deploy {name}"):
            body = Deployment({"properties": self._properties(template, values), "tags": dict(tags)})
            self.clients.deployments.deployments.begin_create_or_update(self.group, name, body, polling=False)

    def wait(self, name: str, until: float, note: Callable[[str], None]) -> Any:
        """Wait until the deployment has ended, however it did; answers its record.

        Parameters:
            until: Monotonic time after which the deployment is cancelled and StepTimeout raised.
            note: Told what is being waited for, whenever that changes.
        """
        told = ""
        for pause in pauses():
            record = self.get(name)
            if record is None:
                raise CloudError(f"deployment {name} is gone", code="DeploymentNotFound", hint="who removed it?")
            if record.properties.provisioning_state in _TERMINAL:
                return record
            pending = self._pending(name)
            if pending != told:
                note(pending)
                told = pending
            if time.monotonic() >= until:
                self.cancel(name)
                raise StepTimeout(
                    f"deployment {name} did not end in time and was cancelled; it waited for {pending}",
                    hint="run again with a longer timeout: what was made is found again",
                )
            sleep_until(until, pause)
        raise AssertionError("pauses never end")

    def cancel(self, name: str) -> None:
        """Cancel a running deployment; nothing happens when it has ended or is not there."""
        try:
            with azure_errors(f"cancel deployment {name}"):
                self.clients.deployments.deployments.cancel(self.group, name)
        except CloudError as error:
            if status_of(error) not in (404, 409):
                raise

    def targets(self, name: str, record: Any) -> list[Target]:
        """The resources that the deployment made or tried to make, newest first.

        A record tells only its own operations. So after one that did not succeed, those that earlier attempts had
        made are told too, from the template's metadata, where `remembering` put them.
        """
        found: dict[str, Target] = {}
        for operation in self._operations(name):
            if operation.provisioning_operation == "Create" and (target := _target(operation)) is not None:
                found.setdefault(target.id.lower(), target)
        done = record.properties.provisioning_state == "Succeeded"
        if done and all(target.api_version for target in found.values()):
            return list(found.values())
        body = self._deployed(name)
        if not done:
            for made in (body.get("metadata") or {}).get(_MADE) or ():
                found.setdefault(made["id"].lower(), Target(**made))
        versions = {str(each.get("type")).lower(): str(each.get("apiVersion")) for each in resources(body)}
        return [replace(t, api_version=t.api_version or versions.get(t.type.lower())) for t in found.values()]

    def failure(self, name: str, record: Any) -> StackFailed:
        """The first cause of a failed deployment: the resource that failed first, and the provider's reason."""
        failed = [o for o in self._operations(name) if o.provisioning_state == "Failed" and o.target_resource]
        if failed:
            first = failed[-1]
            target = _target(first)
            error = first.status_message.error if first.status_message is not None else None
            reason = ": ".join(filter(None, innermost(error))) if error is not None else f"status {first.status_code}"
            return StackFailed(name, str(target or "a resource"), reason, hint=_AGAIN)
        if record.properties.error is not None:
            return StackFailed(name, "deployment", ": ".join(filter(None, innermost(record.properties.error))))
        return StackFailed(
            name, "deployment", f"it was {word(record.properties.provisioning_state).lower()}", hint=_AGAIN
        )

    def forget(self, name: str, until: float) -> None:
        """Delete the deployment's record; its resources stay. Nothing happens when it is not there."""
        try:
            with azure_errors(f"delete deployment {name}"):
                poller = self.clients.deployments.deployments.begin_delete(self.group, name)
                finish([poller], until, lambda: f"the deletion of deployment {name}")
                poller.result()
        except CloudError as error:
            if status_of(error) != 404:
                raise

    def _deployed(self, name: str) -> dict[str, Any]:
        """The template as it was deployed: today's may be another one."""
        with azure_errors(f"read the template of deployment {name}"):
            return self.clients.deployments.deployments.export_template(self.group, name).template or {}

    def _operations(self, name: str) -> list[Any]:
        """The deployment's operations, newest first."""
        with azure_errors(f"read the operations of deployment {name}"):
            listed = self.clients.deployments.deployment_operations.list(self.group, name)
            operations = [o.properties for o in listed if o.properties is not None]
        return sorted(operations, key=lambda o: o.timestamp.timestamp() if o.timestamp else 0.0, reverse=True)

    def _pending(self, name: str) -> str:
        operations = self._operations(name)
        running = [o for o in operations if o.provisioning_state not in ("Succeeded", "Failed", "Canceled")]
        for operation in running or operations:
            if (target := _target(operation)) is not None:
                return f"{target} ({word(operation.provisioning_state)})"
        return "its first resource"

    @staticmethod
    def _properties(template: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
        parameters = {name: {"value": value} for name, value in values.items()}
        return {"mode": "Incremental", "template": template, "parameters": parameters}


_AGAIN = "mend the cause and run again: the deployment goes on where it stopped"


def remembering(template: Mapping[str, Any], made: list[Target]) -> Mapping[str, Any]:
    """The template with a memory of what earlier attempts made, for `Deployments.targets`."""
    if not made:
        return template
    return {**template, "metadata": {**template.get("metadata", {}), _MADE: [asdict(target) for target in made]}}


def _target(operation: Any) -> Target | None:
    target = operation.target_resource
    if target is None or not target.id:
        return None
    return Target(target.id, target.resource_type or "", target.resource_name or "", target.api_version)
