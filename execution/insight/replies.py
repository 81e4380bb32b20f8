"""Replies to read: which of them a user works on, the thread of one, and how often users corrected the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from emails.choices import MessageStatus, ReplyIntent
from emails.models import EmailMessage, Reply
from sequences.access.roles import Reader, managed_workspaces

MOST_IN_THREAD = 200
COUNTED_AT_MOST = 1_000
_HAS_LEFT = [MessageStatus.SENT.value, MessageStatus.SENDING.value, MessageStatus.UNKNOWN.value]
#: What waits for a user: an opt-out has taken effect by itself.
TO_ANSWER = Q(is_handled=False) & ~Q(intent=ReplyIntent.OPT_OUT.value)

_CORRECTED = Q(classified_at__isnull=False) & ~Q(intent=F("found_intent"))


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """One email of a thread. `kind` is `email` (a step's), `answer` (a user's) or `reply` (the contact's).

    `id` is that of the message or the reply.
    """

    kind: str
    id: int
    at: datetime
    sender: str
    recipient: str
    subject: str
    text: str
    quoted: str
    status: str
    written_by: str


def filter_readable(rows: QuerySet[Any], user: Reader) -> QuerySet[Any]:
    """Of replies, those to a user's own enrollments or mailboxes, and all of the workspaces that the user manages."""
    if getattr(user, "is_superuser", False):
        return rows
    own = Q(enrollment__owner=user.pk) | Q(mailbox__owner=user.pk)
    return rows.filter(own | Q(workspace__in=managed_workspaces(user).order_by().values("pk")))


def count_to_answer(user: Reader) -> int:
    """How many replies wait for the user; stops counting at 1,000."""
    rows: Any = filter_readable(Reply.objects.for_user(user), user).filter(TO_ANSWER)
    return int(rows.order_by()[:COUNTED_AT_MOST].count())


def read_thread(reply: Reply) -> list[ThreadEntry]:
    """What we sent and what the contact wrote, in the order of time; the newest 200.

    The thread is that of the enrollment; of a reply without one, that of the contact and the mailbox.
    """
    same: dict[str, Any] = (
        {"enrollment": reply.enrollment_id}
        if reply.enrollment_id is not None
        else {"contact": reply.contact_id, "mailbox": reply.mailbox_id}
    )
    messages = EmailMessage.objects.filter(workspace=reply.workspace_id, **same)
    shown = messages.filter(Q(status__in=_HAS_LEFT) | Q(is_answer=True)).select_related("mailbox", "answer")
    entries = [_from_message(row) for row in shown.order_by("-id")[:MOST_IN_THREAD]]
    replies = Reply.objects.filter(workspace=reply.workspace_id, **same).order_by("-received_at", "-id")
    entries += [_from_reply(row) for row in replies.select_related("mailbox")[:MOST_IN_THREAD]]
    return sorted(entries, key=lambda entry: entry.at)[-MOST_IN_THREAD:]


def _from_message(row: EmailMessage) -> ThreadEntry:
    answer = getattr(row, "answer", None) if row.is_answer else None
    return ThreadEntry(
        kind="answer" if row.is_answer else "email",
        id=row.pk,
        at=row.sent_at or row.handed_over_at or row.queued_at,
        sender=row.mailbox.address,
        recipient=row.recipient,
        subject=row.subject,
        text=row.text or (answer.body if answer else ""),
        quoted="",
        status=row.status,
        written_by=answer.written_by if answer else "",
    )


def _from_reply(row: Reply) -> ThreadEntry:
    return ThreadEntry(
        kind="reply",
        id=row.pk,
        at=row.received_at,
        sender=row.sender,
        recipient=row.mailbox.address if row.mailbox else "",
        subject=row.subject,
        text=row.text or row.html_text,
        quoted=row.quoted,
        status="received",
        written_by="",
    )


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """Of one intent that the rules found: how many replies, how many of them users classified, how many they changed.

    `missed`: replies that users classified as this intent and the rules did not.
    """

    intent: str
    found: int
    classified: int
    corrected: int
    missed: int


def read_intent_figures(workspace_ids: Sequence[int]) -> list[IntentFigures]:
    """One entry for each intent, in two statements."""
    rows = Reply.objects.filter(workspace__in=list(workspace_ids))
    found = {
        row["found_intent"]: row
        for row in rows.values("found_intent")
        .annotate(found=Count("pk"), classified=Count("classified_at"), corrected=Count("pk", filter=_CORRECTED))
        .order_by()
    }
    missed = dict(rows.filter(_CORRECTED).values_list("intent").annotate(number=Count("pk")).order_by())
    return [
        IntentFigures(
            intent=intent.value,
            found=found.get(intent.value, {}).get("found", 0),
            classified=found.get(intent.value, {}).get("classified", 0),
            corrected=found.get(intent.value, {}).get("corrected", 0),
            missed=missed.get(intent.value, 0),
        )
        for intent in ReplyIntent
    ]
