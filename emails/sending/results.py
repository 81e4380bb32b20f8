"""Recording results (transaction B): what became of the messages of a chunk.

1. Lock the enrollments of the chunk in id order.
2. Write `sent`, `failed` or `unknown` to each message; put back into the queue what the lane itself could not send.
   Every write names the lease's token: a worker whose lane was taken over changes nothing.
3. Count the emails sent and wake the enrollments.
4. Store bounces; stop a mailbox whose login is refused or whose messages bounce too often.
5. Write the lane's breaker and when it may try again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.db import Row, execute, fetch_all
from emails.choices import BounceType, BreakerState, ErrorClass, EventType, MailboxStatus
from emails.facts.approvals import outdate_approvals
from emails.facts.events import NewEvent, record_events, stop_unhealthy
from emails.models import DURABLE_COMMIT, status_of
from emails.pacing.breaker import Breaker, after_failure, after_success, pause_after
from emails.rendering.compose import Composed
from emails.sending import journal
from emails.sending.lanes import Lease, LeaseLostError
from emails.transport.send_result import Refused, SendResult, Sent, Unknown
from sequences.enrollment_sql import LIVE, count_sent, lock_where

LANE_ERRORS = frozenset({ErrorClass.SERVER, ErrorClass.MAILBOX})
# Refusals of one message, which show that the server works.
_ANSWERS = frozenset({ErrorClass.RECIPIENT_PERMANENT, ErrorClass.RECIPIENT_TEMPORARY, ErrorClass.CONTENT})
_HEALTH_ERRORS = frozenset({ErrorClass.RECIPIENT_PERMANENT, ErrorClass.CONTENT})


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one message. `composed` is None when it could not be rendered or was not tried.

    `is_outdated`: it is not the email that was approved any more.
    """

    message_pk: int
    answer: SendResult | None
    answered_at: datetime
    composed: Composed | None = None
    trace: str = ""
    is_outdated: bool = False


_OF_MESSAGES = "e.id IN (SELECT enrollment_id FROM emails_emailmessage WHERE id = ANY(%(messages)s::bigint[]))"
_SENT = f"""
UPDATE emails_emailmessage m
SET status = 'sent', sent_at = r.at, provider_message_id = r.provider, error = '', error_code = '', error_class = '',
    subject = r.subject, text = r.text, html = r.html, in_reply_to = r.in_reply_to, lease_token = NULL,
    leased_until = NULL
FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[], %(providers)s::text[], %(subjects)s::text[], %(texts)s::text[],
            %(htmls)s::text[], %(replies)s::text[]) AS r(id, at, provider, subject, text, html, in_reply_to)
WHERE m.id = r.id AND {status_of("m")} = 'sending' AND m.lease_token = %(token)s
RETURNING m.enrollment_id, m.is_answer
"""
_FAILED = f"""
UPDATE emails_emailmessage m
SET status = 'failed', failed_at = r.at, error_class = r.class, error_code = r.code, error = r.error,
    error_trace = r.trace, lease_token = NULL, leased_until = NULL
FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[], %(classes)s::text[], %(codes)s::text[], %(errors)s::text[],
            %(traces)s::text[]) AS r(id, at, class, code, error, trace)
WHERE m.id = r.id AND {status_of("m")} = 'sending' AND m.lease_token = %(token)s
RETURNING m.enrollment_id, m.is_answer
"""
_UNKNOWN = f"""
UPDATE emails_emailmessage m
SET status = 'unknown', unknown_at = r.at, error = r.error, subject = r.subject, text = r.text, html = r.html,
    in_reply_to = r.in_reply_to, lease_token = NULL, leased_until = NULL
FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[], %(errors)s::text[], %(subjects)s::text[], %(texts)s::text[],
            %(htmls)s::text[], %(replies)s::text[]) AS r(id, at, error, subject, text, html, in_reply_to)
WHERE m.id = r.id AND {status_of("m")} = 'sending' AND m.lease_token = %(token)s
RETURNING m.enrollment_id, m.is_answer
"""
# Nothing of an enrollment that was stopped in the meantime stays in the queue.
_REQUEUE = f"""
UPDATE emails_emailmessage m
SET status = CASE WHEN m.is_answer OR e.status IN {LIVE} THEN 'queued' ELSE 'withheld' END,
    withheld_reason = CASE WHEN m.is_answer OR e.status IN {LIVE} THEN ''
                           ELSE coalesce(nullif(e.auto_exit_reason, ''), e.status) END,
    error = %(error)s, lease_token = NULL, leased_until = NULL, handed_over_at = NULL,
    attempts = greatest(m.attempts - 1, 0)
FROM sequences_enrollment e
WHERE m.id = ANY(%(ids)s::bigint[]) AND {status_of("m")} = 'sending' AND m.lease_token = %(token)s
  AND e.id = m.enrollment_id
"""
# The final check may have set the lane to sleep, and the thread that serves it may end now.
_STAY_AWAKE = """
UPDATE emails_mailbox SET lane_at = %(now)s
WHERE id = %(mailbox)s AND lease_token = %(token)s AND (lane_at IS NULL OR lane_at > %(now)s)
"""
_LANE = """
UPDATE emails_mailbox
SET breaker_state = %(state)s, breaker_failures = %(failures)s, breaker_trips = %(trips)s, breaker_until = %(until)s,
    breaker_error = %(error)s,
    lane_at = CASE WHEN %(may_be_sent)s THEN greatest(%(until_at)s, lane_at) ELSE coalesce(%(until_at)s, lane_at) END,
    next_slot_at = CASE WHEN %(may_be_sent)s THEN greatest(%(until_at)s, next_slot_at)
                        ELSE coalesce(%(until_at)s, next_slot_at) END
WHERE id = %(mailbox)s AND lease_token = %(token)s
"""
_LOCK_LANE = """
SELECT breaker_state, breaker_failures, breaker_trips, breaker_until FROM emails_mailbox
WHERE id = %(mailbox)s AND lease_token = %(token)s FOR NO KEY UPDATE
"""
_STOP = """
UPDATE emails_mailbox SET status = %(status)s, status_reason = %(reason)s, status_actor = 'engine', status_at = %(now)s,
    lane_at = NULL
WHERE id = %(mailbox)s AND status = 'active'
"""


def record_results(lease: Lease, results: Sequence[Result], breaker: Breaker, now: datetime, jitter: float) -> Breaker:
    """Write the results of one chunk; call inside a transaction. Returns the lane's breaker after them.

    Raises `LeaseLostError`, writing nothing, when the lane was taken over.
    """
    execute(f"SELECT {DURABLE_COMMIT}", {})
    lock_where(_OF_MESSAGES, {"messages": [result.message_pk for result in results]})
    sent = [result for result in results if isinstance(result.answer, Sent)]
    unknown = [result for result in results if isinstance(result.answer, Unknown)]
    refused = [result for result in results if isinstance(result.answer, Refused)]
    lane_level = [result for result in refused if _class_of(result) in LANE_ERRORS]
    failed = [result for result in refused if _class_of(result) not in LANE_ERRORS]
    back = lane_level + [result for result in results if result.answer is None]
    # one row per message written; what an event has settled in the meantime is not ours to write or count
    left = _write_sent(lease, sent)
    settled = left + _write_failed(lease, failed) + _write_unknown(lease, unknown)
    outdate_approvals([result.message_pk for result in back if result.is_outdated], now)
    changed = len(settled) + _requeue(lease, back, now)
    # fewer although the lane is ours: one was deleted with its contact, or resolved by an event
    if changed != len(results) and not fetch_all(_LOCK_LANE, {"mailbox": lease.mailbox_id, "token": lease.token}):
        raise LeaseLostError(f"the lane of mailbox {lease.mailbox_id} was taken over while it was sending")
    journal.note([result.message_pk for result in (*sent, *failed, *unknown)], journal.ANSWERED)
    journal.note([result.message_pk for result in back], journal.REQUEUED)
    # an answer is no step: it counts for no enrollment and moves none
    counts = Counter(row["enrollment_id"] for row in left if not row["is_answer"])
    count_sent({row["enrollment_id"]: counts[row["enrollment_id"]] for row in settled if not row["is_answer"]}, now)
    _record_bounces(lease, failed, now)
    _stop_if_unhealthy(lease, refused, now)
    has_answered = bool(sent) or any(_class_of(result) in _ANSWERS for result in failed)
    may_be_sent = bool(sent or unknown)
    return _write_breaker(
        lease, breaker, lane_level, unknown, now, jitter, has_answered=has_answered, may_be_sent=may_be_sent
    )


def record_lane_failure(lease: Lease, error: str, now: datetime, jitter: float) -> None:
    """The lane cannot be served at all: counts like a server that does not answer. Call inside a transaction."""
    for row in fetch_all(_LOCK_LANE, {"mailbox": lease.mailbox_id, "token": lease.token}):
        before = Breaker(
            BreakerState(row["breaker_state"]), row["breaker_failures"], row["breaker_trips"], row["breaker_until"]
        )
        breaker = after_failure(before, now, jitter)
        _store_breaker(lease, breaker, breaker.until or pause_after(breaker, now), error[:500])


def _class_of(result: Result) -> ErrorClass:
    assert isinstance(result.answer, Refused)
    return result.answer.error_class


def _write_sent(lease: Lease, sent: Sequence[Result]) -> list[Row]:
    """`enrollment_id` and `is_answer` of each message that was ours to write."""
    if not sent:
        return []
    return fetch_all(_SENT, {**sent_columns(sent), "token": lease.token})


def sent_columns(sent: Sequence[Result]) -> dict[str, object]:
    """What is stored of messages that were sent, as arrays by message."""
    providers = [result.answer.provider_message_id for result in sent if isinstance(result.answer, Sent)]
    return {**_texts(sent), "providers": providers}


def _write_unknown(lease: Lease, unknown: Sequence[Result]) -> list[Row]:
    if not unknown:
        return []
    errors = [result.answer.error for result in unknown if isinstance(result.answer, Unknown)]
    return fetch_all(_UNKNOWN, {**_texts(unknown), "errors": errors, "token": lease.token})


def _texts(results: Sequence[Result]) -> dict[str, object]:
    composed = [result.composed for result in results]
    return {
        "ids": [result.message_pk for result in results],
        "at": [result.answered_at for result in results],
        "subjects": [item.rendered.subject if item else "" for item in composed],
        "texts": [item.rendered.text if item else "" for item in composed],
        "htmls": [item.rendered.html if item else "" for item in composed],
        "replies": [item.in_reply_to if item else "" for item in composed],
    }


def _write_failed(lease: Lease, failed: Sequence[Result]) -> list[Row]:
    if not failed:
        return []
    answers = [result.answer for result in failed if isinstance(result.answer, Refused)]
    return fetch_all(
        _FAILED,
        {
            "token": lease.token,
            "ids": [result.message_pk for result in failed],
            "at": [result.answered_at for result in failed],
            "classes": [answer.error_class.value for answer in answers],
            "codes": [answer.code[:32] for answer in answers],
            "errors": [answer.error for answer in answers],
            "traces": [result.trace for result in failed],
        },
    )


def _requeue(lease: Lease, back: Sequence[Result], now: datetime) -> int:
    """Put back what the lane could not send. It does not count as an attempt."""
    if not back:
        return 0
    error = next((result.answer.error for result in back if isinstance(result.answer, Refused)), "")
    changed = execute(_REQUEUE, {"ids": [result.message_pk for result in back], "error": error, "token": lease.token})
    execute(_STAY_AWAKE, {"mailbox": lease.mailbox_id, "token": lease.token, "now": now})
    return changed


def _record_bounces(lease: Lease, failed: Sequence[Result], now: datetime) -> None:
    bounced = [result for result in failed if _class_of(result) is ErrorClass.RECIPIENT_PERMANENT]
    events = []
    for result in bounced:
        assert isinstance(result.answer, Refused)
        events.append(
            NewEvent(
                type=EventType.BOUNCED,
                provider="smtp",
                provider_event_id=f"refused:{result.message_pk}",
                occurred_at=result.answered_at,
                message_pk=result.message_pk,
                bounce_type=BounceType.HARD,
                detail=f"{result.answer.code} {result.answer.error.removeprefix(result.answer.code).strip()}".strip(),
            )
        )
    if events:
        record_events(events, now)


def _stop_if_unhealthy(lease: Lease, refused: Sequence[Result], now: datetime) -> None:
    classes = {_class_of(result) for result in refused}
    if ErrorClass.MAILBOX in classes:
        error = next(result.answer for result in refused if _class_of(result) is ErrorClass.MAILBOX)
        assert isinstance(error, Refused)
        stop_mailbox(lease.mailbox_id, MailboxStatus.BROKEN, f"{error.code} {error.error}".strip(), now)
    elif classes & _HEALTH_ERRORS:
        stop_unhealthy(lease.mailbox_id, now)


def stop_mailbox(mailbox_id: int, status: MailboxStatus, reason: str, now: datetime) -> None:
    execute(_STOP, {"mailbox": mailbox_id, "status": status.value, "reason": reason[:500], "now": now})


def _write_breaker(
    lease: Lease,
    breaker: Breaker,
    lane_level: Sequence[Result],
    unknown: Sequence[Result],
    now: datetime,
    jitter: float,
    *,
    has_answered: bool,
    may_be_sent: bool,
) -> Breaker:
    outage = next((result.answer for result in lane_level if _class_of(result) is ErrorClass.SERVER), None)
    lane_at = None
    error = ""
    if isinstance(outage, Refused):
        breaker = after_failure(breaker, now, jitter, outage.retry_after_seconds)
        lane_at = breaker.until or pause_after(breaker, now, outage.retry_after_seconds)
        error = f"{outage.code} {outage.error}".strip()
    elif unknown and not has_answered:
        # the server fell silent: one outcome is unknown, the next ones must not become so
        breaker = after_failure(breaker, now, jitter)
        lane_at = breaker.until or pause_after(breaker, now)
        error = "the server did not answer after it was given a message"
    elif has_answered:
        if breaker == Breaker():
            return breaker
        breaker = after_success(breaker)
    else:
        return breaker
    _store_breaker(lease, breaker, lane_at, error, may_be_sent=may_be_sent)
    return breaker


def _store_breaker(
    lease: Lease, breaker: Breaker, until_at: datetime | None, error: str, *, may_be_sent: bool = False
) -> None:
    """The lane waits until `until_at`; after a message that was or may have been sent, at least as long as its pace."""
    execute(
        _LANE,
        {
            "mailbox": lease.mailbox_id,
            "token": lease.token,
            "state": breaker.state.value,
            "failures": breaker.failures,
            "trips": breaker.trips,
            "until": breaker.until if breaker.state is not BreakerState.CLOSED else None,
            "error": error,
            "until_at": until_at,
            "may_be_sent": may_be_sent,
        },
    )
