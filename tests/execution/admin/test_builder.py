"""Building a sequence before its first save: branch targets among new steps, problems, preview of a text, snippets."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sequences.models import Sequence, Step
from tests import factories
from tests.execution.admin.test_contact_pages import log_in
from tests.execution.admin.test_sequences import form_of, save
from tests.support.admin_pages import log_in_root
from tests.support.snippets import make_snippet

pytestmark = pytest.mark.django_db
ADD = "admin:sequences_sequence_add"


def new_form(workspace: Any, *steps: dict[str, Any]) -> dict[str, Any]:
    blank = {
        "delay_days": 0, "delay_hours": 0, "delay_minutes": 0, "task_type": "generic", "task_priority": "normal",
        "format": "auto", "number": "", "id": "",
    }  # fmt: skip
    data: dict[str, Any] = {
        "workspace": workspace.pk, "name": "Intro", "priority": 50, "on_reply": "stop", "time_zone": "contact",
        "sending_hours": "", "steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": 0,
    }  # fmt: skip
    for place, step in enumerate(steps):
        data |= {f"steps-{place}-{name}": value for name, value in {**blank, **step}.items()}
    return data


EMAIL = {"type": "email", "subject": "Hi", "body": "A word."}
SPLIT = {"type": "conditional_split", "condition_type": "email_clicked", "wait_hours": "48"}


def test_an_sdr_branches_to_steps_that_are_not_stored_yet() -> None:
    workspace = factories.WorkspaceFactory()
    client, _ = log_in(workspace)
    nudge = {"type": "email", "name": "Nudge", "subject": "Again", "body": "Another word."}
    call = {"type": "task", "name": "Call", "instructions": "Call"}
    data = new_form(workspace, EMAIL, {**SPLIT, "if_true_goto": "new:3", "if_false_goto": "new:2"}, nudge, call)
    assert client.post(reverse(ADD), data).status_code == 302
    split = Step.objects.select_related("if_true_goto", "if_false_goto").get(type="conditional_split")
    assert (split.if_true_goto.name, split.if_false_goto.name) == ("Call", "Nudge")


def test_a_stored_branch_leads_to_a_new_step() -> None:
    split: Any = factories.SplitStepFactory(sequence__status="draft", if_true_goto=None)
    data = form_of(split.sequence, {"if_true_goto": "new:1"}, new=[{"type": "task", "name": "Call"}])
    assert save(log_in_root(), split.sequence, data).status_code == 302
    split.refresh_from_db()
    assert split.if_true_goto.name == "Call"


def test_a_target_that_was_removed_gets_one_line_without_ids() -> None:
    workspace = factories.WorkspaceFactory()
    client, _ = log_in(workspace)
    foreign: Any = factories.StepFactory()
    for target in ("new:7", str(foreign.pk), "999999"):
        page = client.post(reverse(ADD), new_form(workspace, EMAIL, {**SPLIT, "if_true_goto": target}))
        text = page.content.decode()
        assert "This step is not part of the sequence any more. Choose another one, or the end." in text, target
        assert not Sequence.objects.filter(workspace=workspace).exists()


def check(client: Client, data: dict[str, Any]) -> list[str]:
    return client.post(reverse(ADD), data | {"_check": "1"}).json()["problems"]  # type: ignore[no-any-return]


def test_problems_are_named_before_the_first_save() -> None:
    workspace = factories.WorkspaceFactory()
    client, _ = log_in(workspace)
    assert check(client, {**new_form(workspace), "name": ""}) == ["name: This field is required."]
    wrong = {**EMAIL, "name": "Opener", "body": "Hi {{ contact.first_name"}
    assert check(client, new_form(workspace, wrong))[0].startswith("step 1 (Opener), body: ")
    waits = [{**SPLIT, "name": "Clicked?"}]
    assert check(client, new_form(workspace, *waits))[0].startswith("step 1 (Clicked?): ")
    assert check(client, new_form(workspace, EMAIL)) == []
    assert not Sequence.objects.exists()


def test_the_page_for_a_new_sequence_offers_merge_fields_and_texts() -> None:
    workspace = factories.WorkspaceFactory()
    factories.ContactFactory(workspace=workspace, fields={"renewal_month": "May"})
    client, _ = log_in(workspace)
    page = client.get(reverse(ADD)).content.decode()
    assert 'data-insert="contact.renewal_month"' in page
    assert "data-problems" in page


def preview(client: Client, **values: Any) -> dict[str, Any]:
    return client.post(reverse("admin:sequences_sequence_preview_text"), values).json()  # type: ignore[no-any-return]


def test_a_text_is_rendered_for_a_contact_while_it_is_written() -> None:
    workspace = factories.WorkspaceFactory()
    client, _ = log_in(workspace)
    bob: Any = factories.ContactFactory(workspace=workspace, first_name="Bob")
    first: Any = factories.StepFactory(sequence__workspace=workspace, subject="Opener")
    text = {"contact": bob.email.upper(), "body": "Hi **{{ contact.first_name }}**"}
    shown = preview(client, subject="For {{ contact.first_name }}", **text)
    assert shown["subject"] == "For Bob"
    assert "<strong>Bob</strong>" in shown["html"]
    assert preview(client, sequence=first.sequence_id, number=2, **text)["subject"] == "Re: Opener"
    assert "contact.nickname" in preview(client, subject="x", contact=bob.email, body="{{ contact.nickname }}")["error"]
    assert preview(client, contact=bob.email, body="")["error"] == "Write a body and choose a contact to see the email."


def test_a_preview_knows_contacts_and_texts_of_the_own_workspaces_only() -> None:
    workspace = factories.WorkspaceFactory()
    client, _ = log_in(workspace)
    own, foreign = make_snippet(workspace, body="Ours"), make_snippet(factories.WorkspaceFactory())
    stranger: Any = factories.ContactFactory()
    error = preview(client, contact=stranger.email, subject="x", body="x")["error"]
    assert error == "No contact has this address. Choose another one."
    url = reverse("admin:sequences_sequence_snippet_text")
    assert client.get(url, {"id": own.pk}).json() == {"subject": "", "body": "Ours"}
    assert client.get(url, {"id": foreign.pk}).status_code == 404
    assert client.get(url, {"id": "x"}).status_code == 404
    assert own.name in client.get(reverse(ADD)).content.decode()
    assert foreign.name not in [each.name for each in client.get(reverse(ADD)).context["snippets"]]
