"""What needs a user now, derived from the state itself: so no crash can lose it. Stores and sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from common.clocks import describe_offset
from common.db import Row, fetch_all
from common.share_sql import shown_url
from common.text import plural
from emails.facts.approvals import ALERT_AFTER, IS_AWAITING
from emails.models import ExecutorState
from emails.pacing.health import measure_health
from execution.choices import VARIANT_STOPPED
from execution.engine.tick import count_overdue
from execution.heartbeat import alive_workers, wrong_clocks
from execution.insight.progress import Part, Standstill, read_progress
from sequences.choices import label_of
from sequences.models.time_off import find_cover

_RECENTLY = timedelta(days=7)
_BLOCKED_WITHIN = timedelta(days=1)
_LATE_MINUTES = 5
LATE_AFTER = timedelta(minutes=_LATE_MINUTES)
_FAILURES_BEFORE_ALERT = 3
# A jump: this many quarantines in ten minutes, and five times as many as in ten minutes of the hour before.
_JUMP_NUMBER = 10
_JUMP_TIMES = 5
_STOPPED_WITHIN = timedelta(days=3)
_JUMP_WITHIN = timedelta(minutes=10)
_JUMP_AGAINST = timedelta(hours=1)
_OWNERS_TOLD = 20


@dataclass(frozen=True, slots=True)
class Trouble:
    """A condition that needs a user now. `key` identifies it: the same problem has the same key.

    `to`: the email addresses of the users whose it is. `number`: how many things it concerns, by which it gets worse.
    """

    key: str
    workspace_id: int | None
    title: str
    remedy: str
    link: str
    to: tuple[str, ...]
    number: int = 1


# The owner of the mailbox, or the member who covers for them.
_TOLD = f"coalesce({find_cover('b.owner_id', 'b.workspace_id')}, b.owner_id)"
_MAILBOXES = f"""
SELECT b.id, b.workspace_id, b.address, b.status, b.status_reason, b.status_actor, b.breaker_state, b.breaker_error,
       b.breaker_until, u.email AS owner_email
FROM emails_mailbox b LEFT JOIN auth_user u ON u.id = {_TOLD}
WHERE (b.status <> 'active' AND b.status_actor = 'engine') OR b.breaker_state <> 'closed'
"""
_RECENTLY_BOUNCED = f"""
SELECT b.id, b.workspace_id, b.address, u.email AS owner_email
FROM emails_mailbox b LEFT JOIN auth_user u ON u.id = {_TOLD}
WHERE b.status = 'active' AND b.id IN (
    SELECT mailbox_id FROM emails_emailmessage WHERE status = 'failed' AND failed_at > %(since)s
    UNION
    SELECT mailbox_id FROM emails_emailevent WHERE type IN ('bounced', 'complained') AND recorded_at > %(since)s)
"""
_RECENTLY_BLOCKED = f"""
SELECT b.id, b.workspace_id, b.address, u.email AS owner_email, count(*) AS number, max(v.detail) AS detail
FROM emails_emailevent v JOIN emails_mailbox b ON b.id = v.mailbox_id LEFT JOIN auth_user u ON u.id = {_TOLD}
WHERE v.type = 'bounced' AND v.bounce_type = 'blocked' AND v.recorded_at > %(since)s
  AND NOT (b.status = 'active' AND coalesce(b.status_at, '-infinity') >= v.recorded_at)
GROUP BY b.id, b.workspace_id, b.address, u.email
"""
_QUARANTINED = f"""
SELECT d.workspace_id, w.name AS workspace, d.error_class, count(*) AS number, min(d.error) AS error,
       array_agg(DISTINCT u.email) FILTER (WHERE u.email <> '') AS owners
FROM execution_deadletter d JOIN sequences_workspace w ON w.id = d.workspace_id
JOIN sequences_enrollment e ON e.id = d.enrollment_id LEFT JOIN auth_user u
     ON u.is_active AND u.id = coalesce({find_cover("e.owner_id", "d.workspace_id")}, e.owner_id)
WHERE d.resolved_at IS NULL GROUP BY d.workspace_id, w.name, d.error_class
"""
_JUMPED = """
SELECT d.workspace_id, w.name AS workspace, count(*) FILTER (WHERE d.created_at > %(recently)s) AS number,
       count(*) FILTER (WHERE d.created_at <= %(recently)s) AS before
FROM execution_deadletter d JOIN sequences_workspace w ON w.id = d.workspace_id
WHERE d.created_at > %(since)s AND d.created_at <= %(now)s GROUP BY d.workspace_id, w.name
"""
_UNREADABLE = f"""
SELECT b.id, b.workspace_id, b.address, s.last_error, u.email AS owner_email
FROM emails_inboxstate s JOIN emails_mailbox b ON b.id = s.mailbox_id LEFT JOIN auth_user u ON u.id = {_TOLD}
WHERE b.inbound = 'imap' AND b.status = 'active' AND s.failures >= %(failures)s
"""
_UNAPPROVED = f"""
SELECT m.workspace_id, w.name AS workspace, count(*) AS number,
       array_agg(DISTINCT u.email) FILTER (WHERE u.email <> '') AS owners
FROM emails_emailmessage m JOIN sequences_enrollment e ON e.id = m.enrollment_id AND e.status = 'active'
JOIN sequences_sequence s ON s.id = e.sequence_id AND s.requires_approval AND s.status = 'active'
JOIN sequences_workspace w ON w.id = m.workspace_id LEFT JOIN sequences_step t ON t.id = m.step_id
LEFT JOIN emails_approval ap ON ap.message_id = m.id LEFT JOIN auth_user u ON u.id = e.owner_id AND u.is_active
WHERE m.status = 'queued' AND m.queued_at < %(before)s AND {IS_AWAITING} GROUP BY m.workspace_id, w.name
"""
_STOPPED_VARIANTS = """
SELECT l.target_id AS id, l.workspace_id, l.label, l.reason, u.email AS owner_email
FROM execution_controllog l JOIN sequences_sequence s ON s.id = l.target_id
LEFT JOIN auth_user u ON u.id = s.owner_id AND u.is_active
WHERE l.target = 'sequence' AND l.at > %(since)s AND starts_with(l.reason, %(stopped)s)
"""
_SWITCHED_OFF = f"""
SELECT id, workspace_id, {shown_url("url")} AS url, disabled_reason FROM execution_webhooksubscription
WHERE NOT is_active AND disabled_reason <> ''
"""
_ADMINS = """
SELECT m.workspace_id, u.email FROM sequences_membership m JOIN auth_user u ON u.id = m.user_id
WHERE m.workspace_id = ANY(%(workspaces)s::bigint[]) AND m.role = 'admin' AND u.is_active AND u.email <> ''
ORDER BY m.workspace_id, u.email
"""
# What to do about each part that stands still, and where to look.
_REMEDIES = {
    Part.LANES: (
        "Look at the mail servers of these mailboxes; add an executor when all of them answer.",
        "emails_mailbox_lanes",
    ),
    Part.INBOXES: (
        "Follow-ups of these mailboxes wait, since there may be an unread reply. Look at their IMAP server.",
        "emails_mailbox_changelist",
    ),
    Part.WEBHOOKS: (
        "Look at the receiver: it answers too slowly for what it is sent.",
        "execution_webhooksubscription_changelist",
    ),
    Part.LOOPS: ("Look at this executor's log, then restart it. Nothing is lost.", "execution_worker_changelist"),
    Part.WORKERS: (
        "Look whether its process or host is alive; start run_executor or qcluster again. Nothing is lost.",
        "execution_worker_changelist",
    ),
}


def find_troubles(now: datetime) -> list[Trouble]:
    """Each with those whose it is: the owners, and the admins of its workspace."""
    troubles = _queue_troubles(now) + _clock_troubles(now) + _database_troubles()
    troubles += [_standstill(each) for each in read_progress(now).standstills]
    troubles += [trouble for row in fetch_all(_MAILBOXES, {"now": now}) for trouble in _mailbox_troubles(row)]
    bounced = fetch_all(_RECENTLY_BOUNCED, {"now": now, "since": now - _RECENTLY})
    troubles += [trouble for row in bounced if (trouble := _health_warning(row))]
    blocked = fetch_all(_RECENTLY_BLOCKED, {"now": now, "since": now - _BLOCKED_WITHIN})
    troubles += [_blocked(row) for row in blocked]
    unreadable = {"now": now, "failures": _FAILURES_BEFORE_ALERT}
    troubles += [_unreadable(row) for row in fetch_all(_UNREADABLE, unreadable)]
    troubles += [_quarantine(row) for row in fetch_all(_QUARANTINED, {"now": now})]
    unapproved = fetch_all(_UNAPPROVED, {"before": now - ALERT_AFTER, "now": now})
    troubles += [_unapproved(row) for row in unapproved]
    recently = now - _JUMP_WITHIN
    jumped = fetch_all(_JUMPED, {"recently": recently, "since": recently - _JUMP_AGAINST, "now": now})
    troubles += [trouble for row in jumped if (trouble := _jump(row))]
    stopped = fetch_all(_STOPPED_VARIANTS, {"since": now - _STOPPED_WITHIN, "stopped": VARIANT_STOPPED})
    troubles += [_stopped_variant(row) for row in stopped]
    troubles += [_switched_off(row) for row in fetch_all(_SWITCHED_OFF, {})]
    return _with_admins(troubles)


def _with_admins(troubles: list[Trouble]) -> list[Trouble]:
    workspaces = sorted({trouble.workspace_id for trouble in troubles if trouble.workspace_id is not None})
    admins: dict[int, set[str]] = {}
    for row in fetch_all(_ADMINS, {"workspaces": workspaces}) if workspaces else ():
        admins.setdefault(row["workspace_id"], set()).add(row["email"])
    return [
        trouble
        if trouble.workspace_id is None
        else replace(trouble, to=tuple(sorted({*trouble.to, *admins.get(trouble.workspace_id, ())})))
        for trouble in troubles
    ]


def _standstill(found: Standstill) -> Trouble:
    remedy, page = _REMEDIES[found.part]
    return Trouble(
        found.key, found.workspace_id, found.text[:300], remedy, _admin_link(page), found.owners, found.number
    )


def _queue_troubles(now: datetime) -> list[Trouble]:
    """Due work that no worker does, or not in time."""
    late = count_overdue(now - LATE_AFTER)
    if not late:
        return []
    link = _admin_link("index")
    enrollments = plural(late, "enrollment has", "enrollments have")
    if not alive_workers(now):
        title = f"No executor is running, and {enrollments} been due for more than {_LATE_MINUTES} minutes"
        remedy = "Start run_executor or qcluster. Nothing is lost."
        return [Trouble("executor:gone", None, title, remedy, link, (), late)]
    title = f"The queue is late: {enrollments} been due for more than {_LATE_MINUTES} minutes"
    remedy = "Check the executors' logs and the database; start more executors if both are fine."
    return [Trouble("queue:late", None, title, remedy, link, (), late)]


def _clock_troubles(now: datetime) -> list[Trouble]:
    offsets = {worker.name.partition(":")[0]: worker.clock_offset_seconds or 0.0 for worker in wrong_clocks(now)}
    remedy = (
        "Set it and keep it in step (NTP): they continue within seconds. Executors on other hosts are not affected."
    )
    return [
        Trouble(
            key=f"clock:{host}",
            workspace_id=None,
            title=f"The clock of {host} is {describe_offset(offset)}: its executors take no work",
            remedy=remedy,
            link=_admin_link("execution_worker_changelist"),
            to=(),
        )
        for host, offset in offsets.items()
    ]


def _database_troubles() -> list[Trouble]:
    failed_over = ExecutorState.objects.filter(failed_over_at__isnull=False).first()
    if failed_over is None:
        return []
    title = f"Sending is paused: {failed_over.paused_reason}"[:300]
    remedy = (
        "Run manage.py after_restore: it holds what may have been sent since the last commit that the database has, "
        "and ends this pause. docs/operations.md says how to release what it holds."
    )
    link = _admin_link("emails_executorstate_change", 1)
    return [Trouble("database:failover", None, title, remedy, link, ())]


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
    number = plural(row["number"], "message", "messages")
    return Trouble(
        key=f"mailbox:{row['id']}:blocked",
        workspace_id=row["workspace_id"],
        title=f"Receivers refused {number} of {row['address']} because of the sender: {row['detail']}"[:300],
        remedy="Check the mailbox's set-up (SPF, DKIM, DMARC, blocklists) and its pace, then resume it: "
        "the emails are sent again. The contacts are untouched.",
        link=_admin_link("emails_mailbox_change", row["id"]),
        to=_owner(row),
        number=row["number"],
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
    enrollments = plural(row["number"], "enrollment needs", "enrollments need")
    return Trouble(
        key=f"quarantine:{row['workspace_id']}:{row['error_class']}",
        workspace_id=row["workspace_id"],
        title=f"{enrollments} review in {row['workspace']}: {label_of(row['error_class']).lower()}"[:300],
        remedy=f"For example: {str(row['error']).removesuffix('.')}. Fix the cause, then replay or discard them.",
        link=_admin_link("execution_deadletter_changelist"),
        to=tuple(row["owners"] or ())[:_OWNERS_TOLD],
        number=row["number"],
    )


def _unapproved(row: Row) -> Trouble:
    return Trouble(
        key=f"approvals:{row['workspace_id']}",
        workspace_id=row["workspace_id"],
        title=f"{plural(row['number'], 'email of', 'emails of')} {row['workspace']} waiting for approval for more than "
        f"{ALERT_AFTER.days} days"[:300],
        remedy="Approve or reject them under Approvals; the rest of these enrollments waits for them.",
        link=_admin_link("emails_approvals"),
        to=tuple(row["owners"] or ())[:_OWNERS_TOLD],
        number=row["number"],
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
        remedy="They probably share a cause: check the groups under Needs review and the last edits of the sequences; "
        "pause a sequence until it is fixed, then replay them.",
        link=_admin_link("execution_deadletter_changelist"),
        to=(),
        number=row["number"],
    )


def _stopped_variant(row: Row) -> Trouble:
    return Trouble(
        key=f"variant:{row['id']}:{row['reason'].split(':')[0]}"[:100],
        workspace_id=row["workspace_id"],
        title=f"{row['label']}: {row['reason']}"[:300],
        remedy="The others go on. Change its text as a new variant, or switch it on again: then it stays on.",
        link=_admin_link("sequences_sequence_change", row["id"]),
        to=(row["owner_email"],) if row["owner_email"] else (),
    )


def _switched_off(row: Row) -> Trouble:
    return Trouble(
        key=f"webhook:{row['id']}:off",
        workspace_id=row["workspace_id"],
        title=f"The webhook to {row['url']} is switched off: {row['disabled_reason']}"[:300],
        remedy="Fix the receiver, then switch the webhook on again: it receives what it missed. Delete it if it is "
        "not needed.",
        link=_admin_link("execution_webhooksubscription_change", row["id"]),
        to=(),
    )


def _owner(row: Row) -> tuple[str, ...]:
    return (row["owner_email"],) if row["owner_email"] else ()


def _admin_link(name: str, *args: object) -> str:
    try:
        return settings.PUBLIC_BASE_URL.rstrip("/") + reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return settings.PUBLIC_BASE_URL.rstrip("/") + reverse("admin:index")
