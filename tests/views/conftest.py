"""A real browser for the tests of pages: Debian's Chromium, driven by playwright."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browsing import ARGS, CHROMIUM, Watched

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One Chromium for a file's tests, with a profile of its own; they are skipped where there is none.

    Not longer: while it lives, an event loop counts as running in this thread.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"NOT TESTED: {CHROMIUM} is missing (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    profile = tmp_path_factory.mktemp("chromium")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=ARGS)
        yield context
        context.close()


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    """A fresh page."""
    page = browser.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    yield Watched(page)
    page.close()
