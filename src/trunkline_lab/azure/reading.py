"""Deployments made ready: read from a request or out of a template, and held against what there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trunkline_lab.azure.deployment import Deployment
from trunkline_lab.azure.errors import ArmError, invalid_template
from trunkline_lab.azure.ids import ResourceId
from trunkline_lab.azure.language.scope import Place, Reference
from trunkline_lab.azure.links import Links
from trunkline_lab.azure.provider import Provider
from trunkline_lab.azure.resources.kind import region
from trunkline_lab.azure.store import Document, Group
from trunkline_lab.azure.template import Item, read_template

_NAME = re.compile(r"^[-\w.()]+$", re.ASCII)


class Reader:
    """Reads deployments. Nothing here changes anything.

    Parameters:
        provider: Has the resources.
        links: The files of linked templates.
        known: The deployments that there are, by the key of their id.
    """

    def __init__(self, provider: Provider, links: Links, known: Mapping[str, Deployment]) -> None:
        self.provider, self._links, self._all = provider, links, known

    def read(self, id_: ResourceId, body: Document) -> Deployment:
        """A deployment made ready from a request's body. Raises ArmError; nothing has changed."""
        properties = body.get("properties")
        if not isinstance(properties, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid: 'properties' is missing.")
        _refuse_name(id_.name)
        mode = next(
            (known for known in ("Incremental", "Complete") if known.lower() == str(properties.get("mode")).lower()),
            None,
        )
        if mode is None:
            raise ArmError(
                400,
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: "
                f"'Error converting value \"{properties.get('mode')}\" to type 'DeploymentMode'. "
                "Path 'properties.mode'.'.",
            )
        location = self._location(id_, body, mode)
        template, given = self._linked(properties, None)
        place = self._place(id_, properties, template, location)
        made = read_template(template, given, place, self.provider.known)
        link = properties.get("templateLink")
        return Deployment(id_, made, mode, tags=dict(body.get("tags") or {}), location=location, link=link)

    def _location(self, id_: ResourceId, body: Document, mode: str) -> str | None:
        """Where a subscription's deployment is kept; a group's has no location of its own. Raises ArmError."""
        if id_.group:
            return None
        if not isinstance(body.get("location"), str) or not body["location"]:
            raise ArmError(
                400,
                "InvalidDeployment",
                f"The 'location' property must be specified for '{id_.name}'. "
                "Please see https://aka.ms/deploy-to-subscription for usage details.",
            )
        location = region(body["location"])
        old = self._all.get(id_.key)
        if old is not None and old.location != location:
            raise ArmError(
                409,
                "InvalidDeploymentLocation",
                f"Invalid deployment location '{location}'. The deployment '{id_.name}' already exists in location "
                f"'{old.location}'.",
            )
        if mode == "Complete":
            raise ArmError(
                400, "InvalidDeployment", "The mode 'Complete' is not taken by a deployment of a whole subscription."
            )
        return location

    def _linked(self, properties: Document, parent: str | None) -> tuple[Any, Any]:
        """A deployment's template and parameters, fetched where they are linked. Raises ArmError."""
        template, given = properties.get("template"), properties.get("parameters")
        if properties.get("templateLink"):
            if template is not None:
                raise ArmError(400, "InvalidDeployment", "A deployment has a template or a templateLink, not both.")
            uri, template = self._links.of(properties["templateLink"], parent)
            properties["templateLink"] = {**properties["templateLink"], "uri": uri}
        if properties.get("parametersLink"):
            _, document = self._links.of(properties["parametersLink"], parent)
            given = {**(document.get("parameters") or {}), **(given or {})}
        return template, given

    def _place(
        self,
        id_: ResourceId,
        properties: Document,
        template: Any,
        location: str | None,
        planned: Mapping[str, str] | None = None,
    ) -> Place:
        """Where a deployment runs; `planned` are groups that will be there. Raises ArmError (ResourceGroupNotFound)."""
        store = self.provider.site.store
        version = template.get("contentVersion") if isinstance(template, dict) else None
        told: Document = {
            "mode": properties.get("mode"),
            "template": {"contentVersion": version},
            "provisioningState": "Accepted",
        }
        if properties.get("templateLink"):
            told["templateLink"] = properties["templateLink"]
        return Place(
            self._group(id_, planned or {}).view() if id_.group else None,
            {
                "id": f"/subscriptions/{id_.subscription}",
                "subscriptionId": id_.subscription,
                "tenantId": store.tenant,
                "displayName": "Lab",
            },
            {"name": id_.name, **({"location": location} if location else {}), "properties": told},
        )

    def _group(self, id_: ResourceId, planned: Mapping[str, str]) -> Group:
        """The group that a deployment is for, or what it will be. Raises ArmError (ResourceGroupNotFound)."""
        store = self.provider.site.store
        if not store.has_group(id_.subscription, id_.group) and id_.group.lower() in planned:
            return Group(id_.subscription, id_.group, planned[id_.group.lower()])
        return store.group(id_.subscription, id_.group)

    def check(self, deployment: Deployment) -> None:
        """ARM's preflight: every resource whose body is known is held against its type.

        Raises:
            ArmError: InvalidTemplateDeployment, with the first causes as details.
        """
        causes = list(self._causes(deployment))
        if causes:
            raise ArmError(
                400,
                "InvalidTemplateDeployment",
                f"The template deployment '{deployment.id.name}' is not valid according to the validation procedure. "
                f"The tracking id is '{deployment.correlation}'. See inner errors for details.",
                details=causes,
            )

    def _causes(self, deployment: Deployment) -> list[ArmError]:
        causes: list[ArmError] = []
        planned = groups_in(deployment)
        for item in deployment.template.wanted():
            if item.asks():
                continue
            if item.nested:
                causes += self._causes(self.nested(item, None, deployment, planned))
                continue
            if item.id.is_group:
                continue
            try:
                self.provider.check(item.id, item.body(None))
            except ArmError as refused:
                if refused.code in ("InvalidTemplate", "LocationNotAvailableForResourceType"):
                    raise  # ARM's own, and not a provider's: they stand alone (Azure/pcs-cli#522)
                causes.append(
                    ArmError(
                        refused.status, refused.code, refused.message, target=str(item.id), details=refused.details
                    )
                )
        return causes

    def nested(
        self, item: Item, reference: Reference | None, parent: Deployment, planned: Mapping[str, str] | None = None
    ) -> Deployment:
        """The deployment that a template holds or links to. Raises ArmError."""
        settings = item.settings(reference)
        mode = str(settings.get("mode"))
        if mode.lower() != "incremental":
            raise invalid_template(f"Specified deployment mode '{mode}' is not supported for nested deployment")
        _refuse_name(item.id.name)
        outer = None if item.inner else replace(item.scope, reference=None)
        link = parent.template.place.deployment["properties"].get("templateLink") or {}
        template, given = self._linked(settings, link.get("uri"))
        location = item.scope.value(item.raw.get("location")) if not item.id.group else None
        place = self._place(item.id, settings, template, location, planned)
        made = read_template(template, given, place, self.provider.known, outer)
        return Deployment(item.id, made, "Incremental", location=location, link=settings.get("templateLink"))


def _refuse_name(name: str) -> None:
    """Raise ArmError for a deployment's name that is too long or has other signs than it may."""
    if len(name) > 64:
        raise ArmError(
            400,
            "InvalidDeployment",
            f"The provided deployment name '{name}' has a length of '{len(name)}' which exceeds the maximum length of "
            "'64'. Please see https://aka.ms/arm-deploy for usage details.",
        )
    if not _NAME.match(name):
        raise ArmError(
            400,
            "DeploymentNameInvalidCharacters",
            f"The deployment name '{name}' is invalid: it has letters, digits or any of '-_.()'.",
        )


def groups_in(deployment: Deployment) -> dict[str, str]:
    """The resource groups that a template makes: the location by the name in lower case."""
    return {
        item.id.name.lower(): region(item.scope.value(item.raw.get("location")) or "")
        for item in deployment.template.wanted()
        if item.id.is_group and not item.asks()
    }
