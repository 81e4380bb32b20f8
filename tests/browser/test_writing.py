"""An SDR writes a sequence before its first save: toolbar, live preview, texts to insert, branches to new steps."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from sequences.choices import Role
from sequences.models import Step
from tests import factories
from tests.browser.test_builder import assert_accessible
from tests.browser.test_replies import log_in, shoot
from tests.support.snippets import make_snippet

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_sdr_writes_and_branches_before_the_first_save(page: Page) -> None:
    workspace = factories.WorkspaceFactory()
    factories.ContactFactory(workspace=workspace, email="bob@prospect.example", first_name="Bob")
    make_snippet(workspace, name="Closing", body="Until then.")
    log_in(page, workspace, Role.SDR)
    page.goto(reverse("admin:sequences_sequence_add"))
    problems = page.get_by_role("region", name="Problems")
    page.locator("#id_name").fill("Outbound")
    add = page.get_by_text("Add another Step")
    add.click()
    page.locator("#id_steps-0-subject").fill("For {{ contact.first_name }}")
    body = page.locator("#id_steps-0-body")
    body.fill("Hi ")
    body.press("End")
    first = page.locator(".form-group").filter(has=body)
    first.get_by_role("button", name="Bold").click()
    page.keyboard.type("Bob")
    live = first.get_by_role("region", name="Preview")
    expect(live).to_contain_text("For Bob")
    expect(live.frame_locator("iframe").locator("strong")).to_have_text("Bob")
    body.press("End")
    page.get_by_label("Insert").select_option(label="Closing (snippet)")
    expect(body).to_have_value("Hi **Bob**Until then.")
    assert_accessible(page)
    shoot(page, "editor")
    add.click()
    page.locator("#id_steps-1-type").select_option("conditional_split")
    page.locator("#id_steps-1-condition_type").select_option("contact_field")
    page.locator("#id_steps-1-field").fill("title")
    page.locator("#id_steps-1-operator").select_option("is_set")
    add.click()
    page.locator("#id_steps-2-type").select_option("task")
    page.locator("#id_steps-2-name").fill("Call Bob")
    page.locator("#id_steps-2-name").press("Tab")
    expect(problems).to_contain_text("None.")
    page.locator("#id_steps-1-if_true_goto").select_option(label="New: Call Bob")
    shoot(page, "branch")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    split = Step.objects.get(type="conditional_split")
    assert split.if_true_goto is not None
    assert split.if_true_goto.name == "Call Bob"
