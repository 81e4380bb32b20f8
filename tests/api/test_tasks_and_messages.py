"""Resolving messages, completing tasks; reading sequences, contacts, dead letters and suppressions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import EmailMessage
from execution.models import ExecutionLog
from sequences.models import Enrollment, Sequence, Workspace
from tasks_app.models import Task
from tests.api.conftest import join, log_in
from tests.factories import (
    NOW,
    ContactFactory,
    DeadLetterFactory,
    EmailMessageFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    SuppressionFactory,
    TaskFactory,
    UserFactory,
)
from tests.support.counting import count_statements


@pytest.fixture
def unknown(enrollment: Enrollment) -> EmailMessage:
    return EmailMessageFactory(
        enrollment=enrollment, status="unknown", attempts=1, unknown_at=NOW, handed_over_at=NOW - timedelta(minutes=9)
    )


@pytest.mark.parametrize(("answer", "status"), [("sent", "sent"), ("resend", "queued")])
def test_a_user_resolves_an_unknown_outcome(
    api: APIClient, unknown: EmailMessage, sdr: Any, answer: str, status: str
) -> None:
    resolved = api.post(f"/api/messages/{unknown.pk}/resolve", {"as": answer, "reason": "the customer has it"})
    assert resolved.status_code == 200
    shown = resolved.json()
    assert (shown["status"], shown["resolved_by"], shown["message_id"]) == (status, sdr.email, unknown.message_id)
    log = ExecutionLog.objects.get(enrollment_id=unknown.enrollment_id)
    assert (log.action, log.actor, log.message) == ("resolved", sdr.email, "the customer has it")
    again = api.post(f"/api/messages/{unknown.pk}/resolve", {"as": answer})
    assert again.status_code == 409
    assert status in again.json()["detail"]


def test_only_owner_and_managers_resolve(workspace: Workspace, unknown: EmailMessage, manager_api: APIClient) -> None:
    assert log_in(join(workspace)).post(f"/api/messages/{unknown.pk}/resolve", {"as": "sent"}).status_code == 403
    assert manager_api.post(f"/api/messages/{unknown.pk}/resolve", {"as": "sent"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"as": "lost"}, {"as": None}, {"as": ["sent"]}])
def test_resolve_refuses_unknown_outcomes(api: APIClient, unknown: EmailMessage, body: Any) -> None:
    answer = api.post(f"/api/messages/{unknown.pk}/resolve", body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["as"]


def test_messages_show_what_was_rendered(api: APIClient, enrollment: Enrollment) -> None:
    sent = SentMessageFactory(enrollment=enrollment)
    shown = api.get(f"/api/messages?enrollment={enrollment.pk}&status=sent").json()["results"]
    assert [(item["id"], item["subject"], item["sent_at"]) for item in shown] == [
        (sent.pk, "Hello", "2026-03-02T10:00:00Z")
    ]
    assert api.get("/api/messages?status=queued").json()["results"] == []


def test_a_task_is_completed_once(api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    task = TaskFactory(enrollment=enrollment)
    Enrollment.objects.update(wake_at=None)
    done = api.post(f"/api/tasks/{task.pk}/complete", {"outcome": "will call back"})
    assert done.status_code == 200
    shown = done.json()
    assert (shown["status"], shown["outcome"], shown["completed_by"]) == ("completed", "will call back", sdr.email)
    enrollment.refresh_from_db()
    assert enrollment.wake_at == NOW
    again = api.post(f"/api/tasks/{task.pk}/complete")
    assert again.status_code == 409
    assert "completed" in again.json()["detail"]
    log = ExecutionLog.objects.get(enrollment=enrollment)
    assert (log.action, log.actor, log.at, log.message) == ("task_completed", sdr.email, NOW, "Call: will call back")
    assert (log.step_id, log.step_number) == (task.step_id, 1)
    assert log.details == {"task": task.pk, "step": task.step_id, "visit": task.visit, "outcome": "will call back"}


def test_a_task_without_enrollment_is_completed_without_a_log_entry(
    api: APIClient, workspace: Workspace, sdr: Any
) -> None:
    contact = ContactFactory(workspace=workspace)
    task = TaskFactory(enrollment=None, workspace=workspace, contact=contact, step=None, visit=0, assignee=sdr, at=NOW)
    assert api.post(f"/api/tasks/{task.pk}/complete").json()["status"] == "completed"
    assert not ExecutionLog.objects.exists()


def test_only_the_assignee_or_a_manager_completes(
    workspace: Workspace, enrollment: Enrollment, manager_api: APIClient
) -> None:
    task = TaskFactory(enrollment=enrollment)
    other = log_in(join(workspace))
    assert other.post(f"/api/tasks/{task.pk}/complete").status_code == 403
    assert Task.objects.get().status == "open"
    assert manager_api.post(f"/api/tasks/{task.pk}/complete").status_code == 200


def test_own_tasks_are_listed_by_due_time(api: APIClient, enrollment: Enrollment) -> None:
    later = TaskFactory(enrollment=enrollment, at=NOW + timedelta(hours=2), visit=2)
    sooner = TaskFactory(enrollment=enrollment, at=NOW + timedelta(hours=1), visit=3)
    TaskFactory(enrollment=enrollment, assignee=None, visit=4)
    mine = api.get("/api/tasks?mine=true").json()["results"]
    assert [task["id"] for task in mine] == [sooner.pk, later.pk]
    due = api.get("/api/tasks?mine=true&due_before=2026-03-02T11:30:00Z").json()["results"]
    assert [task["id"] for task in due] == [sooner.pk]


def test_sequences_show_their_steps_in_order(api: APIClient, sequence: Sequence) -> None:
    shown = api.get(f"/api/sequences/{sequence.pk}").json()
    assert (shown["name"], shown["status"]) == (sequence.name, "active")
    assert [step["number"] for step in shown["steps"]] == [1, 2]
    assert shown["steps"][1]["delay_days"] == 2
    assert api.get("/api/sequences?status=draft").json()["results"] == []


def test_contacts_are_found_by_address(api: APIClient, workspace: Workspace) -> None:
    contact = ContactFactory(workspace=workspace, email="Bob@prospect.example", fields={"plan": "pro"})
    ContactFactory(workspace=workspace)
    found = api.get("/api/contacts?email=bob@Prospect.example").json()["results"]
    assert [(item["id"], item["fields"]) for item in found] == [(contact.pk, {"plan": "pro"})]


def test_dead_letters_and_suppressions(api: APIClient, sequence: Sequence) -> None:
    letter = DeadLetterFactory(enrollment__sequence=sequence)
    DeadLetterFactory(enrollment__sequence=sequence, resolved_at=NOW, resolution="replayed")
    shown = api.get("/api/dead-letters?is_open=true").json()["results"]
    assert [(item["id"], item["error_class"], item["attempts"]) for item in shown] == [(letter.pk, "template", 3)]
    gone = SuppressionFactory(workspace=sequence.workspace, domain="gone.example")
    assert api.get("/api/suppressions?domain=GONE.example").json()["results"][0]["id"] == gone.pk


def test_lists_take_the_same_statements_for_any_number_of_rows(api: APIClient, enrollment: Enrollment) -> None:
    def make(count: int) -> None:
        for _ in range(count):
            sequence = SequenceFactory(workspace=enrollment.workspace)
            StepFactory(sequence=sequence)
            DeadLetterFactory(enrollment__sequence=sequence)
            SuppressionFactory(workspace=sequence.workspace)
            SentMessageFactory(enrollment__sequence=sequence)
            TaskFactory(enrollment__sequence=sequence)

    def cost(path: str) -> int:
        with count_statements() as statements:
            assert api.get(f"/api/{path}", {} if path == "me" else {"page_size": 100}).status_code == 200
        return statements.count

    paths = ("sequences", "contacts", "messages", "tasks", "dead-letters", "suppressions", "mailboxes")
    make(1)
    cost("me")  # notes that the key was used
    one = [cost(path) for path in paths]
    make(12)
    assert [cost(path) for path in paths] == one


def test_snoozing_and_reassigning_a_task_records_actor_and_reason(
    api: APIClient, workspace: Workspace, enrollment: Enrollment, sdr: Any
) -> None:
    task = TaskFactory(enrollment=enrollment, assignee=sdr)
    until = NOW + timedelta(days=2)
    assert api.post(f"/api/tasks/{task.pk}/snooze", {"until": until}).json()["due_at"] == "2026-03-04T10:00:00Z"
    colleague = join(workspace)
    body = {"assignee": colleague.pk, "reason": "she knows them"}
    assert api.post(f"/api/tasks/{task.pk}/reassign", body).json()["assignee"] == colleague.pk
    put_off, given = ExecutionLog.objects.filter(action="task_changed").order_by("pk")
    assert put_off.message == "Call: due 2026-03-04 10:00 UTC"
    assert (given.message, given.actor) == (f"she knows them: Call: given to {colleague.email}", sdr.email)
    assert api.post(f"/api/tasks/{task.pk}/snooze", {"until": until}).status_code == 403


def test_a_task_is_reassigned_to_members_only_and_only_while_open(
    manager_api: APIClient, workspace: Workspace, enrollment: Enrollment
) -> None:
    task = TaskFactory(enrollment=enrollment)
    for assignee in (UserFactory().pk, 10**9):
        answer = manager_api.post(f"/api/tasks/{task.pk}/reassign", {"assignee": assignee})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["assignee"])
    assert manager_api.post(f"/api/tasks/{task.pk}/snooze", {"until": NOW}).status_code == 400
    manager_api.post(f"/api/tasks/{task.pk}/complete")
    for verb, body in (("snooze", {"until": NOW + timedelta(days=1)}), ("reassign", {"assignee": join(workspace).pk})):
        answer = manager_api.post(f"/api/tasks/{task.pk}/{verb}", body)
        assert answer.status_code == 409
        assert "completed" in answer.json()["detail"]


def make_letters(sequence: Sequence, count: int, error: str) -> list[Any]:
    step = sequence.steps.get(number=1)
    return [
        DeadLetterFactory(enrollment__sequence=sequence, step=step, error=error.format(number=number))
        for number in range(count)
    ]


def test_dead_letters_with_the_same_error_form_one_group(api: APIClient, sequence: Sequence) -> None:
    alike = make_letters(sequence, 3, "550 5.1.{number} bob{number}@x.example: mailbox '{number}' is full")
    make_letters(sequence, 1, "no value for contact.nickname")
    DeadLetterFactory(error="550 5.1.9 bob9@x.example: mailbox '9' is full")
    first, second = api.get("/api/dead-letters/groups").json()["groups"]
    assert (first["count"], first["example"], first["sequence"], first["step_number"]) == (
        3, alike[-1].pk, sequence.name, 1,
    )  # fmt: skip
    assert (second["count"], second["error"]) == (1, "no value for contact.nickname")
    listed = api.get(f"/api/dead-letters?similar_to={first['example']}").json()["results"]
    assert {row["id"] for row in listed} == {letter.pk for letter in alike}


def test_a_dead_letter_is_replayed_or_discarded_once(
    manager_api: APIClient, api: APIClient, sequence: Sequence
) -> None:
    one, other = make_letters(sequence, 2, "x")
    one.enrollment.owner = join(sequence.workspace)
    one.enrollment.save()
    assert api.post(f"/api/dead-letters/{one.pk}/replay").status_code == 403
    shown = manager_api.post(f"/api/dead-letters/{one.pk}/replay", {"reason": "fixed"}).json()
    assert (shown["resolution"], "@" in shown["resolved_by"]) == ("replayed", True)
    one.enrollment.refresh_from_db()
    assert one.enrollment.status == "active"
    again = manager_api.post(f"/api/dead-letters/{one.pk}/discard")
    assert (again.status_code, "already been resolved" in again.json()["detail"]) == (409, True)
    assert manager_api.post(f"/api/dead-letters/{other.pk}/discard").json()["resolution"] == "discarded"
    other.enrollment.refresh_from_db()
    assert (other.enrollment.status, other.enrollment.auto_exit_reason) == ("auto_exited", "manual")


def test_a_group_of_dead_letters_is_replayed_in_one_call(api: APIClient, sequence: Sequence) -> None:
    alike = make_letters(sequence, 3, "error {number}")
    alike[0].enrollment.owner = join(sequence.workspace)
    alike[0].enrollment.save()
    other = make_letters(sequence, 1, "another thing")[0]
    body = {"action": "replay", "similar_to": alike[1].pk}
    dry = api.post("/api/dead-letters/bulk", {**body, "dry_run": True}).json()
    assert (dry["matched"], dry["changed"], dry["refused"][0]["count"]) == (3, 2, 1)
    assert Enrollment.objects.filter(status="quarantined").count() == 4
    assert api.post("/api/dead-letters/bulk", body).json()["changed"] == 2
    other.refresh_from_db()
    assert other.resolved_at is None
    foreign = DeadLetterFactory()
    assert api.post("/api/dead-letters/bulk", {"action": "discard", "ids": [foreign.pk]}).json()["matched"] == 0
    assert api.post("/api/dead-letters/bulk", {"action": "discard", "similar_to": foreign.pk}).status_code == 400
    assert api.post("/api/dead-letters/bulk", {"action": "discard"}).status_code == 400
