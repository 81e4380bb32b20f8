"""Bring addresses that were stored before they had one form into it: suppressions first, then contacts and mailboxes.

Two contacts who turn out to be one are merged: history, tasks and messages move to the contact that has the form
already, and no suppression is lost. What cannot be repaired stays as it is and is reported; it cannot be mailed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower

from common.addresses import ADDRESS_FORM, DOMAIN_FORM, AddressError, parse_website, repair_address
from common.db import execute, fetch_all
from emails.choices import SuppressionReason
from emails.facts.suppressions import Entry, suppress_entries
from emails.models import Mailbox, Suppression
from execution.control.enrollments import exit_enrollments
from sequences.choices import LIVE_STATUSES
from sequences.models import Contact, Enrollment

# Under this name a migration keeps the text of an address that could not be used (`sequences` 0010).
STORED_ADDRESS = "stored_address"
_MERGED = ("first_name", "last_name", "title", "phone", "timezone", "external_id", "account_id")
# A message leaves by the address in its row.
_READDRESS = """
UPDATE emails_emailmessage m SET recipient = c.email, recipient_domain = lower(split_part(c.email, '@', 2))
FROM sequences_contact c
WHERE m.contact_id = c.id AND c.id = ANY(%(contacts)s::bigint[]) AND m.status = 'queued' AND m.recipient <> c.email
"""
_REPLACE = """
WITH old AS (DELETE FROM emails_suppression WHERE id = %(id)s RETURNING workspace_id, created_at)
UPDATE emails_suppression x SET created_at = least(x.created_at, old.created_at) FROM old
WHERE x.workspace_id = old.workspace_id AND x.email = %(email)s AND x.domain = %(domain)s
"""


@dataclass(slots=True)
class RepairReport:
    """What was repaired, by kind, and what a person must correct."""

    suppressions: int = 0
    contacts: int = 0
    merged: list[dict[str, Any]] = field(default_factory=list)
    mailboxes: int = 0
    unrepaired: list[dict[str, Any]] = field(default_factory=list)

    def present(self) -> dict[str, Any]:
        return {
            "suppressions": self.suppressions,
            "contacts": self.contacts,
            "merged": self.merged,
            "mailboxes": self.mailboxes,
            "unrepaired": self.unrepaired,
        }

    def _refuse(self, kind: str, row: Any, text: str, reason: object) -> None:
        workspace = row.workspace.slug
        self.unrepaired.append(
            {"kind": kind, "id": row.pk, "workspace": workspace, "address": text, "reason": str(reason)}
        )


def repair_addresses(
    *, actor: str, now: datetime, dry_run: bool = False, report: Callable[[int], None] = lambda rows: None
) -> RepairReport:
    """Repair all workspaces in one transaction; a dry run takes it back."""
    result = RepairReport()
    with transaction.atomic():
        _repair_suppressions(result, actor, now, report)
        _repair_contacts(result, actor, now, report)
        _repair_mailboxes(result, now, report)
        transaction.set_rollback(dry_run)
    if not dry_run and not _bad_suppressions().exists():
        _validate_constraint()
    return result


def count_addresses() -> int:
    """How many rows `repair_addresses` looks at."""
    return sum(rows.count() for rows in (_bad_suppressions(), _bad_contacts(), _bad_mailboxes()))


@transaction.atomic
def _validate_constraint() -> None:
    """From now on the database vouches for every entry; the migration could not check those from before."""
    if fetch_all("SELECT 1 FROM pg_constraint WHERE conname = 'suppression_form' AND NOT convalidated", {}):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE emails_suppression VALIDATE CONSTRAINT suppression_form")


def _bad_suppressions() -> Any:
    bad_email = ~Q(email="") & (~Q(email__regex=ADDRESS_FORM) | ~Q(email=Lower("email")))
    return Suppression.objects.filter(bad_email | (~Q(domain="") & ~Q(domain__regex=DOMAIN_FORM)))


def _bad_contacts() -> Any:
    return Contact.objects.filter(~Q(email__regex=ADDRESS_FORM) | Q(fields__has_key=STORED_ADDRESS))


def _bad_mailboxes() -> Any:
    unusable = Q(address__regex=r"^unusable-[0-9]+@address\.invalid$")
    return Mailbox.objects.filter(~Q(address__regex=ADDRESS_FORM) | unusable)


def _repair_suppressions(result: RepairReport, actor: str, now: datetime, report: Callable[[int], None]) -> None:
    for row in _bad_suppressions().select_related("workspace").order_by("pk"):
        report(1)
        try:
            email = repair_address(row.email).lower() if row.email else ""
            domain = parse_website(row.domain) if row.domain else ""
        except AddressError as error:
            result._refuse("suppression", row, row.email or row.domain, error)
            continue
        entry = Entry(email, domain, SuppressionReason(row.reason), row.note, row.expires_at)
        suppress_entries(row.workspace_id, [entry], actor=actor, now=now)
        execute(_REPLACE, {"id": row.pk, "email": email, "domain": domain})
        result.suppressions += 1


def _repair_contacts(result: RepairReport, actor: str, now: datetime, report: Callable[[int], None]) -> None:
    touched: list[int] = []
    for contact in _bad_contacts().select_related("workspace").order_by("pk"):
        report(1)
        text = str(contact.fields.get(STORED_ADDRESS, contact.email))
        try:
            email = repair_address(text)
        except AddressError as error:
            result._refuse("contact", contact, text, error)
            continue
        others = Contact.objects.filter(workspace=contact.workspace_id).exclude(pk=contact.pk)
        other = others.annotate(lowered=Lower("email")).filter(lowered=email.lower()).first()
        if other is None:
            contact.email = email
            contact.fields.pop(STORED_ADDRESS, None)
            contact.save(update_fields=["email", "fields", "updated_at"])
            touched.append(contact.pk)
            result.contacts += 1
        else:
            ended = _merge(contact, other, actor, now)
            touched.append(other.pk)
            result.merged.append(
                {"workspace": contact.workspace.slug, "address": text, "into": other.email, "ended": ended}
            )
    execute(_READDRESS, {"contacts": touched})


def _merge(duplicate: Contact, kept: Contact, actor: str, now: datetime) -> int:
    """Move everything to `kept`. Live enrollments that would mail the person twice end. Returns how many ended."""
    live = Enrollment.objects.filter(status__in=[status.value for status in LIVE_STATUSES])
    of_kept = Enrollment.objects.filter(contact=kept)
    ending = live.filter(contact=duplicate)
    if not live.filter(contact=kept).exists():
        ending = ending.filter(sequence__in=of_kept.values("sequence"))
    ended = exit_enrollments(
        list(ending.values_list("pk", flat=True)), actor=actor, now=now, reason=f"the same person as {kept.email}"
    )
    for relation in Contact._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{relation.field.name: duplicate})
        rows.update(**{relation.field.name: kept})
    duplicate.fields.pop(STORED_ADDRESS, None)
    kept.fields = duplicate.fields | kept.fields
    for name in _MERGED:
        setattr(kept, name, getattr(kept, name) or getattr(duplicate, name))
    kept.score_due_at = now
    duplicate.delete()
    kept.save(update_fields=["fields", "score_due_at", "updated_at", *_MERGED])
    return len(ended.changed)


def _repair_mailboxes(result: RepairReport, now: datetime, report: Callable[[int], None]) -> None:
    for mailbox in _bad_mailboxes().select_related("workspace").order_by("pk"):
        report(1)
        try:
            if mailbox.address.endswith("@address.invalid"):
                raise AddressError(mailbox.status_reason or "its address cannot be used: correct it")
            address = repair_address(mailbox.address)
        except AddressError as error:
            result._refuse("mailbox", mailbox, mailbox.address, error)
            continue
        taken = Mailbox.objects.filter(workspace=mailbox.workspace_id, address__iexact=address).exclude(pk=mailbox.pk)
        if taken.exists():
            reason = f"the workspace has the mailbox {address} already: pause one of them"
            result._refuse("mailbox", mailbox, mailbox.address, reason)
            continue
        Mailbox.objects.filter(pk=mailbox.pk).update(address=address, updated_at=now)
        result.mailboxes += 1
