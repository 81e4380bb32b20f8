"""A user's answer to a reply: queued in the mailbox that was written to, for the address that wrote.

It leaves through the outbox with the mailbox's pace and caps, and the final check looks for suppressions once more. It
is no step of the sequence: it counts for no enrollment and moves none, and leaves after the enrollment has ended too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from common.addresses import AddressError, parse_address
from common.notify import notify_engine
from emails.choices import ReplyIntent
from emails.models import Answer, EmailMessage, Reply
from emails.rendering.answers import render_answer
from emails.sending.answer_stops import find_stop
from emails.sending.outbox import QueuedEmail, queue_answer
from execution.choices import LogAction
from execution.control.replies import find_owner_id
from execution.engine.logs import LogRow, write_logs
from execution.engine.outcomes import LogLine
from sequences.access.roles import Reader, name_actor
from sequences.enrollment_sql import lock_enrollments
from sequences.liquid.templating import TemplateError
from sequences.models import Enrollment

LONGEST_BODY = 100_000
# before everything else in its lane
_PRIORITY = 0
_SAME_WITHIN = timedelta(minutes=5)
_STOPPED = {
    "unsubscribed": "the contact opted out",
    "complained": "the contact reported an email as spam",
    "bounced": "the address does not exist",
    "left_company": "the contact has left the company",
    "erased": "the contact's data was erased",
}


class AnswerError(ValueError):
    """The reply cannot be answered; one line with the reason."""


@transaction.atomic
def answer_reply(reply: Reply, body: str, *, user: Reader, now: datetime) -> EmailMessage:
    """Queue the answer (Markdown) and mark the reply as handled.

    The same text again within five minutes is the same answer. Raises `AnswerError`.
    """
    enrollment = _find_enrollment(reply)
    lock_enrollments([enrollment.pk])
    reply.refresh_from_db(from_queryset=Reply.objects.select_for_update(no_key=True))
    recipient = _check(reply, body)
    sent = reply.answers.filter(body=body, created_at__gt=now - _SAME_WITHIN).select_related("message").first()
    if sent is not None:
        same: EmailMessage = sent.message
        return same
    assert reply.mailbox_id is not None
    queued = QueuedEmail(
        workspace_id=reply.workspace_id,
        enrollment_id=enrollment.pk,
        step_id=None,
        visit=0,
        mailbox_id=reply.mailbox_id,
        contact_id=reply.contact_id,
        owner_id=find_owner_id(reply),
        recipient=recipient,
        priority=_PRIORITY,
        due_at=now,
        is_first_touch=False,
        is_answer=True,
    )
    message: EmailMessage = EmailMessage.objects.get(pk=queue_answer(queued, now))
    actor = name_actor(user)
    Answer.objects.create(
        workspace_id=reply.workspace_id,
        reply=reply,
        message=message,
        enrollment=enrollment,
        author_id=user.pk,
        written_by=actor[:200],
        body=body,
        created_at=now,
    )
    if not reply.is_handled:
        reply.is_handled, reply.handled_by, reply.handled_at = True, actor[:200], now
        reply.save(update_fields=["is_handled", "handled_by", "handled_at"])
    line = LogLine(
        LogAction.ANSWERED, "Reply answered", actor=actor, details={"message": message.pk, "reply": reply.pk}
    )
    write_logs([LogRow(reply.workspace_id, enrollment.pk, None, None, "", line)], now)
    notify_engine()
    return message


def explain_refusal(reply: Reply) -> str:
    """Why this reply cannot be answered; empty when it can."""
    try:
        _find_enrollment(reply)
        _check_recipient(reply)
    except AnswerError as error:
        return str(error)
    return ""


def _find_enrollment(reply: Reply) -> Enrollment:
    """The one that was answered, else the contact's latest: a message belongs to one."""
    enrollment: Enrollment | None = reply.enrollment
    if enrollment is not None:
        return enrollment
    latest: Enrollment | None = (
        Enrollment.objects.filter(contact=reply.contact_id).order_by("-enrolled_at", "-pk").first()
    )
    if latest is None:
        raise AnswerError("no sequence of this workspace wrote to the contact: answer in your mail program")
    return latest


def _check(reply: Reply, body: str) -> str:
    recipient = _check_recipient(reply)
    if len(body) > LONGEST_BODY:
        raise AnswerError(f"the answer has {len(body):,} characters: {LONGEST_BODY:,} are allowed")
    try:
        render_answer(body, reply.subject, "", {})
    except TemplateError as error:
        raise AnswerError(str(error)) from None
    return recipient


def _check_recipient(reply: Reply) -> str:
    if reply.mailbox_id is None:
        raise AnswerError("the mailbox that received the reply was deleted: answer in your mail program")
    try:
        recipient = parse_address(reply.sender)
    except AddressError:
        raise AnswerError("the reply names no address to answer to: answer in your mail program") from None
    if reason := find_stop(reply.contact_id, recipient):
        raise AnswerError(f"{_STOPPED.get(reason, 'the contact is suppressed')}: it cannot be written to")
    if reply.intent in {ReplyIntent.OPT_OUT, ReplyIntent.POSSIBLE_OPT_OUT}:
        raise AnswerError("the reply may be an opt-out: classify it as something else before you answer")
    return recipient
