"""Servers on loopback that behave as routers should not, and a driver to meet them."""

import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from trunkline.routers.vns3 import Vns3

MADE_UP = "Generated-{}-Pass1"


def make_driver(known=None, **options):
    """A driver with short patience; `secret` is a function of the label as the real one is."""
    settings = {"timeout": 20.0, "patience": 10.0, "connect_timeout": 2.0, "read_timeout": 5.0} | options
    return Vns3(
        lambda: settings.pop("license", "no licence"),
        lambda: "keyset-token",
        lambda label: MADE_UP.format(abs(hash(label)) % 10**6),
        {} if known is None else known,
        **{key: value for key, value in settings.items() if key != "license"},
    )


@pytest.fixture
def driver():
    return make_driver


def server_context(folder):
    """A TLS server context with a self-signed certificate made now."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "router")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now - datetime.timedelta(days=1))  # expired, as on an appliance whose clock nobody set
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Impostor:
    """A TLS server on 127.0.0.1 that answers every request with what it is told.

    `answers` maps (method, path) to (status, text), or to a function that gives them; the rest is a plain `config`.
    """

    def __init__(self, folder, port=0):
        self.answers, self.requests, self.connections = {}, [], []
        impostor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                impostor.requests.append((self.command, self.path, dict(self.headers), text))
                config = json.dumps({"response": {"vns3_version": "6.0.0-1", "licensed": False}})
                found = impostor.answers.get((self.command, self.path), (200, config))
                status, body = found() if callable(found) else found
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def get_request(self):
                connection, address = super().get_request()
                impostor.connections.append(connection)
                return connection, address

            def handle_error(self, request, client_address):
                pass  # clients that leave in the middle are what is tested

        self.server = Server(("127.0.0.1", port), Handler)
        self.server.socket = server_context(folder).wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def impostor(tmp_path):
    """Makes impostors; all are closed in the end."""
    made = []

    def make(port=0):
        folder = tmp_path / f"server{len(made)}"
        folder.mkdir()
        made.append(Impostor(folder, port))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def router():
    """A router on 127.0.0.1 as plain state."""
    return {"name": "acme/vpc", "address": "127.0.0.1", "default_password": "i-0abc", "instance": "i-0abc"}
