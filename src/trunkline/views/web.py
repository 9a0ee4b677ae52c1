"""The report of a run as a live page, for browsers of this machine only.

It listens on 127.0.0.1 at a port that is free, and answers nobody who does not know the token in its address; the
Host header must be the address itself, so that no other site's name can be made to lead here (DNS rebinding). What
happens is sent as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from trunkline._core.events import Event
from trunkline.views.report import Report, body, page
from trunkline.views.report.contents import heading
from trunkline.views.report.page import ready
from trunkline.views.spans import Recorder

PAUSE = 0.25  # seconds between two sendings, so that many events become one
BEAT = 1.0  # seconds after which the page is sent anew though nothing happened: what runs grows
LAST = 5.0  # seconds at most that the end waits for browsers to take it

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class WebView:
    """An observer that serves what it sees.

    Parameters:
        report: Makes the report of what was recorded so far.
        recorder: Where events go; it may hold what the run did before.

    Raises:
        ReportError: jinja2 is not installed.
    """

    def __init__(self, report: Callable[[Recorder], Report], recorder: Recorder | None = None) -> None:
        ready()
        self.recorder = recorder or Recorder()
        self._report = report
        self._final: Report | None = None
        self._changed, self._version, self._following = threading.Condition(), 0, 0
        self._token = secrets.token_urlsafe(24)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}/{self._token}/"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="trunkline web", daemon=True).start()

    def on(self, event: Event) -> None:
        """Take one event."""
        with self._changed:
            self.recorder.on(event)
            self._version += 1
            self._changed.notify_all()

    def finish(self, report: Report) -> None:
        """Send the run's last report to all who follow, and wait until they have it, a few seconds at most."""
        with self._changed:
            self._final = report
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._following, LAST)

    def close(self) -> None:
        """Stop serving; may be called again."""
        self._server.shutdown()
        self._server.server_close()

    def _now(self) -> tuple[Report, bool]:
        """The report as it is now, and whether it is the last one."""
        with self._changed:
            return (self._final, True) if self._final is not None else (self._report(self.recorder), False)

    def _follow(self, send: Callable[[str, str], None]) -> None:
        """Send the body whenever something happened, until the end is sent."""
        with self._changed:
            self._following += 1
        try:
            while True:
                with self._changed:
                    seen = self._version
                report, last = self._now()
                began = time.monotonic()
                send("end" if last else "report", json.dumps({"title": heading(report), "body": body(report)}))
                if last:
                    return
                # A report that takes long to make is made less often.
                time.sleep(max(PAUSE, 3 * (time.monotonic() - began)))
                with self._changed:
                    self._changed.wait_for(lambda: self._version != seen or self._final is not None, BEAT)  # noqa: B023
        finally:
            with self._changed:
                self._following -= 1
                self._changed.notify_all()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        view = self

        class Handler(BaseHTTPRequestHandler):
            server_version, sys_version = "trunkline", ""
            timeout = 30.0

            def do_GET(self) -> None:
                known = hmac.compare_digest(self.headers.get("Host", "").encode(), view.host.encode())
                _, _, rest = self.path.partition("/")
                token, slash, what = rest.partition("/")
                if not known or not hmac.compare_digest(token.encode(), view._token.encode()):
                    self.send_error(HTTPStatus.FORBIDDEN)
                elif slash and not what:
                    self._page()
                elif what == "events":
                    self._events()
                else:
                    self.send_error(HTTPStatus.NOT_FOUND)

            def _page(self) -> None:
                report, last = view._now()
                text = page(report, live=not last).encode()
                self._head("text/html; charset=utf-8", {"Content-Length": str(len(text))})
                self.wfile.write(text)

            def _events(self) -> None:
                self._head("text/event-stream; charset=utf-8", {"Connection": "close"})

                def send(event: str, data: str) -> None:
                    self.wfile.write(f"event: {event}\ndata: {data}\n\n".encode())

                try:
                    view._follow(send)
                except OSError:
                    return  # the browser has gone

            def _head(self, kind: str, more: dict[str, str]) -> None:
                self.send_response(HTTPStatus.OK)
                for name, value in {"Content-Type": kind, **HEADERS, **more}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nobody wants a line for each request."""

        return Handler
