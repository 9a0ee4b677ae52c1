"""Proposals as routers spell them ("aes256-sha2_256-dh14") and as strongSwan does, either way."""

from __future__ import annotations

from collections.abc import Mapping

_GROUPS = {
    "dh2": "modp1024",
    "dh5": "modp1536",
    "dh14": "modp2048",
    "dh15": "modp3072",
    "dh16": "modp4096",
    "dh19": "ecp256",
    "dh20": "ecp384",
    "dh21": "ecp521",
    "dh31": "x25519",
}
# What was agreed, in the words of strongSwan's lists of associations.
_CIPHERS = {"AES_CBC": "aes{}", "AES_GCM_16": "aes{}gcm16", "3DES_CBC": "3des"}
_HASHES = {
    "HMAC_MD5_96": "md5",
    "HMAC_SHA1_96": "sha1",
    "HMAC_SHA2_256_128": "sha2_256",
    "HMAC_SHA2_384_192": "sha2_384",
    "HMAC_SHA2_512_256": "sha2_512",
}


def strongswan(proposal: str) -> str:
    """A proposal for strongSwan: "aes256-sha2_256-dh14" is "aes256-sha256-modp2048"."""
    return "-".join(_GROUPS.get(word, word.replace("sha2_", "sha")) for word in proposal.split("-"))


def agreed(told: Mapping[str, bytes]) -> str:
    """What an association was made with, as routers spell it; a word that they have none for stays strongSwan's."""
    word = {key: told[key].decode() for key in ("encr-alg", "encr-keysize", "integ-alg", "dh-group") if key in told}
    cipher = _CIPHERS.get(word.get("encr-alg", ""), word.get("encr-alg", "")).format(word.get("encr-keysize", ""))
    group = word.get("dh-group", "").replace("_", "").lower()
    groups = {theirs: ours for ours, theirs in _GROUPS.items()} | {"curve25519": "dh31"}
    parts = [cipher, _HASHES.get(word.get("integ-alg", ""), word.get("integ-alg", "")), groups.get(group, group)]
    return "-".join(filter(None, parts))
