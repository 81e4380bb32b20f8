"""Retention: by workspace for ended enrollments, by age for append-only tables; a bounded part per round."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django_q.models import Task as JobResult

from emails.models import EmailEvent, EmailMessage, HookRecord
from execution.engine.backoff import Policy
from execution.maintenance import retention
from execution.maintenance.retention import purge_round
from execution.models import DeadLetter, ExecutionLog, WebhookDelivery, WebhookSubscription
from execution.webhooks_out.operations import ping, subscribe
from execution.worker.options import Options
from execution.worker.runner import _RETENTION_EVERY_ROUNDS, Runner
from sequences.models import Workspace
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    DeadLetterFactory,
    EmailEventFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    MailboxFactory,
    SentMessageFactory,
    SequenceFactory,
    WorkspaceFactory,
)
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ended(workspace: Workspace, age: timedelta) -> Any:
    """With a log entry, a message with its text, and an event with its payload."""
    enrollment = CompletedEnrollmentFactory(sequence=SequenceFactory(workspace=workspace), completed_at=NOW - age)
    message = SentMessageFactory(enrollment=enrollment, text="Hello", html="<p>Hello</p>", subject="Hi")
    EmailEventFactory(message=message, enrollment=enrollment, payload={"raw": "all of it"}, detail="said")
    ExecutionLogFactory(enrollment=enrollment)
    return enrollment


def test_each_workspace_purges_by_its_own_retention() -> None:
    short, long = WorkspaceFactory(retention_days=30), WorkspaceFactory(retention_days=365)
    gone, kept, lately = ended(short, 31 * DAY), ended(long, 31 * DAY), ended(short, 29 * DAY)
    live = ExecutionLogFactory(enrollment=EnrollmentFactory(sequence=SequenceFactory(workspace=short)))
    DeadLetterFactory(enrollment=gone, resolved_at=NOW, resolution="discarded")

    done = purge_round(NOW)

    assert +done == {
        "enrollments": 1,
        "execution_executionlog": 1, "execution_deadletter": 1, "emails_emailmessage": 1, "emails_emailevent": 1,
    }  # fmt: skip
    assert set(ExecutionLog.objects.values_list("enrollment", flat=True)) == {kept.pk, lately.pk, live.enrollment_id}
    assert not DeadLetter.objects.exists()
    message = EmailMessage.objects.get(enrollment=gone)
    assert (message.text, message.html, message.status, message.subject) == ("", "", "sent", "Hi")
    event = EmailEvent.objects.get(enrollment=gone)
    assert (event.payload, event.detail) == ({}, "")
    assert EmailMessage.objects.get(enrollment=kept).text == "Hello"
    assert not +purge_round(NOW)
    # a shorter retention reaches further
    Workspace.objects.filter(pk=long.pk).update(retention_days=30)
    assert purge_round(NOW)["execution_executionlog"] == 1


def test_a_purged_visit_keeps_its_verdict(shell: Shell) -> None:
    gone = ended(WorkspaceFactory(retention_days=30), 31 * DAY)
    EmailEvent.objects.update(verdict="human", rules_version=0)
    purge_round(NOW)
    EmailEventFactory(verdict="human", rules_version=0, payload={"user_agent": "Barracuda Sentinel", "method": "GET"})
    done = shell("backfill_engagement", "--json").data
    assert done["classified"] == 1
    assert EmailEvent.objects.get(enrollment=gone).verdict == "human"


def test_a_round_is_bounded_and_the_next_goes_on_where_it_ended() -> None:
    workspace = WorkspaceFactory(retention_days=30)
    for age in (40, 39, 39, 38):
        ended(workspace, age * DAY)
    with mock.patch.object(retention, "ENROLLMENTS_A_ROUND", 2):
        # two of one moment go together, else the next round would begin behind one of them
        assert purge_round(NOW)["execution_executionlog"] == 3
        assert purge_round(NOW)["execution_executionlog"] == 1
        assert not +purge_round(NOW)


def test_append_only_tables_are_kept_for_a_month() -> None:
    mailbox = MailboxFactory()
    for age in (29, 31):
        HookRecord.objects.create(
            workspace=mailbox.workspace, mailbox=mailbox, provider="x", what="x", received_at=NOW - age * DAY
        )
        JobResult.objects.create(
            id=str(age), name="x", func="x", started=NOW - age * DAY, stopped=NOW - age * DAY, success=False
        )
        Session.objects.create(session_key=str(age), session_data="", expire_date=NOW + (30 - age) * DAY)
    purge_round(NOW)
    assert HookRecord.objects.get().received_at == NOW - 29 * DAY
    assert JobResult.objects.get().id == "29"
    assert Session.objects.get().session_key == "29"


def test_a_running_executor_applies_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ended(WorkspaceFactory(retention_days=30), 31 * DAY)
    monkeypatch.setattr("execution.worker.runner._MAINTENANCE_SECONDS", 0)
    rounds = 0

    def clock() -> datetime:
        nonlocal rounds
        rounds += 1
        if rounds > _RETENTION_EVERY_ROUNDS:
            runner.stop()
        return NOW

    runner = Runner(Options(policy=Policy()), clock)
    runner._maintain()
    assert not ExecutionLog.objects.filter(enrollment=gone).exists()
    assert EmailMessage.objects.get(enrollment=gone).text == ""


@pytest.mark.django_db(transaction=True)
def test_one_process_at_a_time_applies_retention() -> None:
    ended(WorkspaceFactory(retention_days=30), 31 * DAY)
    parts = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
    parts.pop("pool", None)
    parts.pop("context", None)
    with psycopg.connect(**parts) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [retention._ADVISORY_LOCK])
        assert not +purge_round(NOW)
    assert purge_round(NOW)["execution_executionlog"] == 1


def test_the_command_applies_retention_at_once(shell: Shell) -> None:
    workspace = WorkspaceFactory(retention_days=30)
    for age in (1, 2, 3):
        CompletedEnrollmentFactory(
            sequence=SequenceFactory(workspace=workspace), completed_at=timezone.now() - (30 + age) * DAY
        )
    assert shell("prune_logs", "--retention", "--dry-run", "--json").data["enrollments"] == 3
    ExecutionLogFactory(enrollment=CompletedEnrollmentFactory.create(
        sequence=SequenceFactory(workspace=workspace), completed_at=timezone.now() - 99 * DAY
    ))  # fmt: skip
    assert shell("prune_logs", "--retention", "--json").data["rows"]["execution_executionlog"] == 1
    assert shell("prune_logs", "--retention", "--dry-run", "--json").data["enrollments"] == 0


def test_deliveries_of_a_paused_subscription_do_not_block_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription that was switched off takes nothing: what waited for it when it was given up is never posted."""
    monkeypatch.setattr(retention, "_ROWS_A_ROUND", 2)
    enrollment = EnrollmentFactory()
    values = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    silent, taking = (subscribe(enrollment.workspace, values, actor="ada", now=NOW - 40 * DAY) for _ in range(2))
    for _ in range(2):
        ping(silent, NOW - 40 * DAY)
    result = ping(taking, NOW - 31 * DAY)
    waiting = ping(taking, NOW - 31 * DAY)
    WebhookDelivery.objects.filter(pk=result.pk).update(state="delivered")
    WebhookDelivery.objects.filter(pk=waiting.pk).update(give_up_at=NOW + DAY)
    WebhookSubscription.objects.filter(pk=silent.pk).update(is_active=False)

    assert purge_round(NOW)["execution_webhookdelivery"] == 2
    assert purge_round(NOW)["execution_webhookdelivery"] == 1
    assert list(WebhookDelivery.objects.values_list("pk", flat=True)) == [waiting.pk]
