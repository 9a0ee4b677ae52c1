"""The configuration that a lab writes for its users: accounts, router, addresses, the datacentre."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from .site import Site

FILE = "trunkline.toml"
POOL = "10.0.0.0/8"


def write(
    directory: Path, *, accounts: Mapping[str, Mapping[str, str]], site: Site, caller: str, license_text: str
) -> Path:
    """Write `trunkline.toml` and the secrets that it refers to into `directory`.

    Parameters:
        directory: The lab's own directory; must exist.
        accounts: The sections by account name.
        site: The datacentre.
        caller: The address from which the lab's users call.
        license_text: A licence for the routers.

    Returns:
        The configuration's path.
    """
    license_file = _secret(directory / "license.txt", license_text)
    token_file = _secret(directory / "keyset-token", secrets.token_urlsafe(24))
    site_file = _secret(directory / "site-secret", site.secret)
    document = {"from": f"{caller}/32", "home": str(directory / "home")}
    tables: dict[str, Mapping[str, object]] = {f"accounts.{name}": fields for name, fields in accounts.items()}
    tables["router"] = {"kind": "vns3", "license": f"file:{license_file}", "keyset_token": f"file:{token_file}"}
    tables["addresses"] = {"pool": POOL}
    tables[f"sites.{site.name}"] = {
        "prefixes": list(site.prefixes),
        "address": site.address,
        "secret": f"file:{site_file}",
    }
    parts = [_lines(document)] + [f"[{name}]\n{_lines(fields)}" for name, fields in tables.items()]
    path = directory / FILE
    path.write_text("# Written by the lab; gone when the lab goes down.\n" + "\n".join(parts))
    path.chmod(0o600)
    return path


def _lines(fields: Mapping[str, object]) -> str:
    # A JSON string, or list of strings, without control characters is the same in TOML.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def _secret(path: Path, text: str) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return path
