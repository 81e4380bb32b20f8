"""The desk's Replies: by keyboard, on a phone, in the dark, as an SDR and as a manager."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from emails.models import Answer, Reply
from sequences.choices import Role
from tests import factories
from tests.browser.conftest import wait_until_still
from tests.browser.test_builder import assert_accessible
from tests.browser.test_looks import FITS
from tests.support.admin_pages import APPS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page: Page, workspace: Any, role: Role) -> Any:
    user: Any = factories.OperatorFactory()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    factories.MembershipFactory(workspace=workspace, user=user, role=role.value)
    page.goto(reverse("admin:login"))
    page.locator("#id_username").fill(user.username)
    page.locator("#id_password").fill("password")
    page.locator("#id_password").press("Enter")
    expect(page.get_by_role("link", name="Tasks").first).to_be_visible()
    return user


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def make_reply(owner: Any, workspace: Any, **values: Any) -> Reply:
    sequence = factories.StepFactory(sequence__workspace=workspace).sequence
    mailbox = factories.MailboxFactory(workspace=workspace, owner=owner)
    enrollment = factories.EnrollmentFactory(sequence=sequence, mailbox=mailbox, owner=owner)
    at = timezone.now() - timedelta(hours=2)
    message = factories.SentMessageFactory(enrollment=enrollment, at=at)
    row: Reply = factories.ReplyFactory(message=message, at=at + timedelta(hours=1), **values)
    return row


def test_an_sdr_reads_classifies_and_answers_by_keyboard(page: Page) -> None:
    workspace = factories.WorkspaceFactory()
    sdr = log_in(page, workspace, Role.SDR)
    reply = make_reply(sdr, workspace, attachments=[{"name": "offer.pdf", "type": "application/pdf", "size": 1500}])
    foreign = make_reply(factories.UserFactory(), workspace)
    page.goto(reverse("admin:emails_reply_changelist") + "?todo=answer")
    expect(page.get_by_role("row", name=reply.contact.email)).to_be_visible()
    expect(page.get_by_role("row", name=foreign.contact.email)).to_have_count(0)
    expect(page.get_by_role("link", name="Replies 1")).to_be_visible()
    assert_accessible(page)
    shoot(page, "replies-sdr")
    page.get_by_role("link", name=reply.contact.email).click()
    expect(page.get_by_text("Sounds interesting. When can we talk?")).to_be_visible()
    page.get_by_role("button", name="Not interested").press("Enter")
    expect(page.get_by_text("Classified as not interested")).to_be_visible()
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        assert_accessible(page)
        shoot(page, f"reply-{theme}")
    page.set_viewport_size({"width": 390, "height": 900})
    wait_until_still(page)
    assert page.evaluate(FITS)
    shoot(page, "reply-phone")
    box = page.get_by_role("textbox", name="Answer to")
    box.fill("**Tuesday** at ten?")
    box.press("Control+Enter")
    expect(page.get_by_text("The answer is queued")).to_be_visible()
    assert Answer.objects.get().body == "**Tuesday** at ten?"
    assert page.request.get(reverse("admin:emails_reply_change", args=[foreign.pk])).status == 404


def test_a_manager_sees_all_and_plans_the_next_time(page: Page) -> None:
    workspace = factories.WorkspaceFactory()
    reply = make_reply(factories.UserFactory(), workspace)
    stopped = make_reply(factories.UserFactory(), workspace, found_intent="possible_opt_out")
    log_in(page, workspace, Role.MANAGER)
    page.goto(reverse("admin:emails_reply_changelist"))
    expect(page.get_by_role("row", name=reply.contact.email)).to_be_visible()
    shoot(page, "replies-manager")
    page.get_by_role("navigation", name="Quick filters").get_by_role("link", name="Possible opt-outs").click()
    expect(page.get_by_role("row", name=stopped.contact.email)).to_be_visible()
    expect(page.get_by_role("row", name=reply.contact.email)).to_have_count(0)
    page.goto(reverse("admin:emails_reply_change", args=[stopped.pk]))
    expect(page.get_by_text("may be an opt-out")).to_be_visible()
    page.goto(reverse("admin:emails_reply_change", args=[reply.pk]))
    day = timezone.now().date() + timedelta(days=90)
    page.get_by_label("Not now until").fill(day.isoformat())
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_text(f"A task is planned for {day}")).to_be_visible()
    shoot(page, "reply-manager")
