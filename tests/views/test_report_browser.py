"""The report in a real browser: light and dark, offline, by keyboard and by mouse, at 3 and at 300 networks."""

from __future__ import annotations

import re
from pathlib import Path

from browsing import Watched
from reports import bad, good, large

from trunkline.views.report import Report, page


def shown(watched: Watched, report: Report, tmp_path: Path) -> str:
    file = tmp_path / "report.html"
    file.write_text(page(report), encoding="utf-8")
    watched.page.goto(file.as_uri())
    return file.as_uri()


def ground(watched: Watched) -> str:
    return str(watched.page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


def test_it_asks_for_itself_alone_and_nothing_is_refused(watched: Watched, tmp_path: Path) -> None:
    address = shown(watched, bad(), tmp_path)
    assert watched.requests == [address]
    assert watched.complaints == []
    assert watched.page.title() == "! 1 exposed · ✕ 2 tunnels down · ✕ acme failed"
    assert watched.page.locator("h1").inner_text() == "acme ✕ failed"
    # Planted: what is written into the page later by somebody else does not run.
    watched.page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.planted = 1';"
        " document.body.append(script); const image = new Image(); image.src = 'http://127.0.0.1:9/x';"
        " document.body.append(image); }"
    )
    assert watched.page.evaluate("() => window.planted") is None
    assert any("script-src" in each for each in watched.complaints)
    assert any("img-src" in each for each in watched.complaints)


def test_it_is_dark_on_a_dark_screen_and_light_on_paper(watched: Watched, tmp_path: Path) -> None:
    watched.page.emulate_media(color_scheme="light")
    shown(watched, good(), tmp_path)
    assert ground(watched) == "rgb(255, 255, 255)"
    watched.page.emulate_media(color_scheme="dark")
    assert ground(watched) == "rgb(13, 20, 27)"
    card = "() => getComputedStyle(document.querySelector('svg a.card rect.box')).fill"
    assert watched.page.evaluate(card) == "rgb(27, 39, 51)"
    watched.page.emulate_media(media="print", color_scheme="dark")
    assert ground(watched) == "rgb(255, 255, 255)"
    assert watched.page.locator("article").first.is_visible(), "on paper every network is told"
    assert not watched.page.locator("#find").is_visible()


def test_a_click_shows_a_networks_routes_tunnels_and_steps(watched: Watched, tmp_path: Path) -> None:
    shown(watched, bad(), tmp_path)
    panel = watched.page.locator("#panel")
    assert not panel.is_visible()
    watched.page.locator("svg a.card", has_text="vpc-000").first.click()
    text = panel.inner_text()
    assert "hub-1-1 – vpc-000-router: up" in text
    assert "10.0.0.0/16 → vpc-000-router" in text
    assert "access/peers[hub-1-1]/tunnel done, 4.0 s" in text
    watched.page.get_by_role("button", name="Close").click()
    assert not panel.is_visible()
    watched.page.locator(".problems a", has_text="vpc-002").click()
    assert "no answer to IKE_SA_INIT" in panel.inner_text()
    watched.page.locator("#networks a", has_text="vpc-001").click()
    assert "! tcp/8000 from 198.51.100.7/32" in panel.inner_text()


def test_the_keyboard_alone_is_enough(watched: Watched, tmp_path: Path) -> None:
    shown(watched, bad(), tmp_path)
    keys, focused = watched.page.keyboard, "() => document.activeElement.textContent"
    keys.press("n")
    assert watched.page.evaluate(focused) == "vpc-001"
    assert "EXPOSED" not in watched.page.locator("#panel").inner_text()
    keys.press("Escape")
    card = watched.page.locator("svg a.card", has_text="vpc-001").first
    assert card.evaluate("(each) => each === document.activeElement"), "the focus is back on its card"
    keys.press("ArrowDown")
    assert "vpc-002" in watched.page.evaluate(focused)
    keys.press("ArrowLeft")
    assert "federation-1" in watched.page.evaluate(focused)
    keys.press("Enter")
    assert watched.page.locator("#panel h3").inner_text().startswith("federation-1")
    keys.press("Escape")
    keys.press("/")
    keys.type("10.1.2.")
    assert watched.page.locator("#found").inner_text() == "1 found"
    assert watched.page.locator("#networks tbody tr:visible").count() == 1
    assert watched.page.locator("svg a.card.faint").count() == 3


def test_every_card_can_be_reached_by_tab_and_has_a_name(watched: Watched, tmp_path: Path) -> None:
    shown(watched, good(), tmp_path)
    cards = watched.page.locator("svg a.card")
    assert cards.count() == 3
    for place in range(cards.count()):
        target = cards.nth(place).get_attribute("href")
        assert watched.page.locator(f"article{target}").count() == 1
    roles = watched.page.get_by_role("link", name=re.compile("vpc-000"))
    assert roles.count() >= 1


def test_three_hundred_networks_are_legible(watched: Watched, tmp_path: Path) -> None:
    watched.page.set_viewport_size({"width": 1800, "height": 1000})
    shown(watched, large(), tmp_path)
    assert watched.page.locator("svg a.card").count() == 302
    heights = watched.page.evaluate(
        "() => [...document.querySelectorAll('svg.topology text')].map((each) => each.getBoundingClientRect().height)"
    )
    assert min(heights) >= 11, "no text is smaller than 9 px or so"
    # No text leaves the card that it belongs to.
    out = watched.page.evaluate(
        """() => [...document.querySelectorAll('svg a.card')].flatMap((card) => {
            const box = card.querySelector('rect.box').getBoundingClientRect();
            return [...card.querySelectorAll('text')].map((each) => [each.getBoundingClientRect(), each.textContent])
              .filter(([text]) => text.right > box.right + 1 || text.left < box.left - 1)
              .map(([, words]) => words);
        })"""
    )
    assert out == []
    watched.page.locator("svg a.card", has_text="vpc-299").click()
    assert "vpc-299-router" in watched.page.locator("#panel").inner_text()
    assert watched.complaints == []


def test_without_a_script_the_page_is_whole(watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    text = page(good())
    file.write_text(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL), encoding="utf-8")
    watched.page.goto(file.as_uri())
    assert watched.page.locator("article").first.is_visible()
    watched.page.locator("svg a.card", has_text="vpc-000").click()
    assert watched.page.locator("article:target h3").inner_text().startswith("vpc-000")
