"""A sequence is built and edited in the browser: steps, merge fields, preview, and the page before enrollments move."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from sequences.models import Step
from tests import factories
from tests.browser.conftest import wait_until_still
from tests.browser.test_admin_by_hand import desk, side_bar  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sequence() -> Any:
    made: Any = factories.SequenceFactory(name="Warm intro")
    first = factories.StepFactory(sequence=made, name="Intro")
    split: Any = factories.SplitStepFactory(sequence=made, name="Opened?")
    call = factories.TaskStepFactory(sequence=made, delay_days=1)
    last = factories.StepFactory(sequence=made, name="Nudge", delay_days=2)
    split.if_true_goto, split.if_false_goto = call, last
    split.save()
    factories.ContactFactory(workspace=made.workspace, email="bob@prospect.example", first_name="Bob")
    for _ in range(3):
        factories.EnrollmentFactory(sequence=made, current_step=last)
    message = factories.SentMessageFactory(enrollment__sequence=made, enrollment__current_step=first)
    factories.EmailEventFactory(message=message)
    return made


def find_faults(page: Page) -> list[str]:
    """The serious and critical violations that axe finds."""
    wait_until_still(page)
    return [
        f"{found['id']}: {found['nodes'][0]['html'][:200]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in {"serious", "critical"}
    ]


def assert_accessible(page: Page) -> None:
    assert find_faults(page) == []


def open_sequence(page: Page) -> None:
    side_bar(page).get_by_role("link", name="Sequences").click()
    page.get_by_role("link", name="Warm intro").click()
    expect(page.get_by_role("region", name="Flow")).to_be_visible()


def open_step(page: Page, name: str) -> None:
    title = page.get_by_role("button", name=name, exact=True)
    expect(title).to_have_attribute("aria-expanded", "false")
    title.click()
    expect(title).to_have_attribute("aria-expanded", "true")


def test_the_page_shows_the_flow_and_inserts_merge_fields(desk: Page, sequence: Any) -> None:  # noqa: F811
    open_sequence(desk)
    flow = desk.get_by_role("region", name="Flow")
    expect(flow.get_by_role("row", name="2. Opened? yes")).to_contain_text("yes → 3. Call")
    expect(flow.get_by_role("row", name="1. Intro →")).to_contain_text("1 (100%)")
    assert_accessible(desk)
    body = desk.locator("#id_steps-0-body")
    open_step(desk, "1. Intro")
    body.fill("Hi ")
    desk.get_by_role("button", name="contact.first_name", exact=True).click()
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("was changed successfully")).to_be_visible()
    assert Step.objects.get(name="Intro").body == "Hi {{ contact.first_name }}"


def test_an_edit_that_affects_enrollments_is_confirmed_first(desk: Page, sequence: Any) -> None:  # noqa: F811
    open_sequence(desk)
    delay = desk.locator("#id_steps-3-delay_days")
    open_step(desk, "4. Nudge")
    delay.fill("5")
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_text("3 enrollments will get a new due time")).to_be_visible()
    assert_accessible(desk)
    assert Step.objects.get(name="Nudge").delay_days == 2
    desk.get_by_role("button", name="Save sequence").click()
    expect(desk.get_by_text("3 enrollments got a new due time.")).to_be_visible()
    assert Step.objects.get(name="Nudge").delay_days == 5


def test_a_sequence_is_previewed_for_a_contact(desk: Page, sequence: Any) -> None:  # noqa: F811
    open_sequence(desk)
    desk.get_by_role("link", name="Preview").click()
    desk.get_by_label("Contact").fill("bob@prospect.example")
    desk.get_by_role("button", name="Show preview").click()
    expect(desk.get_by_role("region", name="Step 1")).to_contain_text("Hello Bob")
    expect(desk.get_by_role("region", name="Step 3")).to_contain_text("if step 2 is yes")
    assert_accessible(desk)


def test_a_sequence_is_validated_while_it_is_edited(desk: Page, sequence: Any) -> None:  # noqa: F811
    open_sequence(desk)
    body = desk.locator("#id_steps-0-body")
    open_step(desk, "1. Intro")
    problems = desk.get_by_role("region", name="Problems")
    body.fill("Hi {{ contact.firstname }}")
    expect(problems).to_contain_text("did you mean contact.first_name?")
    body.fill("Hi {{ contact.first_name }}")
    expect(problems).to_contain_text("None.")
    assert Step.objects.get(name="Intro").body == "A word about your work."
