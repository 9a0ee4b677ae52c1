"""Where the Key Vaults of an account are, and the client for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trunkline._core.errors import Error

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient

PUBLIC = "https://{vault}.vault.azure.net"
_TIMEOUTS = {"connection_timeout": 10.0, "read_timeout": 30.0}


@dataclass(frozen=True)
class Vaults:
    """Where vaults are.

    Parameters:
        endpoint: A vault's address, with "{vault}" for its name; https.
        authority: A PEM file of the authority to trust; None for the public ones.
    """

    endpoint: str = PUBLIC
    authority: Path | None = None

    @classmethod
    def checked(cls, account: str, endpoint: str | None, authority: str | None) -> Vaults:
        """The same from an account's fields. Raises Error for an endpoint that is none."""
        wanted = PUBLIC if endpoint is None else endpoint
        if urlsplit(wanted).scheme != "https" or "{vault}" not in wanted or not urlsplit(wanted).netloc:
            raise Error(
                f"azure account {account}: vault_endpoint={endpoint!r} is not acceptable",
                hint='write an https address with "{vault}" for the name, such as "https://{vault}.vault.azure.cn"',
            )
        file = None if authority is None else Path(authority).expanduser()
        if file is not None and not file.is_file():
            raise Error(f"azure account {account}: vault_authority={authority!r} is not a file", hint="name a PEM file")
        return cls(wanted, file)

    def client(self, vault: str, credential: Any) -> SecretClient:
        """A client for one vault's secrets. Makes no request."""
        from azure.keyvault.secrets import SecretClient

        trust = {} if self.authority is None else {"connection_verify": str(self.authority)}
        # A vault says in its challenge for which domain the token is; the SDK holds that against the address.
        verify = self.endpoint == PUBLIC or urlsplit(self.endpoint).hostname not in ("127.0.0.1", "localhost")
        return SecretClient(
            self.endpoint.replace("{vault}", vault),
            credential,
            verify_challenge_resource=verify,
            logging_enable=False,
            retry_total=3,
            **_TIMEOUTS,
            **trust,
        )
