"""Alerts for owners and operators: raised once when a problem starts, until it has cleared.

Alerts are derived from the state itself, so a crash cannot lose one; sent after they are stored, outside a transaction.
"""

from __future__ import annotations

import json
import logging
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import NoReverseMatch, reverse

from common.db import Row, execute, fetch_all
from emails.pacing.health import measure_health
from execution.engine.tick import count_overdue
from execution.heartbeat import alive_workers
from execution.models import Alert

log = logging.getLogger(__name__)

_WEBHOOK_TIMEOUT_SECONDS = 10
_RECENTLY = timedelta(days=7)
_BLOCKED_WITHIN = timedelta(days=1)
_LATE_MINUTES = 5
LATE_AFTER = timedelta(minutes=_LATE_MINUTES)
_FAILURES_BEFORE_ALERT = 3
# A jump: this many quarantines in ten minutes, and five times as many as in ten minutes of the hour before.
_JUMP_NUMBER = 10
_JUMP_TIMES = 5
_JUMP_WITHIN = timedelta(minutes=10)
_JUMP_AGAINST = timedelta(hours=1)
_ONE_RECONCILER = 7_306_001


@dataclass(frozen=True, slots=True)
class Trouble:
    """A condition that needs a user now. `key` identifies it: the same problem has the same key."""

    key: str
    workspace_id: int | None
    title: str
    remedy: str
    link: str
    to: tuple[str, ...]


_MAILBOXES = """
SELECT b.id, b.workspace_id, b.address, b.status, b.status_reason, b.status_actor, b.breaker_state, b.breaker_error,
       b.breaker_until, u.email AS owner_email
FROM emails_mailbox b LEFT JOIN auth_user u ON u.id = b.owner_id
WHERE (b.status <> 'active' AND b.status_actor = 'engine') OR b.breaker_state <> 'closed'
"""
_RECENTLY_BOUNCED = """
SELECT b.id, b.workspace_id, b.address, u.email AS owner_email
FROM emails_mailbox b LEFT JOIN auth_user u ON u.id = b.owner_id
WHERE b.status = 'active' AND b.id IN (
    SELECT mailbox_id FROM emails_emailmessage WHERE status = 'failed' AND failed_at > %(since)s
    UNION
    SELECT mailbox_id FROM emails_emailevent WHERE type IN ('bounced', 'complained') AND recorded_at > %(since)s)
"""
_RECENTLY_BLOCKED = """
SELECT b.id, b.workspace_id, b.address, u.email AS owner_email, count(*) AS number, max(v.detail) AS detail
FROM emails_emailevent v JOIN emails_mailbox b ON b.id = v.mailbox_id LEFT JOIN auth_user u ON u.id = b.owner_id
WHERE v.type = 'bounced' AND v.bounce_type = 'blocked' AND v.recorded_at > %(since)s
  AND NOT (b.status = 'active' AND coalesce(b.status_at, '-infinity') >= v.recorded_at)
GROUP BY b.id, b.workspace_id, b.address, u.email
"""
_QUARANTINED = """
SELECT d.workspace_id, w.name AS workspace, d.error_class, count(*) AS number, min(d.error) AS error
FROM execution_deadletter d JOIN sequences_workspace w ON w.id = d.workspace_id
WHERE d.resolved_at IS NULL GROUP BY d.workspace_id, w.name, d.error_class
"""
_JUMPED = """
SELECT d.workspace_id, w.name AS workspace, count(*) FILTER (WHERE d.created_at > %(recently)s) AS number,
       count(*) FILTER (WHERE d.created_at <= %(recently)s) AS before
FROM execution_deadletter d JOIN sequences_workspace w ON w.id = d.workspace_id
WHERE d.created_at > %(since)s AND d.created_at <= %(now)s GROUP BY d.workspace_id, w.name
"""
_UNREADABLE = """
SELECT b.id, b.workspace_id, b.address, s.last_error, u.email AS owner_email
FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id LEFT JOIN auth_user u ON u.id = b.owner_id
WHERE b.inbound = 'imap' AND b.status = 'active' AND s.failures >= %(failures)s
"""
_RAISE = """
INSERT INTO execution_alert (workspace_id, key, title, remedy, link, raised_at, seen_at)
SELECT r.workspace, r.key, r.title, r.remedy, r.link, %(now)s, %(now)s
FROM unnest(%(workspaces)s::bigint[], %(keys)s::text[], %(titles)s::text[], %(remedies)s::text[], %(links)s::text[])
     AS r(workspace, key, title, remedy, link)
ON CONFLICT (key) WHERE cleared_at IS NULL DO UPDATE SET seen_at = excluded.seen_at, title = excluded.title
"""


def reconcile_alerts(now: datetime) -> int:
    """Raise what is new, clear what is over, notify. One process at a time; the others return 0 at once."""
    with transaction.atomic():
        if not fetch_all("SELECT pg_try_advisory_xact_lock(%(key)s) AS got", {"key": _ONE_RECONCILER})[0]["got"]:
            return 0
        troubles = find_troubles(now)
        _store(troubles, now)
        fresh = list(
            Alert.objects.select_for_update()
            .filter(cleared_at__isnull=True, notified_at__isnull=True)
            .values_list("pk", "key")
        )
        # marked before it is sent: while a mail server is down, its alert must not be sent every five seconds
        Alert.objects.filter(pk__in=[pk for pk, _ in fresh]).update(notified_at=now)
    by_key = {trouble.key: trouble for trouble in troubles}
    for _, key in fresh:
        _notify(by_key[key])
    return len(fresh)


def find_troubles(now: datetime) -> list[Trouble]:
    troubles = _queue_troubles(now)
    troubles += [trouble for row in fetch_all(_MAILBOXES, {}) for trouble in _mailbox_troubles(row)]
    bounced = fetch_all(_RECENTLY_BOUNCED, {"since": now - _RECENTLY})
    troubles += [trouble for row in bounced if (trouble := _health_warning(row))]
    blocked = fetch_all(_RECENTLY_BLOCKED, {"since": now - _BLOCKED_WITHIN})
    troubles += [_blocked(row) for row in blocked]
    troubles += [_unreadable(row) for row in fetch_all(_UNREADABLE, {"failures": _FAILURES_BEFORE_ALERT})]
    troubles += [_quarantine(row) for row in fetch_all(_QUARANTINED, {})]
    recently = now - _JUMP_WITHIN
    jumped = fetch_all(_JUMPED, {"recently": recently, "since": recently - _JUMP_AGAINST, "now": now})
    troubles += [trouble for row in jumped if (trouble := _jump(row))]
    return troubles


def _queue_troubles(now: datetime) -> list[Trouble]:
    """Due work that no worker does, or not in time."""
    late = count_overdue(now - LATE_AFTER)
    if not late:
        return []
    link = _admin_link("index")
    enrollments = "1 enrollment has" if late == 1 else f"{late:,} enrollments have"
    if not alive_workers(now):
        title = f"No executor is running, and {enrollments} been due for more than {_LATE_MINUTES} minutes"
        return [Trouble("executor:gone", None, title, "Start run_executor or qcluster. Nothing is lost.", link, ())]
    title = f"The queue is late: {enrollments} been due for more than {_LATE_MINUTES} minutes"
    remedy = "Check the executors' logs and the database; start more executors if both are fine."
    return [Trouble("queue:late", None, title, remedy, link, ())]


def _mailbox_troubles(row: Row) -> list[Trouble]:
    troubles = []
    link = _admin_link("emails_mailbox_change", row["id"])
    if row["status"] != "active":
        title = f"Mailbox {row['address']} is {row['status']}: {row['status_reason']}"
        remedy = "Fix the cause (login, quota, list quality), test the mailbox, then resume it. Its enrollments wait."
        key = f"mailbox:{row['id']}:{row['status']}"
        troubles.append(Trouble(key, row["workspace_id"], title, remedy, link, _owner(row)))
    elif row["breaker_state"] != "closed":
        title = f"The mail server of {row['address']} is failing: {row['breaker_error']}"
        remedy = "Nothing is lost: it is tried again with growing pauses and continues when the server answers."
        troubles.append(Trouble(f"mailbox:{row['id']}:breaker", row["workspace_id"], title, remedy, link, _owner(row)))
    return troubles


def _health_warning(row: Row) -> Trouble | None:
    health = measure_health(row["id"])
    if not health.is_warning:
        return None
    return Trouble(
        key=f"mailbox:{row['id']}:health",
        workspace_id=row["workspace_id"],
        title=f"Mailbox {row['address']}: {health.bounced} of its last {health.messages} messages bounced",
        remedy="Verify the addresses of the active sequences; at 3 % the mailbox is paused automatically.",
        link=_admin_link("emails_mailbox_change", row["id"]),
        to=_owner(row),
    )


def _blocked(row: Row) -> Trouble:
    number = "1 message" if row["number"] == 1 else f"{row['number']} messages"
    return Trouble(
        key=f"mailbox:{row['id']}:blocked",
        workspace_id=row["workspace_id"],
        title=f"Receivers refused {number} of {row['address']} because of the sender: {row['detail']}"[:300],
        remedy="Check the mailbox's set-up (SPF, DKIM, DMARC, blocklists) and its pace, then resume it: "
        "the emails are sent again. The contacts are untouched.",
        link=_admin_link("emails_mailbox_change", row["id"]),
        to=_owner(row),
    )


def _unreadable(row: Row) -> Trouble:
    return Trouble(
        key=f"inbox:{row['id']}",
        workspace_id=row["workspace_id"],
        title=f"The inbox of {row['address']} cannot be read: {row['last_error']}"[:300],
        remedy="Follow-ups of this mailbox wait, since there may be an unread reply. Fix its login, then test it.",
        link=_admin_link("emails_mailbox_change", row["id"]),
        to=_owner(row),
    )


def _quarantine(row: Row) -> Trouble:
    enrollments = "1 enrollment" if row["number"] == 1 else f"{row['number']} enrollments"
    return Trouble(
        key=f"quarantine:{row['workspace_id']}:{row['error_class']}",
        workspace_id=row["workspace_id"],
        title=f"{enrollments} of {row['workspace']} in quarantine ({row['error_class']})"[:300],
        remedy=f"For example: {row['error']}. Fix the cause, then replay or discard them.",
        link=_admin_link("execution_deadletter_changelist"),
        to=(),
    )


def _jump(row: Row) -> Trouble | None:
    usual = row["before"] * _JUMP_WITHIN / _JUMP_AGAINST
    if row["number"] < _JUMP_NUMBER or row["number"] < _JUMP_TIMES * usual:
        return None
    minutes = int(_JUMP_WITHIN.total_seconds() // 60)
    return Trouble(
        key=f"quarantine_jump:{row['workspace_id']}",
        workspace_id=row["workspace_id"],
        title=f"Quarantines of {row['workspace']} jump: {row['number']} in {minutes} minutes, {row['before']} in the "
        "hour before"[:300],
        remedy="They probably share a cause: check the groups of dead letters and the last edits of their sequences; "
        "pause a sequence until it is fixed, then replay them.",
        link=_admin_link("execution_deadletter_changelist"),
        to=(),
    )


def _owner(row: Row) -> tuple[str, ...]:
    return (row["owner_email"],) if row["owner_email"] else ()


def _admin_link(name: str, *args: object) -> str:
    try:
        return settings.PUBLIC_BASE_URL.rstrip("/") + reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return settings.PUBLIC_BASE_URL.rstrip("/") + reverse("admin:index")


def _store(troubles: Sequence[Trouble], now: datetime) -> None:
    if troubles:
        execute(
            _RAISE,
            {
                "now": now,
                "workspaces": [trouble.workspace_id for trouble in troubles],
                "keys": [trouble.key for trouble in troubles],
                "titles": [trouble.title[:300] for trouble in troubles],
                "remedies": [trouble.remedy for trouble in troubles],
                "links": [trouble.link for trouble in troubles],
            },
        )
    execute(
        "UPDATE execution_alert SET cleared_at = %(now)s WHERE cleared_at IS NULL AND NOT key = ANY(%(keys)s)",
        {"now": now, "keys": [trouble.key for trouble in troubles]},
    )


def _notify(trouble: Trouble) -> None:
    """By email and webhook; a failure is logged and never stops the engine."""
    log.warning("alert: %s", trouble.title)
    to = sorted({*settings.ALERT_EMAILS, *trouble.to})
    if to:
        body = f"{trouble.title}\n\n{trouble.remedy}\n\n{trouble.link}\n"
        try:
            EmailMessage(subject=trouble.title[:150], body=body, to=to).send()
        except (OSError, smtplib.SMTPException) as error:
            log.error("the alert %r could not be emailed: %s", trouble.key, type(error).__name__)
    if settings.ALERT_WEBHOOK_URL:
        document = {"key": trouble.key, "title": trouble.title, "remedy": trouble.remedy, "link": trouble.link}
        try:
            requests.post(
                settings.ALERT_WEBHOOK_URL,
                data=json.dumps(document),
                headers={"Content-Type": "application/json"},
                timeout=_WEBHOOK_TIMEOUT_SECONDS,
            ).raise_for_status()
        except requests.RequestException as error:
            log.error("the alert %r could not be posted: %s", trouble.key, type(error).__name__)
