"""Credentials and clients: made on first use, once for each account, under a lock."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from trunkline._core.errors import Error
from trunkline.clouds.azure.vaults import Vaults

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.keyvault.secrets import SecretClient
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient
    from azure.mgmt.resource.resources import ResourceManagementClient

_Made = TypeVar("_Made")

# Seconds. A call that ARM accepts answers within a few; waiting for its end is polled with calls of their own.
CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 60.0
_FAR = {"retry_total": 5, "retry_backoff_factor": 0.8, "polling_interval": 2}
_NEAR = {"retry_total": 2, "retry_connect": 1, "retry_backoff_factor": 0.02, "polling_interval": 0.02}


# Making a client (and importing what makes it) is not thread safe, whosesoever it is; using one is.
_making = threading.RLock()
# What the plug-in reads of networks, side by side in threads.
_READ = (
    *("AddressSpace", "ApplicationSecurityGroup", "DhcpOptions", "NetworkInterface", "NetworkInterfaceDnsSettings"),
    *("NetworkInterfaceIPConfiguration", "NetworkSecurityGroup", "PublicIPAddress", "PublicIPAddressSku", "Route"),
    *("RouteTable", "SecurityRule", "SubResource", "Subnet", "VirtualNetwork", "VirtualNetworkPeering"),
)


class Clients:
    """The SDK's clients of one subscription.

    Parameters:
        subscription: The subscription's id.
        tenant, client_id, client_secret: A service principal; all three, or none for the environment's own
            identity (DefaultAzureCredential).
        endpoint: Another Resource Manager than the public one; plain http only on loopback, without credentials.

    Raises:
        Error: A part of the service principal is missing, or the endpoint is not acceptable.
    """

    def __init__(
        self,
        subscription: str,
        *,
        tenant: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        principal = {"tenant": tenant, "client_id": client_id, "client_secret": client_secret}
        missing = [field for field, value in principal.items() if value is None]
        if client_secret is not None and missing:
            raise Error(
                f"azure account: client_secret is given and {' and '.join(missing)} is missing",
                hint="give tenant, client_id and client_secret, or none of them",
            )
        self.subscription = subscription
        self._tenant, self._client_id, self._client_secret = tenant, client_id, client_secret
        self._endpoint = endpoint.rstrip("/") if endpoint else None
        self.near = self._endpoint is not None and _is_plain(self._endpoint)
        self.vaults = Vaults()
        self._made: dict[str, Any] = {}

    @property
    def deployments(self) -> DeploymentsMgmtClient:
        """The client for deployments and their operations."""

        def make() -> DeploymentsMgmtClient:
            from azure.mgmt.resource.deployments import DeploymentsMgmtClient

            return self._client(DeploymentsMgmtClient)

        return self._once("deployments", make)

    @property
    def resources(self) -> ResourceManagementClient:
        """The client for resource groups and for resources by their ids."""

        def make() -> ResourceManagementClient:
            from azure.mgmt.resource.resources import ResourceManagementClient

            return self._client(ResourceManagementClient)

        return self._once("resources", make)

    @property
    def network(self) -> NetworkManagementClient:
        """The client for networks, NSGs and route tables."""

        def make() -> NetworkManagementClient:
            from azure.mgmt.network import NetworkManagementClient, models

            for name in _READ:  # a model works out its fields at its first use, which is not thread safe either
                for each in (name, f"{name}PropertiesFormat"):
                    if (kind := getattr(models, each, None)) is not None:
                        kind.__new__(kind)
            return self._client(NetworkManagementClient)

        return self._once("network", make)

    def vault(self, name: str) -> SecretClient:
        """The client for the secrets of one Key Vault."""

        def make() -> SecretClient:
            # The SDK asks the vault who may sign tokens for it (a bearer challenge), and sends one over TLS only.
            return self.vaults.client(name, _Anyone() if self.near else self._credential())

        return self._once(f"vault {name}", make)

    def _once(self, name: str, make: Callable[[], _Made]) -> _Made:
        with _making:
            if name not in self._made:
                self._made[name] = make()
            return cast(_Made, self._made[name])

    def _client(self, kind: Callable[..., _Made]) -> _Made:
        make = partial(kind, subscription_id=self.subscription, logging_enable=False)
        timeouts = {"connection_timeout": CONNECT_TIMEOUT, "read_timeout": READ_TIMEOUT}
        if self._endpoint is None:
            return make(credential=self._credential(), **timeouts, **_FAR)
        scope = [f"{self._endpoint}/.default"]
        if not self.near:
            return make(
                credential=self._credential(), base_url=self._endpoint, credential_scopes=scope, **timeouts, **_FAR
            )
        # The SDK's own policy refuses to send a token over http; on loopback there is no secret to send.
        return make(
            credential=_Nobody(),
            base_url=self._endpoint,
            credential_scopes=scope,
            authentication_policy=_anonymous_policy(),
            **timeouts,
            **_NEAR,
        )

    def _credential(self) -> Any:
        def make() -> Any:
            from azure.identity import ClientSecretCredential, DefaultAzureCredential

            if self._client_secret is not None:
                assert self._tenant is not None
                assert self._client_id is not None
                return ClientSecretCredential(self._tenant, self._client_id, self._client_secret)
            chosen = {"managed_identity_client_id": self._client_id} if self._client_id else {}
            if self._tenant:
                chosen["interactive_browser_tenant_id"] = chosen["shared_cache_tenant_id"] = self._tenant
            return DefaultAzureCredential(**cast(Any, chosen))

        return self._once("credential", make)


class _Nobody:
    """Stands where the SDK wants a credential; never asked, since the policy below sets the header."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise Error("a loopback endpoint was asked for a token")


class _Anyone:
    """A credential for a lab's vault, which takes every token."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        return AccessToken("loopback", int(time.time()) + 3600)


def _anonymous_policy() -> Any:
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class Anonymous(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = "Bearer loopback"

    return Anonymous()


def _is_plain(endpoint: str) -> bool:
    """Whether `endpoint` is plain http. Raises Error when it is, and not on loopback, or no endpoint at all."""
    try:
        parts = urlsplit(endpoint)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is none
        named = False
    if not named:
        raise Error(f"azure account: endpoint={endpoint!r} is no http(s) address", hint="https://HOST or a lab's own")
    if parts.scheme == "https":
        return False
    assert parts.hostname is not None
    if parts.hostname == "localhost" or _is_loopback(parts.hostname):
        return True
    raise Error(
        f"azure account: endpoint={endpoint!r} is plain http on {parts.hostname}, which is not this machine",
        hint="use https; http is for a lab on 127.0.0.1 only",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
