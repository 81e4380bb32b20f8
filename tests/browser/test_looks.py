"""The layout of the desk on large and small screens, and its use by keyboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from sequences.models import Sequence
from tests import factories
from tests.browser.conftest import wait_until_still
from tests.browser.test_admin_by_hand import desk  # noqa: F401
from tests.browser.test_builder import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAME = "someone.with.a.long.name"
ERROR = "no value for contact.complaint: fill it in at the contact or give the template a default"
# the page itself, and the boxes that unfold lets scroll
FITS = """() => [document.documentElement, ...document.querySelectorAll(".simplebar-content-wrapper")]
               .every((each) => each.scrollWidth <= each.clientWidth + 1)"""
CUT = """() => [...document.querySelectorAll("#result_list td, #result_list th[data-label]")]
              .filter((each) => each.scrollHeight > each.clientHeight + 1).map((each) => each.textContent.trim())"""

CUT_CRUMBS = """() => [...document.querySelectorAll("#header-inner h1 > a")].filter((each) => each.checkVisibility())
                    .map((each) => [each.textContent.trim(), each.scrollHeight > each.clientHeight + 1
                                                                || each.scrollWidth > each.clientWidth + 1])"""


@pytest.fixture
def long_words() -> None:
    step: Any = factories.StepFactory(sequence__name="Warm introduction to enterprises", name="Introduction")
    owner: Any = factories.UserFactory(email=f"{NAME}@sender.example", username=f"{NAME}@sender.example")
    for number in range(2):
        stuck: Any = factories.QuarantinedEnrollmentFactory(
            sequence=step.sequence, owner=owner, contact__email=f"{NAME}{number}@longprospects.example"
        )
        factories.DeadLetterFactory(enrollment=stuck, step=step, error=ERROR)
        factories.TaskFactory(enrollment=stuck, contact=stuck.contact, assignee=owner, title="Connect on LinkedIn")


def test_lists_fit_a_small_screen_and_a_phone(desk: Page, long_words: None) -> None:  # noqa: F811
    for name in ("sequences_enrollment", "tasks_app_task", "execution_deadletter", "emails_mailbox"):
        for width in (1280, 390):
            desk.set_viewport_size({"width": width, "height": 900})
            desk.goto(reverse(f"admin:{name}_changelist"))
            expect(desk.locator("#result_list")).to_be_visible()
            wait_until_still(desk)
            assert desk.evaluate(FITS), (name, width)
            assert desk.evaluate(CUT) == [], (name, width)


def test_facts_fit_too_and_name_their_columns_on_a_phone(desk: Page) -> None:  # noqa: F811
    factories.EmailEventFactory(
        contact=factories.ContactFactory(email=f"{NAME}@longprospects.example"),
        mailbox=factories.MailboxFactory(address=f"{NAME}@mail.sender.example"),
        detail="https://sender.example/a-page-with-a-rather-long-address/and-another-part",
    )  # fmt: skip
    for width in (1280, 390):
        desk.set_viewport_size({"width": width, "height": 900})
        desk.goto(reverse("admin:emails_emailevent_changelist"))
        expect(desk.locator("#result_list td").first).to_have_attribute("data-label", "When")
        wait_until_still(desk)
        assert desk.evaluate(FITS), width


def test_an_email_fits_a_phone_whatever_its_message_id(desk: Page) -> None:  # noqa: F811
    sent: Any = factories.SentMessageFactory(
        message_id=f"<{'a' * 40}@{'mail' * 10}.sender.example>",
        html='<p>Hello</p><img src="http://localhost/t/o/x.gif" width="1" height="1" alt="">',
    )
    desk.set_viewport_size({"width": 390, "height": 900})
    desk.goto(reverse("admin:emails_emailmessage_change", args=[sent.pk]))
    expect(desk.get_by_text(sent.message_id)).to_be_visible()
    wait_until_still(desk)
    assert desk.evaluate(FITS)


def test_the_flow_chart_fits_a_phone(desk: Page) -> None:  # noqa: F811
    sequence: Any = factories.SequenceFactory()
    split: Any = factories.SplitStepFactory(sequence=sequence, name="Is there interest", if_true_goto=None)
    for _ in range(5):
        factories.StepFactory(sequence=sequence, name="Connect on LinkedIn")
    desk.set_viewport_size({"width": 390, "height": 900})
    desk.goto(reverse("admin:sequences_sequence_change", args=[split.sequence_id]))
    wait_until_still(desk)
    chart = desk.get_by_role("img", name="Flow chart of the steps").bounding_box()
    assert chart is not None and chart["x"] + chart["width"] <= 390


def test_a_mailbox_in_trouble_reads_well_in_both_themes(desk: Page) -> None:  # noqa: F811
    broken: Any = factories.MailboxFactory(status="broken", status_reason="535 refused", status_actor="engine")
    desk.goto(reverse("admin:emails_mailbox_change", args=[broken.pk]))
    expect(desk.get_by_role("status").filter(has_text="535 refused")).to_be_visible()
    for theme in ("light", "dark"):
        desk.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        assert_accessible(desk)


def test_checkboxes_are_large_enough_for_touch(desk: Page, long_words: None) -> None:  # noqa: F811
    desk.context.new_cdp_session(desk).send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    desk.set_viewport_size({"width": 390, "height": 900})
    desk.goto(reverse("admin:sequences_enrollment_changelist"))
    for box in (desk.locator("#action-toggle"), desk.locator(".action-select").first):
        size = box.bounding_box()
        assert size is not None and min(size["width"], size["height"]) >= 24


def test_three_fields_in_a_line_leave_room_for_each(desk: Page) -> None:  # noqa: F811
    desk.set_viewport_size({"width": 1280, "height": 900})
    desk.goto(reverse("admin:emails_mailbox_add"))
    for field in ("transport", "auth_method"):
        size = desk.locator(f"#id_{field}").bounding_box()
        assert size is not None and size["width"] > 150, field


def test_breadcrumbs_are_whole_beside_the_buttons(desk: Page, long_words: None) -> None:  # noqa: F811
    sequence = Sequence.objects.get()
    desk.goto(reverse("admin:sequences_sequence_change", args=[sequence.pk]))
    expect(desk.get_by_role("link", name="Export YAML")).to_be_visible()
    for width, crumbs in [(1280, ["Sequences", sequence.name]), (390, [sequence.name])]:
        desk.set_viewport_size({"width": width, "height": 900})
        wait_until_still(desk)
        assert desk.evaluate(CUT_CRUMBS) == [[crumb, False] for crumb in crumbs]
        assert desk.evaluate(FITS), width


def test_a_quick_filter_is_one_click_and_has_its_own_url(desk: Page, long_words: None) -> None:  # noqa: F811
    late: Any = factories.EnrollmentFactory(next_step_at=timezone.now() - timedelta(hours=1))
    desk.goto(reverse("admin:sequences_enrollment_changelist"))
    quick_filters = desk.get_by_role("navigation", name="Quick filters")
    quick_filters.get_by_role("link", name="Overdue").click()
    expect(quick_filters.get_by_role("link", name="Overdue")).to_have_attribute("aria-current", "page")
    expect(desk.get_by_role("row", name=late.contact.email)).to_be_visible()
    expect(desk.get_by_role("row", name=NAME)).to_have_count(0)
    assert desk.url.endswith("?needs=overdue")
    assert_accessible(desk)


def test_steps_are_opened_by_keyboard_and_ordered_by_dragging(desk: Page) -> None:  # noqa: F811
    first: Any = factories.StepFactory(name="Intro")
    factories.StepFactory(sequence=first.sequence, name="Nudge", delay_days=2)
    desk.goto(reverse("admin:sequences_sequence_change", args=[first.sequence_id]))
    title = desk.get_by_role("button", name="1. Intro", exact=True)
    expect(title).to_have_attribute("aria-expanded", "false")
    title.press("Enter")
    expect(title).to_have_attribute("aria-expanded", "true")
    expect(desk.locator("#id_steps-0-body")).to_be_visible()
    title.press("Enter")
    expect(desk.locator("#id_steps-0-body")).to_be_hidden()
    handles = desk.locator("#steps-data .form-group.original [x-sort\\:handle]")
    wait_until_still(desk)
    handles.nth(0).drag_to(handles.nth(1), steps=10)
    expect(desk.locator("#id_steps-1-number")).to_have_value("0")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("was changed successfully")).to_be_visible()
    assert list(first.sequence.steps.order_by("number").values_list("name", flat=True)) == ["Nudge", "Intro"]
