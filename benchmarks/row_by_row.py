"""An email step in the obvious way: one row, its own queries and transaction, all through Django's ORM."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from benchmarks.tables import NOW
from emails.models import EmailEvent, EmailMessage, Suppression
from execution.models import ExecutionLog
from sequences.liquid.templating import missing_fields
from sequences.models import Enrollment


def due_ids() -> list[int]:
    return list(Enrollment.objects.filter(wake_at__lte=NOW).order_by("wake_at", "id").values_list("pk", flat=True))


@transaction.atomic
def decide_email(enrollment_id: int) -> None:
    """Lock one enrollment, read the facts about it, queue its email, log it and move it on. Twice is once."""
    enrollment = (
        Enrollment.objects.select_for_update(of=("self",))
        .select_related("contact", "sequence", "current_step", "mailbox")
        .get(pk=enrollment_id)
    )
    contact, step = enrollment.contact, enrollment.current_step
    if enrollment.wake_at is None or step is None or enrollment.mailbox is None:
        return
    stopped = EmailEvent.objects.filter(contact=contact, type__in=["replied", "bounced", "unsubscribed"]).exists()
    suppressed = Suppression.objects.filter(workspace_id=enrollment.workspace_id, email=contact.email).exists()
    if (
        stopped
        or suppressed
        or EmailMessage.objects.filter(enrollment=enrollment, step=step, visit=enrollment.visit).exists()
    ):
        return
    if missing_fields({"contact": {"first_name": contact.first_name, **contact.fields}}, step.subject, step.body):
        return
    now = timezone.now()
    EmailMessage.objects.create(
        workspace_id=enrollment.workspace_id,
        enrollment=enrollment,
        step=step,
        visit=enrollment.visit,
        mailbox=enrollment.mailbox,
        contact=contact,
        recipient=contact.email,
        recipient_domain=contact.email.rpartition("@")[2],
        message_id=f"<{enrollment_id}@sender.example>",
        due_at=now,
        queued_at=now,
        lane_order_at=now,
        send_after_at=now,
    )
    ExecutionLog.objects.create(
        workspace_id=enrollment.workspace_id, enrollment=enrollment, step=step, at=now, action="queued", actor="bench"
    )
    enrollment.wake_at = None
    enrollment.save(update_fields=["wake_at", "updated_at"])
