"""References azure-kv:VAULT/NAME[@VERSION]: a secret of Azure Key Vault, read with an account's identity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trunkline._core.errors import Error
from trunkline.clouds.azure.errors import azure_errors

if TYPE_CHECKING:
    from trunkline.clouds.cloud import Household

# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#objects-identifiers-and-versioning
_REFERENCE = re.compile(
    r"(?P<vault>[A-Za-z][A-Za-z0-9-]{2,23})/(?P<name>[A-Za-z0-9-]{1,127})(@(?P<version>[0-9a-f]+))?"
)


def read(name: str, config: Household) -> str:
    """The text of a secret: of its newest version, or of the one that is named.

    Parameters:
        name: "VAULT/NAME" or "VAULT/NAME@VERSION"; VAULT is the vault's own name.
        config: Whose identity reads it: that of the account that has `vault = "VAULT"`, else of the only one of Azure.

    Raises:
        Error: The reference is malformed, or no account is known for the vault.
        CloudError: Azure refuses or cannot be reached.
    """
    found = _REFERENCE.fullmatch(name)
    if found is None:
        raise Error(f"azure-kv:{name} is malformed", hint="write azure-kv:VAULT/NAME, or azure-kv:VAULT/NAME@VERSION")
    account = config.account(_reader(found["vault"], config))
    with azure_errors(f"read the secret {found['name']} of the vault {found['vault']}"):
        secret = account.clients.vault(found["vault"]).get_secret(found["name"], found["version"])
    return str(secret.value or "")


def _reader(vault: str, config: Household) -> str:
    """The name of the account whose identity reads the vault."""
    azure: dict[str, Any] = {
        name: section for name, section in config.accounts.items() if section.get("cloud") == "azure"
    }
    named = [name for name, section in azure.items() if section.get("vault") == vault]
    if named or len(azure) == 1:
        return (named or [*azure])[0]
    raise Error(
        f"azure-kv:{vault}: which account reads this vault? There are {', '.join(azure) or 'none of Azure'}",
        hint=f'write vault = "{vault}" into the section of the account whose identity may read it',
    )
