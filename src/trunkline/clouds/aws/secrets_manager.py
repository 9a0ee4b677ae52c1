"""References aws-sm:ACCOUNT/NAME[#KEY]: a secret of AWS Secrets Manager, read with the account's own credentials."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trunkline._core.errors import Error
from trunkline.clouds.aws.errors import translated

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Household


def read(name: str, config: Household) -> str:
    """The text of a secret, or of one key of a secret that is a JSON object.

    Parameters:
        name: "ACCOUNT/NAME" or "ACCOUNT/NAME#KEY"; NAME may be an ARN.
        config: Where the account stands.

    Raises:
        Error: The reference is incomplete, the account is none of AWS, or the secret has no text or no such key.
        CloudError: AWS refuses or cannot be reached.
    """
    account_name, _, rest = name.partition("/")
    secret, has_key, key = rest.partition("#")
    if not account_name or not secret or (has_key and not key):
        raise Error(f"aws-sm:{name} is incomplete", hint="write aws-sm:ACCOUNT/NAME, or aws-sm:ACCOUNT/NAME#KEY")
    account = config.account(account_name)
    session = getattr(account, "session", None)
    if account.cloud != "aws" or session is None:
        raise Error(f"aws-sm:{name}: account {account_name} is of the cloud {account.cloud!r}", hint="name one of AWS")
    with translated(account_name, f"reading the secret {secret}"):
        text = session.secrets_manager.get_secret_value(SecretId=secret).get("SecretString")
    if text is None:
        raise Error(f"aws-sm:{name}: the secret is binary", hint="keep it as text")
    return _part(str(text), key, name) if key else str(text)


def _part(text: str, key: str, name: str) -> str:
    # Neither the text nor the other keys are told: an exception's context would hold them.
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Error(f"aws-sm:{name}: the secret is no JSON object", hint=f"leave out #{key}")
    if not isinstance(found.get(key), str):
        raise Error(f"aws-sm:{name}: the secret has no text under {key!r}", hint="name one of its keys")
    return str(found[key])
