"""The system: its certificate for HTTPS, variables, remote support, runtime figures, a larger licence."""

from __future__ import annotations

import os
import platform
import re
import ssl
import time
import uuid
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .controller import Call, Reply
from .license import read
from .operations import Operations
from .records import FLAG, TEXT, Form, Record, drawer, found
from .refusals import bad_argument, not_found
from .state import VERSION, stamp

operations = Operations()
_VARIABLE, _INSTALL, _SUPPORT = "custom variable", "certificate installation", "remote support"
_VARIABLES = Form("name", "value", name=TEXT, value=TEXT, description=TEXT)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_SUPPORTED = Form(enabled=FLAG, revoke_credential=FLAG)
_STARTED = time.monotonic()


# HTTPS


@operations("GET", "/system/ssl")
def get_certificate(call: Call) -> object:
    """The certificate that this API shows."""
    certificate = x509.load_pem_x509_certificate(call.controller.certificate.pem.encode())
    return {"certs": [_described(certificate)]}


def _described(certificate: x509.Certificate) -> Record:
    algorithm = certificate.signature_hash_algorithm
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "before": certificate.not_valid_before_utc.isoformat(),
        "after": certificate.not_valid_after_utc.isoformat(),
        "algorithm": algorithm.name if algorithm else "",
        "sha1_fingerprint": certificate.fingerprint(hashes.SHA1()).hex(":"),
        "sha256_fingerprint": certificate.fingerprint(hashes.SHA256()).hex(":"),
    }


@operations("PUT", "/system/ssl/keypair")
def put_keypair(call: Call) -> object:
    """Upload a certificate and its key; they must belong together."""
    call.body.require("cert", "key")
    cert, key = call.body.text("cert"), call.body.text("key")
    try:
        certificate = x509.load_pem_x509_certificate(cert.encode())
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise bad_argument(f"cert or key is invalid: {error}") from None
    if _public(private.public_key()) != _public(certificate.public_key()):
        raise bad_argument("key is invalid: it does not belong to cert")
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise bad_argument("cert is invalid: it has expired")
    drawer(call, "keypair")["keypair"] = {"cert": cert, "key": key}
    return "Key pair uploaded"


def _public(key: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form)  # type: ignore[attr-defined,no-any-return]


@operations("PUT", "/system/ssl/install")
def put_install(call: Call) -> object:
    """Show the uploaded certificate from the next connection on."""
    pair = drawer(call, "keypair").get("keypair")
    if pair is None:
        raise bad_argument("a key pair must be uploaded first")
    try:
        call.controller.install(pair["cert"], pair["key"])
    except (ssl.SSLError, ValueError) as error:
        raise bad_argument(f"the key pair cannot be installed: {error}") from None
    record = {"uuid": str(uuid.uuid4()), "status": "Certificate installed", "state": "complete"}
    drawer(call, _INSTALL)[record["uuid"]] = record
    return record


@operations("GET", "/system/ssl/install/{uuid}")
def get_install(call: Call) -> object:
    """How an installation went."""
    return found(call, _INSTALL, "uuid")


# Variables


def _variables(call: Call) -> Record:
    controller = call.controller
    system = {
        "controller_name": controller.settings.controller_name,
        "topology_name": controller.settings.topology_name,
        "private_ipaddress": controller.machine.private_address,
        "public_ipaddress": controller.machine.public_address or "",
        "vns3_version": VERSION,
    }
    return {
        "system": [{"variable": f"%{{{name}}}", "description": "", "value": value} for name, value in system.items()],
        "custom": [_variable(record) for record in drawer(call, _VARIABLE).values()],
    }


def _variable(record: Record) -> Record:
    return {
        "variable": f"%{{custom.{record['name']}}}",
        "description": record["description"],
        "value": record["value"],
    }


@operations("GET", "/system/variable-collections", licensed=True)
def get_collections(call: Call) -> object:
    """The kinds of variables, and how their names begin."""
    return [{"name": "system", "prefix": ""}, {"name": "custom", "prefix": "custom."}]


@operations("GET", "/system/variables", licensed=True)
def get_variables(call: Call) -> object:
    """All variables by collection, of some collections where the query asks so."""
    asked = set(filter(None, call.query.get("collections", "").split(",")))
    return {name: each for name, each in _variables(call).items() if not asked or name in asked}


@operations("POST", "/system/variables", status=201)
def post_variable(call: Call) -> object:
    """Make a variable; answers with all."""
    record = _VARIABLES.new(call.body)
    if not _NAME.fullmatch(record["name"]):
        raise bad_argument(f"name is invalid: {record['name']!r} is not made of letters, digits, '_', '.' and '-'")
    if record["name"] in drawer(call, _VARIABLE):
        raise bad_argument(f"name is invalid: there is a variable {record['name']!r} already")
    drawer(call, _VARIABLE)[record["name"]] = record
    return _variables(call)


@operations("PUT", "/system/variables/{name}")
def put_variable(call: Call) -> object:
    """Change a variable."""
    record = found(call, _VARIABLE, "name")
    record["value"] = call.body.text("value", record["value"])
    record["description"] = call.body.text("description", record["description"])
    return _variable(record)


@operations("DELETE", "/system/variables/{name}")
def delete_variable(call: Call) -> object:
    """Remove a variable; answers with those that remain."""
    drawer(call, _VARIABLE).pop(found(call, _VARIABLE, "name")["name"])
    return _variables(call)


# Remote support


def _support(call: Call) -> Record:
    return drawer(call, _SUPPORT).setdefault("support", {"enabled": False, "key": ""})


@operations("GET", "/remote_support")
def get_support(call: Call) -> object:
    """Whether the vendor's support may come in."""
    return {"enabled": _support(call)["enabled"]}


@operations("PUT", "/remote_support")
def put_support(call: Call) -> object:
    """Let support in or not, and take back its key. No door opens here: there is no SSH in the lab."""
    if not any(name in call.body for name in ("enabled", "revoke_credential")):
        raise bad_argument("one of enabled, revoke_credential is required")
    given, support = _SUPPORTED.new(call.body), _support(call)
    if "enabled" in call.body:
        support["enabled"] = given["enabled"]
    if given["revoke_credential"]:
        support["key"] = ""
    return {"enabled": support["enabled"], "revoke_credential": given["revoke_credential"]}


@operations("POST", "/remote_support/keypair", status=201)
def post_support_key(call: Call) -> object:
    """Make a key pair for support; answers with the private key, encrypted by the passphrase in the body."""
    phrase = call.text.strip().strip('"')
    if not phrase:
        raise bad_argument("a passphrase is required")
    if not _support(call)["enabled"]:
        raise bad_argument("remote support is not enabled")
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(phrase.encode()),
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    _support(call)["key"] = public.decode()
    return Reply(201, text, content_type="text/plain")


# Figures and licence


@operations("GET", "/status/system", licensed=True)
def get_system(call: Call) -> object:
    """How the system is doing: the figures of the computer that the lab runs on."""
    now = time.time()
    disk = os.statvfs("/")
    return {
        "timestamp": stamp(now),
        "timestamp_i": int(now),
        "vns3_version": VERSION,
        "kernel_version": platform.release(),
        "uptime": int(time.monotonic() - _STARTED),
        "loadavg": [f"{load:.2f}" for load in os.getloadavg()],
        "diskinfo": [["/", str(disk.f_blocks * disk.f_frsize), str(disk.f_bavail * disk.f_frsize)]],
        "meminfo": [str(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))],
        "swapinfo": [],
        "container_system": {
            "container_system_running": bool(drawer(call, "container system").get("it", {}).get("running", True)),
            "images_limit": 5,
            "images_stored": len(drawer(call, "plugin")),
            "containers_limit": 5,
            "containers_active": len(drawer(call, "plugin instance")),
            "container_network": str(drawer(call, "container system").get("it", {}).get("network", "")),
        },
        "data": {"sysstat": []},
    }


@operations("PUT", "/license/upgrade")
def put_upgrade(call: Call) -> object:
    """Take a larger licence: more controllers and clients, what is there stays."""
    settings = call.controller.settings
    if settings.license is None or not settings.licensed:
        raise not_found("there is no license to upgrade")
    new = read(call.text, time.time())
    old, wider = settings.license.topology, new.topology
    managers, clients = len(wider.managers) - len(old.managers), len(wider.clients) - len(old.clients)
    if managers < 0 or clients < 0:
        raise bad_argument("the license is smaller than the present one")
    settings.license = new.accepted(wider)
    return {
        "finalized": True,
        "uniq": new.checksum,
        "license": "accepted",
        "new_clientpacks": clients,
        "new_managers": managers,
    }
