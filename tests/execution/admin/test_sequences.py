"""The page of a sequence: steps edited in place, errors per field, and enrollments kept when a step is removed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from execution.admin.form_fields import describe_condition
from execution.models import ControlLog, ExecutionLog
from sequences.models import Enrollment, Sequence, Step
from simulation.mail_server import MailServer
from tests import factories
from tests.support.admin_pages import ROOT_EMAIL, log_in_root, shown_messages
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db

_STEP = [
    "format",
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
    data["on_reply"] = sequence.on_reply
    data |= {"time_zone": "UTC", "sending_hours": "mon-sun 00:00-24:00"}
    steps = list(Step.objects.filter(sequence=sequence).order_by("number"))
    for index, step in enumerate(steps):
        row = {name: getattr(step, name) for name in _STEP}
        row |= {name: value for name, value in describe_condition(step).items() if value is not None}
        row |= {"id": step.pk, "sequence": sequence.pk}
        row |= {"if_true_goto": step.if_true_goto_id or "", "if_false_goto": step.if_false_goto_id or ""}
        row |= changes[index] if index < len(changes) else {}
        data |= {f"steps-{index}-{name}": value for name, value in row.items()}
    blank: dict[str, Any] = {
        "delay_days": 0,
        "delay_hours": 0,
        "delay_minutes": 0,
        "task_type": "generic",
        "task_priority": "normal",
    }
    blank["format"] = "auto"
    for index, step_row in enumerate(new or [], start=len(steps)):
        row = {**blank, "id": "", "sequence": sequence.pk, **step_row}
        data |= {f"steps-{index}-{name}": value for name, value in row.items()}
    return {**data, "steps-TOTAL_FORMS": len(steps) + len(new or []), "steps-INITIAL_FORMS": len(steps)}


def save(client: Client, sequence: Sequence, data: dict[str, Any]) -> Any:
    return client.post(reverse("admin:sequences_sequence_change", args=[sequence.pk]), data)


def names(sequence: Sequence) -> list[tuple[int, str]]:
    return list(Step.objects.filter(sequence=sequence).order_by("number").values_list("number", "name"))


def test_a_new_sequence_is_made_with_its_steps(client: Client) -> None:
    workspace = factories.WorkspaceFactory()
    step = {"type": "email", "subject": "Hi", "body": "A word."}
    blank: dict[str, Any] = {
        "delay_days": 0,
        "delay_hours": 0,
        "delay_minutes": 0,
        "task_type": "generic",
        "task_priority": "normal",
    }
    blank["format"] = "auto"
    rows = {f"steps-0-{name}": value for name, value in {**blank, **step}.items()}
    data = {"workspace": workspace.pk, "name": "Intro", "priority": 50, "description": ""}
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


def test_errors_are_shown_at_their_field_and_nothing_is_stored(client: Client) -> None:
    sequence = make_sequence()
    response = save(client, sequence, form_of(sequence, {"body": "{{ contact.nickname }}"}))
    formset = response.context["inline_admin_formsets"][0].formset
    assert "no contact has contact.nickname" in str(formset.forms[0].errors["body"])
    assert Step.objects.get(name="first").body == "A word about your work."


def test_a_draft_can_use_fields_that_no_contact_has_yet(client: Client) -> None:
    sequence = make_sequence(status="draft")
    assert save(client, sequence, form_of(sequence, {"body": "{{ contact.nickname }}"})).status_code == 302
    html = client.get(reverse("admin:sequences_sequence_change", args=[sequence.pk])).content.decode()
    assert "no contact has contact.nickname" in html


def test_enrollments_at_a_removed_step_continue_at_the_next(client: Client) -> None:
    sequence = make_sequence()
    wait, last = Step.objects.get(name="wait"), Step.objects.get(name="last")
    row = factories.EnrollmentFactory(sequence=sequence, current_step=wait)
    stays = factories.EnrollmentFactory(sequence=sequence)
    data = form_of(sequence, {}, {"DELETE": "on"}, {"subject": "Changed"})
    asked = save(client, sequence, data)
    assert "1 enrollment will continue at another step: their step is removed or has moved." in asked.content.decode()
    assert (names(sequence)[1], Step.objects.get(pk=last.pk).subject) == ((2, "wait"), last.subject)
    response = client.post(asked.wsgi_request.path, dict(asked.context["answers"]))
    assert response.status_code == 302
    row.refresh_from_db()
    stays.refresh_from_db()
    last.refresh_from_db()
    assert row.current_step_id == last.pk
    assert stays.current_step_id == Step.objects.get(name="first").pk
    assert (last.subject, names(sequence)) == ("Changed", [(1, "first"), (2, "last")])
    line = ExecutionLog.objects.get(enrollment=row)
    assert (line.action, line.actor) == ("moved", ROOT_EMAIL)
    assert "1 enrollment continued at another step." in shown_messages(response)


@pytest.mark.parametrize(("choice", "status", "name"), [("exit", "auto_exited", None), ("last", "active", "last")])
def test_the_user_chooses_what_happens_to_enrollments_at_a_removed_step(
    client: Client, choice: str, status: str, name: str | None
) -> None:
    sequence = make_sequence()
    row = factories.EnrollmentFactory(sequence=sequence)
    goes_to = choice if choice == "exit" else Step.objects.get(name=choice).pk
    data = form_of(sequence, {"DELETE": "on"})
    asked = save(client, sequence, data)
    assert str(goes_to) in [value for value, _ in asked.context["form"].fields["goes_to"].choices]
    client.post(asked.wsgi_request.path, {**dict(asked.context["answers"]), "impact-goes_to": goes_to})
    row.refresh_from_db()
    assert (row.status, row.current_step and row.current_step.name) == (status, name)


def test_a_new_step_runs_for_enrollments_past_it_only_when_chosen(client: Client) -> None:
    sequence = make_sequence()
    last = Step.objects.get(name="last")
    row = factories.EnrollmentFactory(sequence=sequence, current_step=last)
    new = {"type": "delay", "name": "new", "delay_days": 2, "number": 3}
    asked = save(client, sequence, form_of(sequence, new=[new]))
    answers = dict(asked.context["answers"])
    assert list(asked.context["form"].fields) == ["to_past"]
    response = client.post(asked.wsgi_request.path, {**answers, "impact-to_past": "on"})
    row.refresh_from_db()
    assert row.current_step is not None
    assert row.current_step.name == "new"
    assert "1 enrollment went to a new step that they had passed." in shown_messages(response)


def test_texts_are_stored_at_once_and_another_window_shows_how_many_it_replans(client: Client) -> None:
    sequence = make_sequence()
    row = factories.EnrollmentFactory(sequence=sequence)
    assert save(client, sequence, form_of(sequence, {"body": "Better words"})).status_code == 302
    data = form_of(sequence) | {"sending_hours": "mon-fri 14:00-15:00"}
    asked = save(client, sequence, data)
    assert "1 enrollment will get a new due time" in asked.content.decode()
    row.refresh_from_db()
    assert row.next_step_at == factories.NOW
    client.post(asked.wsgi_request.path, dict(asked.context["answers"]))
    row.refresh_from_db()
    assert row.next_step_at == factories.NOW.replace(hour=14)
    (window, body) = ControlLog.objects.filter(target_id=sequence.pk).order_by("-pk")
    assert (window.changes[0]["field"], body.changes[0]["after"]) == ("window", "Better words")


def test_enrollments_per_step_and_problems_are_shown(client: Client) -> None:
    sequence = make_sequence(status="draft")
    Step.objects.filter(name="first").update(body="")
    sequence.status = "active"
    for _ in range(7):
        factories.EnrollmentFactory(sequence=sequence)
    response = client.get(reverse("admin:sequences_sequence_change", args=[sequence.pk]))
    first, wait, _ = response.context["flow"]
    assert (first["label"], first["standing"], first["then"]) == ("1. first", 7, ["→ 2. wait"])
    queue = client.get(reverse("admin:sequences_enrollment_changelist"), {"current_step": wait["id"]})
    assert (queue.status_code, queue.context["cl"].result_count) == (200, 0)
    assert "the email has no body" in response.content.decode()


def switch(client: Client, sequence: Sequence, action: str, **answers: Any) -> Any:
    url = reverse("admin:sequences_sequence_change", args=[sequence.pk]).replace("/change/", f"/{action}/")
    response = client.post(url, answers)
    sequence.refresh_from_db()
    return response


def test_a_sequence_is_activated_paused_resumed_and_archived(client: Client) -> None:
    sequence = make_sequence(status="draft")
    states = []
    for action in ("activate", "pause", "resume", "archive"):
        switch(client, sequence, action, reason="legal review")
        states.append(sequence.status)
    assert states == ["active", "paused", "active", "archived"]
    assert set(ControlLog.objects.values_list("actor", flat=True)) == {ROOT_EMAIL}


def test_a_sequence_with_errors_is_not_activated(client: Client) -> None:
    sequence = make_sequence(status="draft")
    Step.objects.filter(name="first").update(body="")
    response = switch(client, sequence, "activate")
    assert shown_messages(response) == ["Activate failed: step 1: the email has no body: write one."]
    assert sequence.status == "draft"


def test_the_page_before_archiving_says_how_many_enrollments_end(client: Client) -> None:
    sequence = make_sequence()
    factories.EnrollmentFactory(sequence=sequence)
    factories.CompletedEnrollmentFactory(sequence=sequence)
    data = {"action": "archive_selected", "_selected_action": [sequence.pk], "select_across": 0}
    html = client.post(reverse("admin:sequences_sequence_changelist"), data).content.decode()
    assert "1 active enrollment." in html
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


def test_a_preview_shows_the_emails_of_a_contact_and_sends_a_test(client: Client) -> None:
    sequence = make_sequence()
    contact = factories.ContactFactory(workspace=sequence.workspace, first_name="Bob")
    first = Step.objects.get(name="first")
    url = reverse("admin:sequences_sequence_change", args=[sequence.pk]).replace("/change/", "/preview/")
    with MailServer() as server:
        mailbox = factories.MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
        asked = {"contact": contact.email, "mailbox": mailbox.pk}
        page = client.get(url, asked).content.decode()
        assert page.count("Hello Bob") >= 2
        assert "Send to me" in page
        assert "Changes of email" not in page
        Step.objects.filter(pk=first.pk).update(body="<p>Hello {{ contact.first_name }} <img src='cid:x'></p>")
        assert "The picture cid:x is removed" in client.get(url, asked).content.decode()
        assert shown_messages(client.post(url, {**asked, "step": first.pk})) == [f"Sent a test to {ROOT_EMAIL}."]
        (received,) = server.messages
    assert received.recipients == (ROOT_EMAIL,)
    assert "no contact with this address" in client.get(url, {"contact": "unknown@x.example"}).content.decode()
    assert not Enrollment.objects.exists()


def test_a_sequence_moves_as_yaml_and_is_duplicated(client: Client) -> None:
    sequence = make_sequence()
    change = reverse("admin:sequences_sequence_change", args=[sequence.pk])
    text = client.get(change.replace("/change/", "/export/")).content.decode().replace(sequence.name, "Copied", 1)
    data = {"workspace": sequence.workspace_id, "file": SimpleUploadedFile("copied.yaml", text.encode())}
    url = reverse("admin:sequences_sequence_changelist") + "import/"
    assert client.post(url, data).status_code == 302
    assert names(Sequence.objects.get(name="Copied")) == names(sequence)
    broken = {"workspace": sequence.workspace_id, "file": SimpleUploadedFile("x.yaml", b"name: X\nstep: []")}
    assert "x.yaml:2:" in client.post(url, broken).content.decode()
    client.post(change.replace("/change/", "/duplicate/"))
    assert names(Sequence.objects.get(name=f"{sequence.name} copy", status="draft")) == names(sequence)


def test_validating_while_editing_stores_and_locks_nothing(client: Client) -> None:
    sequence = make_sequence()
    factories.EnrollmentFactory(sequence=sequence)
    data = form_of(sequence, {"body": "Other words"}, {"delay_days": 9}) | {"_check": "1"}
    with count_statements() as statements:
        assert save(client, sequence, data).json() == {"problems": []}
    assert statements.count < 40
    assert list(Step.objects.order_by("number").values_list("body", "delay_days"))[:2] == [
        ("A word about your work.", 0), ("", 1),
    ]  # fmt: skip
    assert not ControlLog.objects.exists()
    wrong = save(client, sequence, form_of(sequence, {"body": "{{ contact.nickname }}"}) | {"_check": "1"}).json()
    assert wrong["problems"][0].startswith("step 1 (first), body: body line 1: no contact has contact.nickname")


def test_the_flow_chart_has_the_number_of_enrollments_at_each_step(client: Client) -> None:
    sequence = make_sequence()
    first = Step.objects.filter(sequence=sequence).order_by("number").first()
    factories.EnrollmentFactory(sequence=sequence, current_step=first)
    page = client.get(reverse("admin:sequences_sequence_change", args=[sequence.pk])).content.decode()
    drawing = page[page.index('<svg class="se-graph"') :].partition("</svg>")[0]
    assert drawing.count("<rect") == 4, "three steps and the end"
    assert "1 here" in drawing


def test_the_only_workspace_is_preselected(client: Client) -> None:
    add = reverse("admin:sequences_sequence_add")
    workspace = factories.WorkspaceFactory()
    assert client.get(add).context["adminform"].form.initial["workspace"] == workspace.pk
    factories.WorkspaceFactory()
    assert "workspace" not in client.get(add).context["adminform"].form.initial


def test_a_goal_is_set_in_plain_words(client: Client) -> None:
    sequence = make_sequence(status="draft")
    fields = {"goal_event": "meeting_booked", "goal_field": "stage", "goal_value": "won", "goal_match": "all"}
    assert save(client, sequence, {**form_of(sequence), **fields}).status_code == 302
    sequence.refresh_from_db()
    goal = {"event": "meeting_booked", "field": "stage", "value": "won", "match": "all"}
    assert sequence.goal == goal
    page = save(client, sequence, {**form_of(sequence), **fields, "goal_operator": "at_least"})
    assert "must be a plain number such as 1200 or 2.5, not &#x27;won&#x27;" in page.content.decode()
    sequence.refresh_from_db()
    assert sequence.goal == goal
    assert save(client, sequence, {**form_of(sequence), "goal_event": ""}).status_code == 302
    sequence.refresh_from_db()
    assert sequence.goal == {}
