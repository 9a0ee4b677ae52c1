"""An account's clients: one session, each client made once, credentials that renew themselves."""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trunkline._core.errors import Error
from trunkline.clouds.aws.hush import hush

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client


# Their debug lines hold requests, answers and signed headers whole: secrets, parameters and session tokens.
_TELLTALE = (
    "botocore.auth", "botocore.awsrequest", "botocore.endpoint", "botocore.hooks", "botocore.httpsession",
    "botocore.parsers", "botocore.retryhandler", "botocore.regions", "boto3.resources.action",
)  # fmt: skip


@dataclass(frozen=True)
class Credentials:
    """Who signs the requests. With nothing given, the SDK's own search decides (environment, profile, machine role).

    Parameters:
        profile: A profile of the SDK's configuration files.
        access_key_id, secret_access_key, session_token: A key of its own; the first two go together.
        role_arn, external_id: A role to assume with the credentials above; renewed before it expires.
    """

    profile: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    role_arn: str | None = None
    external_id: str | None = None

    def validate(self, account: str) -> None:
        """Refuse combinations that mean nothing. Raises Error naming the fields."""
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise Error(
                f"account {account}: access_key_id and secret_access_key go together, and one of them is missing",
                hint="give both, or neither",
            )
        if self.session_token and not self.access_key_id:
            raise Error(
                f"account {account}: session_token without access_key_id",
                hint="give the whole temporary key: access_key_id, secret_access_key and session_token",
            )
        if self.profile and self.access_key_id:
            raise Error(
                f"account {account}: profile = {self.profile!r} and access_key_id are both given",
                hint="keep one of them",
            )
        if self.external_id and not self.role_arn:
            raise Error(
                f"account {account}: external_id = {self.external_id!r} without role_arn",
                hint="an external id belongs to a role: give role_arn too",
            )


class Session:
    """The clients of one account in one region; may be used from several threads.

    Every write that the plug-in sends is safe to repeat (it carries a token or a name of its own, or a second one
    is told apart as a duplicate), so the SDK's standard retries stay on.
    """

    def __init__(self, region: str, credentials: Credentials, endpoint: str | None) -> None:
        self._region, self._credentials, self._endpoint = region, credentials, endpoint
        self._clients: dict[str, Any] = {}
        self._session: boto3.Session | None = None
        self._lock = threading.Lock()  # making a client is not thread safe, using one is

    @property
    def ec2(self) -> EC2Client:
        """The client of EC2."""
        client: EC2Client = self._client("ec2")
        return client

    @property
    def cloudformation(self) -> CloudFormationClient:
        """The client of CloudFormation."""
        client: CloudFormationClient = self._client("cloudformation")
        return client

    @property
    def secrets_manager(self) -> Any:
        """The client of Secrets Manager."""
        return self._client("secretsmanager")

    def _client(self, service: str) -> Any:
        client = self._clients.get(service)
        if client is None:
            with self._lock:
                client = self._clients.get(service) or self._make(service)
                self._clients[service] = client
        return client

    def _make(self, service: str) -> Any:
        hush(*_TELLTALE)
        if self._session is None:
            self._session = _open(self._region, self._credentials, self._endpoint)
        return self._session.client(
            service,
            endpoint_url=self._endpoint,
            config=_config(self._endpoint),
        )


def _open(region: str, credentials: Credentials, endpoint: str | None) -> boto3.Session:
    import boto3

    session = boto3.Session(
        profile_name=credentials.profile,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        region_name=region,
    )
    return session if credentials.role_arn is None else _assume(session, region, credentials, endpoint)


def _assume(source: boto3.Session, region: str, credentials: Credentials, endpoint: str | None) -> boto3.Session:
    """A session whose credentials are the role's, fetched at the first request and renewed before they expire."""
    import boto3
    import botocore.session
    from botocore.credentials import CredentialProvider, DeferredRefreshableCredentials

    sts = source.client("sts", endpoint_url=endpoint, config=_config(endpoint))
    request = {"RoleArn": str(credentials.role_arn), "RoleSessionName": "trunkline"}
    if credentials.external_id:
        request["ExternalId"] = credentials.external_id

    def fetch() -> dict[str, str]:
        got = sts.assume_role(**request)["Credentials"]
        return {
            "access_key": got["AccessKeyId"],
            "secret_key": got["SecretAccessKey"],
            "token": got["SessionToken"],
            "expiry_time": got["Expiration"].isoformat(),
        }

    class AssumedRole(CredentialProvider):
        METHOD = "trunkline-assume-role"

        def load(self) -> DeferredRefreshableCredentials:
            return DeferredRefreshableCredentials(refresh_using=fetch, method=self.METHOD)

    inner = botocore.session.get_session()
    # First of all providers: an environment with keys of another account must not win over the role.
    inner.get_component("credential_provider").insert_before("env", AssumedRole())
    return boto3.Session(botocore_session=inner, region_name=region)


def _config(endpoint: str | None) -> Config:
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=32,
        tcp_keepalive=True,
        user_agent_extra="trunkline",
        # None leaves proxies to the environment; what listens on this machine is never behind one.
        proxies={} if endpoint and is_loopback(endpoint) else None,
    )


def is_loopback(endpoint: str) -> bool:
    """Whether an endpoint's host is this machine by its address or as `localhost`."""
    host = urlsplit(endpoint).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def validate_endpoint(account: str, endpoint: str) -> None:
    """Refuse an endpoint that is no URL, or that would carry requests in the clear to another machine."""
    try:
        parts = urlsplit(endpoint)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is none
        named = False
    if not named:
        raise Error(
            f"account {account}: endpoint = {endpoint!r} is not an address of a service",
            hint="write it as https://HOST[:PORT], or leave it out for AWS itself",
        )
    if parts.scheme == "http" and not is_loopback(endpoint):
        raise Error(
            f"account {account}: endpoint = {endpoint!r} would send requests unencrypted to another machine",
            hint="use https; plain http is for this machine alone",
        )
