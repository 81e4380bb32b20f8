"""Metrics for Prometheus, read from the database at each scrape: the same whichever process answers.

Figures are of the whole installation and name no workspace, mailbox or contact. Nothing is counted without a bound.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from datetime import datetime, timedelta

import django
from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from common.db import fetch_all
from emails.choices import LimitWindow
from emails.models import ExecutorState
from execution.heartbeat import alive_workers
from execution.insight.progress import read_progress

_PREFIX = "sequence_executor_"
_COUNTED_AT_MOST = 100_000
# Of the newest alone: each is looked up in the ledger, and quantiles of more say the same.
_MEASURED_AT_MOST = 5_000
_RECENTLY = timedelta(minutes=15)
# How many messages may be sending at the same time: in one lane, and in all lanes of a workspace.
_IN_HAND, _IN_HAND_OF_ALL = 10, 100

_DUE = """
SELECT count(*) AS number, min(wake_at) AS oldest_at FROM (
    SELECT wake_at FROM sequences_enrollment WHERE wake_at <= %(now)s ORDER BY wake_at LIMIT %(most)s) due
"""
_DELAYS = """
SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY d.seconds) AS seconds FROM (
    SELECT greatest(extract(epoch FROM m.queued_at - m.due_at), 0)::float AS seconds
    FROM (SELECT l.enrollment_id, l.step_id, l.at FROM execution_executionlog l
          WHERE l.at > %(since)s AND l.at <= %(now)s AND l.action = 'queued'
          ORDER BY l.at DESC LIMIT %(measured)s) l
    CROSS JOIN LATERAL (SELECT x.queued_at, x.due_at FROM emails_emailmessage x
                        WHERE x.enrollment_id = l.enrollment_id AND x.step_id = l.step_id AND x.queued_at = l.at
                        LIMIT 1) m) d
"""
# `send_after_at` is the time to which a window, a pause or a cap of its own has postponed a message. What holds its
# whole lane (pace, ramp, caps of the mailbox and the workspace) is not stored on it: by the ledger, a cap of N per
# window allows it when the Nth send before it leaves the window.
_DELIVERIES = f"""
WITH left_now AS MATERIALIZED (
    SELECT m.id, m.mailbox_id, m.workspace_id, m.handed_over_at,
           greatest(m.queued_at, m.send_after_at, CASE WHEN b.status_at <= m.handed_over_at THEN b.status_at END,
                    x.changed_at) AS ready_at
    FROM (SELECT (details ->> 'message')::bigint AS message FROM execution_executionlog
          WHERE at > %(since)s AND at <= %(now)s AND action = 'executed' AND step_type = 'email'
          ORDER BY at DESC LIMIT %(measured)s) l
    JOIN emails_emailmessage m ON m.id = l.message
    JOIN emails_mailbox b ON b.id = m.mailbox_id
    LEFT JOIN execution_executorstate x ON x.changed_at <= m.handed_over_at
),
targets AS (
    SELECT 'mailbox' AS scope, mailbox_id AS id, count(*) AS leavers, max(handed_over_at) AS newest_at
    FROM left_now GROUP BY mailbox_id
    UNION ALL
    SELECT 'workspace', workspace_id, count(*), max(handed_over_at) FROM left_now GROUP BY workspace_id
),
caps AS (
    SELECT t.*, c.places, make_interval(secs => c.seconds) AS span
    FROM targets t JOIN emails_mailbox b ON b.id = t.id
    CROSS JOIN LATERAL (VALUES
        (1, b.gap_seconds + b.jitter_seconds),
        -- the lane was put off by the allowance as it was before today's first message raised it
        (CASE WHEN b.ramp_enabled THEN greatest(b.ramp_allowance - b.ramp_step, b.ramp_start) END,
         {LimitWindow.DAY.seconds})
    ) AS c(places, seconds)
    WHERE t.scope = 'mailbox' AND c.places > 0 AND c.seconds > 0
    UNION ALL
    SELECT t.*, l.maximum, make_interval(secs => CASE l.window WHEN 'hour' THEN {LimitWindow.HOUR.seconds}
                                                 ELSE {LimitWindow.DAY.seconds} END)
    FROM targets t JOIN emails_sendlimit l ON l.scope = t.scope
         AND t.id = CASE l.scope WHEN 'mailbox' THEN l.mailbox_id ELSE l.workspace_id END
    WHERE l.maximum > 0 AND NOT l.first_touch_only
),
freed AS (
    SELECT h.id, max(h.earlier_at + c.span) AS at FROM caps c CROSS JOIN LATERAL (
        SELECT q.id, lag(q.at, c.places) OVER (ORDER BY q.at, q.id) AS earlier_at FROM (
            (SELECT m.id, m.handed_over_at AS at FROM emails_emailmessage m
             WHERE c.scope = 'mailbox' AND m.mailbox_id = c.id AND m.status IN ('sending', 'sent', 'unknown')
               AND m.handed_over_at <= c.newest_at
             ORDER BY m.handed_over_at DESC LIMIT c.places + c.leavers + {_IN_HAND})
            UNION ALL
            (SELECT m.id, m.handed_over_at FROM emails_emailmessage m
             WHERE c.scope = 'workspace' AND m.workspace_id = c.id AND m.status IN ('sending', 'sent', 'unknown')
               AND m.handed_over_at <= c.newest_at
             ORDER BY m.handed_over_at DESC LIMIT c.places + c.leavers + {_IN_HAND_OF_ALL})) q) h
    GROUP BY h.id
)
SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY d.seconds) AS seconds FROM (
    SELECT greatest(extract(epoch FROM n.handed_over_at - greatest(n.ready_at, f.at)), 0)::float AS seconds
    FROM left_now n LEFT JOIN freed f ON f.id = n.id) d
"""
_WEBHOOKS = """
SELECT s.state, (SELECT count(*) FROM (SELECT 1 FROM execution_webhookdelivery d WHERE d.state = s.state
                                       LIMIT %(most)s) x) AS number
FROM unnest(ARRAY['pending', 'failed']) AS s(state)
"""
_OUTCOMES = """
SELECT l.action, l.status, count(*) AS number FROM (
    SELECT action, status FROM execution_executionlog WHERE at > %(since)s AND at <= %(now)s LIMIT %(most)s) l
GROUP BY l.action, l.status
"""
_LANES = """
SELECT CASE WHEN b.status <> 'active' THEN b.status WHEN b.breaker_state <> 'closed' THEN 'breaker_' || b.breaker_state
            WHEN b.lane_at IS NULL THEN 'idle' WHEN b.lane_at <= %(now)s THEN 'ready' ELSE 'waiting' END AS state,
       count(*) AS number
FROM emails_mailbox b GROUP BY 1
"""
# Each status is named, since only then do the partial indexes apply.
_MESSAGES = """
SELECT 'sending' AS status, count(*) AS number
FROM (SELECT 1 FROM emails_emailmessage WHERE status = 'sending' LIMIT %(most)s) x
UNION ALL
SELECT 'unknown', count(*) FROM (SELECT 1 FROM emails_emailmessage WHERE status = 'unknown' LIMIT %(most)s) x
"""
_QUARANTINE = """
SELECT error_class, count(*) AS number FROM (
    SELECT error_class FROM execution_deadletter WHERE resolved_at IS NULL LIMIT %(most)s) d GROUP BY error_class
"""
_INBOXES = """
SELECT count(*) FILTER (WHERE s.failures > 0) AS failing, max(extract(epoch FROM %(now)s - b.inbox_read_at)) AS oldest
FROM emails_mailbox b LEFT JOIN emails_inboxstate s ON s.mailbox_id = b.id
WHERE b.inbound = 'imap' AND b.status = 'active'
"""
_ALERTS = """
SELECT split_part(key, ':', 1) AS kind, count(*) AS number FROM execution_alert WHERE cleared_at IS NULL GROUP BY 1
"""


class _Collector:
    """Asked by prometheus_client for each scrape."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        asked = {
            "now": self._now,
            "since": self._now - _RECENTLY,
            "most": _COUNTED_AT_MOST,
            "measured": _MEASURED_AT_MOST,
        }
        due = fetch_all(_DUE, asked)[0]
        built = {"version": settings.VERSION, "python": platform.python_version(), "django": django.get_version()}
        family = GaugeMetricFamily(f"{_PREFIX}build_info", "Always 1; what runs.", labels=list(built))
        family.add_metric(list(built.values()), 1)
        yield family
        yield _one("due_enrollments", "Enrollments that the engine must look at; counted up to 100,000.", due["number"])
        oldest = (self._now - due["oldest_at"]).total_seconds() if due["oldest_at"] else 0.0
        yield _one("oldest_due_seconds", "How long the oldest of them has been due.", oldest)
        for name, text, sql in (
            ("decision_delay_seconds", "From due to decided, the newest 5,000 emails of the last 15 minutes.", _DELAYS),
            (
                "delivery_delay_seconds",
                "From when it might leave (pace, caps, windows and pauses aside) to handed over, "
                "the newest 5,000 emails of the last 15 minutes.",
                _DELIVERIES,
            ),
        ):
            seconds = fetch_all(sql, asked)[0]["seconds"] or []
            yield _many(name, text, "quantile", dict(zip(("0.5", "0.95", "0.99"), seconds, strict=False)))
        outcomes = GaugeMetricFamily(
            f"{_PREFIX}recent_outcomes",
            "Entries of the execution log in the last 15 minutes.",
            labels=["action", "status"],
        )
        for row in fetch_all(_OUTCOMES, asked):
            outcomes.add_metric([row["action"], row["status"]], row["number"])
        yield outcomes
        for name, text, label, sql, column in (
            ("lanes", "Mailboxes by the state of their lane.", "state", _LANES, "state"),
            (
                "messages_in_hand",
                "Messages being sent, and messages of unknown outcome.",
                "status",
                _MESSAGES,
                "status",
            ),
            ("quarantined", "Open dead letters by class.", "error_class", _QUARANTINE, "error_class"),
            ("webhook_deliveries", "Outgoing webhooks that are pending or have failed.", "state", _WEBHOOKS, "state"),
            ("open_alerts", "Alerts that have not cleared, by kind.", "kind", _ALERTS, "kind"),
        ):
            yield _many(name, text, label, {row[column]: row["number"] for row in fetch_all(sql, asked)})
        inboxes = fetch_all(_INBOXES, asked)[0]
        yield _one("failing_inboxes", "Inboxes whose last check failed.", inboxes["failing"])
        yield _one(
            "oldest_inbox_reading_seconds",
            "Age of the oldest inbox check.",
            float(inboxes["oldest"] or 0),
        )
        progress = read_progress(self._now)
        ages = {part.value: age for part, age in progress.ages.items()}
        yield _many("progress_age_seconds", "Since the oldest of each part was due: 0 where nothing is.", "part", ages)
        stuck = dict.fromkeys(ages, 0.0)
        for standstill in progress.standstills:
            stuck[standstill.part.value] += standstill.number
        yield _many("stuck", "Those without progress for more than five minutes.", "part", stuck)
        workers = alive_workers(self._now)
        yield _one("workers_alive", "Executors with a heartbeat within the last minute.", len(workers))
        ages = {worker.name: (self._now - worker.heartbeat_at).total_seconds() for worker in workers}
        yield _many("worker_heartbeat_age_seconds", "Since the last heartbeat of each executor.", "worker", ages)
        is_paused = ExecutorState.objects.filter(pk=1, is_paused=True).exists()
        yield _one("executor_paused", "1 while the whole executor is paused.", int(is_paused))


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}{name}", text, value=value)


def _many(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def render_metrics(now: datetime) -> bytes:
    """The text format of Prometheus, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Collector(now))
    return generate_latest(registry)
