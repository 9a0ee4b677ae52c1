"""The report without a browser: what it says first, that it is stable, and that its policy is that of its contents."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from dataclasses import replace

import pytest
from federations import network, star
from reports import bad, good, large

from trunkline.network.model import Federation
from trunkline.views.report import Report, body, page
from trunkline.views.report.contents import heading, problems, steps
from trunkline.views.report.page import ReportError
from trunkline.views.spans import Standing
from trunkline.views.topology import Exposed


def test_the_title_says_what_is_wrong_first() -> None:
    assert heading(good()) == "✓ acme done"
    assert heading(bad()) == "! 1 exposed · ✕ 2 tunnels down · ✕ acme failed"
    open_ = replace(good(), standings=[Standing("access", 1406, None)], standing="died")
    assert heading(open_) == "! 1 exposed · ✕ acme died"
    assert heading(replace(open_, standing="running")) == "… acme running", "what a run at work holds open is no alarm"


def test_problems_come_gravest_first() -> None:
    told = problems(bad())
    assert [each.sign for each in told] == ["!", "✕", "✕", "▲"]
    assert told[1].text == "step access/peers[hub-1-2]/tunnel failed: RouterError: <no proposal> & chosen"
    assert [name for _, name in told[0].where] == ["vpc-001"]
    assert "step vpc failed" not in str(told), "it was done at the second attempt"
    assert problems(good()) == []
    lost = replace(good(), federation=None, exposures=[Exposed("A", "sg-1", "tcp/22 from 192.0.2.1/32")])
    assert problems(lost)[0].text == "A sg-1: tcp/22 from 192.0.2.1/32"


def test_it_says_when_nobody_was_asked_what_is_exposed() -> None:
    assert "Nothing is exposed" in body(good())
    unknown = body(replace(good(), exposures=None))
    assert "Nothing is exposed" not in unknown
    assert "no cloud was asked" in unknown


def test_the_same_report_gives_the_same_page() -> None:
    federation = star(3, broken=True)
    turned = Federation(federation.networks[::-1], federation.routers[::-1], federation.sites)
    assert page(replace(bad(), federation=turned)) == page(bad())


def test_its_policy_allows_its_own_style_and_script_and_nothing_else() -> None:
    text = page(bad())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;")
    assert "connect-src" not in policy
    assert "unsafe" not in policy
    assert "connect-src &#39;self&#39;" in page(bad(), live=True)
    assert not re.findall(r'\sstyle="|\son\w+="|https?://(?!www\.w3\.org/2000/svg)', text), (
        "nothing that it would refuse"
    )


def test_names_and_errors_are_text() -> None:
    text = page(bad())
    assert "&lt;no proposal&gt; &amp; chosen" in text
    evil = "<img src=x onerror=alert(1)>"
    vpc = replace(network(1), name=evil)
    hidden = page(Report(evil, "done", 0, 1, [(evil, evil)], federation=Federation((vpc,)), source=evil))
    assert "<img" not in hidden


def test_a_step_of_each_attempt_stands_in_the_table() -> None:
    told = steps(bad())
    assert told[1][:4] == ("vpc", "failed", "2.0 s", "4.0 s")
    assert told[2][:4] == ("vpc", "done", "6:40", "6.0 s")


def test_many_problems_are_folded() -> None:
    text = body(large())
    assert text.index("<details><summary>") > text.index('<ol class="problems">')
    assert text.count('<li class="') == len(problems(large())) > 30
    assert "<details>" not in body(bad())


def test_it_stays_small() -> None:
    assert len(page(bad())) < 60_000
    assert len(page(large())) < 500_000


def test_without_jinja_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules["trunkline.views.report.page"]._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ReportError) as raised:
        page(good())
    assert raised.value.hint == "pip install 'trunkline[report]'"
