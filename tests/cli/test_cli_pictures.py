"""`trunkline graph --topology`, `trunkline report` and `--web`."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from cli_tools import Command

from trunkline.blueprints.survey import Survey
from trunkline.cli import federations
from trunkline.network.model import Federation, Network, Router, Site, Tunnel
from trunkline.network.serial import dumps

FEDERATION = Federation(
    (Network("vpc-1", "acme", "aws", "A", ("10.1.0.0/16",)),),
    (
        Router(
            "i-1", "acme-router", "vpc-1", "eni-1", "10.1.0.4", "198.51.100.1",
            tunnels=(Tunnel("1", "datacentre", "203.0.113.10", up=False, reason="no answer"),),
        ),
    ),
    (Site("datacentre", "203.0.113.10", ("10.0.0.0/16",)),),
)  # fmt: skip
RUNS = '''
"""Pipelines that record what the blueprints record."""

from trunkline import during, each, here, step


def nothing(state):
    pass


def connect(run: str, account: str = "A", federation_account: str = "B", fails: bool = False):
    hub = {"name": "fednet-router-1", "address": "198.51.100.9", "instance": "vm-1", "interface": "nic-1",
           "private_address": "10.254.0.4", "cidr": "10.254.0.0/24"}

    def vpc(state):
        return {"vpc_id": "vpc-1", "router_instance_id": "i-1", "router_interface_id": "eni-1",
                "router_assigned_private_address": "10.1.0.4", "router_address": "198.51.100.1",
                "app_route_table_id": "rtb-1", "router_default_password": "hunter2"}

    def verify(state):
        if fails:
            raise OSError("the tunnel is down")
        pairs = [("acme-router", "fednet-router-1", "198.51.100.9"), ("fednet-router-1", "acme-router", "198.51.100.1")]
        return {"tunnels": [{"router": a, "to": b, "at": c, "connected": True} for a, b, c in pairs]}

    down = step(nothing, needs=["vpc_id"], gives=())
    steps = [
        ("plan", lambda state: {"vpc_cidr": "10.1.0.0/16", "router_subnet_cidr": "10.1.0.0/24", "federation": [hub]}),
        ("vpc", vpc),
        ("routes", [("down", down)]),
        during("access", open=nothing, close=nothing, steps=[
            each("peers", over="federation", steps=[("tunnel", nothing)]), ("verify", verify)]),
    ]
    return steps, {"run": run}
'''


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "runs.py").write_text(RUNS)
    return tmp_path


def test_the_topology_of_a_file_as_svg_dot_and_json(trunkline: Command, tmp_path: Path) -> None:
    (tmp_path / "federation.json").write_text(dumps(FEDERATION))
    drawn = trunkline("graph", "--topology", "--from", "federation.json")
    assert drawn.code == 0, drawn.err
    ElementTree.fromstring(drawn.out)
    assert "acme-router" in drawn.out
    assert trunkline("graph", "--topology", "--from", "federation.json", "--format", "dot").out.startswith("graph ")
    told = json.loads(trunkline("graph", "--topology", "--from", "federation.json", "--json").out)
    assert told["tunnels"] == [
        {"one": "acme-router", "other": "datacentre", "state": "down", "reason": "down at acme-router (no answer)"}
    ]
    assert told["exposures"] is None, "nobody was asked"
    written = trunkline("graph", "--topology", "--from", "federation.json", "-o", "x.svg")
    assert written.out == ""
    assert "x.svg: 1 network in 1 account · 1 tunnel · ✕ 1 down" in written.err
    assert (tmp_path / "x.svg").read_text() == drawn.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "nowhere.json"], "--from nowhere.json: No such file"),
        (["--from", "bad.json"], "--from bad.json: not a federation: networks[0].cidrs[0]: '10.1.0.0/99' is no prefix"),
        (["--format", "png"], "png"),
        ([], "there is no journal at"),
        (["--from", "good.json", "-o", "no/such/place.svg"], "--output no/such/place.svg: No such file"),
    ],
)
def test_a_topology_that_cannot_be_drawn(trunkline: Command, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "good.json").write_text(dumps(FEDERATION))
    (tmp_path / "bad.json").write_text(dumps(FEDERATION).replace("10.1.0.0/16", "10.1.0.0/99"))
    answer = trunkline("graph", "--topology", *words)
    assert answer.code != 0
    assert said in answer.err
    assert answer.out == ""


def test_the_network_of_a_run_as_it_was_recorded(trunkline: Command, runs: Path) -> None:
    accounts = ["--account", "A", "--federation-account=B"]
    assert trunkline("up", "runs.py:connect", "--name", "acme", *accounts, "--progress", "quiet").code == 0
    told = json.loads(trunkline("graph", "--topology", "--json").out)
    assert told["summary"] == "2 networks in 2 accounts · 1 tunnel"
    assert told["tunnels"][0]["state"] == "up"
    assert "no account was asked" in told["source"]


def test_a_report_tells_what_a_run_did_and_left(trunkline: Command, runs: Path) -> None:
    trunkline("up", "runs.py:connect", "--name", "acme", "--progress", "quiet")
    answer = trunkline("report", "acme")
    assert (answer.code, answer.out) == (0, "acme.html: ✓ acme done\n"), answer.err
    text = (runs / "acme.html").read_text()
    assert "hunter2" not in text, "of values only ids and addresses are told"
    article = text[text.index("<h3>acme ") :]
    touched = article[article.index("Steps that touched it") : article.index("</article>")]
    named = re.findall(r"<li>([^<]+) <small>", touched)
    assert named == ["plan", "vpc", "routes/down", "access/verify"]
    hub = text[text.index("<h3>federation ") :]
    assert "access/peers[fednet-router-1]/tunnel" in hub[: hub.index("</article>")]


def test_a_report_of_a_run_that_failed_says_so_first(trunkline: Command, runs: Path) -> None:
    trunkline("up", "runs.py:connect", "--name", "acme", "--fails", "--progress", "quiet")
    told = json.loads(trunkline("report", "acme", "-o", "ticket.html", "--json").out)
    assert told["title"] == "✕ acme failed"
    assert told["file"] == "ticket.html"
    assert [each["text"] for each in told["problems"]] == ["step access/verify failed: OSError: the tunnel is down"]
    assert "trunkline resume acme" in (runs / "ticket.html").read_text()


def test_a_report_with_a_network_from_a_file(trunkline: Command, runs: Path) -> None:
    (runs / "federation.json").write_text(dumps(FEDERATION))
    trunkline("up", "runs.py:connect", "--name", "acme", "--progress", "quiet")
    answer = trunkline("report", "acme", "--from", "federation.json", "-o", "-")
    assert answer.out.startswith("<!doctype html>")
    assert "Read from federation.json." in answer.out
    assert "<title>✕ 1 tunnel down · ✓ acme done</title>" in answer.out


def test_a_report_whose_pipeline_is_gone_is_written_all_the_same(trunkline: Command, runs: Path) -> None:
    trunkline("up", "runs.py:connect", "--name", "acme", "--progress", "quiet")
    (runs / "runs.py").unlink()
    answer = trunkline("report", "acme")
    assert answer.code == 0
    assert "its pipeline cannot be asked" in answer.err


@pytest.mark.parametrize(
    ("words", "said"), [(["nobody"], "there is no run 'nobody'"), (["acme", "-o", "no/x.html"], "--output no/x.html")]
)
def test_a_report_that_cannot_be_made(trunkline: Command, runs: Path, words: list[str], said: str) -> None:
    trunkline("up", "runs.py:connect", "--name", "acme", "--progress", "quiet")
    answer = trunkline("report", *words)
    assert answer.code == 1
    assert said in answer.err


SERVED = """
import http.client, re
from urllib.parse import urlsplit
from trunkline import step


def looks(run: str):
    def look(state):
        import gc
        from trunkline.views.web import WebView
        views = [each for each in gc.get_objects() if isinstance(each, WebView)]
        (view,) = [each for each in views if each.recorder.run == run]
        connection = http.client.HTTPConnection(view.host, timeout=10)
        connection.request("GET", urlsplit(view.url).path)
        text = connection.getresponse().read().decode()
        return {"seen": re.search("<title>(.*?)</title>", text)[1], "url": view.url}
    return [("look", step(look, undo=lambda state: None))]
"""


def test_a_run_serves_itself_and_stops_when_it_ends(trunkline: Command, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(SERVED)
    answer = trunkline("up", "served.py:looks", "--name", "served", "--web", "--json", "--progress", "quiet")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)["outputs"]
    assert told["seen"] == "… served running"
    assert f"watch it:   {told['url']}" in answer.err
    with pytest.raises(OSError):
        http.client.HTTPConnection(urlsplit(told["url"]).netloc, timeout=2).request("GET", "/")
    assert "watch it" not in trunkline("resume", "served", "--progress", "quiet").err, "--web is of one call"
    undone = trunkline("undo", "served", "--web", "--progress", "quiet")
    assert undone.code == 0
    assert "watch it:   http://127.0.0.1:" in undone.err


def test_a_router_that_was_not_read_now_has_what_runs_recorded_too() -> None:
    hub = Router(
        "vm-1", "hub", "vnet-1", "nic-1", "10.254.0.4", "198.51.100.9", tunnels=(Tunnel("1", "a", "192.0.2.1"),)
    )
    later = replace(hub, tunnels=(Tunnel("1", "a", "192.0.2.1", up=True), Tunnel("2", "b", "192.0.2.2", up=True)))
    seen, known = Federation(routers=(hub,)), Federation(routers=(later,))
    stale = federations._told(Survey(seen, unread=frozenset({"vm-1"})), known)
    assert [(each.name, each.up) for each in stale.routers[0].tunnels] == [("a", False), ("b", True)]
    assert federations._told(Survey(seen), known) == seen, "what was read now counts alone"
