"""API tokens and access URLs: access that expires by itself or is taken back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from .controller import Call
from .listener import PORT
from .operations import Operations
from .refusals import bad_argument, not_found
from .state import Access, stamp

operations = Operations()
_LIFETIME = 3600
_LONGEST = 10 * 365 * 86400


def _new(call: Call, known: dict[int, Access], name: str) -> Access:
    lifetime = call.body.integer("expires", _LIFETIME)
    if not 0 < lifetime <= _LONGEST:
        raise bad_argument(f"expires is invalid: {lifetime} is not between 1 and {_LONGEST} seconds")
    now = time.time()
    access = Access(
        id=next(call.controller.settings.ids),
        token=secrets.token_urlsafe(32),
        name=name,
        lifetime=lifetime,
        created=now,
        created_ip=call.client,
        refreshes=call.body.flag("refreshes", False),
        expires=now + lifetime,
        description=call.body.text("description", ""),
        access=call.body.text("access", ""),
    )
    known[access.id] = access
    return access


def _common(access: Access) -> dict[str, object]:
    return {
        "id": access.id,
        "name": access.name,
        "created_at": stamp(access.created),
        "created_ip": access.created_ip,
        "expires_at": stamp(access.expires),
        "lifetime": str(access.lifetime),
        "expired": not access.valid(time.time()),
        "last_accessed_at": stamp(access.last_accessed) if access.last_accessed else None,
        "last_accessed_ip": access.last_accessed_ip or None,
    }


def _token(access: Access) -> dict[str, object]:
    return _common(access) | {"token": access.token, "refreshes": access.refreshes}


def _url(call: Call, access: Access) -> dict[str, object]:
    host = call.controller.machine.public_address
    return _common(access) | {"url": f"https://{host}:{PORT}/access/{access.token}", "access": access.access}


def _find(known: dict[int, Access], number: int, what: str) -> Access:
    if number not in known:
        raise not_found(f"{what} {number} not found")
    return known[number]


def _expire(call: Call, access: Access) -> None:
    if "expired" in call.body:
        access.expired = call.body.flag("expired")


@operations("POST", "/access/token", status=201)
def post_token(call: Call) -> object:
    """Make an API token."""
    name = call.body.text("name", call.body.text("token_name", ""))
    return _token(_new(call, call.controller.settings.tokens, name))


@operations("GET", "/access/tokens")
def get_tokens(call: Call) -> object:
    """All API tokens."""
    return [_token(access) for access in call.controller.settings.tokens.values()]


@operations("GET", "/access/token/{token_id}")
def get_token(call: Call) -> object:
    """One API token."""
    return _token(_find(call.controller.settings.tokens, call.id("token_id"), "token"))


@operations("PUT", "/access/token/{token_id}")
def put_token(call: Call) -> object:
    """Expire a token."""
    access = _find(call.controller.settings.tokens, call.id("token_id"), "token")
    _expire(call, access)
    return _token(access)


@operations("DELETE", "/access/token/{token_id}")
def delete_token(call: Call) -> object:
    """Take a token back."""
    tokens = call.controller.settings.tokens
    del tokens[_find(tokens, call.id("token_id"), "token").id]
    return "Token deleted"


@operations("POST", "/access/url", status=201)
def post_url(call: Call) -> object:
    """Make a link to the web UI."""
    name = call.body.text("name", "")
    return _url(call, _new(call, call.controller.settings.urls, name))


@operations("GET", "/access/urls")
def get_urls(call: Call) -> object:
    """All links."""
    return [_url(call, access) for access in call.controller.settings.urls.values()]


@operations("GET", "/access/url/{access_url_id}")
def get_url(call: Call) -> object:
    """One link."""
    return _url(call, _find(call.controller.settings.urls, call.id("access_url_id"), "access URL"))


@operations("PUT", "/access/url/{access_url_id}")
def put_url(call: Call) -> object:
    """Expire a link."""
    access = _find(call.controller.settings.urls, call.id("access_url_id"), "access URL")
    _expire(call, access)
    return _url(call, access)


@operations("DELETE", "/access/url/{access_url_id}")
def delete_url(call: Call) -> object:
    """Take a link back."""
    urls = call.controller.settings.urls
    del urls[_find(urls, call.id("access_url_id"), "access URL").id]
    return "Access URL deleted"


@operations("DELETE", "/access/url")
def delete_url_by_body(call: Call) -> object:
    """Take a link back, named in the body by id or by the link itself."""
    urls = call.controller.settings.urls
    if "access_url_id" in call.body:
        wanted = call.body.integer("access_url_id")
        access = _find(urls, wanted, "access URL")
    else:
        access = _first(urls, call.body.text("access_url"), lambda found: str(_url(call, found)["url"]))
    del urls[access.id]
    return "Access URL deleted"


def _first(urls: dict[int, Access], wanted: str, link: Callable[[Access], str]) -> Access:
    for access in urls.values():
        if link(access) == wanted:
            return access
    raise not_found(f"access URL {wanted} not found")
