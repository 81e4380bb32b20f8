"""After a restored backup, or a failover that lost commits: hold what may have been sent, so that none is sent twice.

The tables do not know what was sent after the backup, or in the lost commits. Enrollments that may have sent an email
are paused until a user resumes them; queued messages get an unknown outcome, which evidence or a user resolves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.db import transaction
from django.db.models import BigAutoField, Exists, OuterRef, Q, QuerySet

from common.db import execute
from common.text import instant_text
from emails.models import EmailMessage, ExecutorState
from execution.control.enrollments import pause_enrollments
from execution.control.failover import ENGINE, describe_database_trouble, end_failover, trust_present_server
from execution.control.switches import pause_executor
from execution.maintenance.restored_feed import forget_other_transactions
from sequences.choices import LIVE_STATUSES
from sequences.enrollment_sql import locking
from sequences.models import Enrollment

BATCH = 500
# What was queued may have been sent; what was being sent would become unknown by recovery anyway. Both count against
# the caps from now on, since it is not known when they were sent.
_MARK_UNKNOWN = f"""
WITH locked AS MATERIALIZED ({locking("e.id = ANY(%(ids)s::bigint[])")})
UPDATE emails_emailmessage
SET status = 'unknown', unknown_at = %(now)s, handed_over_at = coalesce(handed_over_at, %(now)s), lease_token = NULL,
    leased_until = NULL, held_by = '', error = %(error)s
WHERE enrollment_id IN (SELECT id FROM locked) AND status IN ('queued', 'sending')
"""
# A pause with an end may have ended since the backup.
_KEEP_PAUSED = """
UPDATE sequences_enrollment SET resume_at = NULL, wake_at = NULL, pause_reason = %(reason)s, updated_at = %(now)s
WHERE id = ANY(%(ids)s::bigint[]) AND status = 'paused' AND resume_at IS NOT NULL
"""


_SKIP_IDS = """
SELECT setval(s.name, nextval(s.name) + %(lost)s::bigint)
FROM (SELECT pg_get_serial_sequence(%(table)s::text, %(column)s::text)::regclass AS name) s
"""
# No installation sends so many emails between two backups.
_MORE_THAN_LOST = 10_000_000
_OURS = frozenset({"sequences", "emails", "tasks_app", "execution"})


@dataclass(slots=True)
class Held:
    """How many enrollments wait for a user to resume them, and how many messages have an unknown outcome."""

    enrollments: int = 0
    messages: int = 0


def find_held(now: datetime) -> QuerySet[Enrollment]:
    """Enrollments that may have sent an email between the backup and `now`: due by then, or with a queued message.

    Those quarantined or paused without an end at the backup stay so; of them only the ones with a message count.
    """
    in_outbox = EmailMessage.objects.filter(enrollment=OuterRef("pk"), status__in=("queued", "sending"))
    due = Q(next_step_at__lte=now) | Q(next_step_at__isnull=True)
    pause_ended = Q(status="paused", resume_at__lte=now)
    chosen = (Q(status="active") & due) | pause_ended | Exists(in_outbox)
    return Enrollment.objects.filter(chosen, status__in=LIVE_STATUSES).order_by("pk")


def count_held(now: datetime) -> Held:
    """What `hold_after_backup` and `hold_after_failover` would hold."""
    in_outbox = EmailMessage.objects.filter(status__in=("queued", "sending")).count()
    runs_by_itself = Q(status="active") | Q(status="paused", resume_at__isnull=False)
    return Held(find_held(now).filter(runs_by_itself).count(), in_outbox)


def hold_after_backup(backup_taken_at: datetime, *, actor: str, now: datetime, report: Callable[[int], None]) -> Held:
    """Pause the executor, then hold in batches. Doing it twice holds nothing more as long as nothing runs."""
    what = f"restored from the backup of {instant_text(backup_taken_at)}"
    with transaction.atomic():
        pause_executor(actor=actor, now=now, reason=what)
        # the pause holds from here on, and it is the user who ends it
        end_failover(actor=actor, now=now)
        trust_present_server()
    return _hold_all(f"{what}: it may have sent an email since", actor, now, report)


def hold_after_failover(*, actor: str, now: datetime, report: Callable[[int], None]) -> Held:
    """Hold in batches, then end the pause that the failover caused. The pause of a user stays."""
    with transaction.atomic():
        # no executor may have noticed it yet
        pause_executor(actor=ENGINE, now=now, reason="the database failed over")
        ExecutorState.objects.filter(pk=1, failed_over_at__isnull=True).update(failed_over_at=now)
        trust_present_server()
    reason = "the database failed over and may have lost its last commits: it may have sent an email in them"
    held = _hold_all(reason, actor, now, report)
    end_failover(actor=actor, now=now)
    return held


def has_failed_over() -> bool:
    """Whether a failover has paused sending, or will: the database is not the server that the executor trusts."""
    return describe_database_trouble() != ""


def _hold_all(reason: str, actor: str, now: datetime, report: Callable[[int], None]) -> Held:
    # before ids are skipped: it goes through all there are
    forget_other_transactions()
    _skip_lost_ids()
    held, after = Held(), 0
    while batch := list(find_held(now).filter(pk__gt=after).values_list("pk", flat=True)[:BATCH]):
        _hold(batch, held, reason, actor, now)
        report(len(batch))
        after = batch[-1]
    return held


def _skip_lost_ids() -> None:
    """Rows created after the backup are lost, but links in emails, webhooks and other systems still name their ids.

    If the ids were used again, one contact's unsubscribe link would unsubscribe another contact.
    """
    for model in apps.get_models():
        pk = model._meta.pk
        if model._meta.app_label in _OURS and isinstance(pk, BigAutoField):
            execute(_SKIP_IDS, {"table": model._meta.db_table, "column": pk.column, "lost": _MORE_THAN_LOST})


def _hold(ids: Sequence[int], held: Held, reason: str, actor: str, now: datetime) -> None:
    with transaction.atomic():
        done = pause_enrollments(ids, actor=actor, now=now, reason=reason)
        kept = execute(_KEEP_PAUSED, {"ids": done.unchanged, "reason": reason, "now": now})
        held.messages += execute(_MARK_UNKNOWN, {"ids": list(ids), "now": now, "error": reason})
        held.enrollments += len(done.changed) + kept
