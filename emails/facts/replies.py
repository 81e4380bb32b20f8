"""Stores what a person wrote, in the transaction that stores the reply's event: once, however often the mail is read.

Owns the bounds of what is kept. Must not decide what a reply leads to: `execution.control.replies` and the engine do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from common.db import Row
from common.text import storable_text
from emails.choices import ReplyIntent
from emails.models import Reply
from sequences.models import Contact

TEXT_BYTES = 200_000
_REASON = 500


@dataclass(frozen=True, slots=True)
class Attachment:
    """`size` in bytes, decoded."""

    name: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class WrittenMail:
    """A mail that a person wrote, as it is kept. `answered_ids` are the Message-IDs that it names, oldest first."""

    sender: str
    sender_name: str
    subject: str
    header_id: str
    answered_ids: tuple[str, ...]
    header_date: str
    text: str
    quoted: str
    html_text: str
    attachments: tuple[Attachment, ...]
    kind: str
    intent: ReplyIntent
    intent_reason: str
    until: date | None = None
    referral: str = ""
    authentication: Mapping[str, object] = field(default_factory=dict)


def store_replies(new: Sequence[tuple[Row, WrittenMail]], now: datetime) -> None:
    """One reply for each new event (a row of `emails_emailevent`) with the mail that it was read from.

    Nothing is stored of contacts whose data was erased.
    """
    contacts = {row["contact_id"] for row, _ in new if row["contact_id"]}
    if not contacts:
        return
    erased = set(Contact.objects.filter(pk__in=contacts, erased_at__isnull=False).values_list("pk", flat=True))
    Reply.objects.bulk_create(
        _build(row, mail, now) for row, mail in new if row["contact_id"] and row["contact_id"] not in erased
    )


def _build(row: Row, mail: WrittenMail, now: datetime) -> Reply:
    return Reply(
        workspace_id=row["workspace_id"],
        event_id=row["id"],
        contact_id=row["contact_id"],
        enrollment_id=row["enrollment_id"],
        message_id=row["message_id"],
        mailbox_id=row["mailbox_id"],
        sender=_fit(mail.sender, 320),
        sender_name=_fit(mail.sender_name, 300),
        subject=_fit(mail.subject, 500),
        header_id=_fit(mail.header_id, 500),
        answered_ids=[_fit(each, 1000) for each in mail.answered_ids],
        header_date=_fit(mail.header_date, 100),
        text=cut_bytes(mail.text),
        quoted=cut_bytes(mail.quoted),
        html_text=cut_bytes(mail.html_text),
        attachments=[
            {"name": _fit(each.name, 200), "type": _fit(each.type, 100), "size": each.size} for each in mail.attachments
        ],
        authentication={name: _storable(value) for name, value in mail.authentication.items()},
        received_at=row["occurred_at"],
        recorded_at=now,
        kind=mail.kind,
        found_intent=mail.intent.value,
        intent=mail.intent.value,
        intent_reason=_fit(mail.intent_reason, _REASON),
        until=mail.until,
        referral=_fit(mail.referral, 320),
    )


def cut_bytes(text: str, most: int = TEXT_BYTES) -> str:
    """The start of a text in at most that many bytes of UTF-8, fit to be stored."""
    kept = storable_text(text)
    if len(kept) * 4 <= most:
        return kept
    return kept.encode()[:most].decode(errors="ignore")


def _fit(text: str, most: int) -> str:
    return storable_text(text)[:most]


def _storable(value: object) -> object:
    return storable_text(value) if isinstance(value, str) else value
