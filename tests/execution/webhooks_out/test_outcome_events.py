"""What goes wrong with emails and mailboxes, and tasks that fall due, are facts of the feed and of webhooks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from emails.choices import MailboxStatus
from emails.models import EmailMessage, EmailOutcome, Mailbox
from emails.sending.recovery import recover_expired
from emails.sending.resolving import send_again
from emails.sending.results import stop_mailbox
from execution.api.events import FeedEventSerializer
from execution.control.enrollments import exit_enrollments
from execution.control.switches import pause_mailbox, resume_mailbox
from execution.control.tasks import complete_task, note_due_tasks, snooze_tasks
from execution.maintenance.erase_contact import erase_contact
from execution.maintenance.retention import purge_older
from execution.models import ControlLog, WebhookDelivery, WebhookSubscription
from execution.webhooks_out.feed import START, Filters, read_feed
from execution.webhooks_out.operations import subscribe
from execution.webhooks_out.round import deliver_webhooks
from tasks_app import operations
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SendingMessageFactory,
    StepFactory,
    TaskFactory,
    TaskStepFactory,
)
from tests.fakes.receiver import Receiver

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=400)


def feed(workspace_id: int, *types: str) -> list[Any]:
    page = read_feed([workspace_id], START, Filters(types=types or None), 100)
    return list(FeedEventSerializer(page.rows, many=True).data)


def types_of(workspace_id: int) -> list[str]:
    return [row["type"] for row in feed(workspace_id)]


def fail(message: EmailMessage, **fields: Any) -> None:
    EmailMessage.objects.filter(pk=message.pk).update(
        status="failed", failed_at=NOW, error_class="recipient_permanent", error_code="550 5.1.1",
        error="no such user", **fields,
    )  # fmt: skip


def test_a_failed_email_is_a_fact_with_its_error_and_ids_that_join() -> None:
    message = EmailMessageFactory()
    fail(message)
    (row,) = feed(message.workspace_id)
    joined = {
        "type": "email.failed", "workspace": message.workspace_id, "message": message.pk,
        "mailbox": message.mailbox_id, "enrollment": message.enrollment_id, "step": message.step_id,
        "contact": message.contact_id, "sequence": message.enrollment.sequence_id,
    }  # fmt: skip
    assert {name: row[name] for name in joined} == joined
    assert (row["occurred_at"], row["id"]) == ("2026-03-02T10:00:00Z", f"outcome-{EmailOutcome.objects.get().pk}")
    assert row["details"] == {"reason": "recipient_permanent", "error": "550 5.1.1 no such user", "is_answer": False}


def test_an_email_that_changes_in_another_way_is_none() -> None:
    message = EmailMessageFactory()
    EmailMessage.objects.filter(pk=message.pk).update(held_by="window: closed", status="queued")
    fail(message)
    fail(message, attempts=3)
    EmailMessage.objects.filter(pk=message.pk).update(error="said again")
    assert types_of(message.workspace_id) == ["email.failed"]


def test_one_email_has_several_outcomes_one_after_the_other() -> None:
    message = SendingMessageFactory(leased_until=NOW - timedelta(minutes=1))
    assert recover_expired(NOW) == 1
    with transaction.atomic():
        assert send_again(message.pk, "ada", "", NOW)
    fail(message)
    rows = feed(message.workspace_id)
    assert [row["type"] for row in rows] == ["email.unknown", "email.withheld", "email.failed"]
    assert rows[0]["details"]["error"] == "the worker stopped while it was sending the message"


def test_an_exit_withholds_the_queued_email_in_the_same_transaction() -> None:
    message = EmailMessageFactory()
    with transaction.atomic():
        exit_enrollments([message.enrollment_id], actor="ada", now=NOW, reason="enough")
        transaction.set_rollback(True)
    assert types_of(message.workspace_id) == []
    exit_enrollments([message.enrollment_id], actor="ada", now=NOW, reason="enough")
    (row,) = feed(message.workspace_id, "email.withheld")
    message.refresh_from_db()
    assert (row["message"], row["details"]["reason"]) == (message.pk, message.withheld_reason)
    assert row["details"]["reason"]


def test_the_executor_stops_a_mailbox_and_a_user_starts_it() -> None:
    mailbox = MailboxFactory()
    stop_mailbox(mailbox.pk, MailboxStatus.BROKEN, "535 5.7.8 wrong password", NOW)
    stop_mailbox(mailbox.pk, MailboxStatus.BROKEN, "said again", NOW)
    resume_mailbox(mailbox, actor="ada", now=NOW, reason="new password")
    pause_mailbox(mailbox, actor="ada", now=NOW, reason="leave")
    rows = feed(mailbox.workspace_id)
    assert [(row["type"], row["actor"], row["details"]["reason"]) for row in rows] == [
        ("mailbox.broken", "engine", "535 5.7.8 wrong password"),
        ("mailbox.resumed", "ada", "new password"),
        ("mailbox.paused", "ada", "leave"),
    ]
    assert {(row["mailbox"], row["details"]["label"]) for row in rows} == {(mailbox.pk, mailbox.address)}


def test_a_server_that_fails_and_answers_again_is_two_facts() -> None:
    mailbox = MailboxFactory()
    rows = Mailbox.objects.filter(pk=mailbox.pk)
    rows.update(breaker_state="open", breaker_until=NOW, breaker_error="421 too busy")
    rows.update(breaker_state="half_open")
    rows.update(breaker_state="open", breaker_error="time-out")
    rows.update(breaker_state="closed", breaker_until=None, breaker_error="")
    rows.update(breaker_state="closed", lane_at=NOW)
    assert [(row["type"], row["details"]["reason"]) for row in feed(mailbox.workspace_id)] == [
        ("mailbox.failing", "421 too busy"), ("mailbox.recovered", ""),
    ]  # fmt: skip


def test_a_task_falls_due_once_and_again_when_it_was_put_off() -> None:
    step = TaskStepFactory()
    enrollment = EnrollmentFactory(sequence=step.sequence)
    task = TaskFactory(enrollment=enrollment, step=step, workspace=enrollment.workspace, due_at=NOW, title="Call Bob")
    done = TaskFactory(enrollment=enrollment, workspace=enrollment.workspace, due_at=NOW, visit=2)
    complete_task(done, actor="ada", now=NOW - timedelta(hours=1))
    assert note_due_tasks(NOW - timedelta(seconds=1)) == 0
    assert [note_due_tasks(NOW), note_due_tasks(NOW)] == [1, 0]
    tomorrow = NOW + timedelta(days=1)
    snooze_tasks([task.pk], until=tomorrow, actor="ada", now=NOW)
    assert [note_due_tasks(NOW), note_due_tasks(tomorrow), note_due_tasks(tomorrow)] == [0, 1, 0]
    first, second = feed(enrollment.workspace_id, "task.due")
    assert (first["step"], first["enrollment"], first["details"]["task"]) == (step.pk, enrollment.pk, task.pk)
    assert (first["details"]["message"], first["actor"]) == ("Call Bob", "engine")
    assert (first["occurred_at"], second["occurred_at"]) == ("2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z")


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ("status = 'sent', sent_at = now(), lease_token = NULL, leased_until = NULL", []),
        ("status = 'queued', lease_token = NULL, leased_until = NULL", []), ("held_by = 'window: closed'", []),
        ("status = 'unknown', unknown_at = now(), lease_token = NULL, leased_until = NULL", [3]),
    ],
)  # fmt: skip
def test_statements_that_write_other_states_pay_for_no_trigger(change: str, calls: list[int]) -> None:
    for _ in range(3):
        SendingMessageFactory()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) UPDATE emails_emailmessage SET {change}")
        triggers = cursor.fetchone()[0][0]["Triggers"]
    assert [each["Calls"] for each in triggers if each["Trigger Name"] == "note_outcome"] == calls


def test_due_tasks_are_found_by_their_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {operations._TAKE_DUE}", {"now": NOW, "most": 10})
        assert "task_becomes_due" in json.dumps(cursor.fetchone()[0])


def test_webhooks_deliver_them_once_as_the_feed_has_them() -> None:
    message = EmailMessageFactory()
    workspace = message.workspace
    with Receiver() as receiver:
        wanted = ["email.failed", "email.unknown", "mailbox.broken", "task.due"]
        values = {"url": receiver.url, "events": wanted, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
        subscribe(workspace, values, actor="ada", now=NOW - timedelta(hours=1))
        fail(message)
        stop_mailbox(message.mailbox_id, MailboxStatus.BROKEN, "535 refused", NOW)
        task = TaskFactory(enrollment=message.enrollment, workspace=workspace, due_at=NOW)
        note_due_tasks(NOW)
        for _ in range(2):
            while deliver_webhooks(NOW + timedelta(seconds=1)):
                pass
    delivered = {json.loads(call.body)["event"]: json.loads(call.body) for call in receiver.calls}
    assert len(receiver.calls) == 3
    shown = {row["type"]: json.loads(json.dumps(row)) for row in feed(workspace.pk)}
    for name in ("email.failed", "mailbox.broken", "task.due"):
        assert {key: delivered[name][key] for key in shown[name]} == shown[name]
    assert delivered["email.failed"]["contact_email"] == message.contact.email
    assert delivered["task.due"]["details"]["task"] == task.pk


def test_they_go_with_the_person_and_with_age() -> None:
    step = StepFactory()
    enrollment = CompletedEnrollmentFactory(sequence=step.sequence, completed_at=NOW)
    message = EmailMessageFactory(enrollment=enrollment, step=step)
    fail(message, recipient="bob@prospect.example")
    EmailMessage.objects.filter(pk=message.pk).update(status="queued")
    EmailMessage.objects.filter(pk=message.pk).update(
        status="unknown", unknown_at=NOW, error=f"{message.contact.email} is silent"
    )
    subscription = WebhookSubscription.objects.create(
        workspace=message.workspace, url="https://crm.example/hook", events=["*"], created_at=NOW, scanned_at=NOW
    )
    WebhookDelivery.objects.create(
        workspace=message.workspace, subscription=subscription, fact="event:1", event="email.replied",
        payload={"contact": message.contact_id, "details": {"reply": {"text": "call me"}}}, next_attempt_at=NOW,
        give_up_at=NOW, created_at=NOW,
    )  # fmt: skip
    erase_contact(message.contact, actor="ada", reason="asked", now=NOW)
    assert list(EmailOutcome.objects.order_by("pk").values_list("status", "error")) == [("failed", ""), ("unknown", "")]
    assert not WebhookDelivery.objects.exists()
    purge_older(LATER)
    assert not EmailOutcome.objects.exists()
    assert ControlLog.objects.filter(target="contact").exists()
