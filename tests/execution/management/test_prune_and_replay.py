"""prune_logs and replay_dead_letters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from emails.models import EmailMessage, HookRecord
from execution.maintenance.retention import purge_older
from execution.models import Alert, DeadLetter, ExecutionLog
from sequences.models import Enrollment, SecurityEvent
from tests.factories import (
    CompletedEnrollmentFactory,
    DeadLetterFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    UserFactory,
)
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def log(enrollment: Enrollment, age: timedelta) -> ExecutionLog:
    return ExecutionLog.objects.create(
        workspace_id=enrollment.workspace_id,
        enrollment=enrollment,
        at=timezone.now() - age,
        action="executed",
        actor="engine",
        message="sent",
    )


def test_only_old_and_ended_rows_are_deleted(shell: Shell) -> None:
    now = timezone.now()
    ended = CompletedEnrollmentFactory(completed_at=now - 200 * DAY)
    ended_lately = CompletedEnrollmentFactory(completed_at=now - DAY)
    live = EnrollmentFactory()
    message = SentMessageFactory(enrollment=ended)
    gone = [log(ended, 201 * DAY)]
    kept = [log(ended, DAY), log(ended_lately, 300 * DAY), log(live, 300 * DAY)]
    Alert.objects.create(key="x", title="x", raised_at=now - 300 * DAY, seen_at=now, cleared_at=now - 190 * DAY)
    Alert.objects.create(key="y", title="y", raised_at=now - 300 * DAY, seen_at=now)
    mailbox, user = MailboxFactory(), UserFactory()
    for age in (1, 200):
        HookRecord.objects.create(
            workspace=mailbox.workspace, mailbox=mailbox, provider="x", what="x", received_at=now - age * DAY
        )
    for age in (1, 200, 399, 401):
        SecurityEvent.objects.create(user=user, kind="login", at=now - age * DAY)
    expected = {
        "execution_executionlog": 1, "execution_deadletter": 0, "execution_alert": 1,
        "execution_webhookdelivery": 0, "emails_hookrecord": 1, "django_q_task": 0, "django_session": 0,
        "sequences_contactimport": 0, "sequences_contactimportbatch": 0, "emails_emailoutcome": 0,
    }  # fmt: skip
    assert shell("prune_logs", "--older-than", "180d", "--dry-run", "--json").data["deleted"] == expected
    assert ExecutionLog.objects.count() == 4
    assert shell("prune_logs", "--older-than", "180d", "--json").data["deleted"] == expected
    assert set(ExecutionLog.objects.values_list("pk", flat=True)) == {row.pk for row in kept}
    assert gone[0].pk not in ExecutionLog.objects.values_list("pk", flat=True)
    assert (Alert.objects.get().key, HookRecord.objects.count(), SecurityEvent.objects.count()) == ("y", 1, 4)
    assert EmailMessage.objects.get() == message
    assert not any(purge_older(now - 180 * DAY).values())
    assert shell("prune_logs", "--retention", "--json").data["rows"]["sequences_securityevent"] == 1
    assert SecurityEvent.objects.count() == 3


def test_an_age_has_a_unit(shell: Shell) -> None:
    assert "write it as in 180d or 26w" in one_error(shell("prune_logs", "--older-than", "180"), 2)


def test_dead_letters_are_replayed_by_class_and_sequence(shell: Shell) -> None:
    wanted, other = DeadLetterFactory(error_class="template"), DeadLetterFactory(error_class="bug")
    arguments = ("replay_dead_letters", "--class", "template", "--json")
    assert shell(*arguments, "--dry-run").data == {"replayed": 1, "refused": []}
    assert DeadLetter.objects.filter(resolved_at=None).count() == 2
    assert shell(*arguments).data == {"replayed": 1, "refused": []}
    wanted.refresh_from_db()
    other.refresh_from_db()
    assert (wanted.resolution, other.resolution) == ("replayed", "")
    assert wanted.enrollment.__class__.objects.get(pk=wanted.enrollment_id).status == "active"
    name = other.enrollment.sequence.name
    slug = other.workspace.slug
    assert shell("replay_dead_letters", "--workspace", slug, "--sequence", name, "--json").data["replayed"] == 1
    assert shell("replay_dead_letters", "--json").data["replayed"] == 0
    assert "no sequence 'Nope'" in one_error(shell("replay_dead_letters", "--sequence", "Nope"), 2)
