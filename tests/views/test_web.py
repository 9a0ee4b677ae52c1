"""The live page: it follows a real run in a real browser, and answers nobody who should not ask."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from browsing import Watched
from reports import good

from trunkline import during, pipe
from trunkline.views import web
from trunkline.views.report import Report
from trunkline.views.spans import Recorder
from trunkline.views.web import WebView


def so_far(recorder: Recorder) -> Report:
    now = recorder.ended or time.time()
    return Report("acme", "running", recorder.begun or now, now, spans=recorder.spans, standings=recorder.standings)


@pytest.fixture
def view() -> Iterator[WebView]:
    served = WebView(so_far)
    yield served
    served.close()


def ask(view: WebView, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(view.host, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    told = answer.status, dict(answer.getheaders()), answer.read().decode()
    connection.close()
    return told


def test_only_who_knows_the_token_and_asks_by_the_address_is_answered(view: WebView) -> None:
    own = urlsplit(view.url)
    assert own.hostname == "127.0.0.1"
    assert len(own.path) > 30
    status, headers, text = ask(view, own.path)
    assert (status, text[:15]) == (200, "<!doctype html>")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert ask(view, "/")[0] == 403
    assert ask(view, "/wrong/")[0] == 403
    assert ask(view, "/wrong/events")[0] == 403
    assert ask(view, own.path.rstrip("/") + "x/")[0] == 403
    assert ask(view, own.path + "other")[0] == 404
    assert ask(view, own.path, Host="evil.example")[0] == 403, "a name that was made to lead here"
    assert ask(view, own.path, Host=f"localhost:{own.port}")[0] == 403
    assert ask(view, own.path, method="POST")[0] == 501
    assert "acme" not in ask(view, own.path, Host="evil.example")[2]


def test_two_views_have_two_tokens(view: WebView) -> None:
    other = WebView(so_far)
    try:
        assert urlsplit(other.url).path != urlsplit(view.url).path
        assert ask(other, urlsplit(view.url).path)[0] == 403
    finally:
        other.close()


def test_the_stream_ends_with_the_last_report(view: WebView) -> None:
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.append(ask(view, urlsplit(view.url).path + "events")[2]))
    reader.start()
    pipe({}, [("vpc", lambda state: time.sleep(0.4))], run="acme", observers=[view])
    view.finish(good())
    reader.join(10)
    events = re.findall(r"event: (\w+)\ndata: (.*)\n", told[0])
    assert [kind for kind, _ in events][-1] == "end"
    assert {kind for kind, _ in events[:-1]} == {"report"}
    last = json.loads(events[-1][1])
    assert last["title"] == "✓ acme done"
    assert "The networks as a table" in last["body"]


def test_an_end_that_nobody_waits_for_takes_no_time(view: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LAST", 1000.0)
    view.finish(good())
    assert "✓ acme done" in ask(view, urlsplit(view.url).path)[2]


def test_a_browser_that_goes_away_holds_nothing_up(view: WebView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "BEAT", 0.05)
    own = urlsplit(view.url)
    with socket.create_connection((own.hostname, own.port), timeout=10) as gone:
        gone.sendall(f"GET {own.path}events HTTP/1.1\r\nHost: {view.host}\r\n\r\n".encode())
        assert b"event: report" in gone.makefile("rb").read(600)
    view.finish(good())
    assert view._following == 0


def test_the_page_follows_a_run(view: WebView, watched: Watched) -> None:
    gate = {name: threading.Event() for name in ("vpc", "peer")}

    def wait(name: str) -> Any:
        def step(state: dict[str, Any]) -> None:
            assert gate[name].wait(30)

        return (name, step)

    def nothing(state: dict[str, Any]) -> None:
        pass

    steps = [wait("vpc"), during("access", open=nothing, close=nothing, steps=[wait("peer")])]
    run = threading.Thread(target=pipe, args=({}, steps), kwargs={"run": "acme", "observers": [view]})
    run.start()
    page = watched.page
    page.goto(view.url, wait_until="commit")
    page.locator(".span.running", has_text="…").first.wait_for()
    assert page.locator(".badge").inner_text() == "… running"
    assert page.locator(".span").count() == 1
    gate["vpc"].set()
    page.locator(".band.still").wait_for()
    page.locator("svg.lanes text.exposed", has_text="so far").wait_for()
    gate["peer"].set()
    run.join(30)
    ending = threading.Thread(target=view.finish, args=(replace(good(), spans=view.recorder.spans),))
    ending.start()
    page.locator(".live", has_text="The run has ended").wait_for()
    ending.join(10)
    assert page.title() == "✓ acme done"
    assert page.locator("svg a.card").count() == 3
    page.locator("svg a.card", has_text="vpc-000").click()
    assert "vpc-000-router" in page.locator("#panel").inner_text()
    view.close()
    assert {urlsplit(each).netloc for each in watched.requests} == {view.host}
    assert [urlsplit(each).path.rpartition("/")[2] for each in watched.requests] == ["", "events"]
    assert watched.complaints == []
