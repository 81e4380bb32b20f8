"""Steps are added, moved and deleted in the flow of a sequence, and saved with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from sequences.choices import Role
from sequences.models import Step
from tests import factories
from tests.browser.test_contacts import look
from tests.browser.test_replies import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_manager_adds_moves_and_deletes_steps_in_the_flow(page: Page) -> None:
    workspace = factories.WorkspaceFactory()
    sequence: Any = factories.SequenceFactory(workspace=workspace, status="draft")
    factories.StepFactory(sequence=sequence, name="Opener")
    factories.StepFactory(sequence=sequence, name="Proof", delay_days=1)
    split: Any = factories.SplitStepFactory(sequence=sequence, name="Opened?", if_true_goto=None)
    nudge = factories.StepFactory(sequence=sequence, name="Nudge", delay_days=2)
    call = factories.TaskStepFactory(sequence=sequence, name="Call", delay_days=1)
    split.if_true_goto, split.if_false_goto = call, nudge
    split.save()
    log_in(page, workspace, Role.MANAGER)
    page.goto(reverse("admin:sequences_sequence_change", args=[sequence.pk]))
    look(page, "flow")
    page.get_by_role("button", name="Edit 2. Proof").click()
    expect(page.locator("#id_steps-1-body")).to_be_visible()
    page.get_by_role("button", name="Move 2. Proof up").click()
    page.get_by_role("button", name="Delete 1. Opener").click()
    expect(page.get_by_text("Not saved yet: save the sequence to apply it.")).to_be_visible()
    page.get_by_role("button", name="Add a step below 2. Proof").click()
    page.locator("#id_steps-5-type").select_option("delay")
    page.locator("#id_steps-5-name").fill("Breathe")
    page.locator("#id_steps-5-delay_days").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    names = Step.objects.filter(sequence=sequence).order_by("number").values_list("name", flat=True)
    assert list(names) == ["Proof", "Breathe", "Opened?", "Nudge", "Call"]
