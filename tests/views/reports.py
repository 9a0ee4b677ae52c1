"""Reports for the tests of pages: a good one, one with problems, a large one."""

from __future__ import annotations

from federations import exposures, star

from trunkline.views.report import Report
from trunkline.views.spans import Span, Standing
from trunkline.views.topology import Exposed

SPANS = [
    Span("network-config", 1000, 1002, "done"),
    Span("vpc", 1002, 1006, "failed", "StackFailed: stack acme-vpc: Router: no capacity"),
    Span("vpc", 1400, 1406, "done"),
    Span("access#open", 1406, 1407, "done"),
    Span("access/peers[hub-1-1]/tunnel", 1407, 1411, "done"),
    Span("access/peers[hub-1-2]/tunnel", 1407, 1409, "failed", "RouterError: <no proposal> & chosen"),
    Span("access#close", 1411, 1412, "done"),
]
STOOD = [Standing("access", 1406, 1412)]


def good() -> Report:
    return Report("acme", "done", 1000, 1412, [("on", "build-7")], SPANS[2:5], STOOD, star(2), "From a file.", [])


def bad() -> Report:
    federation = star(3, broken=True)
    touched = {federation.networks[1].id: ["vpc", "access/peers[hub-1-1]/tunnel"]}
    commands = [("go on", "trunkline resume acme")]
    return Report(
        "acme", "failed", 1000, 1412, [("on", "build-7")], SPANS, STOOD, federation, "From a file.", exposures(3),
        touched, commands,
    )  # fmt: skip


def large() -> Report:
    federation = star(300, accounts=12, hubs=2, broken=True)
    exposed = [Exposed("acct-01", "sg-0001", "tcp/8000 from 198.51.100.7/32 until 12:30:00Z")]
    return Report("acme", "done", 1000, 1412, [], SPANS[2:5], STOOD, federation, "From a file.", exposed)
