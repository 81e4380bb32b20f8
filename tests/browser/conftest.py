"""Chromium, driven by Playwright. Nothing it loads may come from another host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_LOAD_MS = 20_000


@pytest.fixture(scope="session")
def browser(is_ci: bool) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing = "Chromium is not installed: apt-get install chromium"
        if is_ci:
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, in which Django would refuse to ask the database.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGS)
        yield chromium
        chromium.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page at the test's own server. Fails the test if a script fails or another host is asked."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(_LOAD_MS)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "request", lambda request: faults.append(request.url) if _is_elsewhere(request.url, live_server) else None
    )
    yield opened
    # The server must have answered everything before the database is emptied.
    opened.wait_for_load_state("networkidle")
    context.close()
    assert faults == []


def _is_elsewhere(url: str, live_server: Any) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.netloc != urlsplit(live_server.url).netloc
