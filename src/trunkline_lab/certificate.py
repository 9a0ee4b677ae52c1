"""A self-signed certificate."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=3650)


@dataclass(frozen=True)
class Certificate:
    """The certificate and its server context.

    Parameters:
        pem: The certificate alone, for clients that pin it.
        context: A server-side TLS context that holds certificate and key.
    """

    pem: str
    context: ssl.SSLContext


def of(cert: str, key: str) -> Certificate:
    """A certificate and its key in PEM. Raises ssl.SSLError or ValueError when they do not serve."""
    return Certificate(cert, _server_context(f"{cert}\n{key}\n".encode()))


def self_signed(name: str, addresses: list[str]) -> Certificate:
    """A fresh P-256 key and a certificate for `name` with the addresses as subject alternative names."""
    return of(*self_signed_pair(name, addresses))


def self_signed_pair(name: str, addresses: list[str]) -> tuple[str, str]:
    """As `self_signed`; the certificate and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), secret.decode()


def _server_context(chain: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # the ssl module reads keys from files only
        path = Path(folder, "controller.pem")
        path.write_bytes(chain)
        context.load_cert_chain(path)
    return context
