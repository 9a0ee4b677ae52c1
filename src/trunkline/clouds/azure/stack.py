"""A stack: one template as a step that deploys, finds, previews and undoes itself.

Its identity is the deployment's name and the step's token, which stands on the deployment as a tag: a deployment
of that name with another token belongs to somebody else and is never touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from trunkline._core.context import here
from trunkline._core.steps import Step, step
from trunkline.clouds.azure import teardown, whatif
from trunkline.clouds.azure.deployments import Deployments, Target, remembering
from trunkline.clouds.azure.errors import status_of
from trunkline.clouds.azure.ids import OURS
from trunkline.clouds.azure.template import Template
from trunkline.clouds.cloud import CloudError
from trunkline.clouds.names import slug

RUN, PATH, TOKEN, DIGEST = "trunkline-run", "trunkline-path", "trunkline-token", "trunkline-digest"
_PREVIEW_TIMEOUT = 120.0  # seconds
_LONGEST_TAG = 256


class Stack:
    """One template at its place in a pipe.

    Parameters:
        deployments: Of the account's resource group.
        template: With its fixed values.
        name: The deployment's name; None to make it of the run's name and the step's path.
        timeout: Seconds for a deployment, and for its undoing.
    """

    def __init__(self, deployments: Deployments, template: Template, name: str | None, timeout: float) -> None:
        self._deployments, self._template, self._name, self._timeout = deployments, template, name, timeout

    def step(self) -> Step:
        """The step."""
        return step(
            self.make,
            undo=self.undo,
            find=self.find,
            preview=self.preview,
            needs=self._template.needs,
            gives=self._template.gives,
        )

    def make(self, state: Mapping[str, Any]) -> dict[str, object]:
        """Create the deployment or update it; answers its outputs. Nothing is deployed when nothing would change."""
        place, name, until = here(), self._named(), self._until()
        values = self._template.arguments(state)
        digest = self._template.digest(values)
        record = self._own(self._deployments.prepare(name), name, place.token)
        if record is not None and not _ended(record):
            record = self._deployments.wait(name, until, place.note)
        place.note(f"previewing {self._template.name}")
        changes = self._deployments.what_if(name, self._template.body, values, until)
        if record is not None and _is_done(record, digest) and not any(map(whatif.is_change, changes)):
            place.note(f"deployment {name} stands, nothing to change")
            return self._template.given(record.properties.outputs)
        before = self._deployments.targets(name, record) if record is not None else []
        self._refuse_existing(name, changes, before)
        tags = {
            RUN: place.run[:_LONGEST_TAG],
            PATH: place.path[:_LONGEST_TAG],
            TOKEN: place.token,
            DIGEST: digest,
        }
        self._start(name, remembering(self._with_carried(changes), before), values, tags)
        record = self._deployments.wait(name, until, place.note)
        if record.properties.provisioning_state != "Succeeded":
            raise self._deployments.failure(name, record)
        self._remove_left_over(name, record, before, until, place.note)
        place.note(f"deployment {name} succeeded")
        return self._template.given(record.properties.outputs)

    def find(self, state: Mapping[str, Any]) -> dict[str, object] | None:
        """The outputs when this very deployment has been made and succeeded, else None."""
        record = self._deployments.get(self._named())
        if record is None or _tags(record).get(TOKEN) != here().token:
            return None
        if not _is_done(record, self._template.digest(self._template.arguments(state))):
            return None
        return self._template.given(record.properties.outputs)

    def undo(self, state: Mapping[str, Any]) -> None:
        """Delete what the deployment made, and the deployment; only when it is this step's own."""
        place, name, until = here(), self._named(), self._until()
        record = self._deployments.get(name)
        if record is None or _tags(record).get(TOKEN) != place.token:
            return
        if not _ended(record):
            self._deployments.cancel(name)
            record = self._deployments.wait(name, until, place.note)
        self._remove(self._deployments.targets(name, record), record, until, place.note)
        self._deployments.forget(name, until)

    def preview(self, state: Mapping[str, Any]) -> str:
        """What would change, a line for each resource and property; changes nothing."""
        if missing := self._template.missing(state):
            kinds = [f"deploy {resource['type']}" for resource in self._template.body["resources"]]
            return "\n".join([f"{self._template.name}: not yet known: {', '.join(missing)}", *kinds])
        values = self._template.arguments(state)
        secrets = [value for name, value in values.items() if self._template.parameters[name].secret]
        try:
            changes = self._deployments.what_if(
                self._named(), self._template.body, values, time.monotonic() + _PREVIEW_TIMEOUT
            )
        except CloudError as error:
            if status_of(error) != 404 or error.code != "ResourceGroupNotFound":
                raise
            kinds = [f"create {resource['type']}" for resource in self._template.body["resources"]]
            return "\n".join([f"create resource group {self._deployments.group}", *kinds])
        return "\n".join(whatif.lines(changes, secrets)) or "no change"

    def _named(self) -> str:
        if self._name is not None:
            return self._name
        place = here()
        return slug(place.run, place.path, allowed=r"\w.()\-", longest=64)

    def _until(self) -> float:
        until, deadline = time.monotonic() + self._timeout, here().deadline
        return until if deadline is None else min(until, deadline)

    def _own(self, record: Any | None, name: str, token: str) -> Any | None:
        """`record`, or CloudError when it is somebody else's."""
        if record is None or _tags(record).get(TOKEN) == token:
            return record
        tags = _tags(record)
        owner = f"belongs to run {tags[RUN]!r}, step {tags.get(PATH)!r}" if RUN in tags else "is not trunkline's"
        raise CloudError(
            f"deployment {name} in resource group {self._deployments.group} {owner}",
            code="DeploymentExists",
            hint="give this stack another name, or undo that run first",
        )

    def _refuse_existing(self, name: str, changes: list[Any], before: list[Target]) -> None:
        """What is there and was not made by this stack is not ours, and our undo would delete it."""
        ours = {target.id.lower() for target in before}
        if there := [each for each in whatif.existing(changes) if each.lower() not in ours]:
            raise CloudError(
                f"deployment {name} would take over what is there already: {', '.join(there)}",
                code="ResourceExists",
                hint="give this stack names of its own, or remove what is in the way",
            )

    def _start(self, name: str, body: Mapping[str, Any], values: Mapping[str, object], tags: Mapping[str, str]) -> None:
        """Start the deployment; an answer that was lost, or another attempt of this step, may have started it."""
        try:
            self._deployments.start(name, body, values, tags)
        except CloudError as error:
            if error.code != "DeploymentActive":
                raise
            record = self._own(self._deployments.get(name), name, tags[TOKEN])
            if record is None or _tags(record).get(DIGEST) != tags[DIGEST]:
                raise

    def _with_carried(self, changes: list[Any]) -> Mapping[str, Any]:
        """The template, with the routes and rules of trunkline's that it would otherwise sweep away."""
        version = self._template.api_version("Microsoft.Network/routeTables") or "2024-05-01"
        extra = whatif.carried(changes, version)
        if not extra:
            return self._template.body
        return {**self._template.body, "resources": [*self._template.body["resources"], *extra]}

    def _remove_left_over(
        self, name: str, record: Any, before: list[Target], until: float, note: Callable[[str], None]
    ) -> None:
        """Delete what an earlier deployment of this stack made and this one no longer names."""
        if not before:
            return
        now = {target.id.lower() for target in self._deployments.targets(name, record)}
        stale = [t for t in before if t.id.lower() not in now and not t.name.rsplit("/", 1)[-1].startswith(OURS)]
        teardown.remove(self._deployments.clients, stale, {}, until, note)

    def _remove(self, targets: list[Target], record: Any, until: float, note: Callable[[str], None]) -> None:
        uses = {
            str(dependency.id).lower(): {str(used.id).lower() for used in dependency.depends_on or ()}
            for dependency in record.properties.dependencies or ()
        }
        teardown.remove(self._deployments.clients, targets, uses, until, note)


def _tags(record: Any) -> Mapping[str, str]:
    return record.tags or {}


def _ended(record: Any) -> bool:
    return record.properties.provisioning_state in ("Succeeded", "Failed", "Canceled")


def _is_done(record: Any, digest: str) -> bool:
    return record.properties.provisioning_state == "Succeeded" and _tags(record).get(DIGEST) == digest
