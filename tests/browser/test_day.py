"""The desk as each role: the clicks of daily tasks, every link, and the first page in light, dark and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from emails.models import Answer
from tests import factories
from tests.browser.test_builder import assert_accessible, find_faults
from tests.browser.test_looks import FITS
from tests.support.admin_pages import make_one_of_each

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROLES = ("sdr", "manager", "admin", "operator")
QUEUE = "admin:sequences_enrollment_changelist"
# Ends the session, leads out of the desk, or is another order of the same list.
_NOT_FOLLOWED = re.compile(r"/logout/|/jsi18n/|/export|/download|/api/")


def log_in(page: Page, workspace: Any, role: str) -> Any:
    """A user with the permissions of the role alone."""
    user: Any = factories.UserFactory(is_staff=True)
    if role == "operator":
        group, _ = Group.objects.get_or_create(name="Operators")
        group.permissions.set(Permission.objects.filter(codename="operate_executor"))
        user.groups.add(group)
    else:
        factories.MembershipFactory(workspace=workspace, user=user, role=role)
    page.goto(reverse("admin:login"))
    page.locator("#id_username").fill(user.username)
    page.locator("#id_password").fill("password")
    page.locator("#id_password").press("Enter")
    expect(page.locator("#nav-sidebar-inner").get_by_role("link", name="Home")).to_be_visible()
    return user


class Clicks:
    """Counts the clicks of a journey."""

    def __init__(self) -> None:
        self.number = 0

    def on(self, what: Locator) -> None:
        what.click()
        self.number += 1


def make_day(owner: Any, workspace: Any) -> dict[str, Any]:
    step: Any = factories.StepFactory(sequence__workspace=workspace, sequence__name="Warm intro")
    mailbox: Any = factories.MailboxFactory(workspace=workspace, owner=owner)
    now = timezone.now()
    common: Any = {"sequence": step.sequence, "current_step": step, "mailbox": mailbox, "owner": owner}
    row: Any = factories.EnrollmentFactory(**common, next_step_at=now - timedelta(minutes=5))
    factories.EmailMessageFactory(enrollment=row, step=step, mailbox=mailbox, owner=owner)
    paused = factories.PausedEnrollmentFactory(**common, next_step_at=now, pause_reason="trade fair")
    factories.TaskFactory(enrollment=row, assignee=owner, due_at=now)
    answered = factories.SentMessageFactory(enrollment=paused, step=step, mailbox=mailbox, owner=owner, at=now)
    reply: Any = factories.ReplyFactory(message=answered, at=now, text="Please send prices")
    return {"row": row, "paused": paused, "reply": reply}


@pytest.fixture
def workspace() -> Any:
    factories.ExecutorStateFactory()
    return factories.WorkspaceFactory()


def test_an_enrollment_is_paused_with_a_reason_in_two_clicks(page: Page, workspace: Any) -> None:
    made = make_day(log_in(page, workspace, "sdr"), workspace)
    page.goto(reverse(QUEUE))
    clicks = Clicks()
    clicks.on(page.get_by_role("row", name=made["row"].contact.email).get_by_role("link", name="Pause"))
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("on holiday")
    clicks.on(page.get_by_role("button", name="Pause"))
    expect(page.get_by_text("Paused 1 enrollment.")).to_be_visible()
    expect(page.get_by_role("row", name=made["row"].contact.email)).to_contain_text("on holiday")
    assert clicks.number == 2
    assert urlsplit(page.url).path == reverse(QUEUE)


def test_a_reply_is_answered_in_two_clicks(page: Page, workspace: Any) -> None:
    made = make_day(log_in(page, workspace, "sdr"), workspace)
    page.goto(reverse("admin:index"))
    clicks = Clicks()
    replies = page.locator("section[aria-labelledby=se-replies]")
    expect(replies).to_contain_text("Please send prices")
    clicks.on(replies.get_by_role("link").first)
    page.get_by_role("textbox", name="Answer").fill("Here they are.")
    clicks.on(page.get_by_role("button", name="Send answer"))
    expect(page.get_by_text("The answer is queued.")).to_be_visible()
    assert clicks.number == 2
    assert Answer.objects.get().reply_id == made["reply"].pk


def test_the_reason_why_one_waits_is_one_click_away(page: Page, workspace: Any) -> None:
    made = make_day(log_in(page, workspace, "sdr"), workspace)
    page.goto(reverse("admin:index"))
    clicks = Clicks()
    clicks.on(page.locator("#nav-sidebar-inner").get_by_role("link", name="Execution queue"))
    expect(page.get_by_role("row", name=made["paused"].contact.email)).to_contain_text("trade fair")
    assert clicks.number == 1


def test_a_refresh_keeps_the_selection_and_the_place(page: Page, workspace: Any) -> None:
    page.clock.install()
    user = log_in(page, workspace, "sdr")
    made = make_day(user, workspace)
    step = made["row"].current_step
    for _ in range(40):
        factories.EnrollmentFactory(
            sequence=step.sequence, current_step=step, owner=user, next_step_at=timezone.now() + timedelta(hours=1)
        )
    page.goto(reverse(QUEUE))
    row = page.get_by_role("row", name=made["row"].contact.email)
    row.get_by_role("checkbox").check()
    page.evaluate("() => window.scrollTo(0, 400)")
    before = page.evaluate("() => window.scrollY")
    made["row"].status, made["row"].pause_reason, made["row"].paused_at = "paused", "out until Monday", timezone.now()
    made["row"].save()
    with page.expect_response(lambda answer: answer.request.headers.get("x-requested-with") == "refresh"):
        page.clock.run_for(16_000)
    expect(row).to_contain_text("out until Monday")
    expect(row.get_by_role("checkbox")).to_be_checked()
    assert page.evaluate("() => window.scrollY") == before


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ROLES)
def test_the_first_page_is_accessible_in_light_dark_and_on_a_phone(page: Page, workspace: Any, role: str) -> None:
    user = log_in(page, workspace, role)
    if role != "operator":
        make_day(user, workspace)
    lists = [reverse(QUEUE), reverse("admin:emails_reports")] if role != "operator" else []
    for path in (reverse("admin:index"), *lists):
        page.set_viewport_size({"width": 1400, "height": 1000})
        page.goto(path)
        assert_accessible(page)
        page.evaluate("() => document.documentElement.classList.add('dark')")
        assert_accessible(page)
        page.evaluate("() => document.documentElement.classList.remove('dark')")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(path)
        assert find_faults(page) == []
        assert page.evaluate(FITS), path


def links_in(html: str, base: str) -> Iterator[str]:
    """The desk's links on a page, without their queries."""
    for href in re.findall(r'<a\b[^>]*?\shref="([^"]*)"', html):
        url = urlsplit(urljoin(base, unescape(href)))
        is_near = url.netloc == urlsplit(base).netloc
        if is_near and url.path.startswith("/admin/") and not _NOT_FOLLOWED.search(url.path):
            yield url.path


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("role", ROLES)
def test_every_link_opens_for_the_role_that_sees_it(page: Page, workspace: Any, role: str) -> None:
    """Rows of one kind have one page: each kind is opened once, by administrators with its scripts."""
    make_one_of_each(workspace)
    log_in(page, workspace, role)
    waiting, seen, failed = [reverse("admin:index")], set[str](), dict[str, int]()
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(r"/\d+/|/[0-9a-f-]{32,}/", "/…/", path)
        if kind in seen:
            continue
        seen.add(kind)
        answer = page.request.get(path)
        # a page cannot go to a file that is downloaded
        is_file = answer.headers.get("content-disposition", "").startswith("attachment")
        if role == "admin" and answer.ok and not is_file:
            opened = page.goto(path)
            assert opened is not None and opened.status < 400
        if not answer.ok:
            failed[path] = answer.status
        elif not is_file:
            waiting.extend(links_in(answer.text(), answer.url))
    assert failed == {}
    assert len(seen) > (3 if role == "operator" else 40)
