"""The content security policy: what a page may not do is refused, and no page of ours wants it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from emails.tracking import links as tracking
from tests import factories
from tests.browser.conftest import end_other_sessions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_every_answer_has_the_policy() -> None:
    for path in ("/admin/login/", "/api/docs", "/u/nothing", "/api/sequences"):
        policy = Client().get(path).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert re.search(r"script-src 'self'( 'unsafe-eval')?(;|$)", policy)


def test_the_reference_of_the_api_works_under_it(page: Page) -> None:
    # a high window: what is scrolled out of it is not drawn
    page.set_viewport_size({"width": 1400, "height": 20_000})
    page.goto("/api/docs")
    # a long wait: the whole schema is made first, which a busy machine takes its time for
    expect(page.get_by_text("/api/sequences/{id}/activate")).to_be_visible(timeout=60_000)


def test_a_reader_unsubscribes_under_it(page: Page) -> None:
    message: Any = factories.SentMessageFactory(enrollment__wake_at=None)
    page.goto("/" + tracking.unsubscribe_url(message.pk).split("/", 3)[3])
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()


def test_an_inline_script_is_refused(browser: Browser, live_server: Any) -> None:
    page = browser.new_page(base_url=live_server.url)
    page.goto("/admin/login/")
    with page.expect_console_message(lambda entry: "Content Security Policy" in entry.text):
        is_safe = page.evaluate(
            """() => { const script = document.createElement("script"); script.textContent = "window.stolen = 1";
                       document.body.append(script); return window.stolen === undefined; }"""
        )
    page.wait_for_load_state("networkidle")
    page.close()
    end_other_sessions()
    assert is_safe
