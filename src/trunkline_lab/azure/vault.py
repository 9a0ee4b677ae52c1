"""A Key Vault on loopback: secrets with versions, behind TLS and a bearer challenge, as the SDK meets them.

Data plane of https://learn.microsoft.com/rest/api/keyvault/secrets: set, get (newest or by version), list and delete.
One server holds any number of vaults, each under a path of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
_ADDRESS = "127.0.0.1"
# Key Vault refuses a request without an API version; the SDK sends a date or 7.x.
_VERSION = re.compile(r"7\.\d+|\d{4}-\d{2}-\d{2}(-preview)?|\d{4}-\d{2}-\d{2}-preview\.\d+")


@dataclass
class _Version:
    id: str
    value: str
    created: int
    more: dict[str, Any] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Vaults:
    """The vaults of one tenant.

    Parameters:
        tenant: Whose tokens they take; named in the challenge.
        names: The vaults that exist.
        certificate: A server-side TLS context for 127.0.0.1.

    Attributes:
        endpoint: "https://127.0.0.1:PORT/{vault}" once started, as an account's `vault_endpoint`.
        calls: "GET vault/name" for each request that was let in, in order; no values.
    """

    def __init__(self, tenant: str, names: tuple[str, ...], certificate: ssl.SSLContext) -> None:
        self.endpoint = ""
        self.calls: list[str] = []
        self._tenant, self._certificate = tenant, certificate
        self._kept: dict[str, dict[str, list[_Version]]] = {name: {} for name in names}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="azure-vaults", daemon=True)
        self._runner: web.AppRunner | None = None

    def start(self) -> Vaults:
        """Begin to listen on a port that the kernel chooses."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(timeout=10)
        return self

    def stop(self) -> None:
        """Stop listening; everything is forgotten. May be called twice."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            if self._runner is not None:
                asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
        self._loop.close()

    async def _listen(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _ADDRESS, 0, ssl_context=self._certificate).start()
        self.endpoint = f"https://{_ADDRESS}:{self._runner.addresses[0][1]}/{{vault}}"

    async def _serve(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return self._challenge()
        try:
            answer = self._answer(request, json.loads(await request.read() or b"{}"))
        except _Refused as refused:
            return web.json_response(
                {"error": {"code": refused.code, "message": refused.message}}, status=refused.status
            )
        return web.json_response(answer)

    def _challenge(self) -> web.Response:
        """401, with the authority to ask for a token and the resource that it is for."""
        header = (
            f'Bearer authorization="https://login.microsoftonline.com/{self._tenant}", '
            'resource="https://vault.azure.net"'
        )
        error = {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}
        return web.json_response({"error": error}, status=401, headers={"WWW-Authenticate": header})

    def _answer(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        vault, kind, name, version, *rest = [*request.path.strip("/").split("/"), "", "", ""][:5]
        if vault not in self._kept:
            raise _Refused(404, "VaultNotFound", f"There is no vault {vault}.")
        if not _VERSION.fullmatch(request.query.get("api-version", "")):
            raise _Refused(400, "BadParameter", "AKV10008: api-version must be specified, and be a supported one.")
        if kind != "secrets" or any(rest):
            raise _Refused(404, "NotFound", "The path leads nowhere.")
        self.calls.append(f"{request.method} {vault}/{name}")
        if name and not _NAME.fullmatch(name):
            raise _Refused(
                400,
                "BadParameter",
                f"The request URI contains an invalid name: {name}",
            )
        match request.method:
            case "GET" if not name:
                return {"value": [self._listed(vault, each) for each in sorted(self._kept[vault])], "nextLink": None}
            case "GET":
                return self._shown(vault, name, self._found(vault, name, version))
            case "PUT" if name and not version:
                return self._shown(vault, name, self._set(vault, name, body))
            case "DELETE" if name and not version:
                last = self._found(vault, name, "")
                del self._kept[vault][name]
                return {k: v for k, v in self._shown(vault, name, last).items() if k != "value"}
        raise _Refused(405, "MethodNotAllowed", f"{request.method} is not allowed here.")

    def _found(self, vault: str, name: str, version: str) -> _Version:
        versions = self._kept[vault].get(name, [])
        found = [each for each in versions if version in ("", each.id)]
        if not found:
            raise _Refused(
                404,
                "SecretNotFound",
                f"A secret with (name/id) {name}{f'/{version}' if version else ''} was not found in this key vault.",
            )
        return found[-1]

    def _set(self, vault: str, name: str, body: dict[str, Any]) -> _Version:
        if not isinstance(body.get("value"), str):
            raise _Refused(400, "BadParameter", "The property 'value' is required and must be a string.")
        more: dict[str, Any] = {key: body[key] for key in ("contentType", "tags") if key in body}
        made = _Version(uuid.uuid4().hex, body["value"], int(time.time()), more)
        self._kept[vault].setdefault(name, []).append(made)
        return made

    def _shown(self, vault: str, name: str, version: _Version) -> dict[str, Any]:
        return {"value": version.value, **self._listed(vault, name, version)}

    def _listed(self, vault: str, name: str, version: _Version | None = None) -> dict[str, Any]:
        """A secret without its value; with the version in its id when one is given."""
        last = version or self._kept[vault][name][-1]
        attributes = {"enabled": True, "created": last.created, "updated": last.created, "recoverableDays": 90}
        place = f"https://{vault}.vault.azure.net/secrets/{name}"
        return {"id": f"{place}/{last.id}" if version else place, "attributes": attributes, **last.more}
