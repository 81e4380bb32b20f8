"""Chromium, driven by Playwright. Nothing it loads may come from another host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

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
        expect.set_options(timeout=_LOAD_MS)
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGS)
        yield chromium
        chromium.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page at the test's own server. Fails the test on console errors and on requests to other hosts."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(_LOAD_MS)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda entry: faults.append(entry.text) if _is_fault(entry) else None)
    opened.on(
        "request", lambda request: faults.append(request.url) if _is_elsewhere(request.url, live_server) else None
    )
    yield opened
    # The server must have answered everything before the database is emptied, and asked for nothing more.
    opened.evaluate("() => { for (let timer = 1; timer < 10000; timer++) clearTimeout(timer); }")
    opened.wait_for_load_state("networkidle")
    context.close()
    end_other_sessions()
    assert faults == []


def end_other_sessions() -> None:
    """A thread of the server that still waits for its browser would keep the test's database from being dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def wait_until_still(page: Page) -> None:
    """Wait until fonts are loaded, animations have ended and the page is drawn."""
    page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame);
          await document.fonts.ready;
          await frame();
          const ends = (each) => each.effect?.getComputedTiming().endTime < Infinity;
          await Promise.allSettled(document.getAnimations().filter(ends).map((each) => each.finished));
          await frame();
          await frame();
        }"""
    )


def _is_fault(entry: ConsoleMessage) -> bool:
    # a script in an email that is shown must be refused by its frame
    is_refused = "about:srcdoc" in entry.text and "sandboxed" in entry.text
    return entry.type in {"error", "warning"} and not is_refused


def _is_elsewhere(url: str, live_server: Any) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and parts.netloc != urlsplit(live_server.url).netloc
