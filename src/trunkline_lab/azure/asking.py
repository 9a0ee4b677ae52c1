"""What expressions ask the cloud while a template is deployed: reference(), references(), listKeys()."""

from __future__ import annotations

from typing import Any, Protocol

from trunkline_lab.azure.errors import invalid_template, resource_not_found
from trunkline_lab.azure.ids import ResourceId, same
from trunkline_lab.azure.items import DEPLOYMENTS, Item
from trunkline_lab.azure.provider import Provider
from trunkline_lab.azure.store import Document
from trunkline_lab.azure.template import Template


class Told(Protocol):
    """Something that tells itself as ARM does."""

    def view(self) -> Document:
        """The document that a GET answers."""
        ...


class Asking:
    """Answers for one template; it is a language.scope.Reference.

    Parameters:
        template: The template that asks.
        provider: Has the resources.
        deployments: The deployments by the key of their id.
    """

    def __init__(self, template: Template, provider: Provider, deployments: dict[str, Any]) -> None:
        self._template, self._provider, self._deployments = template, provider, deployments

    def __call__(self, name: str, version: str | None, full: bool) -> Any:
        """A resource's properties, or all of it. Raises ArmError."""
        item = self._template.find(name)
        if item is not None:
            return self._told(item.id, item.api_version, full)
        if version is None or not name.lower().startswith("/subscriptions/"):
            raise invalid_template(
                f"The template reference '{name}' is not valid: it names no resource of this template, and a "
                "resource outside of it is named by its id and an API version. "
                "Please see https://aka.ms/arm-function-reference for usage details"
            )
        return self._told(ResourceId.parse(name), version, full)

    def many(self, symbol: str, full: bool) -> list[Any]:
        """One answer for each resource of a loop. Raises ArmError."""
        return [self._told(item.id, item.api_version, full) for item in self._template.many(symbol)]

    def listed(self, action: str, name: str) -> Any:
        """What a resource's own list action answers. Raises ArmError."""
        item = self._template.find(name)
        return self._provider.listed(item.id if item else ResourceId.parse(name), action)

    def info(self, name: str) -> dict[str, Any]:
        """What is known of one of the template's resources before it is there. Raises ArmError."""
        item: Item | None = self._template.find(name)
        if item is None:
            raise invalid_template(f"The template reference '{name}' is not valid: no resource has this symbolic name")
        return {
            "id": str(item.id),
            "name": item.id.path_name,
            "type": item.id.type,
            "apiVersion": item.api_version,
        }

    def _told(self, id_: ResourceId, version: str, full: bool) -> Any:
        document = self._document(id_)
        if not full:
            return document["properties"]
        more: Document = {"apiVersion": version, "resourceId": str(id_), "subscriptionId": id_.subscription}
        return {**document, **more, "resourceGroupName": id_.group, "scope": id_.scope}

    def _document(self, id_: ResourceId) -> Document:
        """A resource or deployment as it is told. Raises ArmError when it is not there."""
        if same(id_.type, DEPLOYMENTS):
            found: Told | None = self._deployments.get(id_.key)
            if found is None:
                raise resource_not_found(id_.type, id_.name, id_.group)
            return found.view()
        with self._provider.site.store.lock:
            return self._provider.get(id_)
