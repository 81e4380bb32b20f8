"""Facts that other systems report about a contact. Storing one wakes the contact's live enrollments; moves none."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from common.notify import notify_engine
from emails.models import ExternalEvent
from sequences.contacts.erased import ERASED_REASON, lock_contacts
from sequences.enrollment_sql import wake_where
from sequences.models import Contact

# How far the clock of another system may be ahead.
_AHEAD = timedelta(minutes=5)


class OtherEventError(ValueError):
    """The id belongs to another event already."""


class EventError(ValueError):
    """The event cannot be stored; one line. `field` names what is wrong."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


@transaction.atomic
def record_external_event(
    contact: Contact, *, event_key: str, event_type: str, occurred_at: datetime | None, actor: str, now: datetime
) -> tuple[ExternalEvent, bool]:
    """The stored event, and whether it is new. `occurred_at` None: now, or as stored where the id is known.

    Raises `OtherEventError` where the id names an event of another contact, type or time, and `EventError`.
    """
    if occurred_at is not None and occurred_at > now + _AHEAD:
        raise EventError("occurred_at", "It lies in the future: report an event when it has happened.")
    lock_contacts(contact.workspace_id, is_shared=True)
    if Contact.objects.filter(pk=contact.pk, erased_at__isnull=False).exists():
        raise EventError("contact", f"The contact {ERASED_REASON}.")
    event = ExternalEvent(
        workspace_id=contact.workspace_id,
        contact=contact,
        event_key=event_key,
        type=event_type,
        occurred_at=occurred_at or now,
        recorded_at=now,
        actor=actor,
    )
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError as error:
        if "external_event_once" not in str(error):
            raise
        return _find_same(event, occurred_at), False
    if wake_where("e.contact_id = %(contact)s", {"contact": contact.pk}, now):
        notify_engine()
    return event, True


def _find_same(event: ExternalEvent, occurred_at: datetime | None) -> ExternalEvent:
    rows = ExternalEvent.objects.select_related("contact")
    stored: ExternalEvent = rows.get(workspace=event.workspace_id, event_key=event.event_key)
    differs = [name for name in ("contact_id", "type") if getattr(stored, name) != getattr(event, name)]
    if occurred_at is not None and stored.occurred_at != occurred_at:
        differs.append("occurred_at")
    if differs:
        name = differs[0].removesuffix("_id")
        raise OtherEventError(
            f"The id {event.event_key!r} belongs to a stored event with another {name}: give each event its own id."
        )
    return stored
