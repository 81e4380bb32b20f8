"""Alerts: one row for each incident, from when it is found until it is over; sent to those whose it is.

An alert is sent when its incident begins, when it comes back, and when it gets worse: twice as many things as when it
was last sent, or any more an hour later. It is stored before it is sent, outside a transaction, and sent at most every
ten minutes, so that what comes and goes, or a mail server that is down, floods no one.
"""

from __future__ import annotations

import json
import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from common.db import Row, execute, fetch_all
from common.text import plural
from execution.insight.troubles import LATE_AFTER, Trouble, find_troubles

__all__ = ["LATE_AFTER", "find_troubles", "reconcile_alerts"]

log = logging.getLogger(__name__)

_WEBHOOK_TIMEOUT_SECONDS = 10
_ONE_RECONCILER = 7_306_001
_SENT_AT_MOST_EVERY = timedelta(minutes=10)
_GROWTH_TOLD_AFTER = timedelta(hours=1)
# A problem that was over for longer is another one.
_IS_BACK_WITHIN = timedelta(days=7)

_RAISE = """
INSERT INTO execution_alert AS a (workspace_id, key, title, remedy, link, recipients, number, raised_at, seen_at)
SELECT r.workspace, r.key, r.title, r.remedy, r.link,
       coalesce(string_to_array(nullif(r.recipients, ''), ' '), '{}'), r.number, %(now)s, %(now)s
FROM unnest(%(workspaces)s::bigint[], %(keys)s::text[], %(titles)s::text[], %(remedies)s::text[], %(links)s::text[],
            %(recipients)s::text[], %(numbers)s::int[]) AS r(workspace, key, title, remedy, link, recipients, number)
ON CONFLICT (key) WHERE cleared_at IS NULL DO UPDATE
SET seen_at = excluded.seen_at, title = excluded.title, remedy = excluded.remedy, number = excluded.number,
    recipients = excluded.recipients, notified_number = least(a.notified_number, excluded.number)
"""
_CLEAR = "UPDATE execution_alert SET cleared_at = %(now)s WHERE cleared_at IS NULL AND NOT key = ANY(%(keys)s::text[])"
# `before`: the row of the same problem that was cleared last, if it is this one that comes back.
_TO_SEND = """
SELECT a.id, a.key, a.title, a.remedy, a.link, a.recipients, a.number, a.notified_number, a.notified_at,
       b.cleared_at AS before
FROM execution_alert a
LEFT JOIN LATERAL (SELECT max(cleared_at) AS cleared_at, max(notified_at) AS notified_at FROM execution_alert x
                   WHERE x.key = a.key AND x.cleared_at > %(back_within)s) b ON true
WHERE a.cleared_at IS NULL
  AND (a.notified_at IS NULL OR a.number >= 2 * a.notified_number
       OR (a.number > a.notified_number AND a.notified_at <= %(growth_since)s))
  AND coalesce(greatest(a.notified_at, b.notified_at) <= %(not_since)s, true)
ORDER BY a.id FOR UPDATE OF a
"""
# Marked before it is sent: while a mail server is down, its alert must not be sent every few seconds.
_MARK = """
UPDATE execution_alert a SET notified_at = %(now)s, notified_number = a.number, news = r.news
FROM unnest(%(ids)s::bigint[], %(news)s::text[]) AS r(id, news) WHERE a.id = r.id
"""


def reconcile_alerts(now: datetime) -> int:
    """Raise what is new, clear what is over, send. One process at a time; the others return 0 at once.

    Returns how many alerts were sent.
    """
    with transaction.atomic():
        if not fetch_all("SELECT pg_try_advisory_xact_lock(%(key)s) AS got", {"key": _ONE_RECONCILER})[0]["got"]:
            return 0
        _store(find_troubles(now), now)
        asked = {
            "back_within": now - _IS_BACK_WITHIN,
            "growth_since": now - _GROWTH_TOLD_AFTER,
            "not_since": now - _SENT_AT_MOST_EVERY,
        }
        to_send = fetch_all(_TO_SEND, asked)
        news = [_describe_news(row) for row in to_send]
        if to_send:
            execute(_MARK, {"now": now, "ids": [row["id"] for row in to_send], "news": news})
    for row, text in zip(to_send, news, strict=True):
        _send(row, text)
    return len(to_send)


def _describe_news(row: Row) -> str:
    if row["notified_at"] is not None:
        more = row["number"] - row["notified_number"]
        return f"{plural(more, 'more', 'more')} since {_time(row['notified_at'])}."
    return f"It is back: it was over at {_time(row['before'])}." if row["before"] else ""


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


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
                "recipients": [" ".join(trouble.to) for trouble in troubles],
                "numbers": [trouble.number for trouble in troubles],
            },
        )
    execute(_CLEAR, {"now": now, "keys": [trouble.key for trouble in troubles]})


def _send(alert: Row, news: str) -> None:
    """By email and webhook; a failure is logged and never stops the engine. The operators' addresses stay their own."""
    log.warning("alert: %s", " ".join([alert["title"], news]).strip())
    operators = sorted(settings.ALERT_EMAILS)
    body = "\n\n".join(part for part in (alert["title"], news, alert["remedy"], alert["link"]) if part) + "\n"
    for to in (operators, sorted(set(alert["recipients"] or ()) - set(operators))):
        if to:
            try:
                EmailMessage(subject=alert["title"][:150], body=body, to=to).send()
            except (OSError, smtplib.SMTPException) as error:
                log.error("the alert %r could not be emailed: %s", alert["key"], type(error).__name__)
    if settings.ALERT_WEBHOOK_URL:
        document = {name: alert[name] for name in ("key", "title", "remedy", "link", "number")} | {"news": news}
        try:
            requests.post(
                settings.ALERT_WEBHOOK_URL,
                data=json.dumps(document),
                headers={"Content-Type": "application/json"},
                timeout=_WEBHOOK_TIMEOUT_SECONDS,
            ).raise_for_status()
        except requests.RequestException as error:
            log.error("the alert %r could not be posted: %s", alert["key"], type(error).__name__)
