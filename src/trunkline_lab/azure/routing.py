"""Which request goes to which handler. Paths are compared without regard to case, as ARM does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trunkline_lab.azure.deployments import Deployments
from trunkline_lab.azure.errors import ArmError
from trunkline_lab.azure.http import Answer, Request
from trunkline_lab.azure.operations import Operations
from trunkline_lab.azure.provider import Provider
from trunkline_lab.azure.versions import VERSION

Handler = Callable[["Api", Request, dict[str, str]], Answer]
_ROUTES: list[tuple[str, re.Pattern[str], str, str, Handler]] = []


def on(method: str, path: str, type_: str, operation: str) -> Callable[[Handler], Handler]:
    """Register a handler for a path, and how the log names what it does."""

    def register(handler: Handler) -> Handler:
        _ROUTES.append((method, re.compile(f"^{path}/?$", re.I), type_, operation, handler))
        return handler

    return register


class Api:
    """The API of one cloud."""

    def __init__(self, provider: Provider, deployments: Deployments, operations: Operations) -> None:
        self.provider, self.deployments, self.operations = provider, deployments, operations
        self.store = provider.site.store

    def route(self, method: str, path: str) -> tuple[Handler, dict[str, str], str, str]:
        """The handler, the path's parts, the resource type and the operation. Raises ArmError."""
        for wanted, pattern, type_, operation, handler in _ROUTES:
            found = pattern.match(path)
            if found and wanted == method:
                parts = {name: part or "" for name, part in found.groupdict().items()}
                return handler, parts, type_ or _type_in(parts.get("path", "")), operation or parts.get("action", "")
        if any(pattern.match(path) for _, pattern, _, _, _ in _ROUTES):
            raise ArmError(
                405, "MethodNotAllowed", f"The HTTP method '{method}' is not supported on the resource '{path}'."
            )
        raise ArmError(404, "NotFound", f"No HTTP resource was found that matches the request URI '{path}'.")

    def admit(self, request: Request, parts: dict[str, str]) -> None:
        """Refuse a request without API version, or for a subscription that is not there. Raises ArmError."""
        version = request.query.get("api-version")
        if version is None:
            raise ArmError(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        if not VERSION.match(version):
            raise ArmError(
                400,
                "InvalidApiVersionParameter",
                f"The api-version '{version}' is invalid. The supported versions are dates such as '2024-05-01'.",
            )
        subscription = parts.get("sub")
        if subscription and subscription.lower() not in {one.lower() for one in self.store.subscriptions}:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        if parts.get("path"):
            self.provider.catalogue.refuse_version(_type_in(parts["path"]), version)

    def subscription(self, id_: str) -> dict[str, Any]:
        """A subscription as ARM tells it."""
        return {
            "id": f"/subscriptions/{id_}",
            "subscriptionId": id_,
            "tenantId": self.store.tenant,
            "displayName": "Lab",
            "state": "Enabled",
        }


def _type_in(path: str) -> str:
    """The resource type in what follows "/providers/"."""
    namespace, *rest = re.split("/providers/", path, flags=re.I)[-1].split("/")
    return "/".join([namespace, *rest[::2]])
