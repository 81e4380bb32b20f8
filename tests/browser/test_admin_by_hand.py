"""The admin with mouse and keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import FilePayload, Locator, Page, expect

from emails.models import Suppression
from execution.models import ExecutionLog
from sequences.models import Enrollment
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL = "root@sender.example"


def side_bar(page: Page) -> Locator:
    return page.locator("#nav-sidebar-inner")


@pytest.fixture
def desk(page: Page) -> Page:
    """The admin, entered through its login."""
    get_user_model().objects.create_superuser(EMAIL, EMAIL, "password")
    page.goto("/admin/")
    page.get_by_label("Username").fill(EMAIL)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    expect(side_bar(page).get_by_role("link", name="Execution queue")).to_be_visible()
    return page


def test_an_enrollment_is_paused_and_resumed(desk: Page) -> None:
    enrollment: Any = factories.EnrollmentFactory(sequence=factories.StepFactory().sequence)
    side_bar(desk).get_by_role("link", name="Execution queue").click()
    row = desk.get_by_role("row", name=enrollment.contact.email)
    row.get_by_role("checkbox").check()
    desk.get_by_label("Select action to run").select_option("Pause")
    desk.get_by_role("button", name="Run").click()
    desk.get_by_label("Reason").fill("on holiday")
    desk.get_by_role("button", name="Pause").click()
    expect(desk.get_by_text("Paused 1 enrollment.")).to_be_visible()
    expect(row).to_contain_text(f"Paused by {EMAIL}: on holiday")

    row.get_by_role("link", name=enrollment.contact.email).click()
    expect(desk.get_by_role("region", name="Status")).to_contain_text("on holiday")
    desk.get_by_role("link", name="Resume").click()
    desk.get_by_role("button", name="Resume").click()
    expect(desk.get_by_text("Resumed 1 enrollment.")).to_be_visible()
    entries = desk.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(entries.nth(0)).to_contain_text("Resumed")
    expect(entries.nth(1)).to_contain_text("Paused")
    enrollment.refresh_from_db()
    assert enrollment.status == "active"
    assert set(ExecutionLog.objects.values_list("action", "actor")) == {("paused", EMAIL), ("resumed", EMAIL)}


def test_the_fields_of_a_step_follow_its_type(desk: Page) -> None:
    step: Any = factories.StepFactory(name="Intro")
    desk.goto(f"/admin/sequences/sequence/{step.sequence_id}/change/")
    desk.get_by_role("heading", name="1. Intro").locator("strong").click()
    body, waits = desk.locator("[name=steps-0-body]"), desk.locator("[name=steps-0-wait_hours]")
    expect(body).to_be_visible()
    expect(waits).to_be_hidden()
    desk.locator("[name=steps-0-type]").select_option("conditional_split")
    expect(waits).to_be_visible()
    expect(body).to_be_hidden()
    field, value = desk.get_by_label("Contact field"), desk.get_by_label("Compared with")
    for condition, seen in [("email_opened", []), ("engagement_score", [value]), ("contact_field", [value, field])]:
        desk.get_by_label("Condition type").first.select_option(condition)
        for each in (field, value):
            expect(each.first).to_be_visible(visible=each in seen)
    desk.get_by_text("Add another Step").click()
    expect(desk.locator("[name=steps-1-type]")).to_be_visible()
    # Leaving unsaved changes would ask.
    desk.once("dialog", lambda dialog: dialog.accept())


def test_times_are_shown_in_the_readers_zone(desk: Page) -> None:
    factories.ExecutionLogFactory()
    chromium = desk.context.new_cdp_session(desk)
    chromium.send("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    desk.goto("/admin/")
    desk.goto("/admin/execution/executionlog/")
    time = desk.locator("time").first
    expect(time).to_have_attribute("datetime", "2026-03-02T10:00:00+00:00")
    expect(time).to_have_attribute("title", "2026-03-02 19:00:00 JST\n2026-03-02 10:00:00 UTC")


def test_the_overview_refreshes_itself_and_reads_well(desk: Page) -> None:
    """With a keyboard and a screen reader too, in both themes and on a phone."""
    factories.EnrollmentFactory(sequence=factories.StepFactory().sequence, mailbox=factories.MailboxFactory())
    desk.clock.install()
    desk.goto("/admin/")
    expect(desk.locator(".se-card")).to_have_count(6)
    expect(desk.get_by_text("No executor is running")).to_be_visible()
    factories.WorkerFactory(name="host:7", heartbeat_at=timezone.now())
    desk.clock.fast_forward(11_000)
    expect(desk.get_by_text("host:7")).to_be_visible()
    for theme in ("light", "dark"):
        desk.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        for width in (1400, 390):
            desk.set_viewport_size({"width": width, "height": 900})
            assert desk.evaluate(
                "document.querySelector('#se-live').scrollWidth <= document.documentElement.clientWidth"
            )
            found = Axe().run(desk, context="#se-live").response["violations"]
            serious = [each["id"] for each in found if each["impact"] in {"serious", "critical"}]
            assert serious == [], (theme, width, [node["html"] for each in found for node in each["nodes"]])


def test_a_list_of_suppressions_is_checked_and_then_stored(desk: Page) -> None:
    factories.WorkspaceFactory()
    side_bar(desk).get_by_role("link", name="Suppressions").click()
    desk.get_by_role("link", name="Import CSV").click()
    file = FilePayload(name="left.csv", mimeType="text/csv", buffer=b"email\njo@x.example\nno-address@\n")
    desk.locator("[name=file]").set_input_files(file)
    desk.get_by_role("button", name="Check file").click()
    expect(desk.get_by_text("1 would be added")).to_be_visible()
    expect(desk.get_by_role("link", name="Download the rejected rows")).to_be_visible()
    desk.get_by_role("button", name="Import").click()
    expect(desk.get_by_text("1 added, 0 extended").first).to_be_visible()
    assert Suppression.objects.get().email == "jo@x.example"


def test_the_queue_needs_no_sideways_scrolling(desk: Page) -> None:
    step: Any = factories.StepFactory(sequence__name="Warm introduction to enterprises", name="Introduction")
    owner: Any = factories.UserFactory()
    for number in range(3):
        factories.EnrollmentFactory(
            sequence=step.sequence, owner=owner, contact__email=f"someone.with.a.long.name{number}@prospect.example"
        )
    factories.PausedEnrollmentFactory(sequence=step.sequence, pause_reason="on holiday until the second week of March")
    desk.set_viewport_size({"width": 1280, "height": 900})
    desk.goto("/admin/sequences/enrollment/")
    expect(desk.get_by_role("row", name="someone.with.a.long.name0")).to_be_visible()
    assert desk.evaluate(
        """() => [...document.querySelectorAll(".simplebar-content-wrapper")]
                   .every((each) => each.scrollWidth <= each.clientWidth + 1)"""
    )


def test_the_queue_refreshes_and_keeps_the_selection(desk: Page) -> None:
    step: Any = factories.StepFactory()
    first: Any = factories.EnrollmentFactory(sequence=step.sequence)
    desk.clock.install()
    desk.goto("/admin/sequences/enrollment/")
    row = desk.get_by_role("row", name=first.contact.email)
    row.get_by_role("checkbox").check()
    Enrollment.objects.filter(pk=first.pk).update(
        status="paused", pause_reason="asked to wait", paused_at=timezone.now()
    )
    second: Any = factories.EnrollmentFactory(sequence=step.sequence)
    desk.clock.run_for(16_000)
    expect(row).to_contain_text("asked to wait")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(desk.get_by_role("row", name=second.contact.email)).to_have_count(0)
    row.get_by_role("checkbox").uncheck()
    desk.clock.run_for(16_000)
    expect(desk.get_by_role("row", name=second.contact.email)).to_be_visible()
    expect(row.get_by_role("checkbox")).to_be_focused()


def test_the_timeline_of_an_enrollment_refreshes(desk: Page) -> None:
    enrollment: Any = factories.EnrollmentFactory(sequence=factories.StepFactory().sequence)
    desk.clock.install()
    desk.goto(f"/admin/sequences/enrollment/{enrollment.pk}/change/")
    timeline = desk.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("No entries yet")
    factories.ExecutionLogFactory(enrollment=enrollment, action="paused", message="asked to wait")
    desk.clock.run_for(16_000)
    expect(timeline).to_contain_text("asked to wait")
