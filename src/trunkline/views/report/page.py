"""The report as one HTML document that asks nobody for anything: its pictures, rules and script are in it.

A strict content security policy says so to the browser: nothing is loaded, and of scripts and style sheets only
those with these hashes count. With `live` it may also listen to its own server.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from trunkline._core.errors import Error
from trunkline.views import theme
from trunkline.views.lanes import RULES, lanes
from trunkline.views.report import contents
from trunkline.views.report.contents import Report
from trunkline.views.topology.svg import drawn

HERE = Path(__file__).parent


class ReportError(Error):
    """The report cannot be made."""


def page(report: Report, *, live: bool = False) -> str:
    """The whole document.

    Parameters:
        report: What it says.
        live: Whether it is served by the run itself, and follows it.

    Raises:
        ReportError: jinja2 is not installed.
    """
    style, script = sheet(), (HERE / "page.js").read_text(encoding="utf-8")
    whole: str = _template("page.html").render(
        title=contents.heading(report),
        policy=policy(style, script, live=live),
        style=_trusted(style),
        script=_trusted(script),
        body=_trusted(body(report)),
        live=live,
    )
    return whole


def body(report: Report) -> str:
    """What stands in the document's body: what the live page receives anew when something has happened."""
    read = report.picture
    over_time = lanes(
        report.spans, report.standings, begun=report.begun, now=report.now, running=report.running, alone=False
    )
    inner: str = _template("body.html").render(
        report=report,
        sign=contents.STANDINGS.get(report.standing, "✕"),
        problems=contents.problems(report),
        lanes=_trusted(over_time) if report.spans else "",
        topology=_trusted(drawn(read)) if read else "",
        networks=contents.rows(report),
        steps=contents.steps(report),
    )
    return inner


def ready() -> None:
    """Raise ReportError when jinja2 is not installed; for those who would need it later."""
    _environment()


def sheet() -> str:
    """The page's style sheet, that of its pictures within."""
    own = (HERE / "page.css").read_text(encoding="utf-8")
    return theme.variables() + theme.RULES.replace("\n", "") + RULES.replace("\n", "") + "\n" + own


def policy(style: str, script: str, *, live: bool) -> str:
    """The content security policy (CSP Level 3, https://www.w3.org/TR/CSP3/) of a page with this style and script."""
    parts = [
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join([*parts, "connect-src 'self'"] if live else parts)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _trusted(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # what we wrote or escaped ourselves


@cache
def _environment() -> Any:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ModuleNotFoundError:
        raise ReportError("a report needs jinja2", hint="pip install 'trunkline[report]'") from None
    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _template(name: str) -> Any:
    return _environment().get_template(f"{name}.j2")
