"""A small threaded WSGI server on loopback with keep-alive, for one application that answers whole bodies.

The application may ask for a broken connection: it sets "trunkline.cut" in the environment to "lost" (closed without
an answer), "reset" (the same with a TCP reset) or "half" (the headers and half of the body).
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: close() answers with a reset


def environment(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> WSGIEnvironment:
    """A WSGI environment of a request's parts; `target` is path and query."""
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.update(status=status, headers=headers)

        environ = environment(self.command, self.path, list(self.headers.items()), body)
        chunks = b"".join(self.server.application(environ, start_response))
        names = {name.lower() for name, _ in started["headers"]}
        length = [] if "content-length" in names else [("Content-Length", str(len(chunks)))]
        lines = [f"HTTP/1.1 {started['status']}", *(f"{n}: {v}" for n, v in [*started["headers"], *length])]
        # One write: head and body in one packet, so that no delayed acknowledgement holds up the body.
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        cut = environ.get("trunkline.cut")
        if cut:
            self._break_off(cut, head + chunks[: len(chunks) // 2])
            return
        self.wfile.write(head if self.command == "HEAD" else head + chunks)

    def _break_off(self, cut: str, half: bytes) -> None:
        self.close_connection = True
        if cut == "half":
            self.wfile.write(half)
        if cut == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            os.close(self.connection.detach())  # no shutdown before it: that would end the connection politely

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the gateway keeps the log."""


class Server(ThreadingHTTPServer):
    """Serves `application` on 127.0.0.1, on a port that the kernel chooses.

    Attributes:
        endpoint: "http://127.0.0.1:PORT", known from construction on.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, application: WSGIApplication) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.application = application
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="lab-aws", daemon=True)

    def start(self) -> None:
        """Serve from a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and drop every open connection."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it in a thread."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the lab's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
