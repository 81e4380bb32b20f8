"""Everything known of one contact or one account: sequences, emails, replies and tasks as one timeline.

Reads only, in a fixed number of queries. A user who may not read a reply sees that it came, not what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from emails.choices import EventType
from emails.models import EmailEvent, EmailMessage, ExternalEvent, Reply, Suppression
from execution.choices import LogAction
from execution.insight.explain import Hold, explain_enrollments
from execution.insight.replies import filter_readable
from execution.insight.timeline import Entry, Mark, present_event, present_log
from execution.models import ExecutionLog
from sequences.access.roles import Reader
from sequences.choices import LIVE_STATUSES, StepType
from sequences.models import Account, Contact, Enrollment
from tasks_app.choices import TaskStatus
from tasks_app.models import Task

MOST_ENROLLMENTS = 50
MOST_CONTACTS = 50
MOST_REPLIES = 10
_SHOWN_CHARACTERS = 400
_TASK_MARK = Mark("☐", "task")
_EXTERNAL_MARK = Mark("📅", "event_available", "good")


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a contact's timeline, with what it is about: each id leads to a page, None where there is none.

    `subject` is that of the email; `words` the beginning of what the contact wrote.
    """

    entry: Entry
    sequence: str = ""
    enrollment_id: int | None = None
    subject: str = ""
    reply_id: int | None = None
    words: str = ""
    task_id: int | None = None


@dataclass(frozen=True, slots=True)
class Participation:
    """An enrollment of the contact with what holds it now."""

    enrollment: Enrollment
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class ContactHistory:
    """`has_more`: there are older entries than those given."""

    participations: tuple[Participation, ...]
    open_tasks: tuple[Task, ...]
    entries: tuple[HistoryEntry, ...]
    suppressions: tuple[Suppression, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """The contacts with the highest score first, those of their enrollments that run, and their newest replies."""

    contacts: tuple[Contact, ...]
    has_more_contacts: bool
    participations: tuple[Participation, ...]
    replies: tuple[Reply, ...]


def read_contact(contact: Contact, reader: Reader, now: datetime, limit: int) -> ContactHistory:
    """The newest `limit` entries of the timeline, and where the contact stands."""
    enrollments = _newest(Enrollment.objects.filter(contact=contact))
    tasks = list(Task.objects.filter(contact=contact).select_related("assignee").order_by("-created_at", "-pk")[:limit])
    entries = _read_entries(contact, enrollments, tasks, reader, limit + 1)
    return ContactHistory(
        participations=_explain(enrollments, now),
        open_tasks=tuple(task for task in tasks if task.status == TaskStatus.OPEN),
        entries=tuple(entries[:limit]),
        suppressions=tuple(_find_suppressions(contact, now)),
        has_more=len(entries) > limit,
    )


def read_account(account: Account, reader: Reader, now: datetime) -> AccountHistory:
    contacts = list(Contact.objects.filter(account=account).order_by("-engagement_score", "email")[: MOST_CONTACTS + 1])
    ids = [contact.pk for contact in contacts[:MOST_CONTACTS]]
    live = _newest(Enrollment.objects.filter(contact__in=ids, status__in=LIVE_STATUSES))
    readable = filter_readable(Reply.objects.filter(workspace=account.workspace_id, contact__in=ids), reader)
    return AccountHistory(
        contacts=tuple(contacts[:MOST_CONTACTS]),
        has_more_contacts=len(contacts) > MOST_CONTACTS,
        participations=_explain(live, now),
        replies=tuple(readable.select_related("contact").order_by("-received_at", "-pk")[:MOST_REPLIES]),
    )


def _newest(enrollments: QuerySet[Enrollment]) -> list[Enrollment]:
    related = ("sequence", "current_step", "mailbox", "owner", "contact")
    return list(enrollments.select_related(*related).order_by("-pk")[:MOST_ENROLLMENTS])


def _explain(enrollments: Sequence[Enrollment], now: datetime) -> tuple[Participation, ...]:
    """Those that run first, each with what holds it."""
    holds = explain_enrollments([row.pk for row in enrollments], now)
    in_order = sorted(enrollments, key=lambda row: row.status not in LIVE_STATUSES)
    return tuple(Participation(row, tuple(holds.get(row.pk, ()))) for row in in_order)


def _find_suppressions(contact: Contact, now: datetime) -> QuerySet[Suppression]:
    address = contact.email.lower()
    return Suppression.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        Q(email=address) | Q(domain=address.rpartition("@")[2]),
        workspace=contact.workspace_id,
    ).order_by("pk")[:2]


def _read_entries(
    contact: Contact, enrollments: Sequence[Enrollment], tasks: Sequence[Task], reader: Reader, limit: int
) -> list[HistoryEntry]:
    sequences = {row.pk: row.sequence.name for row in enrollments}
    logs = ExecutionLog.objects.filter(enrollment__in=list(sequences)).order_by("-at", "-id")[:limit]
    events = list(EmailEvent.objects.filter(contact=contact).order_by("-occurred_at", "-id")[:limit])
    entries = [
        HistoryEntry(present_log(log), sequences[log.enrollment_id], log.enrollment_id)
        for log in logs
        # a task has an entry of its own
        if not (log.step_type == StepType.TASK and log.action == LogAction.EXECUTED)
    ]
    replies = _read_replies([event for event in events if event.type == EventType.REPLIED], reader)
    entries += [
        _with_reply(
            HistoryEntry(present_event(event), sequences.get(event.enrollment_id or 0, ""), event.enrollment_id),
            replies.get(event.pk),
        )
        for event in events
    ]
    entries += [_present_task(task, sequences) for task in tasks]
    entries += map(
        _present_external, ExternalEvent.objects.filter(contact=contact).order_by("-occurred_at", "-id")[:limit]
    )
    newest = sorted(entries, key=lambda each: each.entry.at, reverse=True)[:limit]
    return _with_subjects(newest)


def _read_replies(events: Sequence[EmailEvent], reader: Reader) -> dict[int, Reply]:
    if not events:
        return {}
    rows: Any = filter_readable(Reply.objects.filter(event__in=[event.pk for event in events]), reader)
    return {reply.event_id: reply for reply in rows}


def _with_reply(each: HistoryEntry, reply: Reply | None) -> HistoryEntry:
    if reply is None:
        is_reply = each.entry.kind == EventType.REPLIED
        return replace(each, entry=replace(each.entry, text="")) if is_reply else each
    text = (reply.text or reply.html_text).strip()
    words = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS].rstrip()}…"
    entry = replace(each.entry, title=f"{each.entry.title} · {reply.get_intent_display()}", text="")
    return replace(each, entry=entry, reply_id=reply.pk, words=words)


def _present_external(event: ExternalEvent) -> HistoryEntry:
    entry = Entry(
        at=event.occurred_at,
        kind="external",
        mark=_EXTERNAL_MARK,
        title=f"External event · {event.type}",
        text="",
        error="",
        actor=event.actor,
        is_minor=False,
    )
    return HistoryEntry(entry)


def _present_task(task: Task, sequences: dict[int, str]) -> HistoryEntry:
    entry = Entry(
        at=task.created_at,
        kind="task",
        mark=_TASK_MARK,
        title=f"Task · {task.title}",
        text=task.outcome or task.get_status_display(),
        error="",
        actor=task.completed_by or (str(task.assignee) if task.assignee else ""),
        is_minor=False,
    )
    return HistoryEntry(entry, sequences.get(task.enrollment_id or 0, ""), task.enrollment_id, task_id=task.pk)


def _with_subjects(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    ids = {each.entry.message_id for each in entries if each.entry.message_id}
    subjects = dict(EmailMessage.objects.filter(pk__in=ids).values_list("pk", "subject")) if ids else {}
    return [replace(each, subject=subjects.get(each.entry.message_id or 0, "")) for each in entries]
