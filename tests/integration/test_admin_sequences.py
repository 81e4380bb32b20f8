"""The page of a sequence: steps edited in place, judged field by field, and nobody lost when a step goes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from execution.models import ControlLog, ExecutionLog
from sequences.models import Enrollment, Sequence, Step
from tests import factories
from tests.integration.admin_pages import ROOT_EMAIL, log_in_root, said

pytestmark = pytest.mark.django_db

_STEP = [
    "number",
    "type",
    "name",
    "delay_days",
    "delay_hours",
    "delay_minutes",
    "subject",
    "body",
    "task_type",
    "task_priority",
    "instructions",
    "condition_type",
]


@pytest.fixture
def client() -> Client:
    return log_in_root()


def make_sequence(**values: Any) -> Sequence:
    """Two emails with a day between."""
    sequence: Sequence = factories.SequenceFactory(**values)
    factories.ContactFactory(workspace=sequence.workspace)
    factories.StepFactory(sequence=sequence, name="first")
    factories.DelayStepFactory(sequence=sequence, name="wait")
    factories.StepFactory(sequence=sequence, name="last")
    return sequence


def form_of(sequence: Sequence, *changes: dict[str, Any], new: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What the page would post, with changes by step, and new steps after them."""
    data: dict[str, Any] = {"name": sequence.name, "description": "", "priority": 50}
    data["window"] = '{"timezone": "UTC", "mon-sun": ["00:00-24:00"]}'
    steps = list(Step.objects.filter(sequence=sequence).order_by("number"))
    for index, step in enumerate(steps):
        row = {name: getattr(step, name) for name in _STEP}
        row |= {"id": step.pk, "sequence": sequence.pk, "condition_config": "{}"}
        row |= {"if_true_goto": step.if_true_goto_id or "", "if_false_goto": step.if_false_goto_id or ""}
        row |= changes[index] if index < len(changes) else {}
        data |= {f"steps-{index}-{name}": value for name, value in row.items()}
    blank = {"delay_days": 0, "delay_hours": 0, "delay_minutes": 0, "task_type": "generic", "task_priority": "normal"}
    for index, step_row in enumerate(new or [], start=len(steps)):
        row = {**blank, "condition_config": "{}", "id": "", "sequence": sequence.pk, **step_row}
        data |= {f"steps-{index}-{name}": value for name, value in row.items()}
    return {**data, "steps-TOTAL_FORMS": len(steps) + len(new or []), "steps-INITIAL_FORMS": len(steps)}


def save(client: Client, sequence: Sequence, data: dict[str, Any]) -> Any:
    return client.post(reverse("admin:sequences_sequence_change", args=[sequence.pk]), data)


def names(sequence: Sequence) -> list[tuple[int, str]]:
    return list(Step.objects.filter(sequence=sequence).order_by("number").values_list("number", "name"))


def test_a_new_sequence_is_made_with_its_steps(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    step = {"type": "email", "subject": "Hi", "body": "A word."}
    blank = {"delay_days": 0, "delay_hours": 0, "delay_minutes": 0, "task_type": "generic", "task_priority": "normal"}
    rows = {f"steps-0-{name}": value for name, value in {**blank, **step, "condition_config": "{}"}.items()}
    data = {"workspace": workspace.pk, "name": "Intro", "priority": 50, "window": "{}", "description": ""}
    data |= {"steps-TOTAL_FORMS": 1, "steps-INITIAL_FORMS": 0, **rows}
    assert client.post(reverse("admin:sequences_sequence_add"), data).status_code == 302
    sequence = Sequence.objects.get()
    stored = Step.objects.get()
    assert (sequence.status, stored.number, stored.subject, stored.workspace_id) == ("draft", 1, "Hi", workspace.pk)


def test_steps_are_numbered_by_the_place_typed(client: Client) -> None:
    sequence = make_sequence()
    new = {"type": "delay", "name": "new", "delay_days": 2, "number": 2}
    assert save(client, sequence, form_of(sequence, {"number": 3}, new=[new])).status_code == 302
    assert names(sequence) == [(1, "new"), (2, "wait"), (3, "last"), (4, "first")]


def test_what_is_wrong_stands_at_its_field_and_nothing_is_stored(client: Client) -> None:
    sequence = make_sequence()
    response = save(client, sequence, form_of(sequence, {"body": "{{ contact.nickname }}"}))
    formset = response.context["inline_admin_formsets"][0].formset
    assert "no contact has contact.nickname" in str(formset.forms[0].errors["body"])
    assert Step.objects.get(name="first").body == "A word about your work."


def test_a_draft_may_use_fields_that_nobody_has_yet(client: Client) -> None:
    sequence = make_sequence(status="draft")
    assert save(client, sequence, form_of(sequence, {"body": "{{ contact.nickname }}"})).status_code == 302
    html = client.get(reverse("admin:sequences_sequence_change", args=[sequence.pk])).content.decode()
    assert "no contact has contact.nickname" in html


def test_whoever_stands_at_a_removed_step_is_moved_on(client: Client) -> None:
    sequence = make_sequence()
    wait, last = Step.objects.get(name="wait"), Step.objects.get(name="last")
    row = factories.EnrollmentFactory(sequence=sequence, current_step=wait)
    stays = factories.EnrollmentFactory(sequence=sequence)
    response = save(client, sequence, form_of(sequence, {}, {"DELETE": "on"}, {"subject": "Changed"}))
    assert response.status_code == 302
    row.refresh_from_db()
    stays.refresh_from_db()
    last.refresh_from_db()
    assert row.current_step_id == last.pk
    assert stays.current_step_id == Step.objects.get(name="first").pk
    assert (last.subject, names(sequence)) == ("Changed", [(1, "first"), (2, "last")])
    line = ExecutionLog.objects.get(enrollment=row)
    assert (line.action, line.actor) == ("moved", ROOT_EMAIL)
    assert any(text.startswith("1 people stood at a removed step") for text in said(response))


def test_people_per_step_and_problems_are_shown(client: Client) -> None:
    sequence = make_sequence(status="draft")
    Step.objects.filter(name="first").update(body="")
    sequence.status = "active"
    for _ in range(7):
        factories.EnrollmentFactory(sequence=sequence)
    response = client.get(reverse("admin:sequences_sequence_change", args=[sequence.pk]))
    assert response.context["standing"][0] == ("1. first", 7)
    assert "the email has no body" in response.content.decode()


def switch(client: Client, sequence: Sequence, deed: str, **answers: Any) -> Any:
    url = reverse("admin:sequences_sequence_change", args=[sequence.pk]).replace("/change/", f"/{deed}/")
    response = client.post(url, answers)
    sequence.refresh_from_db()
    return response


def test_a_sequence_is_activated_paused_resumed_and_archived(client: Client) -> None:
    sequence = make_sequence(status="draft")
    states = []
    for deed in ("activate", "pause", "resume", "archive"):
        switch(client, sequence, deed, reason="legal review")
        states.append(sequence.status)
    assert states == ["active", "paused", "active", "archived"]
    assert set(ControlLog.objects.values_list("actor", flat=True)) == {ROOT_EMAIL}


def test_a_sequence_with_errors_is_not_activated(client: Client) -> None:
    sequence = make_sequence(status="draft")
    Step.objects.filter(name="first").update(body="")
    response = switch(client, sequence, "activate")
    assert "1 refused" in said(response)[0]
    assert "the email has no body" in said(response)[0]
    assert sequence.status == "draft"


def test_the_page_before_archiving_says_how_many_people_it_touches(client: Client) -> None:
    sequence = make_sequence()
    factories.EnrollmentFactory(sequence=sequence)
    factories.CompletedEnrollmentFactory(sequence=sequence)
    data = {"action": "archive_selected", "_selected_action": [sequence.pk], "select_across": 0}
    html = client.post(reverse("admin:sequences_sequence_changelist"), data).content.decode()
    assert "1 person is in it now" in html
    assert Enrollment.objects.filter(status="active").count() == 1


def test_an_archived_sequence_is_not_edited_and_only_drafts_are_deleted(client: Client) -> None:
    archived, active = make_sequence(status="archived"), make_sequence()
    assert save(client, archived, form_of(archived)).status_code == 403
    for sequence in (archived, active):
        url = reverse("admin:sequences_sequence_delete", args=[sequence.pk])
        assert client.post(url, {"post": "yes"}).status_code == 403
    draft = make_sequence(status="draft")
    assert client.post(reverse("admin:sequences_sequence_delete", args=[draft.pk]), {"post": "yes"}).status_code == 302
    assert not Sequence.objects.filter(pk=draft.pk).exists()
