"""What users do with replies: classify, mark as handled. Each change with its consequences in one transaction.

A classification leads to what the intent means: an opt-out to a suppression and the end of the contact's enrollments,
"not now" to a task on that day or to a new enrollment, a referral to a new contact with a task. Must not send: that
is for `answers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction

from common.addresses import AddressError, parse_address
from common.notify import notify_engine
from emails.choices import EventType, ReplyIntent, SuppressionReason
from emails.facts.events import NewEvent, record_events
from emails.facts.suppressions import suppress_addresses
from emails.models import Mailbox, Reply, ReplyCorrection
from emails.sending.answer_stops import find_stop
from execution.choices import LogAction
from execution.control.enroll import EnrollError, enroll_contacts
from execution.control.enroll_statement import lock_enrolling
from execution.control.enrollments import exit_enrollments
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from sequences.access.roles import Reader, is_manager, name_actor
from sequences.choices import LIVE_STATUSES, TaskPriority, TaskType, label_of
from sequences.contacts.operations import TakenError, create_row
from sequences.enrollment_sql import lock_where
from sequences.models import Contact, Enrollment, Sequence
from tasks_app.models import Task

LONGEST_DAYS = 730
_OPT_OUTS = frozenset({ReplyIntent.OPT_OUT, ReplyIntent.POSSIBLE_OPT_OUT})


class ClassifyError(ValueError):
    """The classification lacks something or names what is not possible; `field` names the key."""

    def __init__(self, field: str, detail: str) -> None:
        self.field = field
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A user's classification. `until`: the day to write again. `sequence`: enroll in it instead of making a task."""

    intent: ReplyIntent
    until: date | None = None
    referral: str = ""
    sequence: Sequence | None = None


@transaction.atomic
def classify_reply(reply: Reply, wanted: Wanted, *, user: Reader, now: datetime) -> tuple[str, ...]:
    """Keep the classification, and do what it means. Returns what was done, one line each; nothing for a repetition.

    The first correction of the rules and every later one is kept with its author. Raises `ClassifyError`.
    """
    # locks in the order of every writer: enrolling, the enrollments, then their rows
    if wanted.sequence is not None:
        lock_enrolling(reply.workspace_id)
    lock_where("e.contact_id = %(contact)s", {"contact": reply.contact_id})
    reply.refresh_from_db(from_queryset=Reply.objects.select_for_update(no_key=True))
    until, referral = _check(reply, wanted, now)
    if reply.classified_at and (reply.intent, reply.until, reply.referral) == (wanted.intent, until, referral):
        return ()
    actor = name_actor(user)
    before = ReplyIntent(reply.intent)
    if (reply.intent, reply.until, reply.referral) != (wanted.intent, until, referral):
        ReplyCorrection.objects.create(
            workspace_id=reply.workspace_id,
            reply=reply,
            contact_id=reply.contact_id,
            at=now,
            actor=actor[:200],
            intent_before=reply.intent,
            intent_after=wanted.intent.value,
            until_before=reply.until,
            until_after=until,
            referral_before=reply.referral,
            referral_after=referral,
        )
    reply.intent, reply.until, reply.referral = wanted.intent.value, until, referral
    reply.classified_by, reply.classified_at = actor[:200], now
    reply.save(update_fields=["intent", "until", "referral", "classified_by", "classified_at"])
    _log(reply, f"Reply classified as {label_of(reply.intent).lower()}", actor, now)
    return tuple(_follow(reply, wanted, before, user, now))


def mark_handled(reply: Reply, *, is_handled: bool, actor: str, now: datetime) -> None:
    """Nothing is left to do about it, or, with `is_handled` false, something is again."""
    reply.is_handled = is_handled
    reply.handled_by, reply.handled_at = (actor[:200], now) if is_handled else ("", None)
    Reply.objects.filter(pk=reply.pk).exclude(is_handled=is_handled).update(
        is_handled=is_handled, handled_by=reply.handled_by, handled_at=reply.handled_at
    )
    reply.refresh_from_db()


def find_owner_id(reply: Reply) -> int | None:
    """Who works on the reply: the owner of the enrollment, else of the mailbox."""
    owner_id = reply.enrollment.owner_id if reply.enrollment else None
    return owner_id or (reply.mailbox.owner_id if reply.mailbox else None)


def _check(reply: Reply, wanted: Wanted, now: datetime) -> tuple[date | None, str]:
    if wanted.until is not None and wanted.intent is not ReplyIntent.NOT_NOW:
        raise ClassifyError("until", "Only not_now takes a day: leave it out.")
    if wanted.referral and wanted.intent is not ReplyIntent.REFERRAL:
        raise ClassifyError("referral", "Only referral takes an address: leave it out.")
    if wanted.sequence is not None and wanted.intent is not ReplyIntent.NOT_NOW:
        raise ClassifyError("sequence", "Only not_now enrolls again: leave it out.")
    today = now.astimezone(ZoneInfo(reply.workspace.timezone)).date()
    until = wanted.until or (reply.until if wanted.intent is ReplyIntent.NOT_NOW else None)
    if until is not None and wanted.until is not None and not 0 < (until - today).days <= LONGEST_DAYS:
        raise ClassifyError("until", f"It must be a day after today and within {LONGEST_DAYS} days.")
    if wanted.sequence is not None and until is None:
        raise ClassifyError("until", "Give the day on which the contact enters the sequence.")
    if wanted.intent is not ReplyIntent.REFERRAL:
        return until, ""
    try:
        return None, parse_address(wanted.referral or reply.referral)
    except AddressError:
        raise ClassifyError("referral", "Give the address that the reply refers to, as in jo@example.com.") from None


def _follow(reply: Reply, wanted: Wanted, before: ReplyIntent, user: Reader, now: datetime) -> list[str]:
    done: list[str] = []
    match wanted.intent:
        case ReplyIntent.OPT_OUT:
            done.append(_opt_out(reply, name_actor(user), now))
        case ReplyIntent.POSSIBLE_OPT_OUT:
            done.append(_hold(reply, name_actor(user), now))
        case ReplyIntent.NOT_NOW if reply.until is not None:
            done += _plan_next_time(reply, reply.until, wanted.sequence, user, now)
        case ReplyIntent.REFERRAL:
            done += _add_referred(reply, now)
    if before in _OPT_OUTS and wanted.intent not in _OPT_OUTS and find_stop(reply.contact_id, reply.contact.email):
        done.append("The contact stays suppressed: remove the suppression if it was no opt-out.")
    return done


def _opt_out(reply: Reply, actor: str, now: datetime) -> str:
    record_events(
        [
            NewEvent(
                type=EventType.UNSUBSCRIBED,
                provider="user",
                provider_event_id=f"reply:{reply.pk}:opt_out",
                occurred_at=reply.received_at,
                message_pk=reply.message_id,
                contact_id=reply.contact_id,
                mailbox_id=reply.mailbox_id,
                detail=f"{actor} classified a reply as an opt-out",
            )
        ],
        now,
    )
    note = "opted out in a reply"
    suppress_addresses(
        [
            (reply.workspace_id, address, SuppressionReason.UNSUBSCRIBED, note)
            for address in dict.fromkeys([reply.contact.email, reply.sender])
        ],
        actor,
        now,
    )
    notify_engine()
    return f"{reply.contact.email} is suppressed: all sequences of the contact end, and it cannot be enrolled again."


def _hold(reply: Reply, actor: str, now: datetime) -> str:
    live = Enrollment.objects.filter(
        contact=reply.contact_id, status__in=[status.value for status in LIVE_STATUSES]
    ).values_list("pk", flat=True)
    ids = list(live.order_by("pk"))
    if ids:
        exit_enrollments(ids, actor=actor, now=now, reason="a reply may be an opt-out")
    return f"{reply.contact.email} cannot be enrolled until the reply is classified as something else."


def _plan_next_time(reply: Reply, until: date, sequence: Sequence | None, user: Reader, now: datetime) -> list[str]:
    starts_at = datetime.combine(until, time.min, tzinfo=ZoneInfo(reply.workspace.timezone))
    done = []
    if sequence is not None:
        refused = _enroll(reply, sequence, starts_at, user, now)
        if not refused:
            return [f"{reply.contact.email} enters {sequence.name} on {until}."]
        done.append(f"{reply.contact.email} was not enrolled in {sequence.name}: {refused}.")
    title = f"Write to {_name(reply)} again"
    instructions = f"The contact asked on {reply.received_at:%Y-%m-%d} to be contacted on {until}."
    _add_task(reply, reply.contact, title, instructions, starts_at.replace(hour=9), now)
    return [*done, f"A task is planned for {until}."]


def _enroll(reply: Reply, sequence: Sequence, starts_at: datetime, user: Reader, now: datetime) -> str:
    """Why not; empty when the contact was enrolled. A manager overrides that the contact has just answered."""
    mailbox: Mailbox | None = reply.mailbox
    may_override = is_manager(user, reply.workspace_id)
    try:
        with transaction.atomic():
            result = enroll_contacts(
                sequence=sequence,
                contact_ids=[reply.contact_id],
                mailbox=mailbox,
                owner=mailbox.owner if mailbox else None,
                actor=name_actor(user),
                now=now,
                start_at=starts_at,
                again=f"asked to be contacted on {reply.until}" if may_override else "",
            )
    except EnrollError as error:
        return str(error)
    return result.skipped[0].reason if result.skipped else ""


def _add_referred(reply: Reply, now: datetime) -> list[str]:
    done = []
    known = Contact.objects.filter(workspace=reply.workspace_id, email__iexact=reply.referral).first()
    if known is None:
        values = {"email": reply.referral, "account": reply.contact.account}
        try:
            known = create_row(Contact, reply.workspace, values)
        except TakenError as error:
            raise ClassifyError("referral", str(error)) from None
        done.append(f"{reply.referral} was added as a contact.")
    title = f"Referral: write to {known.email}"
    instructions = f"{_name(reply)} ({reply.contact.email}) referred to {known.email}. " + (
        f"Enroll the contact in {reply.enrollment.sequence.name}, or write by hand."
        if reply.enrollment
        else "Enroll the contact in a sequence, or write by hand."
    )
    _add_task(reply, known, title, instructions, now, now)
    return [*done, f"A task to write to {known.email} was created."]


def _add_task(reply: Reply, contact: Contact, title: str, instructions: str, due_at: datetime, now: datetime) -> None:
    # bound to no enrollment: the one that was answered ends, and would cancel it
    Task.objects.create(
        workspace_id=reply.workspace_id,
        contact=contact,
        assignee_id=find_owner_id(reply),
        type=TaskType.MANUAL_EMAIL.value,
        priority=TaskPriority.NORMAL.value,
        title=title[:300],
        instructions=instructions,
        due_at=due_at,
        created_at=now,
    )


def _name(reply: Reply) -> str:
    return reply.contact.full_name or reply.contact.email


def _log(reply: Reply, text: str, actor: str, now: datetime) -> None:
    if reply.enrollment_id is not None:
        line = LogLine(LogAction.CLASSIFIED, text, actor=actor, details={"reply": reply.pk})
        write_logs([LogRow(reply.workspace_id, reply.enrollment_id, None, None, "", line)], now)
