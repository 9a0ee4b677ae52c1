"""What AWS's errors mean: the SDK's exceptions as CloudError, with a remedy where one is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.clouds.cloud import CloudError

_EXPIRED = "the credentials have expired: sign in again (for example `aws sso login`), then run again"
_WRONG_KEY = "check access_key_id and secret_access_key, or the profile, of this account"
_DENIED = "give the account's user or role this permission, or choose another profile or role_arn"
_HINTS = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": "check this machine's clock; AWS accepts no request older than five minutes",
    "SignatureDoesNotMatch": _WRONG_KEY,
    "InvalidClientTokenId": _WRONG_KEY,
    "UnrecognizedClientException": _WRONG_KEY,
    "AuthFailure": _WRONG_KEY,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "OptInRequired": "subscribe this account to the image or enable the region, then run again",
    "RulesPerSecurityGroupLimitExceeded": "remove rules that are no longer needed, or ask AWS for a higher quota",
    "RouteLimitExceeded": "remove routes that are no longer needed, or ask AWS for a higher quota",
    "Throttling": "AWS asks to slow down: run again in a minute",
    "RequestLimitExceeded": "AWS asks to slow down: run again in a minute",
}
# Of the SDK's own exceptions (no answer came from AWS), by class name.
_LOCAL_HINTS = {
    "NoCredentialsError": "give profile, role_arn or access_key_id and secret_access_key, or set AWS_PROFILE",
    "PartialCredentialsError": "access_key_id and secret_access_key go together",
    "ProfileNotFound": "name a profile of ~/.aws/config, or leave the field out",
    "SSOTokenLoadError": "sign in with `aws sso login`, then run again",
    "UnauthorizedSSOTokenError": "sign in again with `aws sso login`, then run again",
    "TokenRetrievalError": "sign in again with `aws sso login`, then run again",
    "EndpointConnectionError": "check the network, the region's spelling and the account's endpoint",
    "ConnectTimeoutError": "check the network, the region's spelling and the account's endpoint",
    "ReadTimeoutError": "AWS did not answer in time: run again",
    "ConnectionClosedError": "the connection broke: run again",
}

_UNANSWERED = ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError")


def code_of(error: BaseException) -> str:
    """AWS's own code in an SDK exception ("InvalidGroup.NotFound"); "" when AWS did not answer."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def message_of(error: BaseException) -> str:
    """AWS's own message in an SDK exception, or the exception's text."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message") or error)


def is_transient(error: BaseException) -> bool:
    """Whether asking again later may well help: AWS is throttling or ailing, or did not answer at all."""
    status = (getattr(error, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    throttled = code_of(error) in ("Throttling", "ThrottlingException", "RequestLimitExceeded")
    return throttled or status >= 500 or type(error).__name__ in _UNANSWERED


@contextmanager
def tolerating(*codes: str) -> Iterator[None]:
    """Go on quietly after an AWS error with one of `codes`."""
    try:
        yield
    except Exception as error:
        if code_of(error) not in codes:
            raise


@contextmanager
def translated(account: str, doing: str) -> Iterator[None]:
    """Raise what the SDK raises inside as CloudError.

    Parameters:
        account: The account's name.
        doing: What was going on ("opening tcp/8000 from 192.0.2.1/32 in sg-1").
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("botocore.", "boto3.")):
            raise
        code, name = code_of(error), type(error).__name__
        hint = _HINTS.get(code) if code else _LOCAL_HINTS.get(name)
        text = f"account {account}: {doing}: {message_of(error)}"
        raise CloudError(f"{text} ({code})" if code else text, code=code or name, hint=hint) from error
