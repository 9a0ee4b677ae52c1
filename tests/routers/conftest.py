"""The lab's controllers, servers on loopback that behave as routers should not, and a driver to meet both."""

import contextlib
import datetime
import ipaddress
import json
import random
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from trunkline.durable.secrets import Secrets
from trunkline.routers.vns3 import Vns3
from trunkline_lab.vns3.controllers import Controllers
from trunkline_lab.vns3.license import issue
from trunkline_lab.vns3.workbench import Workbench
from trunkline_lab.world import Pace, PublicAddresses, World

PACE = Pace(resource=0.0, boot=0.0, reboot=0.15, keyset=0.05)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Where the tests' master key lies."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def driver(home):
    """Makes drivers of one household: the same master key, and the same licence."""

    def make(known=None, **options):
        patience = {"timeout": 20.0, "patience": 20.0, "connect_timeout": 2.0, "read_timeout": 5.0}
        return Vns3(
            options.pop("license", issue),
            options.pop("keyset_token", lambda: "keyset-token"),
            Secrets(home).derive,
            {} if known is None else known,
            **(patience | options),
        )

    return make


def free_prefix():
    """A loopback /24 that nobody uses, and the socket that claims it."""
    for _ in range(100):
        prefix = f"127.{random.randint(10, 250)}.{random.randint(1, 254)}"
        with contextlib.suppress(OSError):
            return prefix, socket.create_server((f"{prefix}.254", 8000))
    raise RuntimeError("no free loopback network")


class Table:
    """Factory-fresh controllers, each with its state as a pipe would carry it."""

    def __init__(self, pace):
        self.prefix, self._claim = free_prefix()
        self._world = World(PublicAddresses(self.prefix), pace)
        self._bench = Workbench(self._world)
        self.controllers = Controllers(self._world)
        self.controllers.add_face(self._bench)
        self._count = 0

    def put(self, **more):
        """A fresh controller: its state, and the controller itself."""
        self._count += 1
        machine = self._bench.put(f"router-{self._count}")
        self.controllers.settle()
        controller = next(c for c in self.controllers.all() if c.machine.id == machine.id)
        state = {
            "name": machine.name,
            "instance": machine.id,
            "address": machine.public_address,
            "private_address": machine.private_address,
            "default_password": machine.default_password,
            "cidr": f"10.{self._count}.0.0/16",
        }
        return state | more, controller

    def reboot(self, controller, seconds=0.15):
        """Reboot it now."""
        self.controllers.thread.call(lambda: controller.boot(seconds))

    def close(self):
        self.controllers.stop()
        self._claim.close()


@pytest.fixture(scope="session")
def table():
    """The table on which the controllers stand."""
    table = Table(PACE)
    yield table
    table.close()


def writes(controller):
    """What was changed on a controller: its log without the questions."""
    return [call.operation for call in list(controller.calls) if call.method != "GET"]


@pytest.fixture(name="writes")
def _writes():
    return writes


@pytest.fixture
def within():
    """Waits until a condition holds, a second at most."""

    def wait(condition, seconds=2.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.01)

    return wait


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
