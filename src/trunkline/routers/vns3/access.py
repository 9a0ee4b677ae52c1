"""Short-lived API tokens: minted for the minutes of a configuring, revoked and seen gone."""

from __future__ import annotations

from typing import Any

from trunkline.routers.router import RouterError
from trunkline.routers.vns3.session import Api
from trunkline.routers.waiting import NotYet


def mint(api: Api, name: str, lifetime: int) -> dict[str, object]:
    """A fresh token of this name, in use by this session from now on. Older ones of the name are revoked first."""
    revoke(api, name)
    minted = api.call("access.create_api_token", name=name, expires=lifetime, refreshes=False)
    api.session.use_token(str(minted["token"]))
    return {"name": name, "expires_at": minted.get("expires_at")}


def revoke(api: Api, name: str) -> None:
    """Delete all tokens of this name, and see them gone."""
    # With the password: a token that deletes itself could not look whether it is gone.
    api.session.use_token(None)

    def gone() -> None:
        left = _tokens(api, name)
        for token in left:
            _delete(api, token["id"])
        if left:
            raise NotYet(f"{len(left)} API tokens named {name} to be removed")

    api.until(gone, f"the removal of the API tokens named {name} of {api.who}")


def _tokens(api: Api, name: str) -> list[dict[str, Any]]:
    return [token for token in api.call("access.get_api_tokens") if token.get("name") == name]


def _delete(api: Api, number: object) -> None:
    try:
        api.call("access.delete_api_token", number)
    except RouterError as error:
        if error.status != 404:
            raise
