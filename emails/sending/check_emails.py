"""Renders every email of a sequence for many contacts before the first one is sent: what each would read, and errors.

Writes nothing and sends nothing; a fixed number of statements per 500 contacts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.db import Row, fetch_all
from emails.rendering.merge_fields import PERSON_COLUMNS, PERSON_JOINS, MergeFields, local_time
from emails.rendering.render import Frame, RenderedEmail, Template, render_email
from sequences.choices import BodyFormat
from sequences.content.variants import choose_variant, read_variants
from sequences.liquid.templating import TemplateError, render
from sequences.models import Step

SAMPLE_UNSUBSCRIBE_URL = "https://unsubscribe.example/"
_BATCH = 500
_PEOPLE = f"""
SELECT e.contact_id, b.signature, w.postal_address, {PERSON_COLUMNS}
FROM (SELECT unnest(%(contacts)s::bigint[]) AS contact_id, %(workspace)s::bigint AS workspace_id,
             %(mailbox)s::bigint AS mailbox_id, %(owner)s::bigint AS owner_id) e
{PERSON_JOINS}
"""


@dataclass(frozen=True, slots=True)
class CheckedEmail:
    """One email step for one contact: what the contact would read, or why it cannot be rendered."""

    step: str
    email: RenderedEmail | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class CheckedContact:
    contact_id: int
    address: str
    emails: tuple[CheckedEmail, ...]


def check_emails(
    steps: Sequence[Step],
    contact_ids: Sequence[int],
    *,
    workspace_id: int,
    mailbox_id: int | None,
    owner_id: int | None,
    now: datetime,
) -> Iterator[CheckedContact]:
    """Every email step of `steps`, in their order, for each contact, in the order of `contact_ids`."""
    for start in range(0, len(contact_ids), _BATCH):
        batch = list(contact_ids[start : start + _BATCH])
        asked = {"contacts": batch, "workspace": workspace_id, "mailbox": mailbox_id, "owner": owner_id}
        rows = {row["contact_id"]: row for row in fetch_all(_PEOPLE, asked)}
        for contact_id in batch:
            row = rows[contact_id]
            checked = tuple(_check_emails(steps, row, now))
            yield CheckedContact(contact_id, row["email"], checked)


def _check_emails(steps: Sequence[Step], row: Row, now: datetime) -> Iterator[CheckedEmail]:
    """Each in the variant that this contact gets, with the subject of the thread it replies in."""
    thread = ""
    for step in steps:
        if step.type != "email":
            continue
        variant = choose_variant(row["contact_id"], step.pk, read_variants(step.variants))
        subject, body = (variant.subject, variant.body) if variant else (step.subject.strip(), step.body)
        name = f"{step}, variant {variant.key}" if variant else str(step)
        template = Template(subject, body, None, BodyFormat(step.format))
        yield _check(name, template, "" if subject else thread, row, now)
        thread = subject or thread


def _check(name: str, written: Template, thread: str, row: Row, now: datetime) -> CheckedEmail:
    context = {**MergeFields(row), "now": local_time(row, now), "unsubscribe_url": SAMPLE_UNSUBSCRIBE_URL}
    frame = Frame(row["signature"] or "", row["postal_address"], SAMPLE_UNSUBSCRIBE_URL)
    try:
        earlier = render(thread, context) if thread else None
        return CheckedEmail(name, render_email(replace(written, reply_subject=earlier), context, frame))
    except TemplateError as error:
        return CheckedEmail(name, None, str(error))
