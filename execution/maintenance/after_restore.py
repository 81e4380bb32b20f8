"""After an older state of the database was restored: hold whatever may have left since, so that nothing is sent twice.

The restored tables do not know what was sent after the backup. Whoever may have been mailed rests until a person has
looked; what was in the outbox is in doubt, and is settled by evidence like any message of unknown outcome.
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
from emails.models import EmailMessage
from execution.control.enrollments import pause_enrollments
from execution.control.switches import pause_executor
from sequences.choices import LIVE_STATUSES
from sequences.enrollment_sql import locking
from sequences.models import Enrollment

BATCH = 500
# What was queued may have left; what was in hand becomes unknown by recovery too, here it does so at once. It counts
# against the caps from now on: when it left is not known.
_DOUBT = f"""
WITH locked AS MATERIALIZED ({locking("e.id = ANY(%(ids)s::bigint[])")})
UPDATE emails_emailmessage
SET status = 'unknown', unknown_at = %(now)s, handed_over_at = coalesce(handed_over_at, %(now)s), lease_token = NULL,
    leased_until = NULL, held_by = '', error = 'it was waiting when the backup was taken, and may have left since'
WHERE enrollment_id IN (SELECT id FROM locked) AND status IN ('queued', 'sending')
"""
# Whose rest would end by itself: it may have ended in the meantime.
_KEEP_RESTING = """
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
    """How many enrollments rest until a person resumes them, and how many messages are in doubt."""

    enrollments: int = 0
    messages: int = 0


def find_held(now: datetime) -> QuerySet[Enrollment]:
    """Whom an email may have reached between the backup and `now`: their step was due by then, or one was on its way.

    Who was in quarantine or paused for good at the backup stays so anyway; of them only what was in the outbox counts.
    """
    on_its_way = EmailMessage.objects.filter(enrollment=OuterRef("pk"), status__in=("queued", "sending"))
    due = Q(next_step_at__lte=now) | Q(next_step_at__isnull=True)
    rests_by_the_clock = Q(status="paused", resume_at__lte=now)
    chosen = (Q(status="active") & due) | rests_by_the_clock | Exists(on_its_way)
    return Enrollment.objects.filter(chosen, status__in=LIVE_STATUSES).order_by("pk")


def count_held(now: datetime) -> Held:
    """What `hold_what_may_have_left` would hold."""
    on_its_way = EmailMessage.objects.filter(status__in=("queued", "sending")).count()
    moved_on_by_itself = Q(status="active") | Q(status="paused", resume_at__isnull=False)
    return Held(find_held(now).filter(moved_on_by_itself).count(), on_its_way)


def hold_what_may_have_left(
    backup_taken_at: datetime, *, actor: str, now: datetime, report: Callable[[int], None]
) -> Held:
    """Pause the executor, then hold in batches. Doing it twice holds nothing more as long as nothing runs."""
    _leave_lost_ids_alone()
    reason = f"restored from the backup of {instant_text(backup_taken_at)}: it may have been mailed since"
    pause_executor(actor=actor, now=now, reason=f"restored from the backup of {instant_text(backup_taken_at)}")
    held, after = Held(), 0
    while batch := list(find_held(now).filter(pk__gt=after).values_list("pk", flat=True)[:BATCH]):
        _hold(batch, held, reason, actor, now)
        report(len(batch))
        after = batch[-1]
    return held


def _leave_lost_ids_alone() -> None:
    """What was made after the backup is lost, and links in emails, webhooks and other systems still name it by its id.

    Were the same ids given again, somebody's link to unsubscribe would be another person's.
    """
    for model in apps.get_models():
        pk = model._meta.pk
        if model._meta.app_label in _OURS and isinstance(pk, BigAutoField):
            execute(_SKIP_IDS, {"table": model._meta.db_table, "column": pk.column, "lost": _MORE_THAN_LOST})


def _hold(ids: Sequence[int], held: Held, reason: str, actor: str, now: datetime) -> None:
    with transaction.atomic():
        done = pause_enrollments(ids, actor=actor, now=now, reason=reason)
        rested = execute(_KEEP_RESTING, {"ids": done.unchanged, "reason": reason, "now": now})
        held.messages += execute(_DOUBT, {"ids": list(ids), "now": now})
        held.enrollments += len(done.changed) + rested
