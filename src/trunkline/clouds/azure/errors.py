"""What the SDKs raise, as CloudErrors with the provider's own code and a remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trunkline.clouds.cloud import CloudError

_HINTS = {
    "AuthorizationFailed": "give the identity the role Network Contributor (and Contributor for stacks) on the scope",
    "LinkedAuthorizationFailed": "the identity also needs rights on the resource that is referred to",
    "SubscriptionNotFound": "check the account's subscription and tenant",
    "InvalidSubscriptionId": "check the account's subscription",
    "ResourceGroupNotFound": "check the account's resource_group, or let a stack make it",
    "MarketplacePurchaseEligibilityFailed": "accept the image's terms: az vm image terms accept --urn IMAGE",
    "QuotaExceeded": "ask for more quota in this region, or use a smaller size",
}


@contextmanager
def azure_errors(doing: str) -> Iterator[None]:
    """Turn the SDKs' exceptions into CloudErrors.

    Parameters:
        doing: What was attempted, as a phrase ("deploy acme-vpc"); begins the message.

    Raises:
        CloudError: For every exception of azure-core and azure-identity; all others pass as they are.
    """
    try:
        yield
    except Exception as error:
        translated = _translated(error, doing)
        if translated is None:
            raise
        raise translated from error


def status_of(error: BaseException) -> int | None:
    """The HTTP status of an SDK's exception (or of a CloudError made of one), None without one."""
    status = getattr(error, "status_code", None)
    if status is None and error.__cause__ is not None:
        return status_of(error.__cause__)
    return status if isinstance(status, int) else None


def innermost(error: Any) -> tuple[str, str]:
    """Code and message at the bottom of an ARM error, where the first cause stands.

    Parameters:
        error: Anything with `code`, `message` and `details`. A message that is JSON itself is opened too:
            resource providers' errors arrive like that inside a deployment's.
    """
    for detail in getattr(error, "details", None) or ():
        return innermost(detail)
    code, message = str(error.code or ""), str(error.message or "")
    if message.lstrip().startswith("{"):
        try:
            inside = json.loads(message)
        except ValueError:
            return code, message
        return innermost(_Error(inside.get("error", inside)))
    return code, message


class _Error:
    def __init__(self, body: dict[str, Any]) -> None:
        self.code, self.message = body.get("code"), body.get("message")
        self.details = [_Error(detail) for detail in body.get("details") or ()]


def _translated(error: Exception, doing: str) -> CloudError | None:
    if not type(error).__module__.startswith("azure."):
        return None
    from azure.core import exceptions as azure

    if isinstance(error, azure.HttpResponseError) and error.status_code is not None:
        return _refused(error, doing)
    if isinstance(error, azure.ClientAuthenticationError):  # azure-identity: nothing was sent to ARM yet
        first_line = str(error).strip().splitlines()[0]
        return CloudError(
            f"{doing}: no credentials for Azure: {first_line}",
            code="NoCredentials",
            hint="run `az login`, set AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, or configure the account",
        )
    if isinstance(error, azure.ServiceRequestError):
        return CloudError(
            f"{doing}: the endpoint cannot be reached: {error}",
            code="EndpointUnreachable",
            hint="check the network, and the account's endpoint when it has one",
        )
    if isinstance(error, azure.ServiceResponseError):
        return CloudError(
            f"{doing}: the endpoint gave no whole answer: {error}",
            code="NoAnswer",
            hint="it may have been done all the same: run again, and it is found",
        )
    if isinstance(error, azure.AzureError):
        return CloudError(f"{doing}: {error}", code=type(error).__name__)
    return None


def _refused(error: Any, doing: str) -> CloudError:
    if error.error is not None:
        code, message = innermost(error.error)
    else:
        code, message = str(error.reason or error.status_code), str(error.message)
    hint = _HINTS.get(code)
    if hint is None and error.status_code in (401, 403):
        hint = "the credentials are not accepted for this: check the identity, its roles, and the tenant"
    return CloudError(f"{doing}: {code}: {message}", code=code, hint=hint)
